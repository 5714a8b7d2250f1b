// How far one follower is, as its leader knows it
// =============================================================================
//
// Belongs to one leader epoch and one replica epoch of the follower: when either changes, it starts over (R4, R15).
//
//   unknown ──reconcile agrees──▶ replicating ──gap, new reconcile──▶ replicating from elsewhere
//      └──────too far behind──▶ snapshot ──installed, reconcile──▶ replicating
//
// Invariants
//   P1. ackedEnd never falls and never passes nextOffset or the leader's log end.
//   P2. Only what the follower reported in this epoch, under this replica epoch, counts (R3, R4).

import { assert } from '../../../runtime/std/assert.js';

/** `ackedBytes`, `sentBytes`: the log's running byte count at ackedEnd and nextOffset; their difference is in flight. */
export interface Progress {
  readonly host: string;
  readonly replicaEpoch: number;
  phase: 'unknown' | 'replicating' | 'snapshot';
  nextOffset: number;
  /** Everything below is on the follower's disk (in its memory for an `async` table). */
  ackedEnd: number;
  /** High watermark that the follower was last told. */
  highWatermarkSent: number;
  /** High watermark that the follower said it has. */
  highWatermarkKnown: number;
  lastSentMs: number;
  lastHeardMs: number;
  /** Behind since then, measured against `target`; undefined when it has everything. */
  behindSinceMs: number | undefined;
  target: number;
}

export function newProgress(host: string, replicaEpoch: number, nowMs: number): Progress {
  return {
    host,
    replicaEpoch,
    phase: 'unknown',
    nextOffset: 0,
    ackedEnd: 0,
    highWatermarkSent: 0,
    highWatermarkKnown: 0,
    lastSentMs: nowMs,
    lastHeardMs: nowMs,
    behindSinceMs: nowMs,
    target: 0,
  };
}

/** The follower's log agrees with ours up to `logEnd`, and goes on from there. */
export function beginReplicating(progress: Progress, logEnd: number, nowMs: number): void {
  progress.phase = 'replicating';
  progress.nextOffset = logEnd;
  progress.lastSentMs = nowMs;
  progress.lastHeardMs = nowMs;
}

/** @returns whether this is news. */
export function acknowledge(progress: Progress, ackedEnd: number, logEnd: number, nowMs: number): boolean {
  assert(ackedEnd <= logEnd, 'P1: a follower of this epoch cannot have more than its leader');
  const news = ackedEnd > progress.ackedEnd;
  progress.lastHeardMs = nowMs;
  if (news) progress.ackedEnd = ackedEnd;
  if (progress.ackedEnd >= logEnd) {
    progress.behindSinceMs = undefined;
  } else if (progress.behindSinceMs === undefined || progress.ackedEnd >= progress.target) {
    // It reached where we were when we began to count: it lags, but it keeps up.
    progress.behindSinceMs = nowMs;
    progress.target = logEnd;
  }
  return news;
}

/** The log grew to `logEnd`: from now on the follower is behind. */
export function noteAppended(progress: Progress, logEnd: number, nowMs: number): void {
  if (progress.behindSinceMs !== undefined || progress.ackedEnd >= logEnd) return;
  progress.behindSinceMs = nowMs;
  progress.target = logEnd;
}

/** Has it been behind one and the same point for longer than `lagMaxMs`? (R13) */
export function lags(progress: Progress, nowMs: number, lagMaxMs: number): boolean {
  return progress.behindSinceMs !== undefined && nowMs - progress.behindSinceMs > lagMaxMs;
}
