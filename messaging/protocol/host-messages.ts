// Between hosts, managers, clients and the metadata group
// =============================================================================
//
// Rare messages: their bodies are CBOR (host-message-codec.ts), so that a field can be added without a new code. What is hot (a heartbeat is
// not) lives in the other message files.
//
// Who speaks with whom:
//   agent   → metadata   register, heartbeat                          metadata → agent    registered, lease
//   manager → metadata   map-fetch, register-replicas                 metadata → manager  map-reply
//   client  → manager    map-fetch, status-fetch                      manager  → client   map-reply, status-reply
//   client  → metadata   admin                                        metadata → client   admin-reply
//   replica → metadata   change-in-sync                               metadata → replica  in-sync-changed
//   mesh    → metadata   host-died (from whoever reaped the process; a trusted client of a local mesh)
//   manager → agent      worker-ready, registration-fetch             agent    → manager  registered-as
//   manager → replica    partition-metadata (same worker)

import type { Durability, MapDelta, PartitionInfo, Partitioning, ReadMode, Storage, TableInfo } from './cluster-map.js';

/** What a replica found of itself at (re)start, judged as R17 says; from best to worst. */
export const replicaVerdicts = ['complete', 'tail-uncertain', 'incomplete'] as const;
export type ReplicaVerdict = (typeof replicaVerdicts)[number];

export interface ReplicaReport {
  readonly partition: number;
  readonly incarnation: number;
  readonly verdict: ReplicaVerdict;
  readonly lineage: number;
  readonly lastEpoch: number;
  /** Durable log end. */
  readonly end: number;
}

export interface TableOptions {
  readonly partitions?: number;
  readonly replicas?: number;
  readonly minInSync?: number;
  readonly partitioning?: Partitioning;
  readonly storage?: Storage;
  readonly durability?: Durability;
  readonly versions?: number;
  readonly reads?: ReadMode;
}

/** What an administrator may ask of the metadata group. */
export type AdminCommand =
  | {
      readonly command: 'create-table';
      readonly name: string;
      readonly options: TableOptions;
      readonly ifMissing?: boolean;
    }
  | { readonly command: 'delete-table'; readonly name: string }
  | { readonly command: 'drain-host'; readonly host: string; readonly drain: boolean }
  | { readonly command: 'remove-host'; readonly host: string }
  | { readonly command: 'set-config'; readonly key: string; readonly value: string | undefined }
  | { readonly command: 'metadata-status' };

/** Codes as in the SDK's errors (INTERFACES §3). */
export interface AdminFailure {
  readonly code: string;
  readonly message: string;
}

export interface MetadataStatus {
  readonly leader: string | undefined;
  readonly term: number;
  readonly commitIndex: number;
  readonly members: readonly {
    readonly id: string;
    readonly host: string;
    readonly voter: boolean;
    readonly role: 'leader' | 'follower' | 'candidate' | 'unknown';
    readonly matchIndex: number | undefined;
  }[];
}

/** What one replica says of itself for `status`. */
export interface ReplicaStatus {
  readonly partition: number;
  readonly host: string;
  readonly role: 'leader' | 'follower' | 'idle';
  readonly epoch: number;
  readonly logEnd: number;
  readonly durableEnd: number;
  readonly highWatermark: number;
  readonly applied: number;
  readonly itemCount: number;
  readonly itemBytes: number;
  /** Of a leader: it answers clients (D4) and is not deposed as far as it knows. Absent from hosts of an older version. */
  readonly active?: boolean;
}

export interface WorkerStatus {
  readonly worker: number;
  readonly turns: number;
  readonly queued: number;
  readonly actors: number;
  readonly heapBytes: number;
  /** The registration that the worker's manager acts under; 0 before there is one. Absent from hosts of an older version. */
  readonly epoch?: number;
}

