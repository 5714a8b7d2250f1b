// Who a peer may be, and become
// =============================================================================
//
//   follower       → follower        a leader or a newer term is seen
//   follower       → pre-candidate   the leader was not heard for an election timeout, or is known to be dead
//   follower       → candidate       the leader asked for it (transfer)
//   pre-candidate  → pre-candidate   another timeout
//   pre-candidate  → candidate       a quorum would vote for it
//   pre-candidate  → follower        a leader or a newer term is seen
//   candidate      → leader          a quorum voted for it
//   candidate      → pre-candidate   a timeout: the vote was split
//   candidate      → follower        a leader or a newer term is seen
//   leader         → follower        a newer term is seen, no quorum was heard (M9), or it was removed (M8)
//   recovering     → nothing         its log is damaged (M13)
//
// Invariants
//   O1. Only these transitions happen.
//   O2. A term never falls, and a vote is given once in a term (M1).
//
// What only a role has lives on its arm.

import { assert } from '../../../runtime/std/assert.js';
import type { MemberId } from '../../../messaging/protocol/raft-entry.js';
import type { Progress } from './progress.js';
import type { ReadRounds } from './reads.js';

export interface Recovering {
  readonly kind: 'recovering';
}

export interface Follower {
  readonly kind: 'follower';
  leader: MemberId | undefined;
  /** When the leader was last heard. */
  heardMs: number;
  electionDeadlineMs: number;
}

export interface PreCandidate {
  readonly kind: 'pre-candidate';
  readonly ballots: Map<MemberId, boolean>;
  electionDeadlineMs: number;
}

export interface Candidate {
  readonly kind: 'candidate';
  readonly ballots: Map<MemberId, boolean>;
  electionDeadlineMs: number;
  /** Our own vote counts once the record of this token is durable (M6). */
  readonly ballotToken: number;
}

/** Leadership is being handed over; no proposals are taken meanwhile. */
export interface Transfer {
  readonly to: MemberId;
  /** When it is given up. */
  readonly deadlineMs: number;
  /** The heir was told since the last heartbeat. */
  told: boolean;
}

export interface Leader {
  readonly kind: 'leader';
  /** The no-op that opened the term. */
  readonly openingIndex: number;
  /** Everyone else in the group. */
  readonly progress: Map<MemberId, Progress>;
  readonly reads: ReadRounds;
  heartbeatDeadlineMs: number;
  /** When a quorum must have been heard again (M9). */
  quorumDeadlineMs: number;
  /** Bytes of what is not committed (M15). */
  uncommittedBytes: number;
  transfer: Transfer | undefined;
}

export type Role = Recovering | Follower | PreCandidate | Candidate | Leader;
export type RoleKind = Role['kind'];

const transitions: Readonly<Record<RoleKind, readonly RoleKind[]>> = {
  recovering: [],
  follower: ['follower', 'pre-candidate', 'candidate'],
  'pre-candidate': ['pre-candidate', 'candidate', 'follower'],
  candidate: ['leader', 'pre-candidate', 'follower'],
  leader: ['follower'],
};

export function assertTransition(from: RoleKind, to: RoleKind): void {
  assert(transitions[from].includes(to), `O1: a ${from} does not become a ${to}`);
}
