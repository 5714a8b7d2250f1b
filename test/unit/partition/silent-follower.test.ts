// Followers that their leader gave up, and answers that come late
// =============================================================================

import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import { encodeMeta } from '../../../actors/partition/record.js';
import type { Link } from '../../../messaging/protocol/replication-messages.js';
import { bytes, PartitionWorld } from '../../support/partition-world.js';

function ready(seed: string): PartitionWorld {
  const world = new PartitionWorld(seed);
  world.elect('h1');
  world.lease('h1', 600_000);
  world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
  return world;
}

/** From now on h3 gets no message that only says what is committed. @returns how to let them pass again */
function dropNews(world: PartitionWorld): () => void {
  let dropping = true;
  world.cluster.network.filter(({ message, to }) => {
    const { batches } = message as { readonly batches?: readonly unknown[] };
    return dropping && to.host === 'h3' && batches?.length === 0 ? 'drop' : 'pass';
  });
  return () => {
    dropping = false;
  };
}

/** What h1 would say of where a message to h3 belongs. */
function linkToH3(world: PartitionWorld): Link {
  const { core } = world.replica('h3');
  const { lineage, epoch } = core;
  return { partition: 0, lineage, epoch, from: core.replicaEpochOf('h1') as number, to: core.place().replicaEpoch };
}

describe('follower: what it applies, and when', () => {
  it('following W9 what is committed is applied after the records that came with the news were given to the disk', () => {
    const world = ready('news 2');
    const session = world.openSession('h1');
    world.cluster.runFor(1000);
    const undo = dropNews(world);
    const { core } = world.replica('h3');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    const { highWatermark } = core;
    const { end } = core.log;
    expect(highWatermark, 'the news was dropped').to.be.lessThan(end);
    world.put('h1', session, 2, 'b', '2');
    world.cluster.runUntil(() => core.log.end > end, 1000);
    expect(core.highWatermark).to.equal(highWatermark);
    world.cluster.runUntil(() => core.highWatermark === end, 1000);
    undo();
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 1000);
  });

  it('following W9 a follower that takes another role has applied what it knows to be committed', () => {
    const world = ready('news 3');
    const session = world.openSession('h1');
    world.cluster.runFor(1000);
    dropNews(world);
    const { core } = world.replica('h3');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    const { end } = core.log;
    world.put('h1', session, 2, 'b', '2');
    world.cluster.runUntil(() => core.log.end > end, 1000);
    expect(core.highWatermark).to.be.lessThan(end);
    const { role } = world.replica('h3');
    if (role.kind !== 'follower') throw new Error('h3 follows');
    role.end({ timers: { cancel: () => undefined } } as never);
    expect(core.highWatermark).to.equal(end);
  });
});