export type HostMessage =
  // agent ↔ metadata
  | {
      readonly kind: 'register';
      readonly host: string;
      readonly startId: string;
      readonly diskId: string;
      readonly workers: number;
      readonly rack: string;
      readonly pid: number;
      readonly version: string;
      readonly replicas: readonly ReplicaReport[];
      /** The host's epoch that this registration replaces: a registration that comes late replaces nothing (T1). */
      readonly after?: number;
    }
  | { readonly kind: 'registered'; readonly startId: string; readonly epoch: number }
  /** `sentMs` is the sender's own monotonic clock at sending; leases count from it (L1, T4). `stalledWorkers`: gray failure (L6). */
  | {
      readonly kind: 'heartbeat';
      readonly host: string;
      readonly epoch: number;
      readonly sentMs: number;
      readonly appliedRevision: number;
      readonly stalledWorkers: readonly number[];
      readonly draining: boolean;
    }
  /** Valid for `durationMs` from `sentMs`, once the host has applied metadata up to `revision` (L1). */
  | {
      readonly kind: 'lease';
      readonly epoch: number;
      readonly sentMs: number;
      readonly durationMs: number;
      readonly revision: number;
      readonly fenced: boolean;
    }
  /**
   * The receiver is not the metadata leader, or does not know this host's registration: find the leader, or register again.
   * `after-mismatch`: the host's epoch is `epoch`; register after that one. `superseded`: another process has registered as this host.
   * `epoch` otherwise repeats that of the heartbeat refused.
   */
  | {
      readonly kind: 'agent-refused';
      readonly reason: 'not-leader' | 'unknown-host' | 'removed' | 'after-mismatch' | 'superseded';
      readonly leader: string | undefined;
      readonly epoch?: number;
    }
  // managers
  /** `members`: hosts of the metadata group as the manager knows them; those the agent was started with may all be gone. */
  | {
      readonly kind: 'worker-ready';
      readonly worker: number;
      readonly replicas: readonly ReplicaReport[];
      readonly members?: readonly string[];
    }
  /** `members`: hosts that the agent knows as members, the one that it asks now first. */
  | {
      readonly kind: 'registered-as';
      readonly epoch: number;
      readonly startId: string;
      readonly members?: readonly string[];
    }
  | {
      readonly kind: 'register-replicas';
      readonly host: string;
      readonly epoch: number;
      readonly replicas: readonly ReplicaReport[];
    }
  | {
      readonly kind: 'partition-metadata';
      readonly partition: PartitionInfo;
      readonly table: TableInfo;
      readonly workers: Readonly<Record<string, number>>;
    }
  // the map
  | { readonly kind: 'map-fetch'; readonly request: number; readonly after: number; readonly waitMs: number }
  | { readonly kind: 'map-reply'; readonly request: number; readonly delta: MapDelta }
  // status
  | { readonly kind: 'status-fetch'; readonly request: number }
  | {
      readonly kind: 'status-reply';
      readonly request: number;
      readonly host: string;
      readonly worker: WorkerStatus;
      readonly replicas: readonly ReplicaStatus[];
    }
  | { readonly kind: 'replica-status-fetch'; readonly request: number }
  | { readonly kind: 'replica-status'; readonly request: number; readonly status: ReplicaStatus }
  // administration
  | { readonly kind: 'admin'; readonly request: number; readonly command: AdminCommand }
  | {
      readonly kind: 'admin-reply';
      readonly request: number;
      readonly result: unknown;
      readonly failure: AdminFailure | undefined;
      readonly revision: number;
      readonly leader: string | undefined;
    }
  // in-sync sets (R13)
  | {
      readonly kind: 'change-in-sync';
      readonly request: number;
      readonly partition: number;
      readonly leader: string;
      readonly leaderReplicaEpoch: number;
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
      readonly inSync: readonly { readonly host: string; readonly epoch: number }[];
    }
  | {
      readonly kind: 'in-sync-changed';
      readonly request: number;
      readonly partition: number;
      readonly accepted: boolean;
      readonly info: PartitionInfo | undefined;
    }
  /** L4(ii): is this still the partition's epoch? Answered after a linearizable read of the metadata (M10). */
  | { readonly kind: 'confirm-epoch'; readonly request: number; readonly partition: number; readonly epoch: number }
  | {
      readonly kind: 'epoch-confirmed';
      readonly request: number;
      readonly partition: number;
      readonly epoch: number;
      readonly current: boolean;
    }
  /** The process is certainly gone: whoever started it reaped it (L5). */
  | { readonly kind: 'host-died'; readonly host: string; readonly startId: string }
  /** From a manager that starts in a process which is registered already. Answered by `registered-as`. */
  | { readonly kind: 'registration-fetch' };

/** Codes 80 and up, in this order, for ever. New kinds go to the end. */
export const hostMessageKinds = [
  'register',
  'registered',
  'heartbeat',
  'lease',
  'agent-refused',
  'worker-ready',
  'registered-as',
  'register-replicas',
  'partition-metadata',
  'map-fetch',
  'map-reply',
  'status-fetch',
  'status-reply',
  'replica-status-fetch',
  'replica-status',
  'admin',
  'admin-reply',
  'change-in-sync',
  'in-sync-changed',
  'confirm-epoch',
  'epoch-confirmed',
  'host-died',
  'registration-fetch',
] as const satisfies readonly HostMessage['kind'][];
