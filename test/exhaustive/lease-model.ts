// Leases and commit holds in a small scope
// =============================================================================
//
// Production code all the way: a metadata group of one member with its controller, and on each of three hosts the agent with its lease cells and a
// replica. Time goes on in whole ticks, and each host's clock has its own rate within the bound. Between ticks, what is under way to or from a
// late host may arrive or wait, a worker may seem stuck so that its host is deposed, and the group's disk may take its time.
// Followers acknowledge at once and have everything: what is searched is when a new leader commits, not what. A read is what a leader with a
// valid lease could answer at this moment; it would be stale if a later epoch had committed anything.
//
// Invariants searched
//   L1, L5. No host has a usable lease for an epoch when a later epoch commits · L2 follows, since a read is checked after it was evaluated ·
//   and all assertions of the actors.
//
// State: the member; three hosts; ticks so far; budgets; then the messages under way, by number.

import type { MetadataActor } from '../../actors/metadata/metadata-actor.js';
import type { PartitionReplica } from '../../actors/partition/replica.js';
import { type PartitionInfo, registeredIncarnation, replicaActor } from '../../messaging/protocol/cluster-map.js';
import type { Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import type { Cells } from '../../runtime/contract/cells.js';
import type { Model } from './explorer.js';
import { LocalStates, Numbered } from './local-states.js';
import { ObjectGraph } from './object-graph.js';
import { openModules, type Wrong } from './open-modules.js';
import { constantRandom, rebindReplica, replicaConstants, replicaFunctions } from './open-replica.js';

export interface LeaseScope {
  readonly name: string;
  readonly ticks: number;
  readonly tickMs: number;
  /** Deposals: workers that seem stuck. */
  readonly stalls: number;
  /** Hosts whose messages may wait; those of the others arrive at once. */
  readonly late: readonly string[];
  /** The disk of the metadata group may take its time. */
  readonly slowDisk: boolean;
  /** What each clock shows for a millisecond, the member's first. */
  readonly rates: readonly [member: number, h1: number, h2: number, h3: number];
  readonly wrong?: Wrong;
}

const kinds = ['deliver', 'look', 'stall', 'sync', 'tick'] as const;
type Kind = (typeof kinds)[number];

const hosts = ['h1', 'h2', 'h3'] as const;
const memberAt = 0;
const tickAt = 1 + hosts.length;
const stallsAt = tickAt + 1;
const first = stallsAt + 1;

const table = 't';
const memberHost = 'm';
const lookEveryMs = 50;

/** An actor as the model calls it. */
interface AnyActor {
  start(context: unknown, report: unknown): void;
  receive(message: Message, from: Address, context: unknown): void;
}

interface Timer {
  readonly actor: string;
  readonly key: string;
  readonly dueMs: number;
  readonly message: Message;
}

class PlainCells implements Cells {
  readonly values: number[] = [];

  load(index: number): number {
    return this.values[index] ?? 0;
  }

  store(index: number, value: number): void {
    while (this.values.length < index) this.values.push(0);
    this.values[index] = value;
  }
}

interface Node {
  readonly host: string;
  readonly actors: Map<string, AnyActor>;
  readonly cells: Cells;
  /** Completions of records that are not on disk yet. */
  pending: { readonly actor: string; readonly message: Message }[];
  timers: Timer[];
}

interface Envelope {
  readonly from: Address;
  readonly to: Address;
  readonly message: Message;
}

interface Code {
  readonly Member: typeof import('../../actors/metadata/metadata-actor.js')['MetadataActor'];
  readonly Agent: typeof import('../../actors/host/agent.js')['HostAgent'];
  readonly Replica: typeof import('../../actors/partition/replica.js')['PartitionReplica'];
  readonly cells: typeof import('../../actors/host/lease-cells.js');
}

type Visit = (action: number, next: readonly number[] | undefined, broken?: string) => void;

export class LeaseModel implements Model {
  readonly name: string;
  readonly #scope: LeaseScope;
  readonly #code: Code;
  readonly #graph = new ObjectGraph({
    constants: [constantRandom],
    constantClasses: replicaConstants,
    functions: [...replicaFunctions, 'answer', 'command'],
    ignored: ['lsn', 'limits', 'options'],
  });
  readonly #nodes: LocalStates<Node>;
  readonly #envelopes = new Numbered<Envelope>(this.#graph);
  readonly #initial: readonly number[];
  /** When the search begins. */
  #beginMs = 0;
  #partition = 1;

  static async load(scope: LeaseScope): Promise<LeaseModel> {
    const importOpen = await openModules(scope.wrong);
    const { MetadataActor: Member } = await importOpen<{ readonly MetadataActor: Code['Member'] }>(
      'actors/metadata/metadata-actor.js',
    );
    const { HostAgent: Agent } = await importOpen<{ readonly HostAgent: Code['Agent'] }>('actors/host/agent.js');
    const { PartitionReplica: Replica } = await importOpen<{ readonly PartitionReplica: Code['Replica'] }>(
      'actors/partition/replica.js',
    );
    const cells = await importOpen<Code['cells']>('actors/host/lease-cells.js');
    return new LeaseModel(scope, { Member, Agent, Replica, cells });
  }

  private constructor(scope: LeaseScope, code: Code) {
    this.name = scope.name;
    this.#scope = scope;
    this.#code = code;
    this.#nodes = new LocalStates<Node>(this.#graph, (node) => {
      const replica = node.actors.get('replica');
      if (replica !== undefined) rebindReplica(replica as unknown as PartitionReplica);
    });
    const nodes = this.#found();
    this.#initial = [...nodes.map((node) => this.#nodes.numberOf(node)), 0, scope.stalls];
  }

  get localStateCount(): number {
    return this.#nodes.count;
  }

  initial(): readonly number[] {
    return this.#initial;
  }

  /** A stale read is possible: a lease that is usable, and a commit in a later epoch. */
  violation(state: readonly number[]): string | undefined {
    const leaders = hosts.map((_name, i) => this.#leaderOn(state, 1 + i));
    for (const one of leaders)
      for (const other of leaders)
        if (one?.leased === true && other?.committed === true && other.epoch > one.epoch)
          return `L5: ${one.host} may read in epoch ${one.epoch} while ${other.host} has committed in epoch ${other.epoch}`;
    return undefined;
  }

  #leaderOn(
    state: readonly number[],
    at: number,
  ):
    | { readonly host: string; readonly epoch: number; readonly leased: boolean; readonly committed: boolean }
    | undefined {
    const node = this.#nodes.node(state[at] as number);
    const { role, core } = replicaOf(node);
    if (role.kind !== 'leader') return undefined;
    const nowMs = this.#clock(at, state[tickAt] as number);
    const leased = !role.fenced && this.#code.cells.leaseValid(node.cells, 0, nowMs);
    return { host: node.host, epoch: core.epoch, leased, committed: core.highWatermark > role.epochStart };
  }

  #clock(at: number, tick: number): number {
    return this.#beginMs + tick * this.#scope.tickMs * (this.#scope.rates[at] as number);
  }

  describe(action: number): string {
    const kind = kinds[action % 8] as Kind;
    const argument = action >> 3;
    switch (kind) {
      case 'deliver':
        return envelopeText(this.#envelopes.valueOf(argument));
      case 'stall':
        return `a worker of ${hosts[argument - 1]} seems stuck`;
      case 'sync':
        return 'the disk of the metadata group syncs';
      default:
        return `${this.#scope.tickMs} ms pass`;
    }
  }

  // --- transitions ------------------------------------------------------------------------------------------------------

  expand(state: readonly number[], visit: Visit): void {
    for (let at = first; at < state.length; at++) {
      const number = state[at] as number;
      this.#visit(state, (number << 3) | kinds.indexOf('deliver'), visit, (next) => {
        next.splice(next.indexOf(number, first), 1);
        return this.#deliver(next, number);
      });
    }
    if (this.#nodes.node(state[memberAt] as number).pending.length > 0)
      this.#visit(state, kinds.indexOf('sync'), visit, (next) => this.#step(next, memberAt, 'sync', 0));
    if ((state[stallsAt] as number) > 0)
      for (let at = 1; at <= hosts.length; at++)
        if (this.#leaderOn(state, at) !== undefined)
          this.#visit(state, (at << 3) | kinds.indexOf('stall'), visit, (next) => {
            next[stallsAt] = (next[stallsAt] as number) - 1;
            return this.#step(next, at, 'stall', 0);
          });
    if ((state[tickAt] as number) < this.#scope.ticks)
      this.#visit(state, kinds.indexOf('tick'), visit, (next) => {
        next[tickAt] = (next[tickAt] as number) + 1;
        let broken: string | undefined;
        for (let at = 0; at <= hosts.length; at++) broken ??= this.#step(next, at, 'look', 0);
        return broken;
      });
  }

  #visit(state: readonly number[], action: number, visit: Visit, change: (next: number[]) => string | undefined): void {
    const next = [...state];
    let broken = change(next);
    // What does not wait happens at once.
    for (let at = first; at < next.length && broken === undefined; ) {
      const number = next[at] as number;
      const { from, to } = this.#envelopes.valueOf(number);
      const host = to.host === memberHost ? from.host : to.host;
      if (this.#scope.late.includes(host)) at++;
      else {
        next.splice(at, 1);
        broken = this.#deliver(next, number);
        at = first;
      }
    }
    visit(action, broken === undefined ? next : undefined, broken);
  }

  #deliver(next: number[], number: number): string | undefined {
    const { to } = this.#envelopes.valueOf(number);
    return this.#step(next, to.host === memberHost ? memberAt : 1 + hosts.indexOf(to.host as 'h1'), 'deliver', number);
  }

  /** One event of one node. @returns the assertion that failed. */
  #step(next: number[], at: number, kind: Kind, argument: number): string | undefined {
    const tick = next[tickAt] as number;
    const event = (argument * 8 + kinds.indexOf(kind)) * 64 + tick;
    const reaction = this.#nodes.react(next[at] as number, event, (node) => {
      const sent: Envelope[] = [];
      this.#run(node, kind, argument, this.#clock(at, tick), sent);
      return { sent: sent.map((envelope) => this.#envelopes.numberOf(envelope)), facts: 0 };
    });
    if (reaction.broken !== undefined) return reaction.broken;
    next[at] = reaction.next;
    for (const number of reaction.sent) this.#send(next, number);
    if (at === memberAt) this.#broadcast(next);
    return undefined;
  }

  /** A heartbeat takes the place of an earlier one that did not arrive: the member would do the same (X10 there). */
  #send(next: number[], number: number): void {
    const { from, message } = this.#envelopes.valueOf(number);
    if (message.kind === 'heartbeat') {
      const earlier = next.findIndex((other, at) => {
        if (at < first) return false;
        const { from: by, message: said } = this.#envelopes.valueOf(other);
        return said.kind === 'heartbeat' && by.host === from.host;
      });
      if (earlier >= 0) next.splice(earlier, 1);
    }
    insert(next, number);
  }

  /** The map as it is now is on its way to each host that has not applied it, in place of an earlier one. */
  #broadcast(next: number[]): void {
    const maps = this.#mapsFor(
      this.#nodes.node(next[memberAt] as number),
      hosts.map((_name, i) => this.#nodes.node(next[1 + i] as number)),
    );
    let kept = first;
    for (let at = first; at < next.length; at++) {
      const number = next[at] as number;
      if (this.#envelopes.valueOf(number).message.kind !== 'map') next[kept++] = number;
    }
    next.length = kept;
    for (const map of maps) insert(next, this.#envelopes.numberOf(map));
  }

  #mapsFor(member: Node, nodes: readonly Node[]): Envelope[] {
    const { store } = member.actors.get('metadata') as unknown as MetadataActor;
    const info = store.partitions.get(this.#partition)?.info;
    const { revision } = store;
    const maps: Envelope[] = [];
    for (const { host, cells } of nodes) {
      if (info === undefined || this.#code.cells.appliedRevision(cells, 0) >= revision) continue;
      const to = { host, worker: 0, actor: 'manager' };
      const from = { host: memberHost, worker: 0, actor: 'metadata' };
      const message = { kind: 'map', revision, info, table: store.tables.get(table)?.info };
      maps.push({ from, to, message });
    }
    return maps;
  }

  // --- one node ---------------------------------------------------------------------------------------------------------

  #run(node: Node, kind: Kind, argument: number, nowMs: number, sent: Envelope[]): void {
    switch (kind) {
      case 'deliver':
        this.#receive(node, this.#envelopes.valueOf(argument), nowMs, sent);
        break;
      case 'look':
        this.#fireTimers(node, nowMs, sent);
        break;
      case 'stall':
        node.cells.store(17, 1); // worker 0 is in one run of turns since then
        break;
      case 'sync':
        this.#complete(node, nowMs, sent);
        break;
      case 'tick':
        break;
    }
    this.#settle(node, nowMs, sent);
  }

  #receive(node: Node, { from, to, message }: Envelope, nowMs: number, sent: Envelope[]): void {
    if (message.kind === 'map') {
      const {
        revision,
        info,
        table: of,
      } = message as Message & { revision: number; info: PartitionInfo; table: unknown };
      const workers = Object.fromEntries(hosts.map((name) => [name, 1]));
      const metadata = { kind: 'partition-metadata', partition: info, table: of, workers } as Message;
      this.#turn(node, 'replica', metadata, to, nowMs, sent);
      if (revision > this.#code.cells.appliedRevision(node.cells, 0))
        this.#code.cells.markApplied(node.cells, 0, revision);
      return;
    }
    this.#turn(node, to.actor, message, from, nowMs, sent);
  }

  #turn(node: Node, actor: string, message: Message, from: Address, nowMs: number, sent: Envelope[]): void {
    node.actors.get(actor)?.receive(message, from, this.#context(node, actor, nowMs, sent));
  }

  #fireTimers(node: Node, nowMs: number, sent: Envelope[]): void {
    const due = node.timers.filter((timer) => timer.dueMs <= nowMs);
    node.timers = node.timers.filter((timer) => timer.dueMs > nowMs);
    for (const { actor, message } of due) this.#turn(node, actor, message, this.#addressOf(node, actor), nowMs, sent);
  }

  #complete(node: Node, nowMs: number, sent: Envelope[]): void {
    const { pending } = node;
    node.pending = [];
    for (const { actor, message } of pending)
      this.#turn(node, actor, message, this.#addressOf(node, actor), nowMs, sent);
  }

  /** Disks that are fast are, and followers acknowledge. */
  #settle(node: Node, nowMs: number, sent: Envelope[]): void {
    const slow = node.host === memberHost && this.#scope.slowDisk && this.#beginMs > 0;
    if (!slow) while (node.pending.length > 0) this.#complete(node, nowMs, sent);
    if (node.host === memberHost || !node.actors.has('replica')) return;
    const { role, core } = replicaOf(node);
    if (role.kind !== 'leader' || core.highWatermark === core.log.end) return;
    for (const { host } of core.place().partition.replicas) {
      if (host === node.host) continue;
      const { from, to, ...rest } = core.linkTo(host);
      const end = core.log.end;
      const ack = {
        kind: 'replicated',
        link: { ...rest, from: to, to: from },
        durableEnd: end,
        lastEpoch: core.log.lastEpoch,
        logEnd: end,
        highWatermark: end,
      };
      this.#turn(node, 'replica', ack, core.addressOf(host), nowMs, sent);
    }
  }

  #addressOf(node: Node, actor: string): Address {
    if (actor === 'agent') return { host: node.host, worker: 255, actor };
    return { host: node.host, worker: 0, actor: actor === 'replica' ? replicaActor(this.#partition) : actor };
  }

  #context(node: Node, actor: string, nowMs: number, sent: Envelope[]): unknown {
    const self = this.#addressOf(node, actor);
    const stop = (key: string): void => {
      node.timers = node.timers.filter((timer) => timer.actor !== actor || timer.key !== key);
    };
    return {
      self,
      incarnation: 0,
      nowMs,
      wallMs: nowMs,
      bootMs: nowMs,
      readClockMs: () => nowMs,
      random: constantRandom,
      cells: node.cells,
      journal: {
        nextLsn: 1,
        append: (_type: number, _payload: Uint8Array, message?: Message) => {
          if (message !== undefined) node.pending.push({ actor, message });
          return 1;
        },
      },
      timers: {
        start: (key: string, delayMs: number, message: Message) => {
          stop(key);
          if (key !== 'housekeeping') node.timers.push({ actor, key, dueMs: nowMs + delayMs, message });
        },
        cancel: stop,
      },
      send: (to: Address, message: Message) => {
        const between =
          (to.actor === 'agent' && self.actor === 'metadata') || (to.actor === 'metadata' && actor === 'agent');
        if (between) sent.push({ from: self, to, message });
      },
      emit: () => undefined,
      actors: () => [],
    };
  }

  // --- the beginning ----------------------------------------------------------------------------------------------------

  /** Everybody is registered and leased, h1 leads and has committed, and everybody has applied that. */
  #found(): Node[] {
    const id = `${memberHost}.disk`;
    const group = { clusterId: 'scope', memberId: id, founders: [{ id, host: memberHost }] };
    const member = newNode(memberHost, new Map([['metadata', new this.#code.Member(group) as unknown as AnyActor]]));
    const members = [{ id, host: memberHost }];
    const more = { clusterId: 'scope', workers: 1, rack: '', pid: 1, version: '0', members };
    const nodes = hosts.map((host) => {
      const agent = new this.#code.Agent({ ...more, host, startId: `${host}#1`, diskId: host });
      return newNode(host, new Map([['agent', agent as unknown as AnyActor]]));
    });
    const all = [member, ...nodes];
    let nowMs = 1000;
    const mail: Envelope[] = [];
    const settle = (): void => {
      for (const node of all) this.#settle(node, nowMs, mail);
      for (let next = mail.shift(); next !== undefined; next = mail.shift()) {
        const { to } = next;
        const node = all.find((one) => one.host === to.host);
        if (node === undefined) continue;
        this.#receive(node, next, nowMs, mail);
        this.#settle(node, nowMs, mail);
        if (node === member) for (const map of this.#mapsFor(member, nodes)) if (hasReplica(all, map)) mail.push(map);
      }
    };
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += lookEveryMs) {
        nowMs += lookEveryMs;
        for (const node of all) this.#fireTimers(node, nowMs, mail);
        settle();
      }
    };
    const fresh = { end: 'fresh', cleanShutdown: false, sameBoot: true, recordCount: 0 };
    const begin = (node: Node, actor: string): void =>
      node.actors.get(actor)?.start(this.#context(node, actor, nowMs, mail), fresh);
    begin(member, 'metadata');
    pass(500);
    for (const node of nodes) {
      begin(node, 'agent');
      const worker = { kind: 'worker-ready', worker: 0, replicas: [] };
      const manager = { host: node.host, worker: 0, actor: 'manager' };
      this.#turn(node, 'agent', worker, manager, nowMs, mail);
    }
    pass(500);
    const options = { partitions: 1, replicas: hosts.length, minInSync: 2, reads: 'lease' };
    const create = { kind: 'admin', request: 1, command: { command: 'create-table', name: table, options } };
    this.#turn(member, 'metadata', create, { host: '@c', worker: 0, actor: 'client' }, nowMs, mail);
    pass(100);
    const { store } = member.actors.get('metadata') as unknown as MetadataActor;
    for (const key of store.partitions.keys()) this.#partition = key;
    const args = { partition: this.#partition, table, durability: 'sync' as const, versions: 1 };
    for (const node of nodes) {
      const self = this.#addressOf(node, 'replica');
      node.actors.set('replica', new this.#code.Replica(args, self, constantRandom));
      begin(node, 'replica');
      const incarnation = registeredIncarnation(0);
      const report = {
        partition: this.#partition,
        incarnation,
        verdict: 'incomplete',
        lineage: 1,
        lastEpoch: 0,
        end: 0,
      };
      const epoch = store.hosts.get(node.host)?.epoch;
      const message = { kind: 'register-replicas', host: node.host, epoch, replicas: [report] } as Message;
      this.#turn(member, 'metadata', message, { host: node.host, worker: 0, actor: 'manager' }, nowMs, mail);
      settle();
    }
    pass(2000);
    this.#beginMs = nowMs;
    const leaders = nodes.filter((node) => replicaOf(node).role.kind === 'leader');
    if (leaders.length !== 1) throw new Error(`${leaders.length} hosts lead at the beginning`);
    return all;
  }
}

function hasReplica(all: readonly Node[], { to }: Envelope): boolean {
  return all.some((node) => node.host === to.host && node.actors.has('replica'));
}

function newNode(host: string, actors: Map<string, AnyActor>): Node {
  return { host, actors, cells: new PlainCells(), pending: [], timers: [] };
}

function replicaOf(node: Node): PartitionReplica {
  return node.actors.get('replica') as unknown as PartitionReplica;
}

function envelopeText({ from, to, message }: Envelope): string {
  if (message.kind === 'map') {
    const { revision, info } = message as Message & { readonly revision: number; readonly info: PartitionInfo };
    return `${to.host} applies revision ${revision}: ${info.leader ?? 'nobody'} leads epoch ${info.leaderEpoch}, hold ${info.holdMs} ms`;
  }
  const { sentMs, durationMs, revision } = message as Message & Readonly<Record<string, number | undefined>>;
  const more = [`sent at ${sentMs}`];
  if (durationMs !== undefined) more.push(`for ${durationMs} ms from revision ${revision}`);
  return `${from.host}→${to.host} ${message.kind}, ${more.join(', ')}`;
}

function insert(row: number[], number: number): void {
  let at = row.length;
  while (at > first && (row[at - 1] as number) > number) at--;
  if (at > first && row[at - 1] === number) return;
  row.splice(at, 0, number);
}
