// Raft peers in a small scope
// =============================================================================
//
// The production peers with a disk each, and a network that delivers in any order, late or never. Time is left out: a timeout may strike at any
// moment, and a peer that heard its leader may have forgotten it at any moment. That is more than can happen, so what holds here holds for all clocks.
//
// A loss is a delivery that does not come: every state on the way is judged, so any number of losses is in the scope. A crash keeps any part
// of what was not synced, and the restart follows at once, since nothing could tell a later one from messages that are late.
//
// Invariants searched
//   M1 one leader a term · M4 a new leader has everything that was committed in a term before its own · M5 one command at an index, for ever · and all
//   assertions of the peers.
//
// State: per peer its number; facts; budgets; then the messages under way, by number.

import type { RaftRecord } from '../../actors/metadata/raft/record.js';
import type { RaftOptions } from '../../actors/metadata/raft/options.js';
import type { MembershipChange } from '../../actors/metadata/raft/membership.js';
import type { RaftPeer } from '../../actors/metadata/raft/peer.js';
import type { RaftEntry } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import type { Model } from './explorer.js';
import { LocalStates, Numbered } from './local-states.js';
import { ObjectGraph } from './object-graph.js';
import { openModules, type Wrong } from './open-modules.js';
import { constantRandom } from './open-replica.js';

export interface RaftScope {
  readonly name: string;
  readonly peers: readonly string[];
  readonly founding: MembershipChange;
  /** How often each may happen, on all peers together. */
  readonly budget: Budget;
  /** Records are on disk at once. */
  readonly fastDisk: boolean;
  readonly change?: MembershipChange;
  /** Descriptions of actions that come first, each the beginning of one. What is under way after them is lost, unless `keepsMail`. */
  readonly prefix?: readonly string[];
  readonly keepsMail?: boolean;
  /** Entries of one append; undefined = all there are. */
  readonly entriesPerAppend?: 1;
  readonly wrong?: Wrong;
}

export interface Budget {
  readonly timeouts: number;
  readonly crashes: number;
  readonly repeats: number;
  readonly proposals: number;
  readonly heartbeats: number;
  readonly stepDowns: number;
  readonly changes: number;
}

const budgetNames = ['timeouts', 'crashes', 'repeats', 'proposals', 'heartbeats', 'stepDowns', 'changes'] as const;
type BudgetName = (typeof budgetNames)[number];

type Kind =
  | 'deliver'
  | 'lapse'
  | 'repeat'
  | 'timeout'
  | 'sync'
  | 'crash'
  | 'propose'
  | 'heartbeat'
  | 'step-down'
  | 'change';
const kinds: readonly Kind[] = [
  'deliver',
  'lapse',
  'repeat',
  'timeout',
  'sync',
  'crash',
  'propose',
  'heartbeat',
  'step-down',
  'change',
];

interface Disk {
  durable: readonly Uint8Array[];
  pending: { token: number; readonly bytes: Uint8Array }[];
}

interface Host {
  readonly id: string;
  peer: RaftPeer;
  readonly disk: Disk;
}

type Fact =
  | { readonly kind: 'leads'; readonly term: number; readonly id: string; readonly log: readonly string[] }
  /** `term`: the peer's own, so the entry was committed in that term or an earlier one. */
  | { readonly kind: 'applied'; readonly index: number; readonly said: string; readonly term: number };

interface History {
  /** By term. */
  readonly leaders: readonly (string | undefined)[];
  /** By index, from 1; `term`: the least by which it is known to be committed. */
  readonly applied: readonly { readonly said: string; readonly term: number }[];
  readonly broken: string | undefined;
}

/** The open fields that a timeout, or a count of tokens, is about. */
interface OpenPeer {
  readonly _$state: {
    _$role: {
      kind: string;
      heardMs: number;
      electionDeadlineMs: number;
      heartbeatDeadlineMs: number;
      quorumDeadlineMs: number;
      ballotToken: number;
    };
    _$voteToken: number;
    readonly log: { readonly lastIndex: number; slice(after: number, through: number): RaftEntry[] };
    readonly durability: {
      _$lastToken: number;
      _$persistedToken: number;
      readonly _$marks: OpenQueue;
      readonly _$held: OpenQueue;
    };
  };
}

interface OpenQueue {
  readonly size: number;
  at(index: number): { token: number } | undefined;
}

