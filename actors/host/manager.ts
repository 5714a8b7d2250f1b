// A worker's manager
// =============================================================================
//
// Follows the cluster map, runs the replicas that it assigns to this worker, tells each what it is, and answers clients that ask for the map or
// for the worker's state.
//
// Owns:     the worker's copy of the map, the reports of its replicas.
// Does not: lead or follow anything; decide who does.
//
// Invariants
//   Q1. The worker's applied revision is marked only behind the replicas: this manager's own message follows what it sent them in the
//       same queue (A3, L1).
//   Q2. The agent hears that the worker is ready when every replica found on disk has reported (R17).
//   Q3. One request for the map is out at a time to the group, and one to the peer of this very host if it has one, which is there as long as we are: the
//       death of the member asked then costs nobody a time-out. A silent member is asked no more before the others were.
//   Q4. A manager that starts in a process which is registered already asks the agent, and begins with the member that the agent talks to: what this worker
//       knew of the group died with it, and of the members that the process was started with none may be left.
//   Q5. However many replicas report and however often the map changes within one run of turns, it is gone through once; and not at all while it, the
//       reports and what runs are as they were.
//   Q6. No map is followed that is older than one that was followed before in this process, also by a manager that died since: to a member that is behind, what was
//       placed here meanwhile looks as if it had been deleted (M13).

import {
  agentActor,
  managerActor,
  type MetadataMember,
  metadataActor,
  registeredIncarnation,
  replicaActor,
  type TableInfo,
} from '../../messaging/protocol/cluster-map.js';
import { encodeControl } from '../../messaging/protocol/control.js';
import type { HostMessage, ReplicaReport } from '../../messaging/protocol/host-messages.js';
import { MapCopy } from '../../messaging/protocol/map-copy.js';
import type { Actor, ActorDefinition, Context, Message } from '../../runtime/contract/actor.js';
import { type Address, mainWorker } from '../../runtime/contract/address.js';
import { cellHeapBytes, cellQueued, cellTurns, workerCell } from '../../runtime/contract/cells.js';
import { memberIdOf } from '../metadata/member-id.js';
import { encodeMetadataArguments, metadataKind } from '../metadata/metadata-arguments.js';
import { assignmentsOf, partitionOfActor, type RunningReplica } from './assignments.js';
import { decodeManagerArguments, type ManagerArguments } from './host-arguments.js';
import {
  appliedRevision,
  followedRevision,
  forgetApplied,
  markApplied,
  rememberFollowed,
  rememberedRegistration,
  rememberRegistration,
} from './lease-cells.js';
import { MapServer } from './map-server.js';
import { MapWaiters, mapWaitMsMax } from './map-waiters.js';
import { MemberFinder } from './member-finder.js';
import type { ReplicaRecovered } from './replica-recovered.js';
import { StatusRounds } from './status-rounds.js';
import { buggify, sometimes } from '../../runtime/probes/probes.js';

export const managerKind = 'manager';

/** Kind of the replica actors; actors/partition. */
const partitionKind = 'partition';

type Own =
  | { readonly kind: 'look' }
  | { readonly kind: 'follow' }
  | { readonly kind: 'replicas-applied'; readonly revision: number };
type Incoming = Extract<
  HostMessage,
  {
    readonly kind:
      | 'registered-as'
      | 'map-fetch'
      | 'map-reply'
      | 'status-fetch'
      | 'replica-status'
      | 'change-in-sync'
      | 'in-sync-changed'
      | 'confirm-epoch'
      | 'epoch-confirmed'
      | 'agent-refused';
  }
>;
type ManagerMessage = Own | Incoming | ReplicaRecovered;
type Of<Kind extends ManagerMessage['kind']> = Extract<ManagerMessage, { readonly kind: Kind }>;
type ManagerContext = Context<Own>;

