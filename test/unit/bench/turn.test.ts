// A turn, of a peer that lives in this process

import { expect } from 'chai';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeySpace } from '../../bench/key-space.js';
import type { Driver, Peer, RunningPeer } from '../../bench/peer.js';
import type { Turn } from '../../bench/result.js';
import { type Plan, planOf } from '../../bench/scenario.js';
import { takeTurn } from '../../bench/turn.js';

class MapDriver implements Driver {
  readonly items = new Map<string, string>();
  isClosed = false;

  async put(key: string, value: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.items.set(key, value);
  }

  async get(key: string): Promise<string | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.items.get(key);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

class FakePeer implements Peer {
  readonly name = 'fake';
  readonly title = 'Fake';
  readonly promise = { fsyncBeforeAnswer: false, copies: '0', reads: 'current', isReadCurrent: true };
  readonly settings = [];
  readonly canScan = false;
  readonly driver = new MapDriver();
  readonly connect: () => Promise<Driver>;
  stops = 0;
  folder = '';

  constructor(connect?: () => Promise<Driver>) {
    this.connect = connect ?? (async () => this.driver);
  }

  missing = async (): Promise<undefined> => undefined;
  versions = async (): Promise<Record<string, string>> => ({});

  async start(directory: string): Promise<RunningPeer> {
    this.folder = directory;
    const stop = async (): Promise<void> => {
      this.stops++;
    };
    return { servers: [{ name: 'self', pid: process.pid }], connect: this.connect, stop };
  }
}

const whole = planOf(false);
const plan: Plan = {
  ...whole,
  scenarios: whole.scenarios.filter((one) =>
    ['write-c64', 'write-c256', 'open-write-50', 'ycsb-d', 'ycsb-e'].includes(one.name),
  ),
  keys: { 256: 300 },
  turnWarmupMs: 40,
  warmupMs: 20,
  windowMs: 200,
};

describe('bench: turn', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'troupe-bench-test-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function turnOf(peer: Peer, signal = new AbortController().signal, steps: string[] = []): Promise<Turn> {
    const spaces = new Map([[256, new KeySpace(256, 300)]]);
    return takeTurn({ peer, round: 1, plan, spaces, directory, signal, onStep: (step) => steps.push(step) });
  }

  it('fills, measures everything that the peer can do, and leaves nothing behind', async () => {
    const peer = new FakePeer();
    const steps: string[] = [];
    const turn = await turnOf(peer, undefined, steps);
    expect(turn.failure).to.equal(undefined);
    expect(turn.measurements.map((one) => one.scenario)).to.deep.equal([
      'write-c64',
      'write-c256',
      'ycsb-d',
      'open-write-50',
    ]);
    for (const { scenario, answered, errors, servers } of turn.measurements) {
      expect(answered, scenario).to.be.greaterThan(0);
      expect(errors, scenario).to.deep.equal({});
      expect(servers.map((one) => one.name)).to.deep.equal(['self']);
    }
    const open = turn.measurements.at(-1);
    expect(open?.askedPerSecond).to.equal(Math.round((turn.measurements[1]?.perSecond ?? 0) / 2));
    expect(peer.driver.items.size, 'D inserts').to.be.greaterThan(300);
    expect([peer.stops, peer.driver.isClosed, existsSync(peer.folder)]).to.deep.equal([1, true, false]);
    expect(steps[0]).to.equal('starting');
    expect(steps.at(-1)).to.equal('stopping');
  });

  it('a peer that fails ends its turn alone, and its servers', async () => {
    const peer = new FakePeer(async () => {
      throw new Error('it does not listen');
    });
    const turn = await turnOf(peer);
    expect(turn.failure).to.equal('it does not listen');
    expect(turn.measurements).to.deep.equal([]);
    expect(peer.stops).to.equal(1);
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('an interrupted turn ends its servers, even when no answer comes any more', async () => {
    const abort = new AbortController();
    const deaf: Driver = {
      put: () => {
        setImmediate(() => abort.abort(new Error('interrupted')));
        return new Promise(() => undefined);
      },
      get: async () => undefined,
      close: async () => undefined,
    };
    const peer = new FakePeer(async () => deaf);
    let said = '';
    await turnOf(peer, abort.signal).catch((error: Error) => {
      said = error.message;
    });
    expect(said).to.equal('interrupted');
    expect(peer.stops).to.equal(1);
    expect(readdirSync(directory)).to.deep.equal([]);
  });
});
