// A Raft peer: what the metadata actor holds
// =============================================================================
//
// Calls tell the peer what happened; `takeOutputs` gives what must happen, in order. README.md has the whole contract.
//
// Owns: the order in which the parts are asked. Does not: do any I/O, read a clock, or know what commands mean.
//
// Invariants
//   M4. Leader completeness follows from the election rule (election.ts) and M7 (leader.ts); what can be checked here is asserted
//       where a leader's append would contradict something committed (follower.ts).
//   M13. A peer whose log is damaged (`recovering`) neither votes, campaigns nor acknowledges.

import { buggify, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import type { Random } from '../../../runtime/std/random.js';
import { type MemberId, type Membership, raftEntryBytesMax } from '../../../messaging/protocol/raft-entry.js';
import { raftSnapshotChunkCountMax, type RaftMessage } from '../../../messaging/protocol/raft-messages.js';
import { becomeFollower, campaign, countOwnVote, onLeaderDied, onTimeoutNow, onVote, onVoteReply } from './election.js';
import { onAppend, onHeartbeat } from './follower.js';
import * as leading from './leader.js';
import { RaftLog } from './log.js';
import {
  isJoint,
  isValidChange,
  type MembershipChange,
  membershipToward,
  noMembership,
  sameMembership,
  settledMembership,
} from './membership.js';
import { entryCost } from './office.js';
import { checkedOptions, type RaftOptions } from './options.js';
import type { RaftOutput } from './outputs.js';
import type { OutgoingSnapshot, Progress } from './progress.js';
import { isVoter, membersOf, votersOf } from './quorum.js';
import { encodeRecord } from './record.js';
import type { RecoveredRaft } from './recovery.js';
import type { Role, RoleKind } from './roles.js';
import { maybeSwitch, onSnapshot, snapshotStored, snapshotWritten, takeSnapshot } from './snapshots.js';
import { RaftState } from './state.js';

export interface RaftSetup {
  readonly id: MemberId;
  readonly random: Random;
  readonly nowMs: number;
  readonly options?: Partial<RaftOptions>;
  /** What `RaftRecovery.finish()` gave. */
  readonly recovered?: RecoveredRaft | undefined;
  /** Founds a group, when nothing was recovered. All founders are given the same. */
  readonly bootstrap?: MembershipChange | undefined;
  /** The log is damaged: stay silent (M13). */
  readonly recovering?: boolean;
}

/** `not-ready`: this term has nothing committed yet, or a change of membership is under way. */
export type RefusalReason =
  | 'not-leader'
  | 'not-ready'
  | 'transferring'
  | 'backlog'
  | 'too-large'
  | 'invalid'
  | 'not-caught-up'
  | 'unchanged';

export interface Refused {
  readonly accepted: false;
  readonly reason: RefusalReason;
  /** Whom to ask instead, when known. */
  readonly leader: MemberId | undefined;
}

/** Where the first of the proposed entries stands; took effect when an entry with this index *and* term is applied. */
export type Proposed = { readonly accepted: true; readonly index: number; readonly term: number } | Refused;

export type ReadAsked = { readonly accepted: true; readonly request: number } | Refused;

/** A status is for people: a member that is only slow need not alarm them. */
const silentElections = 3;

export interface MemberStatus {
  readonly id: MemberId;
  readonly voter: boolean;
  /** What the leader knows; undefined elsewhere. */
  readonly match: number | undefined;
  /** Heard of lately: within `silentElections` of the longest election time-outs. */
  readonly active: boolean | undefined;
  readonly flow: 'probe' | 'replicate' | 'snapshot' | undefined;
  /** Appends on their way to it. */
  readonly inFlight: number | undefined;
}

export interface RaftStatus {
  readonly role: RoleKind;
  readonly term: number;
  readonly leader: MemberId | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly snapshotIndex: number;
  /** What this leader proposed and is not committed; 0 elsewhere (M15). */
  readonly uncommittedBytes: number;
  readonly members: readonly MemberStatus[];
}

export class RaftPeer {
  readonly #state: RaftState;
  /** The last snapshot given for followers; replaced when the log has moved past it. */
  #offered: OutgoingSnapshot | undefined;
  #snapshotAsked = false;

  constructor(setup: RaftSetup) {
    const { id, nowMs, recovered } = setup;
    assert(id.length > 0, 'M8: a member has an id');
    const options = checkedOptions(setup.options);
    const founding = recovered === undefined ? setup.bootstrap : undefined;
    const membership = founding === undefined ? noMembership : settledMembership(founding);
    const start = recovered ?? {
      term: 0,
      vote: undefined,
      log: new RaftLog({ index: 0, term: 0 }, membership),
      snapshotIndex: 0,
    };
    const role: Role =
      setup.recovering === true
        ? { kind: 'recovering' }
        : { kind: 'follower', leader: undefined, heardMs: -Infinity, electionDeadlineMs: nowMs };
    this.#state = new RaftState(id, setup.random, options, start, role, nowMs, start.snapshotIndex);
    // A group of one has nobody to wait for.
    const alone = isVoter(this.membership, id) && votersOf(this.membership).length === 1;
    if (role.kind === 'follower' && !alone) role.electionDeadlineMs = nowMs + this.#state.randomElectionTimeoutMs();
    if (founding !== undefined) {
      const token = this.#state.durability.handOut(0, nowMs);
      this.#state.put({ kind: 'persist', token, record: encodeRecord({ kind: 'bootstrap', membership }) });
    }
  }

  get id(): MemberId {
    return this.#state.id;
  }

  get role(): RoleKind {
    return this.#state.role.kind;
  }

  get term(): number {
    return this.#state.term;
  }

  /** The leader of this term, when it is heard. */
  get leader(): MemberId | undefined {
    return this.#state.leader;
  }

  get commitIndex(): number {
    return this.#state.commitIndex;
  }

  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }

  /** The newest durable snapshot of our own. */
  get snapshotIndex(): number {
    return this.#state.snapshotIndex;
  }

  /** Bytes of the entries in memory. */
  get logBytes(): number {
    return this.#state.log.bytes;
  }

  /** In effect now: the last in the log, committed or not. */
  get membership(): Membership {
    return this.#state.membership;
  }

  /** Leads, and has committed an entry in its term: it knows everything that was ever committed. */
  get isReady(): boolean {
    const { role } = this.#state;
    return role.kind === 'leader' && leading.isOpened(this.#state, role);
  }

  /** When `tick` is wanted next. */
  get nextDeadlineMs(): number | undefined {
    const { role } = this.#state;
    if (role.kind === 'recovering') return undefined;
    if (role.kind !== 'leader') return role.electionDeadlineMs;
    const transfer = role.transfer?.deadlineMs ?? Infinity;
    return Math.min(role.heartbeatDeadlineMs, role.quorumDeadlineMs, transfer);
  }

  status(): RaftStatus {
    const { role, membership, nowMs, options } = this.#state;
    const isHeard = (progress: Progress | undefined): boolean | undefined =>
      progress === undefined ? undefined : nowMs - progress.heardMs <= silentElections * options.electionTimeoutMaxMs;
    const members = membersOf(membership).map((id): MemberStatus => {
      const progress = role.kind === 'leader' ? role.progress.get(id) : undefined;
      const own = role.kind === 'leader' && id === this.id;
      return {
        id,
        voter: isVoter(membership, id),
        match: own ? this.#state.durability.durableIndex : progress?.match,
        active: own ? true : isHeard(progress),
        flow: progress?.flow.kind,
        inFlight: progress?.inFlightCount,
      };
    });
    const { term, leader, commitIndex, appliedIndex, lastIndex, snapshotIndex } = this;
    const uncommittedBytes = role.kind === 'leader' ? role.uncommittedBytes : 0;
    return {
      role: role.kind,
      term,
      leader,
      commitIndex,
      appliedIndex,
      lastIndex,
      snapshotIndex,
      uncommittedBytes,
      members,
    };
  }

  // --- events -----------------------------------------------------------------------------------------------------------

  tick(nowMs: number): void {
    this.#state.advanceClockTo(nowMs);
    const { role } = this.#state;
    if (role.kind === 'recovering') return;
    if (role.kind === 'leader') leading.tickLeader(this.#state, role);
    else if (nowMs >= role.electionDeadlineMs) campaign(this.#state);
  }

  /** A message arrived, perhaps late or twice. One for another member is ignored. */
  step(message: RaftMessage, nowMs: number): void {
    const state = this.#state;
    state.advanceClockTo(nowMs);
    if (message.to !== state.id || message.from === state.id) return; // M8: meant for a member that was here before
    if (state.role.kind === 'recovering') return; // M13
    if (message.kind === 'raft-vote') {
      onVote(state, message);
      return;
    }
    if (message.term > state.term) {
      const isGrant = message.kind === 'raft-vote-reply' && message.pre && message.granted;
      if (!isGrant) becomeFollower(state, message.term, isFromLeader(message) ? message.from : undefined);
    } else if (message.term < state.term) {
      // Tell a deposed leader, or it would go on until its quorum is missed; everything else is too late.
      if (message.kind === 'raft-append') sometimes('metadata/deposed-leader-s-append-rejected');
      if (isFromLeader(message))
        state.sendWhenTermDurable(message.from, { kind: 'raft-refused', previous: 0, conflict: { index: 0, term: 0 } });
      return;
    }
    this.#dispatch(message);
  }

  #dispatch(message: Exclude<RaftMessage, { readonly kind: 'raft-vote' }>): void {
    const state = this.#state;
    switch (message.kind) {
      case 'raft-vote-reply':
        onVoteReply(state, message);
        return;
      case 'raft-append':
        becomeFollower(state, state.term, message.from);
        onAppend(state, message);
        return;
      case 'raft-heartbeat':
        becomeFollower(state, state.term, message.from);
        onHeartbeat(state, message);
        return;
      case 'raft-snapshot':
        becomeFollower(state, state.term, message.from);
        onSnapshot(state, message);
        return;
      case 'raft-timeout-now':
        onTimeoutNow(state, message);
        return;
      default:
        if (state.role.kind === 'leader') leading.onReply(state, state.role, message);
    }
  }

  /** The record of `token`, and all before it, are on disk. */
  persisted(token: number, nowMs: number): void {
    const state = this.#state;
    state.advanceClockTo(nowMs);
    for (const message of state.durability.persisted(token)) state.put({ kind: 'send', message });
    state.applyCommitted();
    countOwnVote(state);
    if (state.role.kind === 'leader') {
      leading.settleReads(state, state.role);
      leading.advanceCommit(state, state.role);
    }
    maybeSwitch(state);
  }

  /** An authenticated report that `member`'s process is gone. */
  leaderDied(member: MemberId, nowMs: number): void {
    this.#state.advanceClockTo(nowMs);
    onLeaderDied(this.#state, member);
  }

  // --- requests ---------------------------------------------------------------------------------------------------------

  /** Proposes commands; the peer owns their bytes from now on. All of them or none. */
  propose(commands: readonly Uint8Array[]): Proposed {
    const state = this.#state;
    const { role } = state;
    if (role.kind !== 'leader') return this.#refused('not-leader');
    if (commands.length === 0) return this.#refused('invalid');
    if (commands.some((command) => command.length > raftEntryBytesMax)) return this.#refused('too-large'); // M15
    if (role.transfer !== undefined) return this.#refused('transferring');
    const cost = commands.reduce((sum, command) => sum + entryCost(command), 0);
    const { uncommittedBytesMax } = state.options;
    if (commands.length > 1 && cost > uncommittedBytesMax) return this.#refused('too-large'); // M15: never fits; one always does
    if (role.uncommittedBytes > 0 && role.uncommittedBytes + cost > uncommittedBytesMax)
      return this.#refused('backlog'); // M15
    const index = state.log.lastIndex + 1;
    for (const command of commands) leading.appendCommand(state, role, command);
    return { accepted: true, index, term: state.term };
  }

  /** Brings the group to exactly these voters and learners. New voters must be learners that caught up (M8). */
  proposeMembership(change: MembershipChange): Proposed {
    const state = this.#state;
    const { role, membership } = state;
    if (role.kind !== 'leader') return this.#refused('not-leader');
    if (!isValidChange(change)) return this.#refused('invalid');
    if (role.transfer !== undefined) return this.#refused('transferring');
    const settled = !isJoint(membership) && state.log.membershipIndex <= state.commitIndex;
    if (!settled || !leading.isOpened(state, role)) return this.#refused('not-ready'); // M8
    const target = settledMembership(change);
    if (sameMembership(target, membership)) return this.#refused('unchanged');
    const newcomers = target.voters.filter((voter) => !membership.voters.includes(voter));
    const ready = newcomers.every(
      (voter) => membership.learners.includes(voter) && leading.isCaughtUp(state, role, voter),
    );
    if (!ready) return this.#refused('not-caught-up');
    const index = leading.appendMembership(state, role, membershipToward(membership, target));
    return { accepted: true, index, term: state.term };
  }

  /** Asks for a linearizable read. */
  readIndex(): ReadAsked {
    const { role, options } = this.#state;
    if (role.kind !== 'leader') return this.#refused('not-leader');
    if (role.reads.size >= options.readCountMax) return this.#refused('backlog');
    const request = this.#state.nextRequest();
    role.reads.add(request);
    return { accepted: true, request };
  }

  /** Hands leadership to a voter, as soon as it has everything. Given up after an election timeout. */
  transferLeadership(to: MemberId, nowMs: number): { readonly accepted: true } | Refused {
    const state = this.#state;
    state.advanceClockTo(nowMs);
    const { role } = state;
    if (role.kind !== 'leader') return this.#refused('not-leader');
    if (to === state.id || !state.membership.voters.includes(to)) return this.#refused('invalid');
    if (role.transfer !== undefined) return this.#refused('transferring');
    leading.beginTransfer(state, role, to);
    return { accepted: true };
  }

  /** Hands leadership to whoever is furthest. */
  resign(nowMs: number): { readonly accepted: true } | Refused {
    const { role } = this.#state;
    if (role.kind !== 'leader') return this.#refused('not-leader');
    const heir = leading.mostAdvanced(this.#state, role);
    return heir === undefined ? this.#refused('not-ready') : this.transferLeadership(heir, nowMs);
  }

  #refused(reason: RefusalReason): Refused {
    return { accepted: false, reason, leader: this.leader };
  }

  // --- snapshots --------------------------------------------------------------------------------------------------------

  /** Asks for a snapshot of the state machine now. False when one is under way, or nothing was applied since the last. */
  snapshot(): boolean {
    return this.#state.role.kind !== 'recovering' && takeSnapshot(this.#state);
  }

  /** Every chunk of the snapshot was accepted by the world. */
  snapshotWritten(snapshot: number, nowMs: number): void {
    this.#state.advanceClockTo(nowMs);
    snapshotWritten(this.#state, snapshot);
  }

  /** The snapshot is switched on, durably. */
  snapshotStored(snapshot: number, nowMs: number): void {
    const state = this.#state;
    state.advanceClockTo(nowMs);
    const { tailCountMax } = state.options;
    const { appliedIndex: index } = state;
    // Transfers under way hold the log back, so that they need not start again when they end; but not without limit.
    let keepFrom = index - (buggify('metadata/keep-no-tail') ? 0 : tailCountMax);
    if (state.role.kind === 'leader') {
      for (const { flow } of state.role.progress.values()) {
        if (flow.kind === 'snapshot' && flow.snapshot !== undefined)
          keepFrom = Math.min(keepFrom, flow.snapshot.last.index);
      }
    }
    snapshotStored(state, snapshot, Math.max(keepFrom, index - 4 * tailCountMax));
  }

  /** Answers `snapshot-wanted`: the state machine at `appliedIndex`. The peer owns the chunks; each fits a message. */
  provideSnapshot(chunks: readonly Uint8Array[]): void {
    const state = this.#state;
    const index = state.appliedIndex;
    const term = state.log.termAt(index);
    assert(term !== undefined, 'M11: what was applied is in the log');
    assert(
      chunks.length > 0 && chunks.length <= raftSnapshotChunkCountMax,
      'M11: a snapshot has a bounded number of chunks',
    );
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    assert(bytes <= state.options.snapshotBytesMax, 'M11: a snapshot is bounded');
    const membership = state.log.membershipAt(index);
    this.#offered = { snapshot: state.nextSnapshot(), last: { index, term }, membership, chunks };
    this.#snapshotAsked = false;
  }

  // --- outputs ----------------------------------------------------------------------------------------------------------

  /** What must happen, in order; empty when nothing. Acting on it may bring more: take until it is empty. */
  takeOutputs(): RaftOutput[] {
    const state = this.#state;
    if (state.role.kind === 'leader') {
      leading.flushLeader(state, state.role, this.#usableSnapshot());
      if (!leading.givesSnapshot(state.role)) this.#offered = undefined; // nobody needs it any more
      if (!this.#snapshotAsked && leading.wantsSnapshot(state.role)) {
        this.#snapshotAsked = true;
        state.put({ kind: 'snapshot-wanted' });
      }
    } else {
      this.#offered = undefined;
      this.#snapshotAsked = false;
    }
    state.save();
    return state.takeOutputs();
  }

  #usableSnapshot(): OutgoingSnapshot | undefined {
    const offered = this.#offered;
    if (offered !== undefined && offered.last.index < this.#state.log.base.index) this.#offered = undefined;
    return this.#offered;
  }
}

function isFromLeader(message: RaftMessage): boolean {
  return message.kind === 'raft-append' || message.kind === 'raft-heartbeat' || message.kind === 'raft-snapshot';
}
