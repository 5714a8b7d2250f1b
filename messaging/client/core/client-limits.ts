// Every bound and every wait of a client, in one place
// =============================================================================

import { limits } from '../../protocol/limits.js';

export interface ClientLimits {
  /** Operations, and bytes of keys and values, that may wait or be under way; beyond it an operation fails with CAPACITY. */
  readonly pendingCountMax: number;
  readonly pendingBytesMax: number;
  /** Batches that one worker may have in flight, of writes and of reads each (PERFORMANCE 1: one halves throughput, four add nothing). */
  readonly batchesInFlightMax: number;
  /**
   * While a batch is in flight, another one follows only when so many operations wait. A batch costs both sides and the disk about the same whatever is in it: to
   * a busy mesh many small ones are worse than the wait for an answer.
   */
  readonly nextBatchCountMin: number;
  /** A batch unanswered for this long no longer counts, so that one slow partition does not hold up its worker's others. */
  readonly slowBatchMs: number;
  /** Operations in a batch, over all partitions of that worker. */
  readonly batchCountMax: number;
  readonly batchBytesMax: number;
  /** Bytes of one message, unless its only operation is larger. */
  readonly messageBytesMax: number;
  /** Bytes that the reply to one message of reads should not exceed; far below what a frame may have. */
  readonly replyBytesMax: number;
  /** Unanswered messages of one kind that one partition may have. */
  readonly requestsInFlightMax: number;
  /** How long an attempt waits for its reply before the next; doubles with each attempt of the operation up to the maximum. */
  readonly attemptTimeoutMs: number;
  readonly attemptTimeoutMaxMs: number;
  /** Pause after a refusal; doubles, with jitter. A change of the map ends it. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Hosts that are asked for map changes at a time: one may be the one that died. */
  readonly watchCount: number;
  /** How long a host may hold a map request, and how much longer the client waits for it. */
  readonly watchWaitMs: number;
  readonly watchGraceMs: number;
  /** How long a map request that asks for no waiting may take. */
  readonly probeTimeoutMs: number;
  /** How long a command to the metadata group may take before it is sent again. */
  readonly adminTimeoutMs: number;
  /** How long a status waits for hosts that do not answer. */
  readonly statusTimeoutMs: number;
}

export const defaultClientLimits: ClientLimits = {
  pendingCountMax: 100_000,
  pendingBytesMax: 256 * 1024 * 1024,
  batchesInFlightMax: 2,
  nextBatchCountMin: 64,
  slowBatchMs: 25,
  batchCountMax: limits.sessionWindowMax,
  batchBytesMax: 4 * 1024 * 1024,
  messageBytesMax: 1024 * 1024,
  replyBytesMax: 8 * 1024 * 1024,
  requestsInFlightMax: 4,
  attemptTimeoutMs: 1000,
  attemptTimeoutMaxMs: 4000,
  backoffMinMs: 10,
  backoffMaxMs: 250,
  watchCount: 2,
  watchWaitMs: 2000,
  watchGraceMs: 500,
  probeTimeoutMs: 300,
  adminTimeoutMs: 1500,
  statusTimeoutMs: 1500,
};
