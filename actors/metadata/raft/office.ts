// Taking and leaving office
// =============================================================================
//
// Invariants
//   P1. A leader opens its term with a no-op: only entries of its own term are committed by counting (M7), and reads wait for one (M10a).
//   P2. Every other member of the membership in effect has a progress, and nobody else has.

import type { MemberId } from '../../../messaging/protocol/raft-entry.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { entryOverheadBytes } from './log.js';
import { Progress } from './progress.js';
import { membersOf } from './quorum.js';
import { ReadRounds } from './reads.js';
import type { Leader } from './roles.js';
import type { RaftState } from './state.js';

/** A quorum elected us. */
export function takeOffice(state: RaftState): void {
  const { heartbeatMs, electionTimeoutMinMs } = state.options;
  state.recognize(state.id); // M1
  const leader: Leader = {
    kind: 'leader',
    openingIndex: state.log.lastIndex + 1,
    progress: new Map(),
    reads: new ReadRounds(),
    heartbeatDeadlineMs: state.nowMs + heartbeatMs,
    quorumDeadlineMs: state.nowMs + electionTimeoutMinMs,
    uncommittedBytes: uncommittedBytes(state),
    transfer: undefined,
  };
  state.enterRole(leader);
  alignProgress(state, leader);
  state.appendNew('no-op', emptyBytes); // P1
  leader.uncommittedBytes += entryOverheadBytes;
}

/** Leadership ends: what waited for it is told. */
export function leaveOffice(state: RaftState, leader: Leader): void {
  for (const request of leader.reads.takeAll()) state.put({ kind: 'read-lost', request });
}

/** Follows a change of membership. (P2) */
export function alignProgress(state: RaftState, leader: Leader): void {
  const members = new Set<MemberId>(membersOf(state.membership));
  members.delete(state.id);
  for (const member of leader.progress.keys()) if (!members.has(member)) leader.progress.delete(member);
  for (const member of members) {
    // Newcomers count as heard until the next look at the quorum, or a change of membership could depose its own leader.
    if (!leader.progress.has(member))
      leader.progress.set(member, new Progress(state.log.lastIndex + 1, true, state.nowMs));
  }
}

function uncommittedBytes(state: RaftState): number {
  let bytes = 0;
  for (const entry of state.log.slice(state.commitIndex, state.log.lastIndex)) bytes += entryCost(entry.bytes);
  return bytes;
}

/** What an entry counts for, against the bound on what is uncommitted. */
export function entryCost(bytes: Uint8Array): number {
  return bytes.length + entryOverheadBytes;
}