type PeerModule = typeof import('../../actors/metadata/raft/peer.js');
type RecoveryModule = typeof import('../../actors/metadata/raft/recovery.js');
type RecordModule = typeof import('../../actors/metadata/raft/record.js');

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const messageCountMax = 2 ** 18;

export class RaftModel implements Model {
  readonly name: string;
  readonly #scope: RaftScope;
  readonly #Peer: PeerModule['RaftPeer'];
  readonly #Recovery: RecoveryModule['RaftRecovery'];
  readonly #encodeRecord: RecordModule['encodeRecord'];
  readonly #graph = new ObjectGraph({ constants: [constantRandom], ignored: ['options', 'random'] });
  readonly #locals = new LocalStates<Host>(this.#graph);
  readonly #messages = new Numbered<RaftMessage>(this.#graph);
  readonly #facts = new Numbered<readonly Fact[]>(this.#graph);
  readonly #histories = new Numbered<History>(this.#graph);
  readonly #historyAfter = new Map<number, number>();
  readonly #initial: readonly number[];
  readonly #first: number;

  static async load(scope: RaftScope): Promise<RaftModel> {
    const importOpen = await openModules(scope.wrong);
    const { RaftPeer: Peer } = await importOpen<PeerModule>('actors/metadata/raft/peer.js');
    const { RaftRecovery } = await importOpen<RecoveryModule>('actors/metadata/raft/recovery.js');
    const { encodeRecord } = await importOpen<RecordModule>('actors/metadata/raft/record.js');
    return new RaftModel(scope, Peer, RaftRecovery, encodeRecord);
  }

  private constructor(
    scope: RaftScope,
    Peer: PeerModule['RaftPeer'],
    Recovery: RecoveryModule['RaftRecovery'],
    encodeRecord: RecordModule['encodeRecord'],
  ) {
    this.name = scope.name;
    this.#scope = scope;
    this.#Peer = Peer;
    this.#Recovery = Recovery;
    this.#encodeRecord = encodeRecord;
    this.#first = scope.peers.length + 1 + budgetNames.length;
    const hosts = scope.peers.map((id) => {
      const host: Host = { id, peer: this.#newPeer(id, undefined), disk: { durable: [], pending: [] } };
      this.#drain(host);
      this.#sync(host);
      this.#canonicalize(host);
      return this.#locals.numberOf(host);
    });
    const history = this.#histories.numberOf({ leaders: [], applied: [], broken: undefined });
    const ample = budgetNames.map(() => 9);
    const state = (scope.prefix ?? []).reduce(
      (before, text) => this.#take(before, text),
      [...hosts, history, ...ample],
    );
    const budget = budgetNames.map((name) => scope.budget[name]);
    state.splice(scope.peers.length + 1, budget.length, ...budget);
    if (scope.keepsMail !== true) state.length = this.#first;
    this.#initial = state;
  }

  get localStateCount(): number {
    return this.#locals.count;
  }

  initial(): readonly number[] {
    return this.#initial;
  }

  /** The first enabled action whose description begins so. */
  #take(state: readonly number[], text: string): number[] {
    const after: number[][] = [];
    const enabled: string[] = [];
    this.expand(state, (action, next) => {
      const description = this.describe(action);
      enabled.push(description);
      if (next !== undefined && description.startsWith(text)) after.push([...next]);
    });
    const [first] = after;
    if (first === undefined) throw new Error(`no action begins with ${text}; enabled:\n${enabled.join('\n')}`);
    return first;
  }

  violation(state: readonly number[]): string | undefined {
    return this.#histories.valueOf(state[this.#scope.peers.length] as number).broken;
  }

