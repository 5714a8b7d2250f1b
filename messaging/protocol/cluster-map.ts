// The cluster map: what everyone must know of the mesh
// =============================================================================
//
// Hosts, tables and partitions, as the metadata group has them at one revision (= Raft index of the last change).
// Each entity carries the revision of its own last change, so that a delta since any revision is a selection, not a history.

/** `fenced`: holds no leadership and is in no in-sync set until its host is heard of again (R11, L7). */
export const hostStates = ['up', 'fenced', 'draining', 'removed'] as const;
export type HostState = (typeof hostStates)[number];

export interface HostInfo {
  readonly name: string;
  readonly revision: number;
  readonly state: HostState;
  /** Raft index of the present process's registration (CORRECTNESS §2.3 nodeEpoch). */
  readonly epoch: number;
  /** Chosen by that process at start; tells it that the epoch is its own. */
  readonly startId: string;
  /** Identity of the data directory. */
  readonly diskId: string;
  readonly workers: number;
  readonly rack: string;
  readonly pid: number;
  /** Troupe's version there. */
  readonly version: string;
}

export const partitionings = ['hash', 'range'] as const;
export const storages = ['memory', 'lsm'] as const;
export const durabilities = ['sync', 'async'] as const;
export const readModes = ['lease', 'confirm'] as const;
export type Partitioning = (typeof partitionings)[number];
export type Storage = (typeof storages)[number];
export type Durability = (typeof durabilities)[number];
export type ReadMode = (typeof readModes)[number];

export interface TableInfo {
  readonly name: string;
  readonly revision: number;
  /** Partition ids in order of their index; ids are unique for ever over all tables. */
  readonly partitions: readonly number[];
  readonly replicas: number;
  readonly minInSync: number;
  readonly partitioning: Partitioning;
  readonly storage: Storage;
  readonly durability: Durability;
  readonly versions: number;
  readonly reads: ReadMode;
}

export interface ReplicaInfo {
  readonly host: string;
  /**
   * Raft index of the record that last registered this replica: (re)start of its host, worker or actor, or its assignment.
   * Acks count only under the current one (R4, R13).
   */
  readonly epoch: number;
  /** `registeredIncarnation` of the host's actor that the epoch belongs to; 0 while no actor has claimed its place. */
  readonly incarnation: number;
}

/** An actor's incarnation as the map has it: never 0. Rises within a process (R2). */
export function registeredIncarnation(incarnation: number): number {
  return incarnation + 1;
}

export interface PartitionInfo {
  readonly id: number;
  readonly revision: number;
  readonly table: string;
  /** Position in its table. */
  readonly index: number;
  /** Rises only at an unclean election: "history may have been lost here". */
  readonly lineage: number;
  readonly leader: string | undefined;
  readonly leaderEpoch: number;
  /** Rises with every change of this record (R14). */
  readonly partitionEpoch: number;
  readonly replicas: readonly ReplicaInfo[];
  /** Host names. */
  readonly inSync: readonly string[];
  /** Eligible leader replicas (KIP-966): hold everything committed although not in sync. */
  readonly eligible: readonly string[];
  readonly lastKnownEligible: readonly string[];
  /** The leader does not raise its high watermark for this long after it received this record (L5). */
  readonly holdMs: number;
  /** Why there is no leader, for people. Empty when there is one. */
  readonly reason: string;
}

export interface MetadataMember {
  readonly id: string;
  readonly host: string;
  readonly voter: boolean;
}

/** Everything that changed after `after` up to `revision`. `after` 0 is the whole map. */
export interface MapDelta {
  readonly clusterId: string;
  readonly after: number;
  readonly revision: number;
  /** The receiver must drop what it has: it asked for a revision whose deletions are no longer known. */
  readonly reset: boolean;
  readonly hosts: readonly HostInfo[];
  readonly tables: readonly TableInfo[];
  readonly partitions: readonly PartitionInfo[];
  readonly deletedTables: readonly string[];
  readonly deletedPartitions: readonly number[];
  readonly members: readonly MetadataMember[];
  /** Host of the metadata group's leader as the sender knows it; a hint. */
  readonly metadataLeader: string | undefined;
  readonly metadataTerm: number;
}

/** The worker that runs a partition's replica on a host with that many workers. */
export function workerOfPartition(partition: number, workers: number): number {
  return partition % workers;
}

export function replicaActor(partition: number): string {
  return `partition-${partition}`;
}

/** Well-known actors. */
export const metadataActor = 'metadata'; // worker 0 of the hosts that are members
export const agentActor = 'agent'; // main thread of each host
export const managerActor = 'manager'; // each worker of each host
