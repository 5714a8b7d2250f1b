// The words after `make bench`

import { expect } from 'chai';
import { parseBenchArguments, UsageError } from '../../bench/bench-arguments.js';

function refused(...args: string[]): string {
  try {
    parseBenchArguments(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}

describe('bench: arguments', () => {
  it('none means all peers, everything, into the docs', () => {
    expect(parseBenchArguments([])).to.deep.equal({
      quick: false,
      peers: ['troupe', 'etcd', 'jetstream', 'redis', 'redis-wait', 'troupe-defaults'],
      groups: ['writes', 'reads', 'sizes', 'mixes', 'open'],
      rounds: undefined,
      windowMs: undefined,
      keys: undefined,
      out: 'docs/benchmarks/latest',
      data: undefined,
      output: 'table',
      etcdRoute: 'leader',
      redisPipelining: 'auto',
      help: false,
    });
  });

  it('a quick run leaves the docs alone', () => {
    expect(parseBenchArguments(['--quick']).out).to.equal('.bench/quick');
    expect(parseBenchArguments(['--quick', '--out', 'x']).out).to.equal('x');
  });

  it('peers take turns in one order, however they are named', () => {
    expect(parseBenchArguments(['--peers', 'redis, troupe,redis']).peers).to.deep.equal(['troupe', 'redis']);
  });

  it('takes rounds, seconds, keys and an output', () => {
    const wish = parseBenchArguments(['--rounds', '5', '--seconds', '0.25', '--keys', '1000', '-o', 'json']);
    expect(wish).to.include({ rounds: 5, windowMs: 250, keys: 1000, output: 'json' });
  });

  it('refuses what makes no sense, in one line that says what does', () => {
    const messages = [
      refused('--peers', 'troupe,mongo'),
      refused('--peers', ''),
      refused('--rounds', '0'),
      refused('--rounds', '2.5'),
      refused('--rounds', ''),
      refused('--seconds', '0'),
      refused('--seconds', '1e9'),
      refused('--keys', '-1'),
      refused('--keys', '5'),
      refused('--only', 'deletes'),
      refused('--out', ''),
      refused('--output', 'xml'),
      refused('--etcd-route', 'follower'),
      refused('--redis-pipelining', 'on'),
      refused('--fast'),
      refused('extra'),
      refused('--rounds'),
    ];
    for (const message of messages) expect(message).to.match(/^[^\n]{10,120}$/);
    expect(messages[0]).to.equal(
      '--peers knows troupe, etcd, jetstream, redis, redis-wait, troupe-defaults; not "mongo"',
    );
    expect(messages[2]).to.equal('--rounds is a whole number from 1 to 100, not "0"');
  });
});
