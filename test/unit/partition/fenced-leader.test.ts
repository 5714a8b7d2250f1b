// A leader that is told of a newer epoch
// =============================================================================

import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import { PartitionWorld } from '../../support/partition-world.js';

describe('leader: fenced', () => {
  // Of 1,024 partitions that were started anew, each leader said so 97 times.
  it('V2 says so once, however many followers tell it', () => {
    const events: string[] = [];
    const world = new PartitionWorld('fenced 1', { onEvent: ({ event }) => void events.push(event.kind) });
    world.elect('h1');
    world.lease('h1', 600_000);
    world.cluster.runUntil(() => world.replica('h1').core.highWatermark > 0, 5000);
    const { core } = world.replica('h1');
    for (let n = 0; n < 5; n++)
      for (const host of ['h2', 'h3']) {
        const link = {
          partition: 0,
          lineage: core.lineage,
          epoch: core.epoch + 1,
          from: core.replicaEpochOf(host),
          to: core.place().replicaEpoch,
        };
        const fenced = { kind: 'epoch-fenced', link, currentEpoch: core.epoch + 1 } as Message;
        world.cluster.deliver(core.self, fenced, { ...core.self, host });
      }
    world.cluster.runFor(10);
    expect(events.filter((kind) => kind === 'leader-fenced')).to.have.length(1);
  });
});
