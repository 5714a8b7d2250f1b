// Replicas of one partition, the test as controller: the rules of CORRECTNESS §2.3 one by one
// =============================================================================

import { expect } from 'chai';
import { defaultReplicaLimits } from '../../../actors/partition/replica-core.js';
import { bytes, PartitionWorld, text } from '../../support/partition-world.js';

function ready(seed: string, options: ConstructorParameters<typeof PartitionWorld>[1] = {}): PartitionWorld {
  const world = new PartitionWorld(seed, options);
  world.elect('h1');
  world.lease('h1', 60_000);
  const role = (): string => world.replica('h1').role.kind;
  world.cluster.runUntil(() => role() === 'leader' && world.replica('h1').core.highWatermark > 0, 5000);
  return world;
}

describe('partition replica: writes', () => {
  it('D2 answers OK when every in-sync replica has the write on disk, with a receipt that says so', () => {
    const world = ready('writes 1');
    const session = world.openSession('h1');
    const reply = world.answer(world.put('h1', session, 1, 'name', 'Ada'));
    expect(reply.kind).to.equal('written');
    if (reply.kind !== 'written') return;
    expect(reply.results).to.deep.include({
      sequence: 1,
      status: 'applied',
      offset: 2,
      version: 1,
      value: new Uint8Array(0),
    });
    expect(reply.replicas).to.have.members(['h1', 'h2', 'h3']);
    for (const host of world.hosts) expect(world.replica(host).core.durableEnd, host).to.be.at.least(3);
  });

  it('D1 waits for a member of the maximal in-sync set that is away, and goes on when the controller has dropped it (R5, R13)', () => {
    const world = ready('writes 2');
    const session = world.openSession('h1');
    world.cluster.host('h3').pause(60_000);
    const asked = world.put('h1', session, 1, 'name', 'Ada');
    world.cluster.runFor(300);
    expect(world.client.replies.has(asked), 'answered before h3 had it').to.equal(false);
    const reply = world.answer(asked);
    expect(reply.kind).to.equal('written');
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
    if (reply.kind === 'written') expect(reply.replicas).to.have.members(['h1', 'h2']);
  });

  it('I1 keeps waiting for a follower whose proposed joining was lost on the way (maximal in-sync set)', () => {
    const world = ready('writes 3');
    const session = world.openSession('h1');
    world.cluster.host('h3').pause(2500);
    world.answer(world.put('h1', session, 1, 'a', '1'));
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
    world.onProposal = () => 'lose';
    world.cluster.runFor(4000); // h3 is back, caught up, and proposed; nobody answers
    world.cluster.host('h3').pause(60_000);
    const asked = world.put('h1', session, 2, 'b', '2');
    world.cluster.runFor(3000);
    expect(world.client.replies.has(asked), 'committed without a possible member').to.equal(false);
    world.onProposal = () => 'judge';
    expect(world.answer(asked).kind).to.equal('written');
  });

  it('D3 refuses before appending when fewer than the minimum are in sync (R7)', () => {
    const world = ready('writes 4');
    const session = world.openSession('h1');
    world.onProposal = () => 'lose';
    world.change({ inSync: ['h1'], eligible: ['h2'] });
    world.cluster.runFor(50);
    const end = world.replica('h1').core.log.end;
    const reply = world.answer(world.put('h1', session, 1, 'a', '1'));
    expect(reply).to.deep.include({ kind: 'refused', reason: 'unavailable' });
    expect(world.replica('h1').core.log.end).to.equal(end);
  });

  it('R5b a lone leader commits only while it holds a lease', () => {
    const world = ready('writes 5', { hostNames: ['h1'], table: { minInSync: 1, replicas: 1 } });
    const session = world.openSession('h1');
    world.lease('h1', 0);
    const asked = world.put('h1', session, 1, 'a', '1');
    world.cluster.runFor(500);
    expect(world.client.replies.has(asked)).to.equal(false);
    world.lease('h1', 1000);
    expect(world.answer(asked).kind).to.equal('written');
  });

  it('L5 does not raise the high watermark before the commit hold is over', () => {
    const world = ready('writes 6');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.elect('h2', { holdMs: 800 });
    world.lease('h2', 60_000);
    world.cluster.runFor(700);
    expect(world.replica('h2').role.kind).to.equal('leader');
    const before = world.replica('h2').core.highWatermark;
    world.cluster.runFor(400);
    expect(world.replica('h2').core.highWatermark).to.be.greaterThan(before);
  });
});

