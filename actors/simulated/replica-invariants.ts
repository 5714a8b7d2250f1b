// What must hold of replicas at every moment
// =============================================================================
//
// Seen from above, after each run of turns, of the replicas of the worker that ran.
//
// Invariants
//   K3. The high watermark of a replica object never falls, and it lies within its log (R5).
//   K4. A replica leads only an epoch that the committed metadata gave to it, or an older one; two never lead one epoch (R2).
//   K5. Every running member of (controller's in-sync set ∪ eligible) has everything below the true high watermark on its disk (R10).
//   K6. While a leader with a valid lease is active, no newer leader is active: reads of both would be linearizable (L1, L5).

import { replicaActor, workerOfPartition } from '../../messaging/protocol/cluster-map.js';
import { assert } from '../../runtime/std/assert.js';
import type { SimulatedWorker } from '../../runtime/simulation/simulated-worker.js';
import { leaseValid } from '../host/lease-cells.js';
import { PartitionReplica } from '../partition/replica.js';
import type { CommittedLog } from './committed-log.js';
import type { Placed, SimulatedMesh } from './simulated-mesh.js';

/** Counted like the `sometimes` of CORRECTNESS §3.6: a run of many seeds should have met each. */
export type Seen = (fact: string) => void;

export class ReplicaInvariants {
  readonly #mesh: SimulatedMesh;
  readonly #committed: CommittedLog;
  readonly #seen: Seen;
  readonly #highWatermarks = new WeakMap<object, number>();
  /** Who led an epoch of a partition. */
  readonly #leaders = new Map<string, string>();
  /** Epoch last seen led by a replica object. */
  readonly #led = new WeakMap<object, number>();
  /** Of the newest map whose sets were looked at. */
  #revision = 0;

  constructor(mesh: SimulatedMesh, committed: CommittedLog, seen: Seen) {
    this.#mesh = mesh;
    this.#committed = committed;
    this.#seen = seen;
    // A partition that is deleted in the very run of turns in which it committed and answered.
    mesh.onReplicaGone = (placed) => committed.observe(placed);
  }

  check(worker: SimulatedWorker): void {
    this.#checkNewSets();
    for (const placed of this.#mesh.replicasOn(worker)) {
      const { partition } = placed.replica.core;
      const before = this.#committed.end(partition);
      this.#committed.observe(placed);
      if (this.#committed.end(partition) > before) this.#checkComplete(partition);
      this.#checkWatermark(placed);
      this.#checkLeader(placed);
      this.#checkLease(placed);
    }
  }

  #checkWatermark({ host, replica }: Placed): void {
    const { core } = replica;
    const before = this.#highWatermarks.get(core) ?? 0;
    const { highWatermark, partition } = core;
    if (highWatermark === before && highWatermark <= core.log.end) return;
    assert(
      highWatermark >= before,
      `K3: partition ${partition} at ${host}: high watermark ${before} → ${highWatermark}`,
    );
    assert(highWatermark <= core.log.end, `K3: partition ${partition} at ${host}: committed beyond its log`);
    if (highWatermark > before) this.#highWatermarks.set(core, highWatermark);
  }

  #checkLeader({ host, replica }: Placed): void {
    const { core, role } = replica;
    if (role.kind !== 'leader' || this.#led.get(core) === core.epoch) return;
    this.#led.set(core, core.epoch);
    const office = `${core.partition} epoch ${core.epoch}`;
    const known = this.#leaders.get(office);
    assert(known === undefined || known === host, `K4: partition ${office} is led by ${known} and by ${host}`);
    this.#leaders.set(office, host);
    const info = this.#mesh.newestMap?.partitions.get(core.partition);
    if (info === undefined) return;
    assert(core.epoch <= info.leaderEpoch, `K4: ${host} leads ${office}, the metadata is at ${info.leaderEpoch}`);
    if (info.leaderEpoch === core.epoch)
      assert(info.leader === host, `K4: ${host} leads ${office}, which is ${info.leader}'s`);
  }

  /** K6, from the side of whoever just ran. */
  #checkLease({ replica }: Placed): void {
    const { core, role } = replica;
    if (role.kind !== 'leader' || !role.active || role.fenced) return;
    const { placement } = core;
    if (placement === undefined || placement.table.reads !== 'lease') return;
    for (const { host } of placement.partition.replicas) {
      if (host === core.self.host) continue;
      const other = this.replicaOf(core.partition, host);
      if (other === undefined || other.role.kind !== 'leader' || !other.role.active || other.role.fenced) continue;
      if (other.core.epoch === core.epoch) continue;
      const older = other.core.epoch < core.epoch ? other : replica;
      this.#seen('two active leaders');
      assert(
        !this.#holdsLease(older),
        `K6: partition ${core.partition}: ${older.core.self.host} has a lease in epoch ${older.core.epoch}, and epochs ${core.epoch} and ${other.core.epoch} are active`,
      );
    }
  }

  #holdsLease(replica: PartitionReplica): boolean {
    const { host, worker } = replica.core.self;
    const simulated = this.#mesh.cluster.host(host);
    return leaseValid(simulated.cells, worker, simulated.clock.monotonicAt(this.#mesh.cluster.nowMs));
  }

  replicaOf(partition: number, host: string): PartitionReplica | undefined {
    const simulated = this.#mesh.cluster.host(host);
    if (!simulated.up) return undefined;
    const worker = workerOfPartition(partition, simulated.config.workers);
    const actor: unknown = simulated.worker(worker).actor(replicaActor(partition));
    return actor instanceof PartitionReplica ? actor : undefined;
  }

  /** K5, of every partition: not cheap, so asked now and then. */
  checkCompleteness(): void {
    for (const partition of this.#mesh.newestMap?.partitions.keys() ?? []) this.#checkComplete(partition);
  }

  /** K5, of the partitions that the metadata group has just changed. A member may catch up before the next look at all of them. */
  #checkNewSets(): void {
    const map = this.#mesh.newestMap;
    if (map === undefined || map.revision === this.#revision) return;
    for (const info of map.partitions.values()) if (info.revision > this.#revision) this.#checkComplete(info.id);
    this.#revision = map.revision;
  }

  #checkComplete(partition: number): void {
    const map = this.#mesh.newestMap;
    const info = map?.partitions.get(partition);
    const table = info === undefined ? undefined : map?.tables.get(info.table);
    if (info === undefined || table === undefined) return;
    const end = this.#committed.end(partition);
    for (const host of [...info.inSync, ...info.eligible]) {
      const replica = this.replicaOf(partition, host);
      if (replica === undefined || replica.role.kind === 'idle') continue;
      const has = table.durability === 'sync' ? replica.core.durableEnd : replica.core.log.end;
      assert(
        has >= end,
        `K5: partition ${partition}: ${host} is ${info.inSync.includes(host) ? 'in sync' : 'eligible'} with ${has}, ${end} is committed`,
      );
    }
  }
}
