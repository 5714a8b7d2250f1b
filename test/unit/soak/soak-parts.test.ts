import { expect } from 'chai';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../../cli/cli-error.js';
import { parseFaults } from '../../../cli/commands/soak.js';
import { flipBits, journalFiles, truncateFile, writtenBytes } from '../../../cli/soak/damage.js';
import { differenceOf } from '../../../cli/soak/equal-copies.js';
import { faults, pickFaults } from '../../../cli/soak/faults.js';
import { HostWords } from '../../../cli/soak/host-words.js';
import { Settled } from '../../../cli/soak/settled.js';
import { cycleLine, faultReports, sparkline } from '../../../cli/soak/soak-report.js';
import type { Entry, HeldItem, Told } from '../../../messaging/workload/history.js';
import { seededRandom } from '../../../runtime/std/random.js';

describe('soak: which faults', () => {
  it('are at most one to a disk, and then none that stops another host', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const picked = pickFaults(faults, seededRandom(seed));
        const kinds = picked.map((fault) => fault.kind);
        expect(picked.length).to.be.within(1, 3);
        expect(new Set(picked).size).to.equal(picked.length);
        expect(kinds.filter((kind) => kind === 'disk').length).to.be.at.most(1);
        if (kinds.includes('disk')) expect(kinds).to.not.include('process');
      }),
    );
  });

  it('are those of the seed', () => {
    const names = (seed: string): string[] => pickFaults(faults, seededRandom(seed)).map((fault) => fault.name);
    for (let i = 0; i < 20; i++) expect(names(`s${i}`)).to.deep.equal(names(`s${i}`));
  });

  it('are named by a list, and an unknown name is one clear line', () => {
    expect(parseFaults('kill-one, cut').map((fault) => fault.name)).to.deep.equal(['kill-one', 'cut']);
    expect(() => parseFaults('kill-one,kil-all'))
      .to.throw(CliError, /--faults knows .*kill-all.*, not kil-all/)
      .with.property('code', 'USAGE');
  });
});

describe('soak: damage', () => {
  let directory = '';
  const files = [
    'worker-0/generation-0000000001/segment-0000000001',
    'worker-1/generation-0000000001/segment-0000000001',
  ];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'troupe-damage-'));
    writeFileSync(join(directory, 'identity.json'), '{}');
    for (const file of files) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), Buffer.concat([Buffer.alloc(1000, 7), Buffer.alloc(3000)]));
    }
    writeFileSync(join(directory, 'worker-0/generation-0000000001/segment-0000000002'), Buffer.alloc(4000));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('finds the journals’ files in which something was written', () => {
    expect(journalFiles(directory)).to.deep.equal(files.map((file) => join(directory, file)));
    expect(writtenBytes(join(directory, files[0] as string))).to.equal(1000);
  });

  it('flips bits where something was written, in one file', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        for (const file of files) writeFileSync(join(directory, file), Buffer.alloc(1000, 7), { flag: 'r+' });
        flipBits(directory, seededRandom(seed));
        const changed = files.map((file) => {
          const bytes = readFileSync(join(directory, file));
          expect(bytes.length).to.equal(4000);
          expect(bytes.subarray(1000).every((byte) => byte === 0)).to.equal(true);
          return bytes.subarray(0, 1000).reduce((count, byte) => count + (byte === 7 ? 0 : 1), 0);
        });
        expect(Math.min(...changed)).to.equal(0);
        expect(Math.max(...changed)).to.be.at.most(8);
      }),
      { numRuns: 30 },
    );
  });

  it('truncates one file within what was written', () => {
    truncateFile(directory, seededRandom('cut'));
    const sizes = files.map((file) => statSync(join(directory, file)).size).sort((a, b) => a - b);
    expect(sizes[0]).to.be.below(1000);
    expect(sizes[1]).to.equal(4000);
  });
});

