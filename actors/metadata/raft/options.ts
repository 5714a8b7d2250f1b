// Numbers a peer is run with
// =============================================================================

import { assert } from '../../../runtime/std/assert.js';

export interface RaftOptions {
  /** Between a leader's signs of life. */
  readonly heartbeatMs: number;
  /** A follower campaigns after a random time in [min, max] without its leader, and refuses votes before min has passed (M9). */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** Entry bytes of one append message; one entry always fits. */
  readonly appendBytesMax: number;
  /** Appends to one follower that may be unanswered (M15). */
  readonly inFlightCountMax: number;
  readonly inFlightBytesMax: number;
  /** Past this much that is not committed yet, proposals are refused with `backlog` (M15). */
  readonly uncommittedBytesMax: number;
  /** Past this many unanswered reads, more are refused with `backlog`. */
  readonly readCountMax: number;
  /** Entries kept in memory behind a snapshot, for followers that are a little late. */
  readonly tailCountMax: number;
  /** A learner this many entries behind or less may become a voter (M8). */
  readonly promotionLagMax: number;
  /** Snapshots above this are neither given nor taken. */
  readonly snapshotBytesMax: number;
  /** A leader whose own disk has not answered for so long, while the others' have, makes room for one of them. */
  readonly diskStallMs: number;
  /** Messages that wait for the disk; beyond it they are dropped like on a bad network. */
  readonly heldMessageCountMax: number;
}

// Timeouts: DESIGN wants failover within about a second; a heartbeat may be lost three times before anyone doubts the leader.
export const raftDefaults: RaftOptions = {
  heartbeatMs: 75,
  electionTimeoutMinMs: 300,
  electionTimeoutMaxMs: 600,
  appendBytesMax: 256 * 1024,
  inFlightCountMax: 64,
  inFlightBytesMax: 4 * 1024 * 1024,
  uncommittedBytesMax: 8 * 1024 * 1024,
  readCountMax: 10_000,
  tailCountMax: 1000,
  promotionLagMax: 256,
  snapshotBytesMax: 256 * 1024 * 1024,
  diskStallMs: 3000,
  heldMessageCountMax: 4096,
};

export function checkedOptions(options: Partial<RaftOptions> | undefined): RaftOptions {
  const all = { ...raftDefaults, ...options };
  assert(all.heartbeatMs > 0, 'a heartbeat takes time');
  assert(all.heartbeatMs * 2 <= all.electionTimeoutMinMs, 'M9: a follower forgives at least one lost heartbeat');
  assert(all.electionTimeoutMinMs < all.electionTimeoutMaxMs, 'election timeouts are spread');
  assert(all.inFlightCountMax > 0, 'M15: something may be in flight');
  assert(all.appendBytesMax <= all.inFlightBytesMax, 'M15: one append fits the window');
  return all;
}