const lookMs = 100;
const mapWaitMs = 1000;
/** A member that has not answered yet, or not lately, is asked for less patience: the next may know more. */
const firstMapWaitMs = 100;
/** A member that does not answer a request for the map so long after it should is silent. */
const answerSlackMs = 300;
const readyRetryMs = 1000;
const registerRetryMs = 300;
/** Replicas that start one after another report one after another: each list that is sent has all of them. */
const registerNewsMs = 25;

export class WorkerManager implements Actor<ManagerMessage> {
  readonly #args: ManagerArguments;
  readonly #worker: number;
  readonly #copy: MapCopy;
  readonly #server: MapServer;
  readonly #waiters = new MapWaiters();
  readonly #status = new StatusRounds();
  /** By partition, with the registered incarnation. */
  readonly #reports = new Map<number, ReplicaReport>();
  /** What each replica was last told: its incarnation and the partition epoch. */
  readonly #told = new Map<number, string>();
  /** Epochs of the places that this manager started replicas for. */
  readonly #startedFor = new Map<number, number>();
  /** Hosts of the metadata group, as told to the agent. */
  #members: readonly string[] = [];
  #finder: MemberFinder;
  #epoch: number | undefined;
  #awaiting = new Set<number>();
  #readySentMs = Number.NEGATIVE_INFINITY;
  #registerSentMs = Number.NEGATIVE_INFINITY;
  /** A replica reported what was not sent yet. */
  #unsent = false;
  /** When the map is gone through next: something changed since it last was (Q5). */
  #followAtMs = Number.POSITIVE_INFINITY;
  /** The map did not have all that runs here, or had something that does not, when it was last gone through. */
  #unsettled = true;
  #fetch: { readonly request: number; readonly untilMs: number } | undefined;
  /** The request to this host's own metadata peer. */
  #ownFetch: { readonly request: number; readonly untilMs: number } | undefined;
  #lastRequest = 0;
  /** The member asked has answered. */
  #heard = false;

  constructor(args: ManagerArguments, self: Address) {
    this.#args = args;
    this.#worker = self.worker;
    this.#copy = new MapCopy(args.clusterId);
    this.#server = new MapServer(this.#copy);
    this.#finder = new MemberFinder(args.members, args.host, self.worker);
  }