describe('soak: what is settled', () => {
  const nowhere = { partition: 0, lineage: 0, epoch: 0, offset: 0 };
  const applied: Told = { kind: 'written', status: 'applied', version: 1, value: undefined, ...nowhere };
  const put = (key: string, told: Told | undefined): Entry => ({
    client: 'c',
    table: 't',
    asked: { kind: 'put', key, value: key, ifVersion: undefined },
    calledAt: 0,
    calledMs: 0,
    returnedAt: 1,
    returnedMs: 1,
    told,
  });

  it('is every key whose writes have a known outcome, as it was read', () => {
    const settled = new Settled();
    const failed: Told = { kind: 'failed', code: 'UNAVAILABLE', message: '' };
    const entries = [
      put('a', applied),
      put('b', { kind: 'unknown' }),
      put('c', failed),
      put('d', undefined),
      put('e', applied),
    ];
    const item = { value: 'a', version: 1 };
    settled.add(
      entries,
      new Map<string, HeldItem | undefined | 'unread'>([
        ['t\na', item],
        ['t\nb', undefined],
        ['t\nc', undefined],
        ['t\nd', item],
        ['t\ne', 'unread'],
      ]),
    );
    expect(settled.size).to.equal(2);
    expect(settled.keys()).to.deep.equal(['a', 'c', 'b', 'd']);
    expect(settled.unsure).to.equal(2);
    expect(settled.left).to.equal(1);
    expect(settled.difference('a', item)).to.equal(undefined);
    expect(settled.difference('a', undefined)).to.match(/is lost/);
    expect(settled.difference('a', { value: 'a', version: 2 })).to.match(/version 1.*version 2/);
    expect(settled.difference('c', undefined)).to.equal(undefined);
    expect(settled.difference('c', item)).to.match(/was absent/);
  });
});

describe('soak: what is unsure', () => {
  const written = (version: number): Told => ({
    kind: 'written',
    status: 'applied',
    version,
    value: undefined,
    partition: 0,
    lineage: 0,
    epoch: 1,
    offset: version,
  });
  const put = (key: string, value: string, calledAt: number, told: Told): Entry => ({
    client: 'c',
    table: 't',
    asked: { kind: 'put', key, value, ifVersion: undefined },
    calledAt,
    calledMs: 0,
    returnedAt: calledAt + 1,
    returnedMs: 0,
    told,
  });

  /** Two cycles with one key each; of `a` the second put is of unknown outcome. */
  function settledOfTwoCycles(): Settled {
    const settled = new Settled();
    const item = { value: 'one', version: 1 };
    settled.add([put('a', 'one', 0, written(1)), put('a', 'two', 2, { kind: 'unknown' })], new Map([['t\na', item]]));
    settled.add([put('b', 'x', 0, { kind: 'unknown' })], new Map([['t\nb', undefined]]));
    return settled;
  }

  const judged = (a: HeldItem | undefined, b: HeldItem | undefined): string =>
    settledOfTwoCycles().judgeUnsure(
      't',
      new Map([
        ['a', a],
        ['b', b],
      ]),
      () => false,
      1000,
    ).outcome;

  it('may have taken effect since, or not', () => {
    expect(judged({ value: 'one', version: 1 }, undefined)).to.equal('linearizable');
    expect(judged({ value: 'two', version: 2 }, { value: 'x', version: 1 })).to.equal('linearizable');
  });

  it('is wrong when what was acknowledged is gone, or what nobody wrote is there', () => {
    expect(judged(undefined, undefined)).to.equal('violated');
    expect(judged({ value: 'one', version: 1 }, { value: 'y', version: 1 })).to.equal('violated');
    expect(judged({ value: 'two', version: 3 }, undefined)).to.equal('violated');
  });
});

