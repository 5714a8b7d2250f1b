// What must hold whenever a leader commits
// =============================================================================
//
// Seen from above, at the very turn in which a high watermark rose: whoever it was counted for has it.
//
// Invariants
//   K10. Every member of the leader's maximal in-sync set that acts in its epoch, under the replica epoch that the leader knows, has everything
//        below the high watermark on its disk, in its memory for an asynchronous table (R3, R4, R5).
//   K11. A high watermark rises only while the committed in-sync set has the table's minimum (R5).

import { assert } from '../../runtime/std/assert.js';
import type { SimulatedWorker } from '../../runtime/simulation/simulated-worker.js';
import type { ReplicaInvariants } from './replica-invariants.js';
import type { Placed, SimulatedMesh } from './simulated-mesh.js';

export class CommitInvariants {
  readonly #mesh: SimulatedMesh;
  readonly #replicas: ReplicaInvariants;
  /** Of each replica object when it was looked at last. */
  readonly #before = new WeakMap<object, { readonly highWatermark: number; readonly partitionEpoch: number }>();

  constructor(mesh: SimulatedMesh, replicas: ReplicaInvariants) {
    this.#mesh = mesh;
    this.#replicas = replicas;
  }

  check(worker: SimulatedWorker): void {
    for (const placed of this.#mesh.replicasOn(worker)) {
      const { core, role } = placed.replica;
      const { highWatermark } = core;
      const before = this.#before.get(core);
      if (before?.highWatermark === highWatermark) continue;
      const partitionEpoch = core.placement?.partition.partitionEpoch ?? 0;
      this.#before.set(core, { highWatermark, partitionEpoch });
      if (before === undefined || role.kind !== 'leader') continue;
      const where = `partition ${core.partition} epoch ${core.epoch}: ${placed.host} committed to ${highWatermark}`;
      // A newer record may have shrunk the set after the commit, in the same run of turns.
      if (before.partitionEpoch === partitionEpoch)
        assert(role.enoughInSync, `K11: ${where} with fewer than the minimum in sync`);
      this.#checkMembers(placed.replica, where);
    }
  }

  #checkMembers({ core, role }: Placed['replica'], where: string): void {
    if (role.kind !== 'leader') return;
    for (const member of role.maximal()) {
      const other = member === core.self.host ? undefined : this.#replicas.replicaOf(core.partition, member);
      if (other === undefined || other.role.kind !== 'follower' || other.core.epoch !== core.epoch) continue;
      if (other.core.placement?.replicaEpoch !== core.replicaEpochOf(member)) continue;
      const { ackEnd } = other.core;
      assert(ackEnd >= core.highWatermark, `K10: ${where}, and ${member} has ${ackEnd}`);
    }
    assert(core.ackEnd >= core.highWatermark, `K10: ${where}, and has ${core.ackEnd} itself`);
  }
}
