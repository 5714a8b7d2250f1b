// Where a follower's log leaves its leader's
// =============================================================================
//
// Truncation is by leader epoch, never by high watermark (KIP-101), both sides in the same epoch (KIP-320), repeated until they agree
// (KIP-279). CORRECTNESS R12.

import type { ReplicaLog } from './log.js';

export type ReconcileAnswer =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'diverged'; readonly epoch: number; readonly end: number }
  | { readonly kind: 'needs-snapshot' };

/** The leader's answer to a follower whose log ends at `logEnd` with a record of `lastEpoch` (0 = it has none). */
export function reconcileAnswer(log: ReplicaLog, logEnd: number, lastEpoch: number): ReconcileAnswer {
  if (logEnd < log.start) return { kind: 'needs-snapshot' };
  if (logEnd === 0) return { kind: 'agrees' };
  const known = log.epochs.endOf(lastEpoch, log.end);
  if (known === undefined) {
    // No common epoch any more: all of the follower's records may be another history's.
    return log.start === 0 ? { kind: 'diverged', epoch: 0, end: 0 } : { kind: 'needs-snapshot' };
  }
  if (known.epoch < lastEpoch || known.end < logEnd) {
    return known.end < log.start
      ? { kind: 'needs-snapshot' }
      : { kind: 'diverged', epoch: known.epoch, end: known.end };
  }
  return { kind: 'agrees' };
}

/** Where the follower must cut after `diverged`: the end of the epoch on both sides, whichever is less. */
export function truncationPoint(log: ReplicaLog, epoch: number, end: number): number {
  const own = log.epochs.endOf(epoch, log.end);
  return Math.min(end, own?.end ?? log.start, log.end);
}
