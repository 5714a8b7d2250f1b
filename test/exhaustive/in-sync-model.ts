// The in-sync protocol in a small scope
// =============================================================================
//
// Three production replicas with a disk each, and the production state machine of the metadata group in the place of the controller: it is told to
// fence and unfence hosts at any moment, takes proposals and registrations, and its map reaches each host late or after the next.
// Messages arrive in any order or never; time is left out (raft-model.ts says why that is more than can happen). A write is the opening
// of a session: a record like any, answered when it is committed.
//
// Invariants searched
//   R1 one record at an offset of the committed log, on whatever replica it is committed · R10 every member of the in-sync set and every eligible replica
//   has on disk what is committed · R12 nobody is asked to give up what is committed · R21 a new leader has what was committed in earlier epochs ·
//   and all assertions of replicas and state machine.
//
// State: three replicas; the state machine; what is committed; budgets; then the messages under way, by number.

import type { MapStore } from '../../actors/metadata/state/map-store.js';
import type { MetadataCommand } from '../../actors/metadata/state/command.js';
import type { PartitionContext, PartitionMessage } from '../../actors/partition/partition-message.js';
import type { PartitionReplica } from '../../actors/partition/replica.js';
import { type PartitionInfo, registeredIncarnation, replicaActor } from '../../messaging/protocol/cluster-map.js';
import type { HostMessage, ReplicaReport } from '../../messaging/protocol/host-messages.js';
import type { Link } from '../../messaging/protocol/replication-messages.js';
import type { Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import type { Model } from './explorer.js';
import { LocalStates, Numbered } from './local-states.js';
import { ObjectGraph } from './object-graph.js';
import { openModules, type Wrong } from './open-modules.js';
import { constantRandom, openReplica, rebindReplica, replicaConstants, replicaFunctions } from './open-replica.js';

export interface InSyncScope {
  readonly name: string;
  readonly minInSync: number;
  /** Records are on disk at once. */
  readonly fastDisk: boolean;
  readonly budget: InSyncBudget;
  readonly wrong?: Wrong;
  /** Descriptions of actions that come first, each the beginning of one. */
  readonly prefix?: readonly string[];
}

export interface InSyncBudget {
  readonly writes: number;
  /** Hosts fenced. */
  readonly fences: number;
  readonly unfences: number;
  /** Changes of the in-sync set that reach the controller. */
  readonly proposals: number;
  readonly crashes: number;
  /** Followers found to lag. */
  readonly lags: number;
  readonly repeats: number;
  readonly retries: number;
}

const budgetNames = ['writes', 'fences', 'unfences', 'proposals', 'crashes', 'lags', 'repeats', 'retries'] as const;
type BudgetName = (typeof budgetNames)[number];
const none: InSyncBudget = {
  writes: 0,
  fences: 0,
  unfences: 0,
  proposals: 0,
  crashes: 0,
  lags: 0,
  repeats: 0,
  retries: 0,
};

const kinds = ['deliver', 'repeat', 'sync', 'tick', 'lag', 'retry', 'crash', 'write', 'fence', 'unfence'] as const;
type Kind = (typeof kinds)[number];

const hosts = ['h1', 'h2', 'h3'] as const;
const controllerAt = hosts.length;
const committedAt = hosts.length + 1;
const budgetAt = hosts.length + 2;
const first = budgetAt + budgetNames.length;

interface Pending {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly whenDurable: PartitionMessage | undefined;
}

interface Host {
  readonly name: string;
  /** Processes so far. */
  life: number;
  replica: PartitionReplica;
  /** Batches on disk, and the highest watermark written with one. */
  durable: Uint8Array[];
  durableHighWatermark: number;
  pending: Pending[];
  timers: Map<string, PartitionMessage>;
}

interface Envelope {
  readonly from: Address;
  readonly to: string;
  /** Of the receiving process, for what only passes inside of it; 0 = any. */
  readonly life: number;
  readonly message: Message;
}

interface Controller {
  readonly store: MapStore;
}

/** What is committed as far as this host knows, in epoch `epoch`, or that it began to lead it with this log. */
interface Fact {
  readonly kind: 'committed' | 'leads' | 'wrong';
  readonly host: string;
  readonly epoch: number;
  readonly log: readonly string[];
}

interface Committed {
  /** By offset; `epoch`: the least in which it is known to be committed. */
  readonly log: readonly { readonly record: string; readonly epoch: number }[];
  readonly broken: string | undefined;
}

/** What is looked at of a host, found out once. */
interface Sight {
  readonly durable: readonly string[];
}

type ReplicaModule = typeof import('../../actors/partition/replica.js');
type RecordModule = typeof import('../../actors/partition/record.js');
type StoreModule = typeof import('../../actors/metadata/state/map-store.js');
type ApplyModule = typeof import('../../actors/metadata/state/apply.js');

/** A lease without end (lease-cells.ts): what a lone leader may do is searched in lease-model.ts. */
const leased = { load: (index: number) => (index === 1 ? 1 : 0), store: () => undefined };
const longAgoMs = -10_000;

export interface InSyncModules {
  readonly Replica: ReplicaModule['PartitionReplica'];
  readonly record: RecordModule;
  readonly Store: StoreModule['MapStore'];
  readonly apply: ApplyModule['applyCommand'];
}

export class InSyncModel implements Model {
  readonly name: string;
  readonly #modules: InSyncModules;
  readonly #fastDisk: boolean;
  readonly #graph = new ObjectGraph({
    constants: [constantRandom, leased],
    constantClasses: replicaConstants,
    functions: replicaFunctions,
    ignored: ['lsn', 'limits'],
  });
  readonly #hosts: LocalStates<Host>;
  readonly #controllers = new LocalStates<Controller>(this.#graph);
  readonly #own: PartitionMessage[] = [];
  readonly #envelopes = new Numbered<Envelope>(this.#graph);
  readonly #facts = new Numbered<readonly Fact[]>(this.#graph);
  readonly #committed = new Numbered<Committed>(this.#graph);
  readonly #committedAfter = new Map<string, number>();
  readonly #sights: (Sight | undefined)[] = [];
  /** By receiver, then message. */
  readonly #stale: Map<number, boolean>[] = [];
  readonly #initial: readonly number[];
  #partition = 1;

  static async load(scope: InSyncScope): Promise<InSyncModel> {
    const importOpen = await openModules(scope.wrong);
    const { PartitionReplica: Replica } = await importOpen<ReplicaModule>('actors/partition/replica.js');
    const record = await importOpen<RecordModule>('actors/partition/record.js');
    const { MapStore: Store } = await importOpen<StoreModule>('actors/metadata/state/map-store.js');
    const { applyCommand: apply } = await importOpen<ApplyModule>('actors/metadata/state/apply.js');
    return new InSyncModel(scope, { Replica, record, Store, apply });
  }

  private constructor(scope: InSyncScope, modules: InSyncModules) {
    this.name = scope.name;
    this.#modules = modules;
    this.#fastDisk = scope.fastDisk;
    this.#hosts = new LocalStates(this.#graph, (host) => rebindReplica(host.replica));
    let state = this.#found(scope.minInSync);
    for (const text of scope.prefix ?? []) state = this.#take(state, text);
    state.length = first; // what is under way is lost
    state.splice(budgetAt, budgetNames.length, ...budgetNames.map((name) => scope.budget[name]));
    this.#initial = state;
  }

  get localStateCount(): number {
    return this.#hosts.count;
  }

  initial(): readonly number[] {
    return this.#initial;
  }

  /** Three hosts, one partition led by h1, everybody has everything and knows it. */
  #found(minInSync: number): number[] {
    const store = new this.#modules.Store('scope');
    const command = (one: MetadataCommand): void => void this.#modules.apply(store, store.revision + 1, one);
    for (const host of hosts) command(this.#registration(host, 1, 0, []));
    const options = { partitions: 1, replicas: 3, minInSync, reads: 'confirm' as const };
    command({ kind: 'create-table', name: 't', options, ifMissing: false });
    for (const id of store.partitions.keys()) this.#partition = id;
    const report: ReplicaReport = {
      partition: this.#partition,
      incarnation: registeredIncarnation(0),
      verdict: 'incomplete',
      lineage: 1,
      lastEpoch: 0,
      end: 0,
    };
    for (const host of [...hosts].reverse())
      command({
        kind: 'register-replicas',
        host,
        epoch: store.hosts.get(host)?.epoch ?? 0,
        replicas: [report],
        holds: [],
      });
    const row = hosts.map((name) => {
      const host = this.#newHost(name);
      this.#start(host, 'fresh');
      host.pending.length = 0; // born
      return this.#hosts.numberOf(host);
    });
    const committed = this.#committed.numberOf({ log: [], broken: undefined });
    let state = [...row, this.#controllers.numberOf({ store }), committed, ...budgetNames.map(() => 0)];
    this.#broadcast(state);
    for (let settled = false; !settled; ) {
      settled = true;
      this.expand(state, (_action, next) => {
        if (!settled || next === undefined) return;
        settled = false;
        state = [...next];
      });
    }
    state.splice(budgetAt, budgetNames.length, ...budgetNames.map(() => 9));
    return state;
  }

  #take(state: readonly number[], text: string): number[] {
    let after: number[] | undefined;
    const enabled: string[] = [];
    this.expand(state, (action, next) => {
      const description = this.describe(action);
      enabled.push(description);
      if (next !== undefined && description.startsWith(text)) after ??= [...next];
    });
    if (after === undefined) throw new Error(`no action begins with ${text}; enabled:\n${enabled.join('\n')}`);
    return after;
  }

  violation(state: readonly number[]): string | undefined {
    const { broken, log } = this.#committed.valueOf(state[committedAt] as number);
    if (broken !== undefined) return broken;
    const info = this.#info(state);
    for (const host of [...info.inSync, ...info.eligible]) {
      const { durable } = this.#sight(state[hosts.indexOf(host as 'h1')] as number);
      const missing = log.findIndex(({ record }, offset) => durable[offset] !== record);
      if (missing >= 0)
        return `R10: ${host} is ${info.inSync.includes(host) ? 'in sync' : 'eligible'} without the committed record at ${missing}`;
    }
    return undefined;
  }

  #info(state: readonly number[]): PartitionInfo {
    const { store } = this.#controllers.node(state[controllerAt] as number);
    const record = store.partitions.get(this.#partition);
    if (record === undefined) throw new Error('the partition is there');
    return record.info;
  }

  #sight(number: number): Sight {
    return (this.#sights[number] ??= { durable: this.#hosts.node(number).durable.map(recordText) });
  }

  describe(action: number): string {
    const kind = kinds[action % 16] as Kind;
    const host = hosts[(action >> 4) & 3] ?? 'controller';
    const argument = action >> 6;
    if (kind === 'deliver') return envelopeText(this.#envelopes.valueOf(argument));
    if (kind === 'repeat') return `${envelopeText(this.#envelopes.valueOf(argument))}, and stays under way`;
    switch (kind) {
      case 'fence':
      case 'unfence':
        return `the controller ${kind}s ${hosts[argument]}`;
      case 'crash':
        return `${host} crashes, keeps ${argument} records that were not synced, and restarts`;
      case 'lag':
        return `${host} finds that ${hosts[argument]} lags`;
      default:
        return `${host} ${kind}s`;
    }
  }

  // --- transitions ------------------------------------------------------------------------------------------------------

  expand(
    state: readonly number[],
    visit: (action: number, next: readonly number[] | undefined, broken?: string) => void,
  ): void {
    for (let at = first; at < state.length; at++) {
      const number = state[at] as number;
      if (at > first && number === state[at - 1]) continue;
      const { to, message } = this.#envelopes.valueOf(number);
      const host = hosts.indexOf(to as 'h1');
      if (host < 0) {
        const budget = message.kind === 'change-in-sync' ? 'proposals' : undefined;
        this.#visitController(state, 'deliver', number, budget, at, visit);
        continue;
      }
      this.#visitHost(state, host, 'deliver', number, undefined, at, visit);
      this.#visitHost(state, host, 'repeat', number, 'repeats', -1, visit);
    }
    for (let host = 0; host < hosts.length; host++) {
      const { pending, timers, replica } = this.#hosts.node(state[host] as number);
      if (pending.length > 0) this.#visitHost(state, host, 'sync', 0, undefined, -1, visit);
      for (let kept = 0; kept <= pending.length; kept++)
        this.#visitHost(state, host, 'crash', kept, 'crashes', -1, visit);
      if (timers.has('tick')) this.#visitHost(state, host, 'tick', 0, undefined, -1, visit);
      if (timers.has('retry')) this.#visitHost(state, host, 'retry', 0, 'retries', -1, visit);
      if (replica.role.kind !== 'leader') continue;
      this.#visitHost(state, host, 'write', 0, 'writes', -1, visit);
      for (let other = 0; other < hosts.length; other++)
        if (other !== host) this.#visitHost(state, host, 'lag', other, 'lags', -1, visit);
    }
    for (let host = 0; host < hosts.length; host++) {
      this.#visitController(state, 'fence', host, 'fences', -1, visit);
      this.#visitController(state, 'unfence', host, 'unfences', -1, visit);
    }
  }

  #visitHost(
    state: readonly number[],
    at: number,
    kind: Kind,
    argument: number,
    budget: BudgetName | undefined,
    spentAt: number,
    visit: (action: number, next: readonly number[] | undefined, broken?: string) => void,
  ): void {
    const spends = budget === undefined ? -1 : budgetAt + budgetNames.indexOf(budget);
    if (spends >= 0 && (state[spends] as number) <= 0) return;
    const number = state[at] as number;
    // The writes are told apart by how many there were.
    const detail = kind === 'write' ? (state[spends] as number) : argument;
    const reaction = this.#hosts.react(number, detail * 16 + kinds.indexOf(kind), (host) =>
      this.#run(host, kind, detail),
    );
    const action = (argument << 6) | (at << 4) | kinds.indexOf(kind);
    if (reaction.broken !== undefined) return visit(action, undefined, reaction.broken);
    if (reaction.next === number && reaction.sent.length === 0 && reaction.facts === 0) return;
    const next = [...state];
    next[at] = reaction.next;
    if (spends >= 0) next[spends] = (next[spends] as number) - 1;
    if (spentAt >= 0) next.splice(spentAt, 1);
    for (const sent of reaction.sent) insert(next, sent);
    if (kind === 'crash') this.#dropMail(next, at);
    if (reaction.next !== number || reaction.sent.length > 0) this.#dropStale(next);
    if (reaction.facts !== 0) next[committedAt] = this.#committedWith(state[committedAt] as number, reaction.facts);
    visit(action, next);
  }

  #visitController(
    state: readonly number[],
    kind: 'deliver' | 'fence' | 'unfence',
    argument: number,
    budget: BudgetName | undefined,
    spentAt: number,
    visit: (action: number, next: readonly number[] | undefined, broken?: string) => void,
  ): void {
    const spends = budget === undefined ? -1 : budgetAt + budgetNames.indexOf(budget);
    if (spends >= 0 && (state[spends] as number) <= 0) return;
    const number = state[controllerAt] as number;
    const event = argument * 16 + kinds.indexOf(kind);
    const reaction = this.#controllers.react(number, event, (node) => this.#decide(node, kind, argument));
    const action = (argument << 6) | (3 << 4) | kinds.indexOf(kind);
    if (reaction.broken !== undefined) return visit(action, undefined, reaction.broken);
    if (reaction.next === number && reaction.sent.length === 0) return;
    const next = [...state];
    next[controllerAt] = reaction.next;
    if (spends >= 0) next[spends] = (next[spends] as number) - 1;
    if (spentAt >= 0) next.splice(spentAt, 1);
    for (const sent of reaction.sent) insert(next, sent);
    if (reaction.next !== number) this.#broadcast(next);
    this.#dropStale(next);
    visit(action, next);
  }

  /** What only passed inside of the process that crashed. */
  #dropMail(state: number[], host: number): void {
    const { life } = this.#hosts.node(state[host] as number);
    // Replicas of other hosts wrote to the replica epoch that it had.
    this.#keep(state, ({ to, life: meant }) => to !== hosts[host] || meant === life);
  }

  #keep(state: number[], keeps: (envelope: Envelope, number: number) => boolean): void {
    let kept = first;
    for (let at = first; at < state.length; at++) {
      const number = state[at] as number;
      if (keeps(this.#envelopes.valueOf(number), number)) state[kept++] = number;
    }
    state.length = kept;
  }

  /**
   * Drops what its receiver would ignore now and whatever comes, and answers that tell a proposer only what the map will tell it: epochs only
   * rise, and a replica that crashed gets another replica epoch.
   */
  #dropStale(state: number[]): void {
    const { partitionEpoch } = this.#info(state);
    this.#keep(state, ({ to, message }, number) => {
      if (message.kind === 'replica-recovered') return true;
      if (message.kind === 'change-in-sync')
        return (message as Extract<HostMessage, { readonly kind: 'change-in-sync' }>).partitionEpoch >= partitionEpoch;
      return !this.#isStale(message, number, state[hosts.indexOf(to as 'h1')] as number);
    });
  }

  #isStale(message: Message, number: number, receiver: number): boolean {
    const stale = (this.#stale[receiver] ??= new Map<number, boolean>());
    let known = stale.get(number);
    if (known === undefined) stale.set(number, (known = isStale(message, this.#hosts.node(receiver).replica)));
    return known;
  }

  /** The map as it is now is on its way to every host, in place of what had not arrived. */
  #broadcast(state: number[]): void {
    const { store } = this.#controllers.node(state[controllerAt] as number);
    const partition = this.#info(state);
    const table = store.tables.get(partition.table)?.info;
    if (table === undefined) throw new Error('the table is there');
    this.#keep(state, ({ message }) => message.kind !== 'partition-metadata');
    const workers = Object.fromEntries(hosts.map((name) => [name, 1]));
    const message: HostMessage = { kind: 'partition-metadata', partition, table, workers };
    for (let host = 0; host < hosts.length; host++) {
      const { life, replica } = this.#hosts.node(state[host] as number);
      const name = hosts[host] as string;
      if (store.hosts.get(name)?.startId !== startIdOf(name, life)) continue; // this process is not registered
      const known = replica.core.placement?.partition.partitionEpoch ?? -1;
      if (partition.partitionEpoch <= known) continue;
      const from = { host: name, worker: 0, actor: 'manager' };
      insert(state, this.#envelopes.numberOf({ from, to: name, life, message }));
    }
  }

  #committedWith(before: number, facts: number): number {
    const key = `${before} ${facts}`;
    let after = this.#committedAfter.get(key);
    if (after === undefined) {
      after = this.#committed.numberOf(committedAfter(this.#committed.valueOf(before), this.#facts.valueOf(facts)));
      this.#committedAfter.set(key, after);
    }
    return after;
  }

  // --- the controller ---------------------------------------------------------------------------------------------------

  #decide(
    node: Controller,
    kind: 'deliver' | 'fence' | 'unfence',
    argument: number,
  ): { readonly sent: number[]; readonly facts: 0 } {
    const { store } = node;
    const sent: number[] = [];
    if (kind !== 'deliver') {
      const host = store.hosts.get(hosts[argument] as string);
      if (host === undefined) throw new Error('the host is registered');
      const { name, epoch } = host;
      if (kind === 'fence') this.#apply(store, { kind: 'fence-host', host: name, epoch, dead: false, holds: [] });
      else this.#apply(store, { kind: 'unfence-host', host: name, epoch, holds: [] });
      return { sent, facts: 0 };
    }
    const { from, message } = this.#envelopes.valueOf(argument);
    if (message.kind === 'change-in-sync') {
      const { request, ...command } = message as Extract<HostMessage, { readonly kind: 'change-in-sync' }>;
      const { outcome } = this.#apply(store, command);
      if (outcome.kind !== 'in-sync-changed') throw new Error('a proposal is answered');
      const { accepted, info } = outcome;
      const reply = { kind: 'in-sync-changed', request, partition: this.#partition, accepted, info };
      const life = lifeOf(store.hosts.get(from.host)?.startId ?? '');
      sent.push(this.#envelopes.numberOf({ from, to: from.host, life, message: reply }));
      return { sent, facts: 0 };
    }
    const { life, report } = message as Message & { readonly life: number; readonly report: ReplicaReport };
    const known = store.hosts.get(from.host);
    if (known === undefined || lifeOf(known.startId) >= life) return { sent, facts: 0 };
    this.#apply(store, this.#registration(from.host, life, known.epoch, [report]));
    return { sent, facts: 0 };
  }

  #apply(store: MapStore, command: MetadataCommand): ReturnType<ApplyModule['applyCommand']> {
    return this.#modules.apply(store, store.revision + 1, command);
  }

  #registration(host: string, life: number, after: number, replicas: readonly ReplicaReport[]): MetadataCommand {
    return {
      kind: 'register-host',
      host,
      startId: startIdOf(host, life),
      diskId: host,
      workers: 1,
      rack: '',
      pid: 1,
      version: '0',
      after,
      dead: true, // D16: it has the lock of the directory
      replicas,
      holds: [],
    };
  }

  // --- a host -----------------------------------------------------------------------------------------------------------

  #newHost(name: string): Host {
    return {
      name,
      life: 1,
      replica: this.#newReplica(name),
      durable: [],
      durableHighWatermark: 0,
      pending: [],
      timers: new Map(),
    };
  }

  #newReplica(host: string): PartitionReplica {
    const self = { host, worker: 0, actor: replicaActor(this.#partition) };
    const args = { partition: this.#partition, table: 't', durability: 'sync' as const, versions: 1 };
    return new this.#modules.Replica(args, self, constantRandom);
  }

  #start(host: Host, end: 'fresh' | 'clean'): Envelope[] {
    const sent: Envelope[] = [];
    const report = { end, cleanShutdown: false, sameBoot: true, recordCount: host.durable.length };
    host.replica.start(this.#context(host, sent), report);
    return sent;
  }

  #run(host: Host, kind: Kind, argument: number): { readonly sent: readonly number[]; readonly facts: number } {
    const sent: Envelope[] = [];
    const before = host.replica.role;
    const knownBefore = host.replica.core.highWatermark;
    switch (kind) {
      case 'deliver':
      case 'repeat': {
        const { from, message } = this.#envelopes.valueOf(argument);
        host.replica.receive(message as PartitionMessage, from, this.#context(host, sent));
        break;
      }
      case 'sync':
        this.#sync(host, host.pending.length, sent);
        break;
      case 'crash':
        this.#crash(host, argument, sent);
        break;
      case 'tick':
      case 'retry':
        this.#fire(host, kind, sent);
        break;
      case 'lag': {
        const { _$role: role } = openReplica(host.replica);
        const progress = role.kind === 'leader' ? role._$followers.get(hosts[argument] as string) : undefined;
        if (progress?.behindSinceMs === undefined) break;
        progress.behindSinceMs = longAgoMs;
        this.#fire(host, 'tick', sent);
        break;
      }
      case 'write':
        host.replica.receive(
          { kind: 'open-session', request: argument, partition: this.#partition },
          { host: `@w${argument}`, worker: 0, actor: 'client' },
          this.#context(host, sent),
        );
        break;
      default:
        throw new Error(`${kind} is not for a host`);
    }
    this.#tellItself(host, sent);
    while (this.#fastDisk && host.pending.length > 0) this.#sync(host, host.pending.length, sent);
    this.#tellItself(host, sent);
    const facts = this.#factsOf(host, before, kind === 'crash' ? 0 : knownBefore);
    canonicalize(host);
    return {
      sent: sent.map((envelope) => this.#envelopes.numberOf(envelope)),
      facts: facts.length === 0 ? 0 : this.#facts.numberOf(facts),
    };
  }

  /** What a replica tells itself is of its memory alone, so nothing can come between that would be another history (kernel K8). */
  #tellItself(host: Host, sent: Envelope[]): void {
    for (let message = this.#own.shift(); message !== undefined; message = this.#own.shift())
      host.replica.receive(message, host.replica.core.self, this.#context(host, sent));
  }

  #factsOf(host: Host, before: PartitionReplica['role'], knownBefore: number): Fact[] {
    const { core, role } = host.replica;
    const { log, epoch, highWatermark } = core;
    const facts: Fact[] = [];
    const texts = (): string[] =>
      log.end === 0 ? [] : log.from(0, Infinity, Infinity).map((one) => recordText(one.bytes));
    if (role.kind === 'quarantined')
      facts.push({ kind: 'wrong', host: `${host.name} is quarantined: ${role.reason}`, epoch, log: [] });
    if (role.kind === 'leader' && role !== before) facts.push({ kind: 'leads', host: host.name, epoch, log: texts() });
    if (highWatermark > knownBefore)
      facts.push({ kind: 'committed', host: host.name, epoch, log: texts().slice(0, highWatermark) });
    return facts;
  }

  #fire(host: Host, key: string, sent: Envelope[]): void {
    const message = host.timers.get(key);
    if (message === undefined) return;
    host.timers.delete(key);
    host.replica.receive(message, host.replica.core.self, this.#context(host, sent));
  }

  #sync(host: Host, count: number, sent: Envelope[]): void {
    const synced = host.pending.splice(0, count);
    this.#write(host, synced);
    for (const { whenDurable } of synced)
      if (whenDurable !== undefined)
        host.replica.receive(whenDurable, host.replica.core.self, this.#context(host, sent));
  }

  #write(host: Host, records: readonly Pending[]): void {
    const { recordBatch, recordTruncate, decodeBatchRecord, decodeTruncateRecord } = this.#modules.record;
    for (const { type, payload } of records) {
      if (type === recordBatch) {
        const { highWatermark, batch } = decodeBatchRecord(payload);
        host.durable.push(batch.slice());
        host.durableHighWatermark = Math.max(host.durableHighWatermark, highWatermark);
      } else if (type === recordTruncate) host.durable.length = decodeTruncateRecord(payload); // a record an offset
    }
  }

  #crash(host: Host, kept: number, sent: Envelope[]): void {
    const { recordBatch, encodeBatchRecord } = this.#modules.record;
    this.#write(host, host.pending.slice(0, kept));
    host.pending = [];
    host.timers = new Map();
    host.life++;
    host.replica = this.#newReplica(host.name);
    for (const batch of host.durable) {
      const payload = encodeBatchRecord(host.durableHighWatermark, batch);
      host.replica.recoverRecord({ lsn: 1, type: recordBatch, payload });
    }
    sent.push(...this.#start(host, 'clean'));
  }

  #context(host: Host, sent: Envelope[]): PartitionContext {
    const from = host.replica.core.self;
    const snapshots = {
      begin: unexpected,
      append: unexpected,
      commit: unexpected,
      abort: unexpected,
    };
    return {
      self: from,
      incarnation: 0,
      nowMs: 0,
      wallMs: 0,
      bootMs: 0,
      readClockMs: () => 0,
      random: constantRandom,
      cells: leased,
      journal: {
        nextLsn: 1,
        append: (type, payload, whenDurable) => {
          host.pending.push({ type, payload: payload.slice(), whenDurable });
          return 1;
        },
      },
      snapshots,
      timers: {
        start: (key, _delayMs, message) => {
          if (key !== 'housekeeping') host.timers.set(key, message);
        },
        cancel: (key) => void host.timers.delete(key),
      },
      send: (to, message) => {
        if (to.host.startsWith('@')) return;
        if (to.actor === from.actor && to.host === from.host) this.#own.push(message as PartitionMessage);
        else if (to.actor !== 'manager') sent.push({ from, to: to.host, life: 0, message });
        else if (message.kind === 'replica-recovered')
          sent.push({ from, to: 'controller', life: 0, message: { ...message, life: host.life } as Message });
        else if (message.kind === 'change-in-sync') sent.push({ from, to: 'controller', life: 0, message });
      },
      spawn: unexpected,
      stop: unexpected,
      actors: () => [],
      emit: () => undefined,
    };
  }
}

function unexpected(): never {
  throw new Error('not in this scope');
}

/** Of times only their order matters, and of numbers of requests nothing. */
function canonicalize(host: Host): void {
  const { _$role: role } = openReplica(host.replica);
  host.timers = new Map([...host.timers].sort(([a], [b]) => (a < b ? -1 : 1)));
  if (role.kind !== 'leader') return;
  for (const progress of role._$followers.values())
    progress.lastHeardMs = progress.lastHeardMs > role._$placedAtMs ? 0 : -2;
  role._$placedAtMs = -1;
  role._$joinsAfterMs = 0;
  role._$requests = 0;
}

function startIdOf(host: string, life: number): string {
  return `${host}#${life}`;
}

function lifeOf(startId: string): number {
  return Number(startId.slice(startId.indexOf('#') + 1));
}

function recordText(batch: Uint8Array): string {
  return Buffer.from(batch).toString('latin1');
}

function committedAfter(before: Committed, facts: readonly Fact[]): Committed {
  const log = [...before.log];
  let { broken } = before;
  for (const fact of facts) {
    if (fact.kind === 'wrong') broken ??= `R12: ${fact.host}`;
    else if (fact.kind === 'leads') {
      const missing = log.findIndex(({ record, epoch }, offset) => epoch < fact.epoch && fact.log[offset] !== record);
      if (missing >= 0)
        broken ??= `R21: ${fact.host} leads epoch ${fact.epoch} without the committed record at ${missing}`;
    } else
      for (const [offset, record] of fact.log.entries()) {
        const known = log[offset];
        if (known !== undefined && known.record !== record)
          broken ??= `R1: two records are committed at offset ${offset}, one of them on ${fact.host}`;
        log[offset] = { record, epoch: Math.min(fact.epoch, known?.epoch ?? fact.epoch) };
      }
  }
  return { log, broken };
}

function isStale(message: Message, replica: PartitionReplica): boolean {
  const { core } = replica;
  const known = core.placement;
  if (known === undefined) return false;
  if (message.kind === 'partition-metadata' || message.kind === 'in-sync-changed')
    return infoOf(message).partitionEpoch < known.partition.partitionEpoch;
  const { link, currentEpoch } = message as Message & { readonly link: Link; readonly currentEpoch?: number };
  if (link.to < known.replicaEpoch) return true;
  if (message.kind === 'epoch-fenced') return (currentEpoch ?? 0) <= core.epoch;
  return link.epoch < core.epoch && message.kind !== 'replicate';
}

function infoOf(message: Message): PartitionInfo {
  const { partition, info } = message as Message & { readonly partition: unknown; readonly info?: PartitionInfo };
  return info ?? (partition as PartitionInfo);
}

function envelopeText({ from, to, message }: Envelope): string {
  const { kind, ...rest } = message as Message & { readonly link?: { readonly epoch: number } } & Record<
      string,
      unknown
    >;
  switch (kind) {
    case 'partition-metadata':
    case 'in-sync-changed': {
      const { leader, leaderEpoch, partitionEpoch, inSync, eligible } = infoOf(message);
      return `${to} learns ${partitionEpoch}: ${leader ?? 'nobody'} leads epoch ${leaderEpoch}, in sync ${inSync.join(' ')}, eligible ${eligible.join(' ') || 'nobody'}`;
    }
    case 'change-in-sync': {
      const members = (rest['inSync'] as readonly { readonly host: string }[]).map(({ host }) => host);
      return `${from.host}→controller in sync ${members.join(' ')} at ${String(rest['partitionEpoch'])}`;
    }
    case 'replica-recovered':
      return `${from.host}→controller registers`;
    default: {
      const shown = ['base', 'durableEnd', 'logEnd', 'lastEpoch', 'epochAt', 'end', 'highWatermark', 'currentEpoch']
        .filter((name) => rest[name] !== undefined)
        .map((name) => `${name} ${String(rest[name])}`);
      const batches = rest['batches'] as readonly unknown[] | undefined;
      if (batches !== undefined) shown.push(`${batches.length} records`);
      return `${from.host}→${to} ${kind} epoch ${rest.link?.epoch} ${shown.join(', ')}`;
    }
  }
}

/** Keeps the messages in order. One that is under way already is not sent again: that would be a repetition. */
function insert(row: number[], number: number): void {
  let at = row.length;
  while (at > first && (row[at - 1] as number) > number) at--;
  if (at > first && row[at - 1] === number) return;
  row.splice(at, 0, number);
}

export { none as noneOfThese };
