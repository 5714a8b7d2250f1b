// What a worker should run, by the map
// =============================================================================
//
// Pure: a copy of the map, what runs, and who we are, in; what to start, stop, tell and register, out.
//
// Invariants
//   O1. Nothing is stopped for good except by a committed map that is not older than this process's own registration, nor than one that this process went by
//       before (the manager sees to that, Q6 there), and does not assign it here: never because metadata is missing (M13).
//   O2. A replica is told of a record only if the record names the very incarnation that runs (R2).
//   O3. A replica that runs under an incarnation that the map does not have is registered, again and again, until it has.
//   O4. A replica of an earlier assignment never takes the place of a later one: it goes, and the next starts empty (R15).

import {
  type PartitionInfo,
  registeredIncarnation,
  replicaActor,
  type TableInfo,
  workerOfPartition,
} from '../../messaging/protocol/cluster-map.js';
import type { ReplicaReport } from '../../messaging/protocol/host-messages.js';
import type { MapCopy } from '../../messaging/protocol/map-copy.js';

export interface Whereabouts {
  readonly host: string;
  readonly worker: number;
  /** Of this process's registration. */
  readonly epoch: number;
}

export interface RunningReplica {
  readonly partition: number;
  readonly incarnation: number;
}

export interface Assignments {
  /** `epoch`: of the place that the replica is started for. */
  readonly start: readonly { readonly partition: PartitionInfo; readonly table: TableInfo; readonly epoch: number }[];
  readonly stop: readonly number[];
  readonly tell: readonly { readonly partition: PartitionInfo; readonly table: TableInfo }[];
  readonly register: readonly ReplicaReport[];
}

/** Undefined while the map does not know this process's registration: then nothing may be concluded from it (O1). */
export function assignmentsOf(
  copy: MapCopy,
  self: Whereabouts,
  running: ReadonlyMap<number, RunningReplica>,
  reports: ReadonlyMap<number, ReplicaReport>,
  startedFor: ReadonlyMap<number, number>,
): Assignments | undefined {
  const host = copy.hosts.get(self.host);
  if (host === undefined || host.epoch !== self.epoch) return undefined; // O1
  const start: { readonly partition: PartitionInfo; readonly table: TableInfo; readonly epoch: number }[] = [];
  const tell: { readonly partition: PartitionInfo; readonly table: TableInfo }[] = [];
  const register: ReplicaReport[] = [];
  const assigned = new Set<number>();
  for (const partition of copy.partitions.values()) {
    const own = partition.replicas.find((replica) => replica.host === self.host);
    if (own === undefined || workerOfPartition(partition.id, host.workers) !== self.worker) continue;
    const table = copy.tables.get(partition.table);
    if (table === undefined) continue;
    const replica = running.get(partition.id);
    // A place that nobody claimed is for a replica started for it; any other that runs here is of an earlier one (O4).
    if (replica !== undefined && own.incarnation === 0 && startedFor.get(partition.id) !== own.epoch) continue;
    assigned.add(partition.id);
    if (replica === undefined) {
      start.push({ partition, table, epoch: own.epoch });
      continue;
    }
    const incarnation = registeredIncarnation(replica.incarnation);
    const report = reports.get(partition.id);
    if (own.incarnation === incarnation && own.epoch >= self.epoch)
      tell.push({ partition, table }); // O2
    else if (report?.incarnation === incarnation) register.push(report); // O3
  }
  const stop = [...running.keys()].filter((partition) => !assigned.has(partition)); // O1
  return { start, stop, tell, register };
}

/** The partition of an actor's name, or undefined when it is no replica's. */
export function partitionOfActor(name: string): number | undefined {
  const partition = Number(name.slice(name.lastIndexOf('-') + 1));
  return Number.isSafeInteger(partition) && replicaActor(partition) === name ? partition : undefined;
}