describe('partition replica: who may join', () => {
  /** h3 has acknowledged everything, dies, and the controller takes it out at once. */
  function bereaved(seed: string): { readonly world: PartitionWorld; readonly session: number } {
    const world = ready(seed);
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(100);
    world.cluster.host('h3').kill({ powerLost: false });
    world.change({ inSync: ['h1', 'h2'] });
    return { world, session };
  }

  it('D6 a dead follower that had everything is not proposed again, so nobody waits for it', () => {
    const { world, session } = bereaved('join 1');
    let proposals = 0;
    world.onProposal = () => {
      proposals++;
      return 'judge';
    };
    world.cluster.runFor(50);
    const reply = world.answer(world.put('h1', session, 2, 'b', '2'), 100);
    expect(reply.kind).to.equal('written');
    world.cluster.runFor(1000);
    expect(proposals).to.equal(0);
  });

  it('D7 a follower that lags is not proposed to join, only to be proposed to leave again', () => {
    const world = ready('join 3', { table: { minInSync: 3 } });
    const session = world.openSession('h1');
    world.cluster.runFor(100);
    let proposals = 0;
    world.onProposal = () => {
      proposals++;
      return 'judge';
    };
    world.cluster.journals.hang('h3', 3000);
    const asked = world.put('h1', session, 1, 'a', '1');
    world.cluster.runFor(2800); // it has all that is committed, answers that it has no more, and leaves
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
    expect(proposals).to.equal(1);
    expect(world.answer(asked).kind, 'when it has it').to.equal('written');
    expect(world.info.inSync).to.have.members(['h1', 'h2', 'h3']);
  });

  it('I1 a refused proposal is made void by the next one, and commits go on without the one refused', () => {
    const world = ready('join 2');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    let refused = 0;
    world.onProposal = (change) => {
      const joins = change.inSync.some((member) => member.host === 'h3');
      if (joins) refused++;
      return joins ? 'refuse' : 'judge';
    };
    world.change({ inSync: ['h1', 'h2'] }); // fenced for a moment, as the controller sees it; h3 is alive and caught up
    world.cluster.runUntil(() => refused > 0, 2000);
    world.cluster.host('h3').kill({ powerLost: false });
    expect(world.answer(world.put('h1', session, 2, 'b', '2'), 500).kind).to.equal('written');
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
  });
});

describe('partition replica: quiet and new leaders', () => {
  it('D5 a partition whose followers have everything and know it sends nothing', () => {
    const world = ready('quiet 1');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(1000);
    const before = world.cluster.network.counts.delivered;
    world.cluster.runFor(20_000);
    expect(world.cluster.network.counts.delivered - before).to.equal(0);
  });

  it('D4 a new leader lets requests wait until the first record of its epoch is committed (R9)', () => {
    const world = ready('quiet 2');
    const session = world.openSession('h1');
    world.elect('h2', { holdMs: 500 });
    world.lease('h2', 60_000);
    world.cluster.runUntil(() => world.replica('h2').role.kind === 'leader', 1000);
    const asked = world.put('h2', session, 1, 'a', '1');
    const read = world.read('h2', 'a');
    world.cluster.runFor(300);
    expect([world.client.replies.has(asked), world.client.replies.has(read)]).to.deep.equal([false, false]);
    expect(world.answer(asked).kind).to.equal('written');
    expect(world.answer(read).kind).to.equal('read-done');
  });

  it('L5 takes a hold that turned out shorter at once', () => {
    const world = ready('quiet 3');
    world.elect('h2', { holdMs: 5000 });
    world.lease('h2', 60_000);
    world.cluster.runFor(100);
    const before = world.replica('h2').core.highWatermark;
    world.change({ holdMs: 0 });
    world.cluster.runFor(100);
    expect(world.replica('h2').core.highWatermark).to.be.greaterThan(before);
  });
});

