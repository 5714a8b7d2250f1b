// Followers that their leader gave up, and answers that come late
// =============================================================================

import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import { PartitionWorld } from '../../support/partition-world.js';

function ready(seed: string): PartitionWorld {
  const world = new PartitionWorld(seed);
  world.elect('h1');
  world.lease('h1', 600_000);
  world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
  return world;
}

describe('follower: what it applies, and when', () => {
  it('following W9 what is committed is applied after the records that came with the news were given to the disk', () => {
    const world = ready('news 2');
    const session = world.openSession('h1');
    world.cluster.runFor(1000);
    let dropping = true;
    world.cluster.network.filter(({ message, to }) => {
      const { batches } = message as { readonly batches?: readonly unknown[] };
      return dropping && to.host === 'h3' && batches?.length === 0 ? 'drop' : 'pass';
    });
    const { core } = world.replica('h3');
    world.answer(world.put('h1', session, 1, 'a', '1'));
    const { highWatermark } = core;
    const { end } = core.log;
    expect(highWatermark, 'the news was dropped').to.be.lessThan(end);
    world.put('h1', session, 2, 'b', '2');
    world.cluster.runUntil(() => core.log.end > end, 1000);
    expect(core.highWatermark).to.equal(highWatermark);
    world.cluster.runUntil(() => core.highWatermark === end, 1000);
    dropping = false;
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 1000);
  });

  it('following W9 a follower that takes another role has applied what it knows to be committed', () => {
    const world = ready('news 3');
    const session = world.openSession('h1');
    world.cluster.runFor(1000);
    world.cluster.network.filter(({ message, to }) => {
      const { batches } = message as { readonly batches?: readonly unknown[] };
      return to.host === 'h3' && batches?.length === 0 ? 'drop' : 'pass';
    });
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
    let dropping = false;
    world.cluster.network.filter(({ message, to }) => {
      const { batches } = message as { readonly batches?: readonly unknown[] };
      return dropping && to.host === 'h3' && batches?.length === 0 ? 'drop' : 'pass';
    });
    dropping = true;
    world.answer(world.put('h1', session, 1, 'a', '1'));
    world.cluster.runFor(100);
    expect(world.agree('h1', 'h3')).to.equal(false);
    dropping = false;
    world.cluster.runUntil(() => world.agree('h1', 'h3'), 1000);
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
    const link = {
      partition: 0,
      lineage: core.lineage,
      epoch: core.epoch,
      from: core.replicaEpochOf('h1'),
      to: core.place().replicaEpoch,
    };
    const late = { kind: 'diverged', link, logEnd: end + 10, lastEpoch: 0, epochAt: 0, end: 0 } as Message;
    world.cluster.deliver(core.self, late, { ...core.self, host: 'h1' });
    world.cluster.runFor(5);
    expect(world.replica('h3').core.log.end).to.equal(end);
    expect(world.replica('h3').role.kind).to.equal('follower');
  });
});
