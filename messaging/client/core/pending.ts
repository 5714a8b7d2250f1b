// What is under way: operations, and the attempts to get them done
// =============================================================================
//
// An operation lives until it has its outcome. An attempt is one request message; it carries a number that no other attempt
// ever has (T2), and it is remembered until it was answered or all its operations are settled, so that even a late reply counts.
//
// Invariants
//   O1. `unresolved` counts the attempts of a write that were sent and of which nothing definite is known. At 0 the write has had
//       no effect, so it may fail; above 0 it may only be done or unknown (R7).
//   O2. An operation has at most one current attempt; earlier ones are only listened to.

import type { Address } from '../../../runtime/contract/address.js';
import type { Lane, LaneQueue } from './lane.js';
import type { Batch } from './pace.js';
import type { ReadRequest, ScanRequest, WriteRequest } from './operations.js';
import type { Session } from './session.js';

interface PendingCommon {
  readonly replyTo: Address;
  /** Rises with each operation taken on: the order in which they are sent, also when they are sent again. */
  readonly order: number;
  readonly bytes: number;
  deadlineBucket: number;
  /** Where it waits or is under way; undefined while its table is not known. */
  queue: LaneQueue | undefined;
  settled: boolean;
  /** O2 */
  attempt: Attempt | undefined;
  earlier: Attempt[] | undefined;
  attemptCount: number;
}

export interface PendingWrite extends PendingCommon {
  readonly kind: 'write';
  readonly request: WriteRequest;
  session: Session | undefined;
  sequence: number;
  /** O1 */
  unresolved: number;
  /** Goes in a message of its own, since a message that it was part of was refused as invalid. */
  alone: boolean;
}

export interface PendingRead extends PendingCommon {
  readonly kind: 'read';
  readonly request: ReadRequest;
}

export interface PendingScan extends PendingCommon {
  readonly kind: 'scan';
  readonly request: ScanRequest;
}

export type Pending = PendingWrite | PendingRead | PendingScan;

export type AttemptWork =
  | { readonly kind: 'write'; readonly ops: readonly PendingWrite[]; readonly session: Session }
  | { readonly kind: 'read'; readonly ops: readonly PendingRead[] }
  | { readonly kind: 'scan'; readonly ops: readonly PendingScan[] }
  | { readonly kind: 'open-session'; readonly ops: readonly []; readonly lineage: number };

export interface Attempt {
  readonly request: number;
  readonly work: AttemptWork;
  readonly lane: Lane;
  readonly queue: LaneQueue;
  readonly target: Target;
  dueBucket: number;
  readonly batch: Batch | undefined;
  /** False once it was given up: its operations go on by another attempt. */
  waiting: boolean;
  /** Operations of it that are not settled. */
  open: number;
}

/** One replica in one incarnation, and where it runs. */
export interface Target {
  readonly host: string;
  readonly worker: number;
  /** The replica's epoch: another one means that it was started anew and knows nothing of what was sent to it before. */
  readonly replicaEpoch: number;
}

export function sameTarget(a: Target, b: Target | undefined): boolean {
  return b !== undefined && a.host === b.host && a.worker === b.worker && a.replicaEpoch === b.replicaEpoch;
}