describe('soak: equal copies', () => {
  const copy = (host: string, applied: number, items = 1) => ({
    host,
    role: 'follower' as const,
    applied,
    items,
    bytes: 10,
  });
  const partition = { id: 4, epoch: 1, inSync: [], highWatermark: 1, items: 1, bytes: 10 };
  const status = (copies: ReturnType<typeof copy>[], leader: string | undefined = 'h1') => ({
    tables: [
      {
        name: 't',
        replicas: 2,
        minInSync: 1,
        durability: 'sync',
        partitions: [{ ...partition, leader, replicas: ['h1', 'h2'], copies }],
      },
    ],
  });

  it('are told from those that differ, lag or do not answer', () => {
    expect(differenceOf(status([copy('h1', 7), copy('h2', 7)]))).to.equal(undefined);
    expect(differenceOf(status([copy('h1', 7), copy('h2', 6)]))).to.match(/partition 4 of table t: h2 has .* at 6/);
    expect(differenceOf(status([copy('h1', 7), copy('h2', 7, 2)]))).to.match(/h2 has 2 items/);
    expect(differenceOf(status([copy('h1', 7)]))).to.match(/not every replica/);
    expect(differenceOf(status([copy('h2', 7), copy('h2', 7)]))).to.match(/not every replica/);
  });
});

describe('soak: what hosts say', () => {
  it('is counted; crashes that no fault explains are bugs', () => {
    const words = new HostWords();
    words.hear('h1: 12:03:04.567 warn  h1/0/partition-3 host-fenced host=h2');
    words.hear('h1: 12:03:04.567 error h1/0/partition-3 actor-crashed error="P1: the high watermark moved back"');
    words.hear('h2: 12:03:04.567 error h2/1/host worker-died error="a test ends this thread"');
    words.hear('h2: 12:03:04.567 error h2/1/host worker-died error=oops');
    words.hear('h2: troupe: host h2 ends (exit code 74): the disk of worker 0 failed');
    words.hear('h3: troupe: host h3 ends (exit code 78): refused');
    words.hear('nats-server: [1] 2026/11/20 [INF] Server is ready');
    expect([...words.counts]).to.deep.equal([
      ['host-fenced', 1],
      ['actor-crashed', 1],
      ['worker-died', 2],
    ]);
    expect(words.crashes).to.deep.equal([
      'h1/0/partition-3 actor-crashed error="P1: the high watermark moved back"',
      'h2/1/host worker-died error=oops',
      'h3 ended (exit code 78): refused',
    ]);
    expect(words.endOf('h2')).to.include({ exitCode: 74, reason: 'the disk of worker 0 failed' });
    expect(words.endOf('h1')).to.equal(undefined);
    expect([words.endCount('h1'), words.endCount('h2')]).to.deep.equal([0, 1]);
  });
});

describe('soak: the report', () => {
  const verdict = {
    outcome: 'linearizable',
    keys: { linearizable: 9, violated: 0, undecided: 1 },
    operations: 100,
    counters: 1,
    unread: 0,
    findings: [],
  } as const;

  it('has a line a cycle', () => {
    const result = {
      cycle: 3,
      faults: [
        { name: 'kill-one', done: 'h2' },
        { name: 'nats-kill', done: '' },
      ],
      healthyMs: 4123,
      counts: { answered: 100, failed: 2, unknown: 1 },
      answeredOverTime: [40, 0, 20, 40],
      losesUnsynced: true,
      illness: undefined,
      verdict,
      entries: [],
      back: new Map(),
      timesMs: { faults: 1, well: 2, equal: 3, read: 4, judge: 5 },
    };
    expect(cycleLine(result, 20)).to.equal(
      '3/20  kill-one h2 + nats-kill (a kill is a power loss): well after 4.1 s · ▕█ ▄█▏ 100 answered, 2 failed, 1 unknown · 9 keys linearizable, 1 undecided',
    );
  });

  it('draws what was answered over time: a gap is a gap, a long time is drawn together', () => {
    expect(sparkline([])).to.equal('');
    expect(sparkline([0, 1, 8])).to.equal(' ▁█');
    expect(sparkline(Array.from({ length: 90 }, () => 2))).to.equal('█'.repeat(30));
  });

  it('says of each fault how often, and how long until all was well', () => {
    const one = (name: string, healthyMs: number) => ({ faults: [{ name, done: '' }], healthyMs });
    expect(faultReports([one('cut', 30), one('cut', 10), one('cut', 20), one('wipe', 5)])).to.deep.equal([
      { name: 'cut', times: 3, healthyMs: { p50: 20, max: 30 } },
      { name: 'wipe', times: 1, healthyMs: { p50: 5, max: 5 } },
    ]);
  });
});
