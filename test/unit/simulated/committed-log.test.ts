import { expect } from 'chai';
import { MemoryEngine } from '../../../actors/partition/engine/memory-engine.js';
import { ReplicaCore } from '../../../actors/partition/replica-core.js';
import type { PartitionReplica } from '../../../actors/partition/replica.js';
import { PartitionState } from '../../../actors/partition/state.js';
import { CommittedLog } from '../../../actors/simulated/committed-log.js';

function coreOf(partition: number, lineage: number): ReplicaCore {
  const self = { host: 'h1', worker: 0, actor: `partition-${partition}` };
  const core = new ReplicaCore(self, partition, new PartitionState(new MemoryEngine()));
  core.lineage = lineage;
  return core;
}

describe('committed log of a simulated mesh', () => {
  // Seed 1795889672385: its table was deleted, so no map said any more that the partition had lost its first history.
  it('remembers the newest lineage of a partition, whoever was in it and whatever became of it', () => {
    const committed = new CommittedLog(true);
    const observe = (core: ReplicaCore): void =>
      committed.observe({ host: 'h1', worker: 0, name: core.self.actor, replica: { core } as PartitionReplica });
    expect(committed.lineage(10)).to.equal(1);
    observe(coreOf(10, 2));
    observe(coreOf(10, 1));
    observe(coreOf(11, 1));
    expect(committed.lineage(10)).to.equal(2);
    expect(committed.lineage(11)).to.equal(1);
  });
});
