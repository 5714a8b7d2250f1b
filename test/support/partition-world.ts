// One partition on three simulated hosts, with the test as controller
// =============================================================================
//
// The replicas are the production actors; in place of the metadata group there is this object, which writes the partition's record, hands it to
// the replicas as a manager would, and judges in-sync proposals as the controller does (R13). Leases are granted by the test, too.

import type { PartitionInfo, TableInfo } from '../../messaging/protocol/cluster-map.js';
import { registeredIncarnation, replicaActor, workerOfPartition } from '../../messaging/protocol/cluster-map.js';
import { encodeControl } from '../../messaging/protocol/control.js';
import type { ClientReply, ClientRequest } from '../../messaging/protocol/client-messages.js';
import type { HostMessage } from '../../messaging/protocol/host-messages.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import { grantLease, markApplied } from '../../actors/host/lease-cells.js';
import type { ReplicaLimits } from '../../actors/partition/replica-core.js';
import { partitionDefinitionOf, type PartitionReplica, type ReplicaArguments } from '../../actors/partition/replica.js';
import type { Actor, ActorDefinition, Context, Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import { SimulatedCluster, type SimulatedClusterOptions } from '../../runtime/simulation/simulated-cluster.js';

export const partitionId = 0;
const worker = workerOfPartition(partitionId, 1);
const actor = replicaActor(partitionId);

type ChangeInSync = Extract<HostMessage, { readonly kind: 'change-in-sync' }>;

/** Stands for the manager: passes reports and proposals to the test. */
class FakeManager implements Actor {
  readonly #world: () => PartitionWorld;

  constructor(world: () => PartitionWorld) {
    this.#world = world;
  }

  start(): void {}

  receive(message: Message, _from: Address, context: Context): void {
    if (message.kind === 'replica-recovered')
      this.#world().registered(
        context.self.host,
        (message as never as { report: { verdict: string; incarnation: number } }).report,
      );
    if (message.kind === 'change-in-sync') this.#world().proposed(message as ChangeInSync, context);
  }
}

/** A client: keeps what it was answered, by request number. */
export class FakeClient implements Actor {
  readonly replies = new Map<number, ClientReply>();
  #next = 1;
  #context: Context | undefined;

  start(context: Context): void {
    this.#context = context;
  }

  receive(message: Message): void {
    if (message.kind === 'ask') return;
    this.replies.set((message as ClientReply).request, message as ClientReply);
  }

  number(): number {
    return this.#next++;
  }

  get started(): boolean {
    return this.#context !== undefined;
  }
}

export class PartitionWorld {
  readonly cluster: SimulatedCluster;
  readonly client = new FakeClient();
  readonly hosts: readonly string[];
  info: PartitionInfo;
  table: TableInfo;
  /** Proposals that were refused or lost on purpose. */
  onProposal: (change: ChangeInSync) => 'judge' | 'refuse' | 'lose' = () => 'judge';
  #revision = 10;
  readonly #alive = new Set<string>();

