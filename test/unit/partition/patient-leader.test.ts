// How often a leader looks around that can do nothing
// =============================================================================

import { expect } from 'chai';
import type { Leading } from '../../../actors/partition/leading.js';
import { PartitionWorld } from '../../support/partition-world.js';

function leaderOf(world: PartitionWorld, host: string): Leading {
  const { role } = world.replica(host);
  if (role.kind !== 'leader') throw new Error(`${host} is ${role.kind}`);
  return role;
}

/** A world whose h1 leads and is settled, and a count of its ticks. */
function settled(seed: string): { readonly world: PartitionWorld; readonly ticks: () => number } {
  const world = new PartitionWorld(seed);
  world.elect('h1');
  world.lease('h1', 600_000);
  world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
  world.cluster.runFor(2000);
  const role = leaderOf(world, 'h1');
  const onTick = role.onTick.bind(role);
  let count = 0;
  role.onTick = (context): void => {
    count++;
    onTick(context);
  };
  const ticks = (): number => {
    const since = count;
    count = 0;
    return since;
  };
  return { world, ticks };
}

describe('leader: patience', () => {
  it('D5 does not tick when all is settled', () => {
    const { world, ticks } = settled('patient 1');
    world.cluster.runFor(5000);
    expect(ticks()).to.equal(0);
  });

  it('D5 looks around less and less often while nothing changes, and soon again when something does', () => {
    const { world, ticks } = settled('patient 2');
    world.onProposal = () => 'lose';
    const session = world.openSession('h1');
    const undo = world.cluster.network.cutOneWay(['h2', 'h3'], ['h1']);
    world.put('h1', session, 1, 'a', '1');
    world.cluster.runFor(1000);
    ticks();
    world.cluster.runFor(6000);
    expect(ticks()).to.be.within(6000 / 300, 6000 / 50);
    undo();
    world.onProposal = () => 'judge';
    world.cluster.runUntil(() => world.agree('h1', 'h2') && world.agree('h1', 'h3'), 5000);
  });
});