  start(context: ManagerContext): void {
    forgetApplied(context.cells, this.#worker);
    // After a restart of this actor or its worker the process is still the one that was registered.
    this.#epoch = rememberedRegistration(context.cells, this.#worker);
    this.#awaiting = new Set(this.#running(context).keys());
    if (this.#epoch !== undefined && this.#awaiting.size > 0) sometimes('host/worker-restarted-with-replicas');
    if (this.#epoch !== undefined) context.send(this.#agent, { kind: 'registration-fetch' }); // Q4
    this.#maybeReady(context);
    this.#askMap(context);
    context.timers.start('look', lookMs, { kind: 'look' });
  }

  receive(message: ManagerMessage, from: Address, context: ManagerContext): void {
    switch (message.kind) {
      case 'look':
        return this.#onLook(context);
      case 'follow':
        return this.#follow(context);
      case 'replicas-applied':
        return this.#onReplicasApplied(message.revision, context);
      case 'replica-recovered':
        return this.#onReplicaRecovered(message, from, context);
      case 'registered-as':
        return this.#onRegisteredAs(message, from, context);
      case 'map-reply':
        return this.#onMapReply(message, from, context);
      case 'map-fetch':
        return this.#onMapFetch(message, from, context);
      case 'status-fetch':
        return this.#onStatusFetch(message, from, context);
      case 'replica-status':
        return this.#onReplicaStatus(message, from, context);
      case 'change-in-sync':
      case 'confirm-epoch':
        // From a replica of this worker, to whoever leads the group.
        if (this.#isLocal(from)) context.send(this.#finder.address, message);
        return;
      case 'in-sync-changed':
      case 'epoch-confirmed':
        if (isMember(from)) context.send(this.#local(replicaActor(message.partition)), message);
        return;
      case 'agent-refused':
        if (isMember(from) && message.reason === 'not-leader') this.#finder.follow(message.leader);
        return;
      default:
        return; // for somebody else, or of a later version
    }
  }

  // --- registration ---------------------------------------------------------------------------------------------------

  #onReplicaRecovered(message: ReplicaRecovered, from: Address, context: ManagerContext): void {
    const { partition, incarnation } = message.report;
    if (!this.#isLocal(from) || from.actor !== replicaActor(partition)) return;
    this.#reports.set(partition, { ...message.report, incarnation: registeredIncarnation(incarnation) });
    this.#awaiting.delete(partition);
    if (this.#epoch === undefined) this.#maybeReady(context);
    else {
      this.#unsent = true;
      this.#followSoon(context);
    }
  }

  /** Q2 */
  #maybeReady(context: ManagerContext): void {
    if (this.#awaiting.size > 0 || this.#epoch !== undefined) return;
    this.#readySentMs = context.nowMs;
    this.#tellReady(context);
    if (buggify('host/ready-twice')) this.#tellReady(context);
  }

  #tellReady(context: ManagerContext): void {
    const replicas = [...this.#reports.values()];
    const known = this.#members.length === 0 ? {} : { members: this.#members };
    const ready = { kind: 'worker-ready', worker: this.#worker, replicas, ...known };
    context.send(this.#agent, ready);
  }

  #onRegisteredAs(message: Of<'registered-as'>, from: Address, context: ManagerContext): void {
    if (from.host !== this.#args.host || from.worker !== mainWorker || from.actor !== agentActor) return;
    if (message.startId !== this.#args.startId) return;
    const isNews = message.epoch !== this.#epoch;
    // Epoch 0: a new agent of this process, which has to hear again that we are ready.
    this.#epoch = message.epoch === 0 ? undefined : message.epoch;
    rememberRegistration(context.cells, this.#worker, message.epoch);
    if (this.#epoch === undefined) this.#maybeReady(context);
    else {
      // Somebody leads the group now, and the agent knows where: what was asked before may have been lost, or asked of those that are gone.
      if (!this.#heard) {
        this.#finder.beginWith(message.members ?? []); // Q4
        this.#askMap(context);
      }
      // What was learned since it was last told of us, it has not heard yet.
      if (isNews && this.#members.length > 0) this.#tellReady(context);
      this.#followSoon(context);
    }
  }

  // --- the map --------------------------------------------------------------------------------------------------------

  #askMap(context: ManagerContext): void {
    const request = ++this.#lastRequest;
    const waitMs = this.#heard && !buggify('host/short-map-patience') ? mapWaitMs : firstMapWaitMs;
    this.#fetch = { request, untilMs: context.nowMs + waitMs + answerSlackMs }; // Q3
    const after = buggify('host/ask-for-the-whole-map') ? 0 : this.#copy.revision;
    context.send(this.#finder.address, { kind: 'map-fetch', request, after, waitMs } as Message);
  }

  /**
   * The peer of this host, when it is a member: it is never cut off from us, and knows what is committed a heartbeat later at most. Without a map
   * we cannot know that there is none; and when the founders that we were told of are gone, it is the only one that knows the others.
   */
  #askOwn(context: ManagerContext): void {
    const { host } = this.#args;
    const isNone = this.#copy.revision > 0 && !this.#copy.members.some((member) => member.host === host);
    if (isNone || buggify('host/do-not-ask-own-member')) return;
    const request = ++this.#lastRequest;
    this.#ownFetch = { request, untilMs: context.nowMs + mapWaitMs + answerSlackMs };
    const message = { kind: 'map-fetch', request, after: this.#copy.revision, waitMs: mapWaitMs };
    context.send({ host, worker: 0, actor: metadataActor }, message);
  }

  #onOwnMapReply(message: Of<'map-reply'>, context: ManagerContext): void {
    this.#ownFetch = undefined;
    const before = this.#copy.revision;
    this.#server.noteChange(this.#copy.apply(message.delta), before);
    this.#learnMembers(message.delta.members, context);
    if (this.#copy.revision > before) {
      this.#followSoon(context);
      this.#answerWaiters(context);
    }
    // A peer that hears no leader answers at once (X12): asked again at once, the two would talk without end. The next look asks.
    if (message.delta.metadataLeader !== undefined) this.#askOwn(context);
  }

  /** The agent asks the same group, and has no map of its own. */
  #learnMembers(members: readonly MetadataMember[], context: ManagerContext): void {
    const hosts = members.map((member) => member.host);
    this.#finder.learn(hosts);
    if (hosts.length === 0 || hosts.join(' ') === this.#members.join(' ')) return;
    this.#members = hosts;
    if (this.#epoch !== undefined) this.#tellReady(context);
  }

  #onMapReply(message: Of<'map-reply'>, from: Address, context: ManagerContext): void {
    if (isMember(from) && message.request === this.#ownFetch?.request) return this.#onOwnMapReply(message, context);
    if (!isMember(from) || message.request !== this.#fetch?.request) return;
    this.#fetch = undefined;
    this.#heard = true;
    const { delta } = message;
    const before = this.#copy.revision;
    const change = this.#copy.apply(delta);
    if (change.kind === 'refused' && change.reason === 'older') sometimes('host/older-map-refused');
    this.#server.noteChange(change, before);
    this.#learnMembers(delta.members, context);
    if (change.kind === 'refused' && change.reason === 'other-cluster') {
      context.emit({ kind: 'foreign-map', level: 'error', host: from.host, cluster: delta.clusterId });
      this.#finder.rotate();
      return; // the next look asks again
    }
    if (this.#copy.revision > before) {
      this.#followSoon(context);
      this.#answerWaiters(context);
    }
    if (delta.metadataLeader === undefined) {
      this.#finder.rotate(); // it may be cut off: there may be more than it knows
      return; // the next look asks again
    }
    this.#finder.settle(delta.metadataLeader);
    this.#askMap(context);
  }

  /** Q5: whatever else this run brings is followed with it. */
  #followSoon(context: ManagerContext, delayMs = 0): void {
    const atMs = context.nowMs + delayMs;
    if (atMs >= this.#followAtMs) return;
    this.#followAtMs = atMs;
    context.timers.start('follow', delayMs, { kind: 'follow' });
  }

  /** Makes the worker what the map says. */
  #follow(context: ManagerContext): void {
    this.#followAtMs = Number.POSITIVE_INFINITY;
    const epoch = this.#epoch;
    if (epoch === undefined || this.#isBehind(context)) return;
    const self = { host: this.#args.host, worker: this.#worker, epoch };
    const running = this.#running(context);
    const work = assignmentsOf(this.#copy, self, running, this.#reports, this.#startedFor);
    // Until the map knows this registration nothing can change but by news.
    this.#unsettled = work !== undefined && work.start.length + work.stop.length + work.register.length > 0;
    if (work === undefined) return;
    rememberFollowed(context.cells, this.#worker, this.#copy.revision); // Q6
    for (const { partition, table, epoch: place } of work.start) {
      this.#startReplica(partition.id, table, context);
      this.#startedFor.set(partition.id, place);
    }
    for (const partition of work.stop) this.#stopReplica(partition, context);
    const workers = this.#workers();
    for (const { partition, table } of work.tell) {
      const told = `${partition.partitionEpoch} ${running.get(partition.id)?.incarnation}`;
      if (this.#told.get(partition.id) === told && !buggify('host/tell-replica-again')) continue;
      this.#told.set(partition.id, told);
      context.send(this.#local(replicaActor(partition.id)), {
        kind: 'partition-metadata',
        partition,
        table,
        workers,
      } as Message);
    }
    this.#registerReplicas(epoch, work.register, context);
    this.#joinGroup(context);
    context.send(this.#local(managerActor), { kind: 'replicas-applied', revision: this.#copy.revision } as Message); // Q1
  }

  /** Q6. News follows by itself: the group has a newer map. */
  #isBehind(context: ManagerContext): boolean {
    const isBehind = this.#copy.revision < followedRevision(context.cells, this.#worker);
    if (isBehind && this.#copy.revision > 0) sometimes('host/stale-map-not-followed');
    return isBehind;
  }

  #startReplica(partition: number, table: TableInfo, context: ManagerContext): void {
    this.#reports.delete(partition);
    this.#told.delete(partition);
    const args = encodeControl({
      clusterId: this.#args.clusterId,
      partition,
      table: table.name,
      storage: table.storage,
      durability: table.durability,
      versions: table.versions,
    });
    context.spawn({ name: replicaActor(partition), kind: partitionKind, args });
    context.emit({ kind: 'replica-started', level: 'debug', partition, table: table.name });
  }

  #stopReplica(partition: number, context: ManagerContext): void {
    this.#reports.delete(partition);
    this.#told.delete(partition);
    this.#startedFor.delete(partition);
    sometimes('host/replica-removed');
    context.stop(replicaActor(partition), { forget: true });
    context.emit({ kind: 'replica-dropped', level: 'info', partition, revision: this.#copy.revision });
  }

  /** O3. Repeated at every look until the map has them. */
  #registerReplicas(epoch: number, replicas: readonly ReplicaReport[], context: ManagerContext): void {
    if (replicas.length === 0) return;
    const pauseMs = this.#unsent ? registerNewsMs : registerRetryMs;
    const waitMs = this.#registerSentMs + pauseMs - context.nowMs;
    if (waitMs > 0 && !buggify('host/register-again')) {
      if (this.#unsent) this.#followSoon(context, waitMs);
      return;
    }
    this.#registerSentMs = context.nowMs;
    this.#unsent = false;
    const message = { kind: 'register-replicas', host: this.#args.host, epoch, replicas };
    context.send(this.#finder.address, message);
  }

  /** This host was given a place in the metadata group: it takes it with an empty log, and the leader fills it (M8). */
  #joinGroup(context: ManagerContext): void {
    const { host, diskId, clusterId } = this.#args;
    // What the map says of a host that is not this registration concludes nothing, nor does an older one (Q6).
    if (this.#isBehind(context)) return;
    if (this.#worker !== 0 || this.#epoch === undefined || this.#copy.hosts.get(host)?.epoch !== this.#epoch) return;
    const memberId = memberIdOf(host, diskId);
    if (!this.#copy.members.some((member) => member.id === memberId)) return;
    if (context.actors().some((actor) => actor.name === metadataActor)) return;
    const args = encodeMetadataArguments({ clusterId, memberId, founders: [] });
    sometimes('host/joined-the-metadata-group');
    context.spawn({ name: metadataActor, kind: metadataKind, args });
    context.emit({ kind: 'metadata-member-started', level: 'info', member: memberId });
  }

  #onReplicasApplied(revision: number, context: ManagerContext): void {
    if (buggify('host/mark-applied-later'))
      return context.send(context.self, { kind: 'replicas-applied', revision } as Message);
    if (revision > appliedRevision(context.cells, this.#worker)) markApplied(context.cells, this.#worker, revision); // Q1
  }

  #onLook(context: ManagerContext): void {
    const { nowMs } = context;
    context.timers.start('look', lookMs, { kind: 'look' });
    if (this.#epoch === undefined && nowMs - this.#readySentMs >= readyRetryMs) this.#maybeReady(context);
    if (this.#ownFetch === undefined || nowMs >= this.#ownFetch.untilMs) this.#askOwn(context);
    if (this.#fetch === undefined) this.#askMap(context);
    else if (nowMs >= this.#fetch.untilMs) {
      this.#heard = false;
      this.#finder.rotate(); // Q3
      this.#askMap(context);
    }
    if (this.#unsettled || buggify('host/follow-without-news')) this.#followSoon(context);
    else this.#joinGroup(context); // members may change while the map does not
    this.#answerWaiters(context);
    this.#answerStatus(context);
  }

  // --- for clients ----------------------------------------------------------------------------------------------------

  #onMapFetch(message: Of<'map-fetch'>, from: Address, context: ManagerContext): void {
    const { request, after, waitMs } = message;
    if (!isCount(request) || !isCount(after) || typeof waitMs !== 'number') return;
    const untilMs = context.nowMs + Math.max(0, Math.min(waitMs, mapWaitMsMax));
    const waiter = { from, request, after, untilMs };
    // Without a map there is nothing to say yet; with news, or without patience, now.
    const isDue = after < this.#copy.revision || untilMs <= context.nowMs || buggify('host/answer-map-early');
    if (this.#copy.revision > 0 && isDue) return this.#answerMap(waiter, context);
    if (!this.#waiters.add(waiter) && this.#copy.revision > 0) this.#answerMap(waiter, context);
  }

  #answerWaiters(context: ManagerContext): void {
    if (buggify('host/answer-map-late')) return; // the next look does
    for (const waiter of this.#waiters.take(this.#copy.revision, context.nowMs)) this.#answerMap(waiter, context);
  }

  #answerMap(
    waiter: { readonly from: Address; readonly request: number; readonly after: number },
    context: ManagerContext,
  ): void {
    const delta = this.#server.deltaSince(waiter.after);
    context.send(waiter.from, { kind: 'map-reply', request: waiter.request, delta } as Message);
  }

  #onStatusFetch(message: Of<'status-fetch'>, from: Address, context: ManagerContext): void {
    if (!isCount(message.request)) return;
    const partitions = [...this.#running(context).keys()];
    const round = this.#status.begin(from, message.request, partitions, context.nowMs);
    if (round === undefined) return;
    for (const partition of partitions)
      context.send(this.#local(replicaActor(partition)), {
        kind: 'replica-status-fetch',
        request: round.number,
      } as Message);
    this.#answerStatus(context);
  }

  #onReplicaStatus(message: Of<'replica-status'>, from: Address, context: ManagerContext): void {
    if (!this.#isLocal(from)) return;
    this.#status.answer(message.request, message.status);
    this.#answerStatus(context);
  }

  #answerStatus(context: ManagerContext): void {
    if (this.#status.isIdle) return;
    const { cells } = context;
    const first = workerCell(this.#worker);
    for (const { from, request, replicas } of this.#status.take(context.nowMs)) {
      const worker = {
        worker: this.#worker,
        turns: cells.load(first + cellTurns),
        queued: cells.load(first + cellQueued),
        actors: context.actors().length,
        heapBytes: cells.load(first + cellHeapBytes),
        epoch: this.#epoch ?? 0,
      };
      context.send(from, { kind: 'status-reply', request, host: this.#args.host, worker, replicas } as Message);
    }
  }

  // --- this worker ----------------------------------------------------------------------------------------------------

  #running(context: ManagerContext): Map<number, RunningReplica> {
    const running = new Map<number, RunningReplica>();
    for (const { name, kind, incarnation } of context.actors()) {
      const partition = kind === partitionKind ? partitionOfActor(name) : undefined;
      if (partition !== undefined) running.set(partition, { partition, incarnation });
    }
    return running;
  }

  #workers(): Record<string, number> {
    return Object.fromEntries([...this.#copy.hosts.values()].map((host) => [host.name, host.workers]));
  }

  get #agent(): Address {
    return { host: this.#args.host, worker: mainWorker, actor: agentActor };
  }

  #local(actor: string): Address {
    return { host: this.#args.host, worker: this.#worker, actor };
  }

  #isLocal(from: Address): boolean {
    return from.host === this.#args.host && from.worker === this.#worker;
  }

  inspect(): Record<string, unknown> {
    const { revision, metadataLeader } = this.#copy;
    return {
      epoch: this.#epoch,
      revision,
      metadataLeader,
      asking: this.#finder.address.host,
      waiting: this.#waiters.size,
    };
  }
}

function isMember(from: Address): boolean {
  return from.actor === metadataActor && from.worker === 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export const managerDefinition: ActorDefinition = {
  kind: managerKind,
  durable: false,
  create: (args, self) => new WorkerManager(decodeManagerArguments(args), self),
};
