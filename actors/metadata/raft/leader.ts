// The leader
// =============================================================================
//
// Invariants
//   M2. A leader only appends to its log (state.ts asserts it).
//   M7. Only an entry of the leader's own term is committed by counting; earlier ones are committed with it.
//   M8. One change of membership at a time, and none before an entry of this term was committed; a leader that is no voter of the
//       settled membership steps down when that is committed.
//   M9. A leader that did not hear a quorum for an election timeout steps down, and is silent from then on. So does one whose own disk stands
//       still while the others have committed without it: it applies nothing any more, and so decides nothing (gray failure).
//   M10. Reads: see reads.ts.
//   M15. uncommittedBytes is what is between commitIndex and the log's end, and is zero when that is empty.
//
// Sources: Ongaro's dissertation 3.5, 3.6.2, 3.10, 4.2, 4.3, 6.2, 6.4; etcd-io/raft `stepLeader`.

import { buggify, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import { encodeMembership, type MemberId, type Membership } from '../../../messaging/protocol/raft-entry.js';
import type {
  RaftAccepted,
  RaftHeartbeatReply,
  RaftRefused,
  RaftSnapshotReply,
} from '../../../messaging/protocol/raft-messages.js';
import { becomeFollower } from './election.js';
import { isJoint, membershipAfterJoint } from './membership.js';
import { alignProgress, entryCost } from './office.js';
import type { OutgoingSnapshot } from './progress.js';
import { hasQuorum, isVoter, quorumValue } from './quorum.js';
import { accepted, chunkAnswered, probeAgain, refused, sendNext } from './replication.js';
import type { Leader } from './roles.js';
import type { RaftState } from './state.js';

/** An entry of this leader's term is committed: it knows all that ever was, and may answer reads (M10a). */
export function isOpened(state: RaftState, leader: Leader): boolean {
  return state.commitIndex >= leader.openingIndex;
}

export function tickLeader(state: RaftState, leader: Leader): void {
  if (state.nowMs >= leader.quorumDeadlineMs) {
    const heard = (member: MemberId): boolean => member === state.id || leader.progress.get(member)?.active === true;
    if (!hasQuorum(state.membership, heard)) {
      sometimes('metadata/leader-missed-its-quorum');
      becomeFollower(state, state.term, undefined); // M9
      return;
    }
    for (const progress of leader.progress.values()) progress.active = false;
    leader.quorumDeadlineMs = state.nowMs + state.options.electionTimeoutMinMs;
  }
  const { waitingSinceMs, durableIndex } = state.durability;
  const stalled = waitingSinceMs !== undefined && state.nowMs - waitingSinceMs > state.options.diskStallMs;
  if (stalled && state.commitIndex > durableIndex) {
    becomeFollower(state, state.term, undefined); // M9
    return;
  }
  if (leader.transfer !== undefined && state.nowMs >= leader.transfer.deadlineMs) leader.transfer = undefined;
  if (state.nowMs >= leader.heartbeatDeadlineMs) beginRound(state, leader);
}

/** Heartbeats to all, as a new round (I3). */
function beginRound(state: RaftState, leader: Leader): void {
  leader.heartbeatDeadlineMs = state.nowMs + state.options.heartbeatMs;
  const round = leader.reads.begin(isOpened(state, leader) ? state.commitIndex : undefined);
  for (const [member, progress] of leader.progress) {
    if (round % 2 === 0 && buggify('metadata/skip-heartbeat')) continue; // never two in a row
    if (buggify('metadata/probe-again') && progress.flow.kind === 'replicate') progress.becomeProbe(progress.match + 1);
    if (buggify('metadata/append-nothing')) probeAgain(state, member, progress);
    // A heartbeat does not check the log, so it may only speak of what this member is known to hold.
    state.send(member, { kind: 'raft-heartbeat', commit: Math.min(progress.match, state.commitIndex), round });
  }
  if (leader.transfer !== undefined) {
    leader.transfer.told = false; // the word may have been lost
    maybeHandOver(state, leader);
  }
  settleReads(state, leader); // a group of one has its quorum at once
}

export function settleReads(state: RaftState, leader: Leader): void {
  const { reads } = leader;
  const answered = (member: MemberId): number =>
    member === state.id ? reads.round : (leader.progress.get(member)?.round ?? 0);
  reads.confirmThrough(quorumValue(state.membership, answered));
  for (const { request, index } of reads.takeReady(state.appliedIndex)) {
    assert(index <= state.appliedIndex, 'M10: a read is answered from a state that has it');
    state.put({ kind: 'read-ready', request, index });
  }
}

/** What follows from changes of this turn: appends, a round for waiting reads. */
export function flushLeader(state: RaftState, leader: Leader, snapshot: OutgoingSnapshot | undefined): void {
  if (leader.reads.wantsRound && isOpened(state, leader)) beginRound(state, leader);
  for (const [member, progress] of leader.progress) sendNext(state, member, progress, snapshot);
}

// --- replies --------------------------------------------------------------------------------------------------------------

type Reply = RaftAccepted | RaftRefused | RaftHeartbeatReply | RaftSnapshotReply;

/** A reply of our term. */
export function onReply(state: RaftState, leader: Leader, message: Reply): void {
  const progress = leader.progress.get(message.from);
  if (progress === undefined) return; // not in the group any more
  progress.active = true;
  progress.heardMs = state.nowMs;
  switch (message.kind) {
    case 'raft-accepted':
      accepted(state, progress, message);
      advanceCommit(state, leader);
      maybeHandOver(state, leader);
      return;
    case 'raft-refused':
      refused(state, progress, message);
      return;
    case 'raft-heartbeat-reply':
      if (message.round < leader.reads.round && leader.reads.size > 0) sometimes('metadata/late-round-ignored');
      progress.round = Math.max(progress.round, message.round);
      settleReads(state, leader);
      probeAgain(state, message.from, progress);
      return;
    case 'raft-snapshot-reply':
      chunkAnswered(progress, message);
      return;
  }
}

// --- commitment -----------------------------------------------------------------------------------------------------------

/** Commits what a quorum holds durably. Our own disk counts like any other (M6). */
export function advanceCommit(state: RaftState, leader: Leader): void {
  const matchOf = (member: MemberId): number =>
    member === state.id ? state.durability.durableIndex : (leader.progress.get(member)?.match ?? 0);
  const index = quorumValue(state.membership, matchOf);
  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return; // M7
  for (const entry of state.log.slice(state.commitIndex, index)) leader.uncommittedBytes -= entryCost(entry.bytes);
  assert(leader.uncommittedBytes >= 0, 'M15: what was counted as uncommitted is what was');
  assert(index < state.log.lastIndex || leader.uncommittedBytes === 0, 'M15: nothing uncommitted, nothing counted');
  state.advanceCommitTo(index);
  settleReads(state, leader);
  const { membership } = state;
  if (state.log.membershipIndex > state.commitIndex) return;
  if (isJoint(membership)) {
    sometimes('metadata/joint-membership-left');
    appendMembership(state, leader, membershipAfterJoint(membership));
  } else if (!isVoter(membership, state.id)) stepDownRemoved(state, leader);
}

function stepDownRemoved(state: RaftState, leader: Leader): void {
  sometimes('metadata/removed-leader-stepped-down');
  // Tell the others that we are out (it is committed), and the best of them to lead, rather than let them time out.
  for (const [member, progress] of leader.progress) sendNext(state, member, progress, undefined);
  const heir = mostAdvanced(state, leader);
  if (heir !== undefined) state.send(heir, { kind: 'raft-timeout-now' });
  becomeFollower(state, state.term, undefined); // M8
}

// --- proposals ------------------------------------------------------------------------------------------------------------

export function appendCommand(state: RaftState, leader: Leader, bytes: Uint8Array): number {
  leader.uncommittedBytes += entryCost(bytes);
  if (buggify('metadata/heartbeat-now')) leader.heartbeatDeadlineMs = state.nowMs;
  return state.appendNew('command', bytes);
}

export function appendMembership(state: RaftState, leader: Leader, membership: Membership): number {
  const bytes = encodeMembership(membership);
  leader.uncommittedBytes += entryCost(bytes);
  const index = state.appendNew('membership', bytes); // in effect from here on
  alignProgress(state, leader);
  return index;
}

/** Learners that may become voters now: heard lately, and nearly as far as we are (M8). */
export function isCaughtUp(state: RaftState, leader: Leader, member: MemberId): boolean {
  const progress = leader.progress.get(member);
  if (progress === undefined || progress.flow.kind !== 'replicate') return false;
  return state.log.lastIndex - progress.match <= state.options.promotionLagMax;
}

// --- transfer -------------------------------------------------------------------------------------------------------------

export function beginTransfer(state: RaftState, leader: Leader, to: MemberId): void {
  leader.transfer = { to, deadlineMs: state.nowMs + state.options.electionTimeoutMaxMs, told: false };
  maybeHandOver(state, leader);
}

/** Asks the heir to campaign once it has everything. */
function maybeHandOver(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (state.role !== leader || transfer === undefined || transfer.told) return;
  if (leader.progress.get(transfer.to)?.match !== state.log.lastIndex) return;
  transfer.told = true;
  state.send(transfer.to, { kind: 'raft-timeout-now' });
}

/** The voter that has most of the log and was heard lately, first by id among equals. */
export function mostAdvanced(state: RaftState, leader: Leader): MemberId | undefined {
  let best: MemberId | undefined;
  let bestMatch = -1;
  for (const member of state.membership.voters) {
    const progress = leader.progress.get(member);
    if (progress === undefined || progress.flow.kind !== 'replicate' || progress.match <= bestMatch) continue;
    best = member;
    bestMatch = progress.match;
  }
  return best;
}

/** A snapshot is being given to somebody, or is about to be. */
export function givesSnapshot(leader: Leader): boolean {
  for (const { flow } of leader.progress.values()) if (flow.kind === 'snapshot') return true;
  return false;
}

/** Somebody is further behind than our log goes, and no snapshot is at hand. */
export function wantsSnapshot(leader: Leader): boolean {
  for (const { flow } of leader.progress.values()) {
    if (flow.kind === 'snapshot' && flow.snapshot === undefined) return true;
  }
  return false;
}
