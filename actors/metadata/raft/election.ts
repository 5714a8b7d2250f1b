// Elections
// =============================================================================
//
// Invariants
//   M9. A peer asks whether it would be elected before it takes a new term (PreVote); one that heard a leader within the minimum election
//       timeout refuses both kinds of votes, unless that leader asked for the election.
//   M12. Votes compare (term, index) of the last entry, also when that entry is in a snapshot only.
//
// Sources: Ongaro's dissertation 3.4, 3.6.1, 3.10, 4.2.3, 9.6. We differ: a report that the leader's process is gone ends the wait for it;
// the voters then campaign one after the other, by the order of their ids, so that they do not split the vote.

import { buggify, planted, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import type { LogPosition, MemberId } from '../../../messaging/protocol/raft-entry.js';
import type { RaftTimeoutNow, RaftVote, RaftVoteReply } from '../../../messaging/protocol/raft-messages.js';
import { leaveOffice, takeOffice } from './office.js';
import { hasQuorum, isVoter, votersOf } from './quorum.js';
import type { Candidate, PreCandidate } from './roles.js';
import type { RaftState } from './state.js';

/** Follows `leader`, or nobody yet, in `term`. */
export function becomeFollower(state: RaftState, term: number, leader: MemberId | undefined): void {
  if (term > state.term) state.enterTerm(term);
  assert(term === state.term, 'O2: a term never falls');
  const { role } = state;
  if (role.kind === 'leader') leaveOffice(state, role);
  if (leader !== undefined) state.recognize(leader);
  const electionDeadlineMs = state.nowMs + state.randomElectionTimeoutMs();
  const heardMs = leader === undefined ? -Infinity : state.nowMs;
  if (role.kind === 'follower') {
    role.leader = leader;
    role.heardMs = heardMs;
    role.electionDeadlineMs = electionDeadlineMs;
    state.roleChanged();
  } else {
    state.enterRole({ kind: 'follower', leader, heardMs, electionDeadlineMs });
  }
}

/**
 * True when this peer may stand for election. One that a membership in its log leaves out still may while that is not known to be
 * committed: it may be the only one with the log that the others need to leave the joint phase (dissertation 4.2.2).
 */
export function mayCampaign(state: RaftState): boolean {
  if (state.snapshotWork.isInstalling) return false;
  if (planted('PB47')) return isVoter(state.membership, state.id);
  return state.log.membershipsSince(state.commitIndex).some((membership) => isVoter(membership, state.id));
}

/** The election timeout passed, or the leader is known to be dead. */
export function campaign(state: RaftState): void {
  const { role } = state;
  assert(role.kind !== 'leader' && role.kind !== 'recovering', 'O1: only followers and candidates campaign');
  if (!mayCampaign(state)) {
    becomeFollower(state, state.term, undefined);
    return;
  }
  if (role.kind === 'candidate') sometimes('metadata/vote-without-winner');
  const ballots = new Map<MemberId, boolean>([[state.id, true]]);
  const electionDeadlineMs = state.nowMs + state.randomElectionTimeoutMs();
  state.enterRole({ kind: 'pre-candidate', ballots, electionDeadlineMs });
  if (countPreVotes(state)) return; // a group of one
  askForVotes(state, state.term + 1, true, false);
}

function stand(state: RaftState, transfer: boolean): void {
  if (transfer) sometimes('metadata/leadership-handed-over');
  state.enterTerm(state.term + 1);
  state.castVote(state.id);
  state.enterRole({
    kind: 'candidate',
    ballots: new Map(),
    electionDeadlineMs: state.nowMs + state.randomElectionTimeoutMs(),
    ballotToken: state.tokenOfChanges,
  });
  askForVotes(state, state.term, false, transfer);
}

function askForVotes(state: RaftState, term: number, pre: boolean, transfer: boolean): void {
  const last = state.log.last; // M12
  for (const voter of votersOf(state.membership)) {
    if (voter !== state.id) state.sendOfTerm(voter, term, { kind: 'raft-vote', pre, transfer, last });
  }
}

function isUpToDate(theirs: LogPosition, ours: LogPosition): boolean {
  return theirs.term > ours.term || (theirs.term === ours.term && theirs.index >= ours.index);
}

/** A leader that is alive, or is ourselves, was heard within the minimum election timeout. */
function hearsLeader(state: RaftState): boolean {
  const { role } = state;
  if (role.kind === 'leader') return true;
  return role.kind === 'follower' && state.nowMs - role.heardMs < state.options.electionTimeoutMinMs;
}

/** A vote request of any term. */
export function onVote(state: RaftState, message: RaftVote): void {
  const heard = hearsLeader(state) && !message.transfer; // M9
  if (heard || message.term < state.term) {
    if (heard) sometimes('metadata/vote-refused-while-leader-is-heard');
    refuse(state, message);
    return;
  }
  if (!message.pre && message.term > state.term) becomeFollower(state, message.term, undefined);
  const upToDate = isUpToDate(message.last, state.log.last);
  if (message.pre) {
    // A term that somebody got our vote in is no use to anybody else.
    const free = message.term > state.term || state.vote === undefined || state.vote === message.from;
    if (!upToDate) sometimes('metadata/pre-vote-refused-to-short-log');
    if (upToDate && free && !buggify('metadata/refuse-pre-vote'))
      state.sendOfTerm(message.from, message.term, { kind: 'raft-vote-reply', pre: true, granted: true });
    else refuse(state, message);
    return;
  }
  const free = state.vote === undefined || state.vote === message.from;
  const { role } = state;
  if (!free) sometimes('metadata/vote-was-another-s');
  const may = upToDate && free && role.kind === 'follower' && state.leaderOfTerm === undefined;
  if (!may || buggify('metadata/refuse-vote')) {
    refuse(state, message);
    return;
  }
  state.castVote(message.from);
  role.electionDeadlineMs = state.nowMs + state.randomElectionTimeoutMs();
  const vote = { kind: 'raft-vote-reply', pre: false, granted: true } as const;
  if (planted('PB22')) state.send(message.from, vote);
  else state.sendWhenDurable(message.from, vote);
}

function refuse(state: RaftState, message: RaftVote): void {
  state.sendWhenTermDurable(message.from, { kind: 'raft-vote-reply', pre: message.pre, granted: false });
}

/** A reply of our term, or a granted pre-vote of the next. */
export function onVoteReply(state: RaftState, message: RaftVoteReply): void {
  const { role } = state;
  if (message.pre && role.kind === 'pre-candidate') {
    if (message.granted && message.term !== state.term + 1) return;
    if (!role.ballots.has(message.from)) role.ballots.set(message.from, message.granted);
    countPreVotes(state);
  } else if (!message.pre && role.kind === 'candidate' && message.term === state.term) {
    if (!role.ballots.has(message.from)) role.ballots.set(message.from, message.granted); // once, however often it arrives
    countVotes(state);
  }
}

function wins(state: RaftState, role: PreCandidate | Candidate): boolean {
  return hasQuorum(state.membership, (member) => role.ballots.get(member) === true);
}

function loses(state: RaftState, role: PreCandidate | Candidate): boolean {
  return !hasQuorum(state.membership, (member) => role.ballots.get(member) !== false);
}

function countPreVotes(state: RaftState): boolean {
  const { role } = state;
  assert(role.kind === 'pre-candidate', 'O1: pre-votes are a pre-candidate’s');
  if (wins(state, role)) {
    stand(state, false);
    return true;
  }
  if (loses(state, role)) becomeFollower(state, state.term, undefined);
  return false;
}

function countVotes(state: RaftState): void {
  const { role } = state;
  assert(role.kind === 'candidate', 'O1: votes are a candidate’s');
  if (wins(state, role)) takeOffice(state);
  else if (loses(state, role)) becomeFollower(state, state.term, undefined);
}

/** Something became durable: maybe our own vote (M6). */
export function countOwnVote(state: RaftState): void {
  const { role } = state;
  if (role.kind !== 'candidate' || role.ballots.has(state.id)) return;
  if (state.durability.persistedToken < role.ballotToken) return;
  role.ballots.set(state.id, true);
  countVotes(state);
}

/** The leader of our term hands over to us. */
export function onTimeoutNow(state: RaftState, message: RaftTimeoutNow): void {
  const { role } = state;
  if (role.kind !== 'follower' || message.from !== role.leader || !mayCampaign(state)) return;
  stand(state, true);
}

/** `member`'s process is certainly gone. */
export function onLeaderDied(state: RaftState, member: MemberId): void {
  const { role } = state;
  if (role.kind !== 'follower' || role.leader !== member) return;
  role.leader = undefined;
  role.heardMs = -Infinity;
  const survivors = votersOf(state.membership).filter((voter) => voter !== member);
  const rank = Math.max(0, survivors.indexOf(state.id));
  role.electionDeadlineMs = state.nowMs + rank * state.options.heartbeatMs;
  state.roleChanged();
  if (rank === 0) campaign(state);
}
