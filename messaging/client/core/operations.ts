// What a client is asked, and how it answers
// =============================================================================
//
// The messages between the client actor and whoever runs in its loop beside it: the SDK's shell of promises, or a workload in
// the simulator. They never cross a wire.
//
// Each operation gets exactly one outcome, sent to the address that submitted it, and an outcome is one of the three of
// CORRECTNESS §2.0: done, failed (no effect, now or ever), unknown.

import type { Consistency, ReadItem, ScanItem, WriteOperation, WriteStatus } from '../../protocol/client-messages.js';
import type { Durability, HostInfo, MetadataMember, PartitionInfo, TableInfo } from '../../protocol/cluster-map.js';
import type { AdminCommand, MetadataStatus, ReplicaStatus, WorkerStatus } from '../../protocol/host-messages.js';
import type { ErrorCode } from './error-code.js';

interface Common {
  /** Chosen by the submitter, never used twice with one client. */
  readonly id: number;
  /** The total, queueing included. */
  readonly timeoutMs: number;
}

export interface WriteRequest extends Common {
  readonly kind: 'write';
  readonly table: string;
  readonly operation: WriteOperation;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly ifVersion: number | undefined;
  /** Refused before it is sent when the table promises less. */
  readonly durability: Durability | undefined;
}

export interface ReadRequest extends Common {
  readonly kind: 'read';
  readonly table: string;
  readonly key: Uint8Array;
  readonly consistency: Consistency;
}

/** One page of one partition. */
export interface ScanRequest extends Common {
  readonly kind: 'scan';
  readonly partition: number;
  readonly consistency: Consistency;
  /** Included. */
  readonly start: Uint8Array;
  /** Excluded; empty = to the end. */
  readonly end: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
  readonly bytesMax: number;
}

export interface AdminRequest extends Common {
  readonly kind: 'admin';
  readonly command: AdminCommand;
}

/** The map, and what every worker and the metadata group say of themselves. */
export interface StatusRequest extends Common {
  readonly kind: 'status';
}

/** The map as far as it is known; with `table`, only of that table, which fails with NOT_FOUND when there is none. */
export interface MapRequest extends Common {
  readonly kind: 'map';
  readonly table: string | undefined;
  /** Ask a host first instead of answering from the copy. */
  readonly fresh: boolean;
}

export type Operation = WriteRequest | ReadRequest | ScanRequest | AdminRequest | StatusRequest | MapRequest;

export interface MapView {
  readonly clusterId: string;
  readonly revision: number;
  readonly hosts: readonly HostInfo[];
  readonly tables: readonly TableInfo[];
  readonly partitions: readonly PartitionInfo[];
  readonly members: readonly MetadataMember[];
  readonly metadataLeader: string | undefined;
  readonly metadataTerm: number;
}

export interface StatusView {
  readonly map: MapView;
  readonly metadata: MetadataStatus | undefined;
  readonly workers: readonly {
    readonly host: string;
    readonly worker: WorkerStatus;
    readonly replicas: readonly ReplicaStatus[];
  }[];
  /** `host/worker` of those that did not answer in time. */
  readonly silent: readonly string[];
}

/** `ABORTED` is no code for users: their promise is rejected with the reason of their own signal. */
export type FailureCode = ErrorCode | 'ABORTED';

export interface Failed {
  readonly kind: 'failed';
  readonly id: number;
  readonly code: FailureCode;
  readonly message: string;
}

export type Outcome =
  | {
      readonly kind: 'written';
      readonly id: number;
      readonly status: WriteStatus;
      readonly version: number;
      readonly value: Uint8Array;
      readonly partition: number;
      readonly lineage: number;
      readonly epoch: number;
      readonly offset: number;
      readonly durability: Durability;
      readonly replicas: readonly string[];
    }
  | {
      readonly kind: 'read';
      readonly id: number;
      readonly partition: number;
      readonly item: ReadItem | undefined;
    }
  | {
      readonly kind: 'scanned';
      readonly id: number;
      readonly partition: number;
      readonly items: readonly ScanItem[];
      readonly more: boolean;
    }
  | { readonly kind: 'commanded'; readonly id: number; readonly result: unknown; readonly revision: number }
  | { readonly kind: 'status'; readonly id: number; readonly status: StatusView }
  | { readonly kind: 'map'; readonly id: number; readonly map: MapView }
  /** No effect, now or ever (R7). */
  | Failed
  /** It may have taken effect, and nobody can say. */
  | { readonly kind: 'unknown'; readonly id: number; readonly message: string };

/** To the client. What is submitted in one message is sent in one batch as far as bounds allow. */
export type ClientCommand =
  | { readonly kind: 'submit'; readonly operations: readonly Operation[] }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Settles everything; what is submitted later fails with CLOSED. */
  | { readonly kind: 'close' };

/** From the client, to the submitter. */
export interface Settled {
  readonly kind: 'settled';
  readonly outcomes: readonly Outcome[];
}

/** The client's name in its loop. */
export const clientActor = 'client';