  constructor(
    seed: string,
    options: Partial<SimulatedClusterOptions> & {
      readonly table?: Partial<TableInfo>;
      readonly hostNames?: readonly string[];
      readonly replicaLimits?: ReplicaLimits;
    } = {},
  ) {
    this.hosts = options.hostNames ?? ['h1', 'h2', 'h3'];
    this.table = {
      name: 't',
      revision: 1,
      partitions: [partitionId],
      replicas: this.hosts.length,
      minInSync: Math.min(2, this.hosts.length),
      partitioning: 'hash',
      storage: 'memory',
      durability: 'sync',
      versions: 1,
      reads: 'lease',
      ...options.table,
    };
    this.info = {
      id: partitionId,
      revision: 1,
      table: 't',
      index: 0,
      lineage: 1,
      leader: undefined,
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: this.hosts.map((host) => ({ host, epoch: 1, incarnation: registeredIncarnation(0) })),
      inSync: [...this.hosts],
      eligible: [],
      lastKnownEligible: [],
      holdMs: 0,
      reason: '',
    };
    const definitions = new Map<string, ActorDefinition>([
      ['partition', partitionDefinitionOf(options.replicaLimits)],
      ['manager', { kind: 'manager', durable: false, create: () => new FakeManager(() => this) }],
      ['client', { kind: 'client', durable: false, create: () => this.client }],
    ]);
    const args: ReplicaArguments = {
      partition: partitionId,
      table: 't',
      durability: this.table.durability,
      versions: 1,
    };
    this.cluster = new SimulatedCluster({
      seed,
      ...options,
      composition: {
        definitions,
        codec: protocolCodec,
        rootActors: ({ host, worker: w }) => {
          if (host.startsWith('@')) return [{ name: 'client', kind: 'client', args: emptyBytes }];
          if (w !== worker) return [];
          return [
            { name: 'manager', kind: 'manager', args: emptyBytes },
            { name: actor, kind: 'partition', args: encodeControl(args) },
          ];
        },
      },
      hosts: this.hosts.map((name) => ({ name, workers: 1 })),
    });
    this.cluster.start();
    this.cluster.addClient('c', [{ name: 'client', kind: 'client', args: emptyBytes }]);
    this.cluster.runUntil(() => this.hosts.every((host) => this.#alive.has(host)), 5000);
  }

  // --- the controller ---------------------------------------------------------------------------------------------------

  /** A replica came up (again): it gets a new replica epoch, and leaves the in-sync set unless it is a first start. */
  registered(host: string, report: { readonly verdict: string; readonly incarnation: number }): void {
    const first = !this.#alive.has(host);
    this.#alive.add(host);
    if (first) return;
    const epoch = ++this.#revision;
    const others = this.info.inSync.filter((member) => member !== host);
    const inSync = others.length > 0 ? others : this.info.inSync;
    const leaderGone = this.info.leader === host;
    this.change({
      replicas: this.info.replicas.map((replica) =>
        replica.host === host ? { host, epoch, incarnation: registeredIncarnation(report.incarnation) } : replica,
      ),
      inSync,
      ...(leaderGone ? { leader: inSync[0], leaderEpoch: this.info.leaderEpoch + 1 } : {}),
    });
  }

  /** R13: compare-and-set. */
  proposed(change: ChangeInSync, context: Context): void {
    const verdict = this.onProposal(change);
    if (verdict === 'lose') return;
    const current =
      verdict !== 'refuse' &&
      change.leaderEpoch === this.info.leaderEpoch &&
      change.partitionEpoch === this.info.partitionEpoch &&
      change.leader === this.info.leader &&
      change.inSync.every(({ host, epoch }) =>
        this.info.replicas.some((replica) => replica.host === host && replica.epoch === epoch),
      ) &&
      change.inSync.every(({ host }) => this.info.inSync.includes(host) || this.cluster.host(host).up);
    if (current) this.change({ inSync: change.inSync.map((member) => member.host) });
    context.send({ host: change.leader, worker, actor }, {
      kind: 'in-sync-changed',
      request: change.request,
      partition: partitionId,
      accepted: current,
      info: this.info,
    } as Message);
  }

  /** A new record, told to every live host after a while, as the map would be. */
  change(changes: Partial<PartitionInfo>): void {
    this.info = { ...this.info, ...changes, partitionEpoch: this.info.partitionEpoch + 1, revision: ++this.#revision };
    for (const host of this.hosts) this.tell(host);
  }

  tell(host: string, delayMs = 5): void {
    const message: HostMessage = {
      kind: 'partition-metadata',
      partition: this.info,
      table: this.table,
      workers: Object.fromEntries(this.hosts.map((name) => [name, 1])),
    };
    this.cluster.after(delayMs, () => {
      if (!this.cluster.host(host).up) return;
      this.cluster.deliver({ host, worker, actor }, message, { host, worker, actor: 'manager' });
    });
  }

  elect(leader: string | undefined, changes: Partial<PartitionInfo> = {}): void {
    this.change({ leader, leaderEpoch: this.info.leaderEpoch + 1, ...changes });
  }

  /** A lease for so long from now. */
  lease(host: string, durationMs: number): void {
    const { cells } = this.cluster.host(host);
    markApplied(cells, worker, Number.MAX_SAFE_INTEGER);
    grantLease(cells, this.cluster.host(host).clock.monotonicAt(this.cluster.nowMs) + durationMs, 0);
  }

  // --- looking ------------------------------------------------------------------------------------------------------------

  /** Both are there and have applied the same. */
  agree(one: string, other: string): boolean {
    if ([one, other].some((host) => this.cluster.actor({ host, worker, actor }) === undefined)) return false;
    return this.replica(one).core.highWatermark === this.replica(other).core.highWatermark;
  }

  replica(host: string): PartitionReplica {
    const found = this.cluster.actor({ host, worker, actor });
    if (found === undefined) throw new Error(`no replica on ${host}`);
    return found as PartitionReplica;
  }

  // --- the client -----------------------------------------------------------------------------------------------------------

  /** Sends a request and gives its number. */
  ask(host: string, request: DistributiveOmit<ClientRequest, 'request' | 'partition'>): number {
    const number = this.client.number();
    this.cluster.deliver({ host, worker, actor }, { ...request, request: number, partition: partitionId } as never, {
      host: '@c',
      worker: 0,
      actor: 'client',
    });
    return number;
  }

  /** Runs until the request is answered. */
  answer(number: number, withinMs = 5000): ClientReply {
    this.cluster.runUntil(() => this.client.replies.has(number), withinMs);
    return this.client.replies.get(number) as ClientReply;
  }

  openSession(host: string): number {
    const reply = this.answer(this.ask(host, { kind: 'open-session' }));
    if (reply.kind !== 'session-opened') throw new Error(`no session: ${JSON.stringify(reply)}`);
    return reply.session;
  }

  put(host: string, session: number, sequence: number, key: string, value: string): number {
    const op = { sequence, operation: 'put' as const, key: bytes(key), value: bytes(value), ifVersion: undefined };
    return this.ask(host, { kind: 'write', session, answeredThrough: 0, ops: [op] });
  }

  read(host: string, key: string, consistency: 'linearizable' | 'session' | 'stale' = 'linearizable'): number {
    return this.ask(host, { kind: 'read', consistency, mark: { lineage: 1, offset: 0 }, keys: [bytes(key)] });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}