describe('partition replica: sessions', () => {
  it('S2 a repeated write is applied once and answered the same, also by the next leader', () => {
    const world = ready('sessions 1');
    const session = world.openSession('h1');
    const first = world.answer(world.put('h1', session, 1, 'a', '1'));
    const again = world.answer(world.put('h1', session, 1, 'a', '1'));
    if (first.kind !== 'written' || again.kind !== 'written') throw new Error('not written');
    expect(again.results).to.deep.equal(first.results);
    world.elect('h2');
    world.lease('h2', 60_000);
    world.cluster.runUntil(() => world.replica('h2').role.kind === 'leader', 1000);
    const later = world.answer(world.put('h2', session, 1, 'a', '1'));
    if (later.kind !== 'written') throw new Error(`not written: ${JSON.stringify(later)}`);
    expect(later.results).to.deep.equal(first.results);
  });

  it('S5 a session that is not there is never executed', () => {
    const world = ready('sessions 2');
    expect(world.answer(world.put('h1', 4711, 1, 'a', '1'))).to.deep.include({
      kind: 'refused',
      reason: 'session-stale',
    });
  });

  it('S5 S6 a sequence below what was confirmed is stale, one beyond the window is refused', () => {
    const world = ready('sessions 3');
    const session = world.openSession('h1');
    const op = (sequence: number) => ({
      sequence,
      operation: 'put' as const,
      key: bytes('a'),
      value: bytes('1'),
      ifVersion: undefined,
    });
    const write = (sequence: number, answeredThrough: number) =>
      world.answer(world.ask('h1', { kind: 'write', session, answeredThrough, ops: [op(sequence)] }));
    expect(write(1, 0).kind).to.equal('written');
    expect(write(2, 1).kind).to.equal('written');
    expect(write(1, 1)).to.deep.include({ kind: 'refused', reason: 'session-stale' });
    expect(write(2 + 600, 1)).to.deep.include({ kind: 'refused', reason: 'invalid' });
  });
});

describe('partition replica: reads', () => {
  it('Q2 answers under a lease', () => {
    const world = ready('reads 1');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    const reply = world.answer(world.read('h1', 'a'));
    if (reply.kind !== 'read-done') throw new Error(JSON.stringify(reply));
    expect(text(reply.items[0]?.value)).to.equal('1');
  });

  it('F1 without a lease asks every other in-sync replica first (L4)', () => {
    const world = ready('reads 2');
    world.lease('h1', 0);
    expect(world.answer(world.read('h1', 'a')).kind).to.equal('read-done');
    world.cluster.network.partition(['h1'], ['h2', 'h3']);
    expect(world.answer(world.read('h1', 'a'))).to.deep.include({ kind: 'refused' });
  });

  it('a follower refuses linearizable reads and answers stale ones, Q3 session ones not from before their mark', () => {
    const world = ready('reads 3');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(200);
    expect(world.answer(world.read('h2', 'a'))).to.deep.include({
      kind: 'refused',
      reason: 'not-leader',
      detail: 'h1',
    });
    const stale = world.answer(world.read('h2', 'a', 'stale'));
    if (stale.kind !== 'read-done') throw new Error(JSON.stringify(stale));
    expect(text(stale.items[0]?.value)).to.equal('1');
    const future = world.ask('h2', {
      kind: 'read',
      consistency: 'session',
      mark: { lineage: 1, offset: 999 },
      keys: [bytes('a')],
    });
    expect(world.answer(future)).to.deep.include({ kind: 'refused', reason: 'behind' });
  });
});

