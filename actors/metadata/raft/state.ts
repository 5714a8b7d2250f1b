// What all roles of a peer share
// =============================================================================
//
// Owns: term, vote, log, what is committed and applied, what the disk has, and the outputs of the calls so far.
// Does not: decide anything; that is election.ts, follower.ts, leader.ts, snapshots.ts.
//
// Invariants
//   M1. At most one leader in a term: a peer that heard of two asserts. Its term never falls and its vote in a term never changes.
//   M5. appliedIndex ≤ commitIndex, appliedIndex ≤ durableIndex, neither falls, and nothing committed is ever truncated.
//   M6. A message that depends on a change leaves after the record of that change is durable.
//
// Sources: Ongaro's dissertation figure 3.1; etcd-io/raft `Ready`. We differ: entries are applied once they are durable here too, so what was applied
// is never forgotten by a crash.

import { buggify, planted, sometimes } from '../../../runtime/probes/probes.js';
import { assert, present } from '../../../runtime/std/assert.js';
import type { Random } from '../../../runtime/std/random.js';
import type {
  LogPosition,
  MemberId,
  Membership,
  RaftEntry,
  RaftEntryKind,
} from '../../../messaging/protocol/raft-entry.js';
import { raftEntryCountMax } from '../../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../../messaging/protocol/raft-messages.js';
import { Durability } from './durability.js';
import type { RaftLog } from './log.js';
import type { RaftOptions } from './options.js';
import type { RaftOutput } from './outputs.js';
import { encodeRecord, type LogRecord } from './record.js';
import type { RecoveredRaft } from './recovery.js';
import { assertTransition, type Role } from './roles.js';
import { SnapshotWork } from './snapshot-work.js';

/** A message without its header, which `send` fills in. */
export type Body<M = RaftMessage> = M extends RaftMessage ? Omit<M, 'from' | 'to' | 'term'> : never;

export class RaftState {
  readonly id: MemberId;
  readonly random: Random;
  readonly options: RaftOptions;
  readonly durability: Durability;
  readonly snapshotWork = new SnapshotWork();
  nowMs: number;
  #term: number;
  #vote: MemberId | undefined;
  #log: RaftLog;
  #role: Role;
  /** The leader of the present term, as far as heard; kept when contact is lost, for M1. */
  #leaderOfTerm: MemberId | undefined;
  #commitIndex: number;
  #appliedIndex: number;
  #snapshotIndex: number;
  /** Entries from here on, and/or term and vote, are in no record yet. */
  #unsavedFrom: number | undefined;
  #unsavedVote = false;
  /** The record that holds the present term and vote. */
  #voteToken = 0;
  #outputs: RaftOutput[] = [];
  /** Read requests have unique numbers through the life of the peer. */
  #lastRequest = 0;
  #lastSnapshot = 0;