describe('follower: given up, and back', () => {
  // Simulator seeds 27 and 36: a leader that had given a follower up and the follower told one another for ever where they were.
  it('following W6 a follower whose acknowledgements were lost for long is in sync again soon after they pass', () => {
    const world = ready('silent 1');
    const session = world.openSession('h1');
    const undo = world.cluster.network.cutOneWay(['h3'], ['h1']);
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(8000);
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
    undo();
    world.cluster.runUntil(() => world.info.inSync.includes('h3'), 5000);
  });

  it('following W6 a follower that heard nothing for long is in sync again although nobody writes', () => {
    const world = ready('silent 2');
    const session = world.openSession('h1');
    const undo = world.cluster.network.isolate('h3');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(8000);
    expect(world.info.inSync).to.deep.equal(['h1', 'h2']);
    undo();
    world.tell('h3'); // as the map does, sooner or later
    world.cluster.runUntil(() => world.info.inSync.includes('h3'), 5000);
  });

  // Simulator seed 562: the news was sent once, lost, and the follower's stale reads stayed behind until the next write.
  it('D5 a follower that missed the last news of what is committed hears of it although nobody writes', () => {
    const world = ready('news 1');
    const session = world.openSession('h1');
    world.cluster.runFor(1000);
    const undo = dropNews(world);
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(100);
    expect(world.agree('h1', 'h3')).to.equal(false);
    undo();
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 1000);
  });

  // Simulator seed 1795929716231: the question came again when the log began behind it. Its leader offered a snapshot, which a follower that lacks nothing takes no notice of,
  // and told it nothing more; with the next write it would have been waited for until it was out of the set.
  it('D8 a question that is older than what was acknowledged since is not answered, and its follower hears of commits and writes as before', () => {
    const world = ready('late question');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 1000);
    const { core } = world.replica('h3');
    const leader = world.replica('h1').core;
    const logEnd = core.log.end;
    const undo = dropNews(world);
    world.answer(world.put('h1', session, 2, 'b', '2'));
    leader.log.trim(leader.highWatermark, 0);
    const { replicaEpoch } = core.place();
    const link: Link = { ...linkToH3(world), from: replicaEpoch, to: leader.place().replicaEpoch };
    const late = { kind: 'reconcile', link, logEnd, lastEpoch: core.log.lastEpoch } as Message;
    world.cluster.deliver(leader.self, late, { ...leader.self, host: 'h3' });
    world.cluster.runFor(20);
    expect(world.agree('h1', 'h3'), 'no news yet').to.equal(false);
    undo();
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 500);
    const reply = world.answer(world.put('h1', session, 3, 'c', '3'), 500);
    expect(reply).to.deep.include({ kind: 'written' });
    expect(world.info.inSync).to.have.members(['h1', 'h2', 'h3']);
  });

  it('following W5 an answer to another question than the last one cuts nothing', () => {
    const world = ready('late 1');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    const { core } = world.replica('h3');
    const { end } = core.log;
    // The follower asks anew, and before the answer comes one that was given to a longer log of an older epoch.
    world.cluster.network.filter(({ message }) => (message.kind === 'reconciled' ? 'drop' : 'pass'));
    world.replica('h3'); // still the same
    world.cluster.host('h3').worker(0).loop?.signal({ kind: 'link-gap', host: 'h1', worker: 0 });
    world.cluster.runFor(1);
    const link = linkToH3(world);
    const late = { kind: 'diverged', link, logEnd: end + 10, lastEpoch: 0, epochAt: 0, end: 0 } as Message;
    world.cluster.deliver(core.self, late, { ...core.self, host: 'h1' });
    world.cluster.runFor(5);
    expect(world.replica('h3').core.log.end).to.equal(end);
    expect(world.replica('h3').role.kind).to.equal('follower');
  });

  // Simulator seed 1795908705896: two questions of a follower at 18; after the first answer it took 19 and 20 and acknowledged them, and the answer to the second, which
  // its leader gave when its log began at 19, was a snapshot of 19.
  it('following W5 a snapshot below the end of a log that has agreed is not installed', () => {
    const world = ready('late 2');
    const session = world.openSession('h1');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    const leader = world.replica('h1').core;
    const { core } = world.replica('h3');
    world.cluster.runFor(1000);
    world.put('h1', session, 2, 'b', '2');
    world.put('h1', session, 3, 'c', '3');
    const before = core.log.end;
    world.cluster.runUntil(() => core.durableEnd === before + 2, 1000);
    const end = core.durableEnd;
    const meta = encodeMeta(leader.state.meta(leader.lineage, end - 1, leader.timeMs, leader.log.epochs.entries()));
    expect(core.highWatermark, 'M11 alone would not decline it').to.be.lessThan(end - 1);
    // The follower asks anew, and there is no answer but the late one.
    world.cluster.network.filter(({ message }) => (message.kind === 'reconciled' ? 'drop' : 'pass'));
    world.cluster.host('h3').worker(0).loop?.signal({ kind: 'link-gap', host: 'h1', worker: 0 });
    world.cluster.runFor(1);
    const link = linkToH3(world);
    world.cluster.deliver(core.self, { kind: 'snapshot-offer', link, snapshot: 7, meta } as Message, {
      ...core.self,
      host: 'h1',
    });
    world.cluster.runFor(5);
    const { role } = world.replica('h3');
    expect(role.kind === 'follower' && role.phase).to.equal('reconciling');
    expect(core.log.end).to.equal(end);
  });

  it('a batch that it has already, and trimmed, does not hide the new one behind it', () => {
    const world = ready('trimmed 1');
    const session = world.openSession('h1');
    const op = { operation: 'put' as const, value: bytes('1'), ifVersion: undefined };
    const ops = [1, 2, 3].map((sequence) => ({ ...op, sequence, key: bytes(`k${sequence}`) }));
    world.answer(world.ask('h1', { kind: 'write', session, answeredThrough: 0, ops }));
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
    const { core } = world.replica('h3');
    const leader = world.replica('h1').core;
    const base = core.log.end - 3;
    world.cluster.network.filter(({ to }) => (to.host === 'h3' ? 'drop' : 'pass'));
    world.answer(world.put('h1', session, 4, 'b', '2'));
    const batches = leader.log.from(base, 1_000_000, 10).map((entry) => entry.bytes);
    expect(batches).to.have.length(2);
    core.log.trim(core.highWatermark, 0);
    const link = linkToH3(world);
    const { highWatermark } = leader;
    const message = {
      kind: 'replicate',
      link,
      base,
      previousEpoch: 1,
      acknowledged: 0,
      highWatermark,
      batches,
    } as Message;
    world.cluster.deliver(core.self, message, { ...core.self, host: 'h1' });
    world.cluster.runFor(5);
    expect(core.log.end).to.equal(leader.log.end);
  });
});