describe('partition replica: epochs', () => {
  it('R12 a follower with records that its leader lacks cuts them by epoch, and both logs are equal afterwards', () => {
    const world = ready('epochs 1');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    const heal = world.cluster.network.partition(['h1'], ['h2', 'h3']);
    const lost = world.put('h1', session, 2, 'a', 'never committed');
    world.cluster.runFor(100);
    world.elect('h2', { inSync: ['h2', 'h3'] });
    world.lease('h2', 60_000);
    world.cluster.runFor(200);
    // h1 does not hear of it yet: tell() reaches it through the test, so cut that too
    const other = world.answer(world.put('h2', session, 3, 'b', '2'));
    expect(other.kind).to.equal('written');
    heal();
    world.tell('h1');
    world.cluster.runUntil(() => world.replica('h1').core.log.end === world.replica('h2').core.log.end, 5000);
    world.cluster.runFor(500);
    const hashes = world.hosts.map((host) => JSON.stringify(world.replica(host).core.state.hash()));
    expect(new Set(hashes).size).to.equal(1);
    expect(world.answer(lost)).to.deep.include({ kind: 'refused', reason: 'outcome-unknown' });
  });

  it('R3 a deposed leader that knows nothing is fenced by its followers and answers nobody', () => {
    const world = ready('epochs 2');
    const session = world.openSession('h1');
    // Only h2 and h3 hear of the new epoch.
    world.info = { ...world.info, leader: 'h2', leaderEpoch: 2, partitionEpoch: world.info.partitionEpoch + 1 };
    world.tell('h2');
    world.tell('h3');
    world.cluster.runFor(50);
    const asked = world.put('h1', session, 1, 'a', '1');
    world.cluster.runFor(500);
    expect(world.client.replies.get(asked)?.kind).to.not.equal('written');
    expect(world.answer(world.read('h1', 'a'))).to.deep.include({ kind: 'refused', reason: 'not-leader' });
    world.tell('h1');
    const reply = world.answer(asked);
    expect(reply.kind).to.equal('refused');
    if (reply.kind === 'refused') expect(reply.reason).to.be.oneOf(['outcome-unknown', 'not-leader']);
  });

  it('R17 a killed replica comes back with everything acknowledged and rejoins', () => {
    const world = ready('epochs 3');
    const session = world.openSession('h1');
    for (let i = 1; i <= 20; i++) world.answer(world.put('h1', session, i, `k${i}`, `${i}`));
    world.cluster.host('h3').kill({ powerLost: true });
    world.answer(world.put('h1', session, 21, 'more', '1'));
    world.cluster.host('h3').start();
    world.cluster.runUntil(() => world.info.inSync.includes('h3') && world.info.inSync.length === 3, 10_000);
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    expect(world.replica('h3').core.state.hash()).to.deep.equal(world.replica('h1').core.state.hash());
  });

  it('C4 memory keeps little of the log while all are in sync, and all that is asked for of one that falls behind', () => {
    const logBytesKept = 4000;
    const world = ready('epochs 6', { replicaLimits: { ...defaultReplicaLimits, logBytesKept } });
    const session = world.openSession('h1');
    let sequence = 0;
    const write = (count: number): void => {
      for (let i = 0; i < count; i++)
        world.answer(world.put('h1', session, ++sequence, `k${sequence}`, 'x'.repeat(1000)));
    };
    write(20);
    world.cluster.runUntil(() => world.agree('h1', 'h2') && world.agree('h1', 'h3'), 5000);
    for (const host of world.hosts) {
      const { log, snapshotEnd } = world.replica(host).core;
      expect(log.byteCount, host).to.be.within(logBytesKept, logBytesKept * 1.5 + 1100);
      expect(snapshotEnd, 'without a snapshot').to.equal(0);
    }
    const { end } = world.replica('h3').core.log;
    world.cluster.host('h3').kill();
    write(20);
    expect(world.info.inSync).to.not.include('h3');
    expect(world.replica('h1').core.log.start).to.be.at.most(end);
    world.cluster.host('h3').start();
    world.cluster.runUntil(() => world.info.inSync.includes('h3'), 10_000);
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    expect(world.replica('h3').core.loadedEnd, 'served from the log').to.equal(0);
    write(1);
    expect(world.replica('h1').core.log.byteCount).to.be.within(logBytesKept, logBytesKept * 1.5 + 1100);
  });

  it('T1 T2 N2 a follower further behind than the log reaches gets a snapshot while writes go on', () => {
    const world = ready('epochs 4');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'k1', '1'));
    world.cluster.host('h3').kill({ powerLost: true });
    for (let i = 2; i <= 60; i++) world.answer(world.put('h1', session, i, `k${i}`, 'x'.repeat(2000)));
    const leader = world.replica('h1').core;
    leader.log.trim(leader.highWatermark, 0);
    expect(leader.log.start).to.be.greaterThan(0);
    world.cluster.host('h3').start();
    for (let i = 61; i <= 80; i++) world.answer(world.put('h1', session, i, `k${i}`, 'y'));
    world.cluster.runUntil(() => world.info.inSync.includes('h3') && world.info.inSync.length === 3, 20_000);
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    expect(world.replica('h3').core.state.hash()).to.deep.equal(world.replica('h1').core.state.hash());
    expect(world.replica('h3').core.snapshotEnd).to.be.greaterThan(0);
    // What was installed is what it recovers from.
    world.cluster.host('h3').kill({ powerLost: true });
    world.change({ inSync: ['h1', 'h2'] });
    world.cluster.host('h3').start();
    world.cluster.runUntil(() => world.info.inSync.length === 3, 20_000);
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    expect(world.replica('h3').core.state.hash()).to.deep.equal(world.replica('h1').core.state.hash());
  });
});
