// A snapshot that is being installed meets something else: a full journal, another epoch
// =============================================================================

import { expect } from 'chai';
import { installProbes } from '../../../runtime/probes/probes.js';
import { PartitionWorld } from '../../support/partition-world.js';

/** A world in which h3 needs a snapshot, run until it is in that phase of taking it. */
function installing(seed: string, phase: 'installing' | 'switching'): PartitionWorld {
  const world = new PartitionWorld(seed);
  world.elect('h1');
  world.lease('h1', 600_000);
  world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
  const session = world.openSession('h1');
  world.answer(world.put('h1', session, 1, 'k1', '1'));
  world.cluster.host('h3').kill();
  for (let i = 2; i <= 40; i++) world.answer(world.put('h1', session, i, `k${i}`, 'x'.repeat(2000)));
  world.cluster.runUntil(() => world.agree('h1', 'h2'), 5000);
  const leader = world.replica('h1').core;
  leader.log.trim(leader.highWatermark, 0);
  world.cluster.disk('h3').options.syncMeanMs = 200;
  world.cluster.host('h3').start();
  world.cluster.runUntil(() => {
    if (world.cluster.actor({ host: 'h3', worker: 0, actor: 'partition-0' }) === undefined) return false;
    const { role } = world.replica('h3');
    return role.kind === 'follower' && role.phase === phase;
  }, 20_000);
  return world;
}

function comesToRest(world: PartitionWorld): void {
  world.cluster.disk('h3').options.syncMeanMs = 1;
  world.cluster.runUntil(() => world.info.inSync.includes('h3'), 20_000);
  world.cluster.runUntil(() => world.agree('h1', 'h3') && world.agree('h1', 'h2'), 5000);
  // What it recovers from is what it had.
  world.cluster.host('h3').kill();
  world.cluster.host('h3').start();
  world.cluster.runUntil(() => world.info.inSync.length === 3, 20_000);
  world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
  expect(world.replica('h3').core.state.hash()).to.deep.equal(world.replica('h1').core.state.hash());
}

describe('follower: installing a snapshot', () => {
  // Simulator seed 14: the journal asked for a snapshot while one was being installed.
  it('N1 a journal that asks for a snapshot meanwhile gets that one', () => {
    const world = installing('pressure', 'installing');
    world.cluster.host('h3').worker(0).loop?.signalActor('partition-0', { kind: 'journal-pressure' });
    world.cluster.runFor(1);
    comesToRest(world);
  });

  it('following W4 a new epoch during the switch waits for it, and nothing is appended to the log that is being replaced', () => {
    const world = installing('switch', 'switching');
    const { end } = world.replica('h3').core.log;
    world.elect('h2');
    world.lease('h2', 600_000);
    world.cluster.runUntil(() => world.replica('h3').core.epoch === world.info.leaderEpoch, 1000);
    expect(world.replica('h3').core.switching, 'the switch is over already: no test').to.not.equal(undefined);
    expect(world.replica('h3').core.log.end).to.equal(end);
    comesToRest(world);
  });

  // Simulator seed 100292: leader and follower offered and declined as fast as the network carries it, for as long as the disk took.
  it('N1 a follower that is storing a snapshot of its own takes the offered one later, and asks for it with patience', () => {
    const offers: number[] = [];
    let declined = 0;
    const sometimes = (fact: string): void =>
      void (declined += Number(fact === 'partition/install-waited-for-own-snapshot'));
    const before = installProbes({ buggify: () => false, sometimes, planted: undefined });
    try {
      const world = new PartitionWorld('2', {
        onEvent: ({ event }) => {
          if (event.kind === 'snapshot-offered') offers.push(world.cluster.nowMs);
        },
      });
      world.elect('h1');
      world.lease('h1', 600_000);
      world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
      const session = world.openSession('h1');
      world.answer(world.put('h1', session, 1, 'k1', '1'));
      world.cluster.runUntil(() => world.agree('h1', 'h3'), 5000);
      world.cluster.disk('h3').options.syncMeanMs = 3000;
      world.cluster.host('h3').worker(0).loop?.signalActor('partition-0', { kind: 'journal-pressure' });
      world.cluster.runFor(20);
      const undo = world.cluster.network.isolate('h3');
      for (let i = 2; i <= 40; i++) world.answer(world.put('h1', session, i, `k${i}`, 'x'.repeat(2000)));
      world.cluster.runUntil(() => world.agree('h1', 'h2'), 5000);
      const leader = world.replica('h1').core;
      leader.log.trim(leader.highWatermark, 0);
      undo();
      world.cluster.runUntil(() => declined > 0, 10_000);
      const since = world.cluster.nowMs;
      world.cluster.runFor(1000);
      expect(offers.filter((at) => at > since).length, 'offers in a second').to.be.lessThan(20);
      comesToRest(world);
    } finally {
      installProbes(before);
    }
  });

  // Found by reading, when a site for it was to be placed: the leader ended the transfer, and the follower asked for its next chunk for ever.
  it('following W8 a follower whose leader gave the transfer up meanwhile begins again', () => {
    const world = installing('given up', 'installing');
    const undo = world.cluster.network.isolate('h3');
    world.cluster.runUntil(() => {
      const { role } = world.replica('h1');
      return role.kind === 'leader' && role.transfer.isIdle;
    }, 15_000);
    expect(world.info.inSync, 'it has the whole snapshot already: no test').to.not.include('h3');
    undo();
    comesToRest(world);
  });
});