  constructor(
    id: MemberId,
    random: Random,
    options: RaftOptions,
    recovered: RecoveredRaft,
    role: Role,
    nowMs: number,
    snapshotIndex: number,
  ) {
    this.id = id;
    this.random = random;
    this.options = options;
    this.nowMs = nowMs;
    this.#term = recovered.term;
    this.#vote = recovered.vote;
    this.#log = recovered.log;
    this.#role = role;
    this.#commitIndex = snapshotIndex;
    this.#appliedIndex = snapshotIndex;
    this.#snapshotIndex = snapshotIndex;
    this.durability = new Durability(this.#log.lastIndex, options.heldMessageCountMax);
  }

  get term(): number {
    return this.#term;
  }

  get vote(): MemberId | undefined {
    return this.#vote;
  }

  get log(): RaftLog {
    return this.#log;
  }

  get membership(): Membership {
    return this.#log.membership;
  }

  get role(): Role {
    return this.#role;
  }

  get leader(): MemberId | undefined {
    if (this.#role.kind === 'leader') return this.id;
    return this.#role.kind === 'follower' ? this.#role.leader : undefined;
  }

  get leaderOfTerm(): MemberId | undefined {
    return this.#leaderOfTerm;
  }

  get commitIndex(): number {
    return this.#commitIndex;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The newest durable snapshot holds everything up to here. */
  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }

  nextRequest(): number {
    return ++this.#lastRequest;
  }

  nextSnapshot(): number {
    return ++this.#lastSnapshot;
  }

  /** Time passed, as told by the caller. */
  advanceClockTo(nowMs: number): void {
    assert(nowMs >= this.nowMs, 'monotonic time does not go back');
    this.nowMs = nowMs;
  }

  // --- term, vote and role ---------------------------------------------------------------------------------------------

  /** Moves on to a newer term, without a vote in it. */
  enterTerm(term: number): void {
    assert(term > this.#term, 'M1: a term never falls');
    this.#term = term;
    this.#vote = undefined;
    this.#leaderOfTerm = undefined;
    this.#unsavedVote = true;
  }

  castVote(candidate: MemberId): void {
    assert(this.#vote === undefined || this.#vote === candidate, 'M1: one vote in a term, for ever');
    if (this.#vote === candidate) return;
    this.#vote = candidate;
    this.#unsavedVote = true;
  }

  enterRole(role: Role): void {
    assertTransition(this.#role.kind, role.kind);
    this.#role = role;
    this.roleChanged();
  }

  /** Says who we are and whom we follow, when that is news. */
  roleChanged(): void {
    const { kind } = this.#role;
    const said = this.#said;
    if (said.role === kind && said.term === this.#term && said.leader === this.leader) return;
    this.#said = { role: kind, term: this.#term, leader: this.leader };
    this.put({ kind: 'role-changed', ...this.#said });
  }

  #said: { readonly role: Role['kind']; readonly term: number; readonly leader: MemberId | undefined } = {
    role: 'follower',
    term: -1,
    leader: undefined,
  };

  /** `leader` was heard as the leader of the present term. */
  recognize(leader: MemberId): void {
    assert(this.#leaderOfTerm === undefined || this.#leaderOfTerm === leader, 'M1: two leaders in one term');
    this.#leaderOfTerm = leader;
  }

  // --- log -------------------------------------------------------------------------------------------------------------

  /** Appends what a leader proposes; gives its index. */
  appendNew(kind: RaftEntryKind, bytes: Uint8Array): number {
    const entry: RaftEntry = { index: this.#log.lastIndex + 1, term: this.#term, kind, bytes };
    this.appendEntry(entry);
    return entry.index;
  }

  appendEntry(entry: RaftEntry): void {
    this.#log.append(entry);
    this.#unsavedFrom = Math.min(this.#unsavedFrom ?? entry.index, entry.index);
    if (entry.kind === 'membership') this.put({ kind: 'membership-changed', membership: this.membership });
  }

  truncateAfter(index: number): void {
    assert(this.#role.kind !== 'leader', 'M2: a leader never takes back an entry of its log');
    assert(index >= this.#commitIndex, 'M5: what is committed is never truncated');
    const before = this.#log.membershipIndex;
    const wasJoint = this.membership.outgoing.length > 0;
    this.#log.truncateAfter(index);
    sometimes('metadata/entries-truncated');
    if (this.#log.membershipIndex !== before)
      sometimes(wasJoint ? 'metadata/joint-membership-reverted' : 'metadata/membership-reverted');
    this.durability.truncated(index);
    this.#unsavedFrom = Math.min(this.#unsavedFrom ?? index + 1, index + 1);
    if (this.#log.membershipIndex !== before) this.put({ kind: 'membership-changed', membership: this.membership }); // M8
  }

  /** Everything up to `index` is committed. */
  advanceCommitTo(index: number): void {
    if (index <= this.#commitIndex) return;
    assert(index <= this.#log.lastIndex, 'M5: what is committed is in the log');
    this.#commitIndex = index;
    this.applyCommitted();
  }

  /** Hands out what is committed and durable here. */
  applyCommitted(): void {
    const through = Math.min(this.#commitIndex, this.durability.durableIndex);
    if (through <= this.#appliedIndex) return;
    const entries = this.#log.slice(this.#appliedIndex, through);
    assert(entries[0]?.index === this.#appliedIndex + 1, 'M5: entries are applied in order');
    this.#appliedIndex = through;
    this.put({ kind: 'apply', entries });
  }

  /** A snapshot up to `index` is durable: entries before it need not stay, but for a tail. */
  compacted(index: number, keepFrom: number): void {
    assert(index <= this.#appliedIndex, 'M11: a snapshot holds what was applied');
    this.#snapshotIndex = Math.max(this.#snapshotIndex, index);
    const target = Math.min(index, keepFrom);
    if (target > this.#log.base.index) this.#log.compactTo(target);
  }

  /** The state machine becomes the snapshot `log` begins at; `log` replaces ours, or is ours when the suffix was kept (M11). */
  restored(log: RaftLog, index: number): void {
    assert(index > this.#commitIndex, 'M11: a snapshot never takes the state back');
    const changed = log !== this.#log;
    if (changed) this.durability.truncated(Math.min(index, this.#commitIndex));
    this.durability.covered(index);
    this.#log = log;
    this.#commitIndex = index;
    this.#appliedIndex = index;
    this.#snapshotIndex = index;
    if (changed) this.put({ kind: 'membership-changed', membership: this.membership });
  }

  // --- disk and network ------------------------------------------------------------------------------------------------

  get hasUnsaved(): boolean {
    return this.#unsavedVote || this.#unsavedFrom !== undefined;
  }

  /** The token after which all changes so far are durable. */
  get tokenOfChanges(): number {
    return this.durability.lastToken + (this.hasUnsaved ? 1 : 0);
  }

  /** Hands out a record of what changed since the last. */
  save(): void {
    if (!this.hasUnsaved) return;
    const from = this.#unsavedFrom;
    if (this.#unsavedVote) this.#voteToken = this.durability.lastToken + 1; // every record has term and vote
    this.#unsavedFrom = undefined;
    this.#unsavedVote = false;
    if (from === undefined) this.#saveRecord(planted('PB46') ? 'log' : 'vote', this.#log.last, []);
    else this.saveEntries('log', from - 1);
  }

  /** Hands out records of all entries after `after`, and of term and vote. Gives the last one's token. */
  saveEntries(kind: LogRecord['kind'], after: number): number {
    let base = after;
    let token: number;
    do {
      const through = Math.min(this.#log.lastIndex, base + raftEntryCountMax);
      const entries = this.#log.slice(base, through, recordBytesMax);
      const term = present(this.#log.termAt(base), 'Y3: a record continues the log before it');
      token = this.#saveRecord(kind, { index: base, term }, entries);
      base += entries.length;
    } while (base < this.#log.lastIndex);
    return token;
  }

  #saveRecord(kind: LogRecord['kind'], base: LogPosition, entries: readonly RaftEntry[]): number {
    const vote = planted('PB22') ? undefined : this.#vote;
    const record = encodeRecord({ kind, term: this.#term, vote, base, entries });
    const token = this.durability.handOut(base.index + entries.length, this.nowMs);
    this.put({ kind: 'persist', token, record });
    return token;
  }

  /** Hands out a rebase onto a snapshot that our log does not reach. Changes nothing until that is switched on. */
  saveRebaseOnto(base: LogPosition): number {
    assert(!this.hasUnsaved, 'M11: what the log says now is handed out before');
    const record = encodeRecord({ kind: 'rebase', term: this.#term, vote: this.#vote, base, entries: [] });
    const token = this.durability.handOut(this.#log.lastIndex, this.nowMs);
    this.put({ kind: 'persist', token, record });
    return token;
  }

  put(output: RaftOutput): void {
    this.#outputs.push(output);
  }

  takeOutputs(): RaftOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** Sends without waiting for the disk: for what depends on nothing that is not durable. */
  send(to: MemberId, body: Body): void {
    this.put({ kind: 'send', message: this.#addressed(to, body) });
  }

  /** Sends once everything changed so far is durable (M6). */
  sendWhenDurable(to: MemberId, body: Body): void {
    const message = this.#addressed(to, body);
    if (!this.durability.hold(message, this.tokenOfChanges)) this.put({ kind: 'send', message });
  }

  /** Sends once our term is durable, for what says nothing about the log: a slow disk must not look like a dead peer. */
  sendWhenTermDurable(to: MemberId, body: Body): void {
    const message = this.#addressed(to, body);
    const token = this.#unsavedVote ? this.durability.lastToken + 1 : this.#voteToken;
    if (!this.durability.hold(message, token)) this.put({ kind: 'send', message });
  }

  /** Sends with another term than ours: a pre-vote and its grant speak of a term nobody has entered. */
  sendOfTerm(to: MemberId, term: number, body: Body): void {
    const message = { ...this.#addressed(to, body), term };
    if (!this.durability.hold(message, this.tokenOfChanges)) this.put({ kind: 'send', message });
  }

  #addressed(to: MemberId, body: Body): RaftMessage {
    assert(to !== this.id, 'nobody writes to itself');
    return { ...body, from: this.id, to, term: this.#term };
  }

  randomElectionTimeoutMs(): number {
    const { electionTimeoutMinMs, electionTimeoutMaxMs } = this.options;
    if (buggify('metadata/shortest-election-timeout')) return electionTimeoutMinMs;
    if (buggify('metadata/longest-election-timeout')) return electionTimeoutMaxMs;
    return this.random.between(electionTimeoutMinMs, electionTimeoutMaxMs);
  }
}

/** Far below the journal's limit on a record, and one entry fits. */
const recordBytesMax = 4 * 1024 * 1024;