  describe(action: number): string {
    const kind = kinds[action % 16] as Kind;
    const peer = this.#scope.peers[(action >> 4) & 7] as string;
    const argument = action >> 7;
    switch (kind) {
      case 'deliver':
        return messageText(this.#messages.valueOf(argument));
      case 'lapse':
        return `${messageText(this.#messages.valueOf(argument))}, long after it heard a leader`;
      case 'repeat':
        return `${messageText(this.#messages.valueOf(argument))}, and stays under way`;
      case 'crash':
        return `${peer} crashes, keeps ${argument} records that were not synced, and restarts`;
      case 'timeout':
        return `${peer} times out`;
      case 'sync':
        return `${peer} syncs ${argument}`;
      default:
        return `${peer} ${kind}`;
    }
  }

  // --- transitions ------------------------------------------------------------------------------------------------------

  expand(
    state: readonly number[],
    visit: (action: number, next: readonly number[] | undefined, broken?: string) => void,
  ): void {
    const { peers } = this.#scope;
    const visitNode = (
      peer: number,
      kind: Kind,
      argument: number,
      budget: BudgetName | undefined,
      spentAt: number,
    ): void => {
      const budgetAt = budget === undefined ? -1 : peers.length + 1 + budgetNames.indexOf(budget);
      if (budgetAt >= 0 && (state[budgetAt] as number) <= 0) return;
      const number = state[peer] as number;
      const event = argument * 16 + kinds.indexOf(kind);
      const reaction = this.#locals.react(number, event, (host) => this.#run(host, kind, argument));
      const action = (argument << 7) | (peer << 4) | kinds.indexOf(kind);
      if (reaction.broken !== undefined) return visit(action, undefined, reaction.broken);
      // A delivery that changes nothing leads to a state from which less can happen than from this one.
      if (reaction.next === number && reaction.sent.length === 0 && reaction.facts === 0) return;
      const next = [...state];
      next[peer] = reaction.next;
      if (budgetAt >= 0) next[budgetAt] = (next[budgetAt] as number) - 1;
      if (spentAt >= 0) next.splice(spentAt, 1);
      for (const message of reaction.sent) insert(next, message, this.#first);
      this.#dropStale(next, reaction.next !== number ? peer : -1, reaction.sent.length > 0);
      if (reaction.facts !== 0) next[peers.length] = this.#historyOf(state[peers.length] as number, reaction.facts);
      visit(action, next);
    };

    for (let at = this.#first; at < state.length; at++) {
      const number = state[at] as number;
      if (number === state[at - 1] && at > this.#first) continue; // the same message twice
      const message = this.#messages.valueOf(number);
      const to = peers.indexOf(message.to);
      if (to < 0 || !this.#mayAct(state, to)) continue;
      visitNode(to, 'deliver', number, undefined, at);
      if (message.kind === 'raft-vote') visitNode(to, 'lapse', number, undefined, at);
      visitNode(to, 'repeat', number, 'repeats', -1);
    }
    for (let peer = 0; peer < peers.length; peer++) {
      if (!this.#mayAct(state, peer)) continue;
      const { disk, peer: raft } = this.#locals.node(state[peer] as number);
      if (raft.role !== 'leader') visitNode(peer, 'timeout', 0, 'timeouts', -1);
      else {
        visitNode(peer, 'propose', 0, 'proposals', -1);
        visitNode(peer, 'heartbeat', 0, 'heartbeats', -1);
        visitNode(peer, 'step-down', 0, 'stepDowns', -1);
        if (this.#scope.change !== undefined) visitNode(peer, 'change', 0, 'changes', -1);
      }
      for (let count = 1; count <= disk.pending.length; count++) visitNode(peer, 'sync', count, undefined, -1);
      for (let kept = 0; kept <= disk.pending.length; kept++) visitNode(peer, 'crash', kept, 'crashes', -1);
    }
  }

  /** Drops messages that their receiver would ignore now and whatever comes: states that differ in them only are the same. */
  #dropStale(state: number[], changed: number, sent: boolean): void {
    const crashes = (state[this.#scope.peers.length + 1 + budgetNames.indexOf('crashes')] as number) > 0;
    let kept = this.#first;
    for (let at = kept; at < state.length; at++) {
      const number = state[at] as number;
      const message = this.#messages.valueOf(number);
      const to = this.#scope.peers.indexOf(message.to);
      if (to < 0 || ((sent || to === changed) && this.#isStale(message, state[to] as number, crashes))) continue;
      state[kept++] = number;
    }
    state.length = kept;
  }

  #isStale(message: RaftMessage, receiver: number, mayCrash: boolean): boolean {
    const { kind, term } = message;
    const { peer, disk } = this.#locals.node(receiver);
    if (mayCrash && disk.pending.length > 0) return false; // its term may fall to that on its disk
    if (term < peer.term) return kind !== 'raft-append' && kind !== 'raft-heartbeat' && kind !== 'raft-vote';
    if (term > peer.term) return false;
    switch (kind) {
      case 'raft-vote-reply':
        return message.pre ? message.granted : peer.role !== 'candidate'; // a candidate once a term
      case 'raft-accepted':
      case 'raft-refused':
      case 'raft-heartbeat-reply':
        return peer.role !== 'leader'; // it was leader once in that term
      default:
        return false;
    }
  }

  /** Symmetry: as long as nobody did anything, a begins; as long as neither b nor c did, b is next. */
  #mayAct(state: readonly number[], peer: number): boolean {
    if (this.#scope.prefix !== undefined || peer === 0) return true;
    const initial = this.#initial;
    if (state[0] === initial[0]) return false;
    return peer === 1 || state[peer - 1] !== initial[peer - 1] || state[peer] !== initial[peer];
  }

  #historyOf(before: number, facts: number): number {
    const key = before * messageCountMax + facts;
    const known = this.#historyAfter.get(key);
    if (known !== undefined) return known;
    const after = this.#histories.numberOf(historyAfter(this.#histories.valueOf(before), this.#facts.valueOf(facts)));
    this.#historyAfter.set(key, after);
    return after;
  }

  // --- one host ---------------------------------------------------------------------------------------------------------

  #newPeer(id: string, recovery: InstanceType<RecoveryModule['RaftRecovery']> | undefined): RaftPeer {
    const options: Partial<RaftOptions> = this.#scope.entriesPerAppend === 1 ? { appendBytesMax: 1 } : {};
    return new this.#Peer({
      id,
      random: constantRandom,
      nowMs: 0,
      options,
      recovered: recovery?.finish(),
      bootstrap: this.#scope.founding,
    });
  }

  #run(host: Host, kind: Kind, argument: number): { readonly sent: readonly number[]; readonly facts: number } {
    const before = host.peer.role;
    const { _$role: role } = open(host.peer)._$state;
    switch (kind) {
      case 'lapse':
        role.heardMs = -Infinity;
        host.peer.step(this.#messages.valueOf(argument), 0);
        break;
      case 'deliver':
      case 'repeat':
        host.peer.step(this.#messages.valueOf(argument), 0);
        break;
      case 'timeout':
        role.electionDeadlineMs = 0;
        host.peer.tick(0);
        break;
      case 'heartbeat':
        role.heartbeatDeadlineMs = 0;
        host.peer.tick(0);
        break;
      case 'step-down':
        role.quorumDeadlineMs = 0;
        host.peer.tick(0);
        break;
      case 'sync':
        this.#sync(host, argument);
        break;
      case 'crash':
        this.#crash(host, argument);
        break;
      case 'propose':
        host.peer.propose([encoder.encode(`x${host.peer.lastIndex + 1}`)]);
        break;
      case 'change':
        if (this.#scope.change !== undefined) host.peer.proposeMembership(this.#scope.change);
        break;
    }
    const sent: RaftMessage[] = [];
    const facts: Fact[] = [];
    this.#drain(host, sent, facts);
    if (this.#scope.fastDisk)
      while (host.disk.pending.length > 0) {
        this.#sync(host);
        this.#drain(host, sent, facts);
      }
    if (host.peer.role === 'leader' && before !== 'leader') {
      const { log } = open(host.peer)._$state;
      const entries = log.slice(0, log.lastIndex).map(entryText);
      facts.unshift({ kind: 'leads', term: host.peer.term, id: host.id, log: entries });
    }
    this.#canonicalize(host);
    return {
      sent: sent.map((message) => this.#messages.numberOf(message)),
      facts: facts.length === 0 ? 0 : this.#facts.numberOf(facts),
    };
  }

  #drain(host: Host, sent: RaftMessage[] = [], facts: Fact[] = []): void {
    for (let outputs = host.peer.takeOutputs(); outputs.length > 0; outputs = host.peer.takeOutputs()) {
      for (const output of outputs) {
        if (output.kind === 'persist') host.disk.pending.push({ token: output.token, bytes: output.record });
        else if (output.kind === 'send') sent.push(output.message);
        else if (output.kind === 'apply')
          for (const entry of output.entries)
            facts.push({ kind: 'applied', index: entry.index, said: entryText(entry), term: host.peer.term });
      }
    }
  }

  #sync(host: Host, count = host.disk.pending.length): void {
    const synced = host.disk.pending.splice(0, count);
    const last = synced.at(-1);
    if (last === undefined) return;
    host.disk.durable = [...host.disk.durable, ...synced.map((record) => record.bytes)];
    host.peer.persisted(last.token, 0);
  }

  #crash(host: Host, kept: number): void {
    const { disk } = host;
    disk.durable = [...disk.durable, ...disk.pending.slice(0, kept).map((record) => record.bytes)];
    disk.pending.length = 0;
    host.peer = this.#newPeer(host.id, this.#recover(disk));
    if (disk.durable.length > 0) return;
    this.#drain(host); // it founds the group anew, having promised nothing before
    this.#sync(host);
  }

  #recover(disk: Disk): InstanceType<RecoveryModule['RaftRecovery']> {
    const recovery = new this.#Recovery();
    for (const record of disk.durable) recovery.record(record);
    return recovery;
  }

  /** States that differ in nothing that can ever matter become the same: how the disk came to its content, and how many records there were. */
  #canonicalize(host: Host): void {
    const { disk } = host;
    const recovered = this.#recover(disk).finish();
    if (recovered !== undefined) {
      const { term, vote, log } = recovered;
      const records: RaftRecord[] = [
        { kind: 'bootstrap', membership: log.membershipAt(0) },
        { kind: 'log', term, vote, base: { index: 0, term: 0 }, entries: log.slice(0, log.lastIndex) },
      ];
      disk.durable = records.map((record) => this.#encodeRecord(record));
    }
    const state = open(host.peer)._$state;
    const { durability, _$role: role } = state;
    const persisted = durability._$persistedToken;
    durability._$lastToken -= persisted;
    durability._$persistedToken = 0;
    state._$voteToken = Math.max(0, state._$voteToken - persisted);
    if (role.kind === 'candidate') role.ballotToken = Math.max(0, role.ballotToken - persisted);
    for (const queue of [durability._$marks, durability._$held])
      for (let i = 0; i < queue.size; i++) {
        const element = queue.at(i);
        if (element !== undefined) element.token -= persisted;
      }
    for (const record of disk.pending) record.token -= persisted;
  }
}

function open(peer: RaftPeer): OpenPeer {
  return peer as unknown as OpenPeer;
}

function entryText(entry: RaftEntry): string {
  return `${entry.term} ${entry.kind} ${decoder.decode(entry.bytes)}`;
}

function historyAfter(before: History, facts: readonly Fact[]): History {
  const leaders = [...before.leaders];
  const applied = [...before.applied];
  let { broken } = before;
  for (const fact of facts) {
    if (fact.kind === 'applied') {
      const known = applied[fact.index - 1];
      if (known !== undefined && known.said !== fact.said)
        broken ??= `M5: index ${fact.index} is “${known.said}” and “${fact.said}”`;
      applied[fact.index - 1] = { said: fact.said, term: Math.min(fact.term, known?.term ?? fact.term) };
      continue;
    }
    const known = leaders[fact.term];
    if (known !== undefined && known !== fact.id) broken ??= `M1: ${known} and ${fact.id} lead term ${fact.term}`;
    leaders[fact.term] = fact.id;
    const missing = applied.findIndex(({ said, term }, i) => term < fact.term && fact.log[i] !== said);
    if (missing >= 0)
      broken ??= `M4: ${fact.id} leads term ${fact.term} without index ${missing + 1}, which is applied elsewhere`;
  }
  return { leaders, applied, broken };
}

function messageText(message: RaftMessage): string {
  const { from, to, kind, term } = message;
  const head = `${from}→${to} ${kind.slice('raft-'.length)} term ${term}`;
  switch (message.kind) {
    case 'raft-vote':
      return `${head}${message.pre ? ' pre' : ''} last ${message.last.index}/${message.last.term}`;
    case 'raft-vote-reply':
      return `${head}${message.pre ? ' pre' : ''} ${message.granted ? 'granted' : 'refused'}`;
    case 'raft-append': {
      const { previous, entries, commit } = message;
      const added = entries.map((entry) => `${entry.index}/${entry.term}`).join(' ');
      return `${head} after ${previous.index}/${previous.term} [${added}] commit ${commit}`;
    }
    case 'raft-accepted':
      return `${head} match ${message.match}`;
    case 'raft-heartbeat':
      return `${head} commit ${message.commit}`;
    default:
      return head;
  }
}

/** Keeps what is from `first` on in order. */
function insert(row: number[], number: number, first: number): void {
  let at = row.length;
  while (at > first && (row[at - 1] as number) > number) at--;
  row.splice(at, 0, number);
}
