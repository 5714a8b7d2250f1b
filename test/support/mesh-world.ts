// A whole mesh on virtual time: the production actors of every host
// =============================================================================
//
// Agents, managers, metadata peers and replicas as a host process starts them, plus an administrator who asks until somebody answers.

import { registry } from '../../actors/registry.js';
import { type HostProfile, rootActors } from '../../actors/root-actors.js';
import { RememberedMembers } from '../../actors/simulated/remembered-members.js';
import { memberIdOf } from '../../actors/metadata/member-id.js';
import type { MetadataActor } from '../../actors/metadata/metadata-actor.js';
import type { MapStore } from '../../actors/metadata/state/map-store.js';
import { leaseExpiryMs } from '../../actors/host/lease-cells.js';
import { metadataActor, type PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import type { AdminCommand, AdminFailure, HostMessage } from '../../messaging/protocol/host-messages.js';
import type { Actor, ActorDefinition, Context, Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import type { SystemEvent } from '../../runtime/contract/events.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import { DiskJournalKeeper } from '../../runtime/simulation/disk-journal-keeper.js';
import { SimulatedCluster, type SimulatedClusterOptions } from '../../runtime/simulation/simulated-cluster.js';

export interface MeshOptions extends Partial<Omit<SimulatedClusterOptions, 'composition' | 'hosts'>> {
  readonly hosts?: number;
  readonly workers?: number;
  /** How many of the hosts found the metadata group (default: all up to 3). */
  readonly founders?: number;
}

export interface AdminAnswer {
  readonly result: unknown;
  readonly failure: AdminFailure | undefined;
}

type AdminReply = Extract<HostMessage, { readonly kind: 'admin-reply' }>;
type Ask = { readonly kind: 'ask'; readonly command: AdminCommand; readonly request: number };
type Again = { readonly kind: 'again'; readonly ask: Ask; readonly at: number };

/** Asks one member after the other until one answers as the leader. */
class Administrator implements Actor<Ask | Again | AdminReply> {
  readonly answers = new Map<number, AdminAnswer>();
  readonly #hosts: readonly string[];

  constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  start(): void {}

  receive(message: Ask | Again | AdminReply, _from: Address, context: Context<Again>): void {
    if (message.kind === 'ask') return this.#try(message, 0, context);
    if (message.kind === 'again') {
      if (!this.answers.has(message.ask.request)) this.#try(message.ask, message.at, context);
      return;
    }
    const { request, result, failure } = message;
    if (failure?.code === 'NOT_LEADER' || failure?.code === 'UNAVAILABLE') return;
    this.answers.set(request, { result, failure });
  }

  #try(ask: Ask, at: number, context: Context<Again>): void {
    const host = this.#hosts[at % this.#hosts.length] as string;
    context.send({ host, worker: 0, actor: metadataActor }, {
      kind: 'admin',
      request: ask.request,
      command: ask.command,
    } as Message);
    context.timers.start(`again ${ask.request}`, 100, { kind: 'again', ask, at: at + 1 });
  }
}

const clusterId = '0b9f54a4-0000-4000-8000-000000000001';

export class MeshWorld {
  readonly cluster: SimulatedCluster;
  readonly names: readonly string[];
  /** Everything that was emitted, oldest first. */
  readonly events: { readonly host: string; readonly event: SystemEvent }[] = [];
  readonly #startIds = new Map<string, string>();
  readonly #diskIds = new Map<string, string>();
  readonly #founders: readonly string[];
  readonly #remembered: RememberedMembers;
  #administrator: Administrator | undefined;
  #requests = 0;

  constructor(seed: string | number, options: MeshOptions = {}) {
    const { hosts = 3, workers = 2, founders, ...rest } = options;
    this.names = Array.from({ length: hosts }, (_, i) => `h${i + 1}`);
    this.#founders = this.names.slice(0, founders ?? Math.min(3, hosts));
    this.#remembered = new RememberedMembers(this.#founders, () => this.cluster);
    const administrator: ActorDefinition = {
      kind: 'administrator',
      durable: false,
      create: () => (this.#administrator = new Administrator(this.names)),
    };
    this.cluster = new SimulatedCluster({
      seed,
      composition: {
        definitions: new Map([...registry, ['administrator', administrator]]),
        codec: protocolCodec,
        rootActors: (place, boot) => {
          const { host } = place;
          if (boot.reason !== 'worker-restart') this.#startIds.set(host, `${host}-start-${boot.count}`);
          return rootActors(this.#profile(host), { ...place, diskId: this.diskIdOf(host) });
        },
      },
      hosts: this.names.map((name) => ({ name, workers })),
      ...rest,
      onEvent: (emitted) => {
        this.#remembered.see(emitted);
        this.events.push({ host: emitted.host, event: emitted.event });
        rest.onEvent?.(emitted);
      },
    });
    this.cluster.addClient('admin', [{ name: 'administrator', kind: 'administrator', args: emptyBytes }]);
  }

  diskIdOf(host: string): string {
    const now = this.cluster.journals.diskId(host);
    const given = this.#diskIds.get(host);
    // The name is given here; what the journals add to it, since they were begun again, stays.
    return given === undefined ? now : given + now.slice(`disk-${host}`.length).replace(/-wiped-\d+/, '');
  }

  /** Another disk takes the place of the host's, with nothing on it. REQUIRES that the host is down. */
  emptyDisk(host: string, diskId: string): void {
    const { journals } = this.cluster;
    if (!(journals instanceof DiskJournalKeeper)) throw new Error('only real journals have a disk');
    journals.wipe(host);
    this.#diskIds.set(host, diskId);
  }

  startIdOf(host: string): string {
    return this.#startIds.get(host) as string;
  }

  #profile(host: string): HostProfile {
    const members = this.#founders.map((name) => ({ id: memberIdOf(name, `disk-${name}`), host: name }));
    const startId = this.startIdOf(host);
    return { clusterId, startId, rack: '', pid: 1, version: '0.0.0', members, remembered: this.#remembered.of(host) };
  }

  // --- looking --------------------------------------------------------------------------------------------------------

  metadata(host: string): MetadataActor | undefined {
    const { up } = this.cluster.host(host);
    if (!up) return undefined;
    return this.cluster.actor({ host, worker: 0, actor: metadataActor }) as unknown as MetadataActor | undefined;
  }

  inspectMetadata(host: string): Record<string, unknown> | undefined {
    return this.cluster.host(host).up ? this.cluster.inspect({ host, worker: 0, actor: metadataActor }) : undefined;
  }

  /** The host whose peer leads in the highest term. */
  get leader(): string | undefined {
    let best: { readonly host: string; readonly term: number } | undefined;
    for (const host of this.names) {
      const peer = this.metadata(host)?.raftPeer;
      if (peer?.role !== 'leader') continue;
      if (best === undefined || peer.term > best.term) best = { host, term: peer.term };
    }
    return best?.host;
  }

  /** The map as the leader has applied it. */
  get map(): MapStore | undefined {
    const { leader } = this;
    return leader === undefined ? undefined : this.metadata(leader)?.store;
  }

  hostsUp(): string[] {
    return [...(this.map?.hosts.values() ?? [])].filter((host) => host.state === 'up').map((host) => host.name);
  }

  partitions(): PartitionInfo[] {
    return [...(this.map?.partitions.values() ?? [])].map((record) => record.info);
  }

  /** Of all members' maps. */
  partitionIds(): Set<number> {
    const ids = new Set<number>();
    for (const host of this.names) for (const id of this.metadata(host)?.store.partitions.keys() ?? []) ids.add(id);
    return ids;
  }

  hasLease(host: string): boolean {
    const simulated = this.cluster.host(host);
    return simulated.up && leaseExpiryMs(simulated.cells) > simulated.clock.monotonicAt(this.cluster.nowMs);
  }

  /** Every partition led, and every replica in sync. */
  isHealthy(): boolean {
    const all = this.partitions();
    return (
      all.length > 0 && all.every((info) => info.leader !== undefined && info.inSync.length === info.replicas.length)
    );
  }

  // --- doing ----------------------------------------------------------------------------------------------------------

  /** Starts all hosts and waits until they are registered. */
  boot(withinMs = 10_000): void {
    this.cluster.start();
    this.cluster.runUntil(() => this.hostsUp().length === this.names.length, withinMs);
  }

  ask(command: AdminCommand): number {
    const request = ++this.#requests;
    this.cluster.deliver({ host: '@admin', worker: 0, actor: 'administrator' }, {
      kind: 'ask',
      command,
      request,
    } as Message);
    return request;
  }

  answerTo(request: number): AdminAnswer | undefined {
    return this.#administrator?.answers.get(request);
  }

  /** Asks, and waits for the answer. */
  administer(command: AdminCommand, withinMs = 10_000): AdminAnswer {
    const request = this.ask(command);
    this.cluster.runUntil(() => this.answerTo(request) !== undefined, withinMs);
    return this.answerTo(request) as AdminAnswer;
  }

  /** `kill -9`, and whoever started the process says so. */
  reportDeath(host: string): void {
    const startId = this.startIdOf(host);
    for (const name of this.names) {
      if (!this.cluster.host(name).up) continue;
      const to = { host: name, worker: 0, actor: metadataActor };
      this.cluster.deliver(to, { kind: 'host-died', host, startId } as Message, {
        host: '@mesh',
        worker: 0,
        actor: 'x',
      });
    }
  }
}
