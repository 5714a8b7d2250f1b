// The host's agent
// =============================================================================
//
// Lives on the main thread, so that a busy worker does not look like a dead host. Registers the host when every worker has told what it
// got back, sends heartbeats, and holds the lease in the cells that the workers read.
//
//   gathering ──every worker is ready──▶ registering ──registered──▶ registered
//       any ──another process is this host now, or the host was removed──▶ ended
//
// Owns:     the lease.
// Does not: touch data, or know what the workers' replicas do.
//
// Invariants
//   G1. A lease counts from the sending of the heartbeat it answers, on this clock, and only a newer heartbeat's answer changes it (L1, T4).
//   G2. A fenced, draining, suspended or ended host has no lease (L3, L6, L7).
//   G3. The host is registered only with what all its workers reported (R17), in place of the registration that it was told of.
//   G4. A restarted agent of the same process finds its registration again: the same start has the same epoch.
//   G5. Whom any manager knows as a member is told to the process, which remembers it for the next start.

import { managerActor, metadataActor } from '../../messaging/protocol/cluster-map.js';
import type { HostMessage, ReplicaReport } from '../../messaging/protocol/host-messages.js';
import type { Actor, ActorDefinition, Context, Signal } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { heartbeatIntervalMs } from '../metadata/lease-timing.js';
import { type AgentArguments, decodeAgentArguments } from './host-arguments.js';
import { appliedRevision, grantLease, voidLease } from './lease-cells.js';
import { MemberFinder } from './member-finder.js';
import { membersLearned } from './members-learned.js';
import { stalledWorkers } from './stall-watch.js';
import { SuspendGuard } from './suspend-guard.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';

export const agentKind = 'agent';

type Own = { readonly kind: 'look' };
type Incoming = Extract<
  HostMessage,
  { readonly kind: 'worker-ready' | 'registration-fetch' | 'registered' | 'lease' | 'agent-refused' }
>;
type AgentMessage = Own | Incoming;
type Of<Kind extends AgentMessage['kind']> = Extract<AgentMessage, { readonly kind: Kind }>;
type AgentContext = Context<Own>;

type Phase =
  | { readonly kind: 'gathering' }
  | { readonly kind: 'registering'; readonly after: number }
  | { readonly kind: 'registered'; readonly epoch: number }
  | { readonly kind: 'ended'; readonly reason: 'superseded' | 'removed' };

/** Between looks at clocks, cells and what is due. */
const lookMs = 50;
const registerRetryMs = 300;
/** The member asked is given this long to answer before another is asked. */
const answerWaitMs = 500;

export class HostAgent implements Actor<AgentMessage> {
  readonly #args: AgentArguments;
  readonly #guard = new SuspendGuard();
  readonly #reports = new Map<number, readonly ReplicaReport[]>();
  /** Hosts of the metadata group, as each worker's manager last named them: one that is behind does not hide what another knows. */
  readonly #named = new Map<number, readonly string[]>();
  #learned = '';
  #finder: MemberFinder | undefined;
  #phase: Phase = { kind: 'gathering' };
  #draining = false;
  #fenced = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #sentRevision = 0;
  /** Since when the member asked owes an answer. */
  #owedSinceMs: number | undefined;
  /** Grants for heartbeats sent at or before this are void (G2). */
  #voidThroughMs = Number.NEGATIVE_INFINITY;
  #grantedSentMs = Number.NEGATIVE_INFINITY;
  /** When a hint was last acted on at once. */
  #hintedMs = Number.NEGATIVE_INFINITY;

  constructor(args: AgentArguments) {
    this.#args = args;
  }

  start(context: AgentContext): void {
    const { members, host, workers, startId } = this.#args;
    this.#finder = new MemberFinder(members, host, context.random.u32());
    voidLease(context.cells);
    // Managers that had told an agent before this one do not know that it is gone (G4).
    for (let worker = 0; worker < workers; worker++)
      this.#toManager(worker, { kind: 'registered-as', epoch: 0, startId }, context);
    context.timers.start('look', lookMs, { kind: 'look' });
  }

  receive(message: AgentMessage, from: Address, context: AgentContext): void {
    if (this.#phase.kind === 'ended') return;
    switch (message.kind) {
      case 'look':
        return this.#onLook(context);
      case 'worker-ready':
        return this.#onWorkerReady(message, from, context);
      case 'registration-fetch':
        return this.#onRegistrationFetch(from, context);
      case 'registered':
        return isMember(from) ? this.#onRegistered(message, from, context) : undefined;
      case 'lease':
        return isMember(from) ? this.#onLease(message, from, context) : undefined;
      case 'agent-refused':
        return isMember(from) ? this.#onRefused(message, context) : undefined;
      default:
        return; // for somebody else, or of a later version
    }
  }

  signal(signal: Signal, context: AgentContext): void {
    if (signal.kind !== 'draining' || this.#draining) return;
    this.#draining = true;
    voidLease(context.cells); // L6: given up before anybody hears of it
    if (this.#phase.kind === 'registered') this.#heartbeat(this.#phase.epoch, context);
  }

  // --- registration ---------------------------------------------------------------------------------------------------

  #onWorkerReady(message: Of<'worker-ready'>, from: Address, context: AgentContext): void {
    const { worker, replicas, members } = message;
    if (from.host !== this.#args.host || from.actor !== managerActor || from.worker !== worker) return;
    if (members !== undefined) this.#learn(worker, members, context);
    this.#reports.set(worker, replicas);
    if (this.#phase.kind === 'registered') return this.#tell(worker, this.#phase.epoch, context);
    if (this.#phase.kind !== 'gathering' || this.#reports.size < this.#args.workers) return; // G3
    this.#phase = { kind: 'registering', after: 0 };
    this.#register(0, context);
  }

  /** G5 */
  #learn(worker: number, members: readonly string[], context: AgentContext): void {
    this.#named.set(worker, members);
    const all = [...new Set([...members, ...[...this.#named.values()].flat()])];
    this.#find().learn(all);
    const inOrder = all.toSorted((a, b) => (a < b ? -1 : 1));
    if (inOrder.join(' ') === this.#learned) return;
    this.#learned = inOrder.join(' ');
    context.emit(membersLearned(inOrder));
  }

  /** Its manager began anew, and took itself for registered. When it is not, it has to say again that it is ready: it may have missed our start (G4). */
  #onRegistrationFetch(from: Address, context: AgentContext): void {
    if (from.host !== this.#args.host || from.actor !== managerActor) return;
    this.#tell(from.worker, this.#phase.kind === 'registered' ? this.#phase.epoch : 0, context);
  }

  #register(after: number, context: AgentContext): void {
    const { host, startId, diskId, workers, rack, pid, version } = this.#args;
    const replicas = [...this.#reports.values()].flat();
    this.#sentMs = context.nowMs;
    this.#send({ kind: 'register', host, startId, diskId, workers, rack, pid, version, replicas, after }, context);
  }

  #onRegistered(message: Of<'registered'>, from: Address, context: AgentContext): void {
    if (message.startId !== this.#args.startId || this.#phase.kind !== 'registering') return;
    const { epoch } = message;
    this.#phase = { kind: 'registered', epoch };
    this.#heardFrom(from);
    context.emit({ kind: 'registered', level: 'info', epoch });
    for (let worker = 0; worker < this.#args.workers; worker++) this.#tell(worker, epoch, context);
    this.#heartbeat(epoch, context);
  }

  #tell(worker: number, epoch: number, context: AgentContext): void {
    const members = this.#find().known; // a worker that died takes what it knew of them with it
    this.#toManager(worker, { kind: 'registered-as', epoch, startId: this.#args.startId, members }, context);
  }

  #onRefused(message: Of<'agent-refused'>, context: AgentContext): void {
    const phase = this.#phase;
    switch (message.reason) {
      case 'not-leader':
        this.#owedSinceMs = undefined;
        if (!this.#find().follow(message.leader) || message.leader === undefined) return; // the next look asks again
        if (context.nowMs - this.#hintedMs < lookMs) return; // two members that name each other
        this.#hintedMs = context.nowMs;
        if (phase.kind === 'registering') return this.#register(phase.after, context);
        return phase.kind === 'registered' ? this.#heartbeat(phase.epoch, context) : undefined;
      case 'after-mismatch':
        sometimes('host/registered-in-place-of-another');
        if (phase.kind !== 'registering' || message.epoch === undefined || message.epoch <= phase.after) return;
        this.#phase = { kind: 'registering', after: message.epoch };
        return this.#register(message.epoch, context);
      case 'unknown-host':
        return; // it is behind: it will be asked again
      case 'superseded':
      case 'removed':
        // A refusal that was meant for a process before this one does not end it: this one has not asked for anything yet, or not with that epoch.
        if (phase.kind === 'gathering') return;
        if (phase.kind === 'registered' && message.epoch !== phase.epoch) return;
        if (phase.kind === 'registering' && message.reason === 'superseded') return;
        return this.#end(message.reason, context);
      default:
        return;
    }
  }

  #end(reason: 'superseded' | 'removed', context: AgentContext): void {
    voidLease(context.cells); // G2
    sometimes('host/ended');
    this.#phase = { kind: 'ended', reason };
    context.timers.cancel('look');
    context.emit({ kind: 'host-ended', level: 'error', reason });
  }

  // --- heartbeats and the lease ---------------------------------------------------------------------------------------

  #onLook(context: AgentContext): void {
    const { nowMs, cells } = context;
    context.timers.start('look', lookMs, { kind: 'look' });
    if (this.#guard.look(context)) {
      sometimes('host/suspend-noticed');
      this.#void(context); // L3
      context.emit({ kind: 'suspend-noticed', level: 'warn' });
    }
    if (this.#owedSinceMs !== undefined && nowMs - this.#owedSinceMs >= answerWaitMs) {
      sometimes('host/member-silent');
      this.#owedSinceMs = undefined;
      this.#find().rotate();
    }
    if (buggify('host/ask-another-member')) this.#find().rotate();
    const phase = this.#phase;
    if (phase.kind === 'registering' && nowMs - this.#sentMs >= registerRetryMs) this.#register(phase.after, context);
    if (phase.kind !== 'registered') return;
    // What was applied is told at once: an election may be waiting to hear that this host has stepped down (L5).
    const news = this.#applied(cells) > this.#sentRevision || buggify('host/heartbeat-early');
    const intervalMs = buggify('host/heartbeat-late') ? 2 * heartbeatIntervalMs : heartbeatIntervalMs;
    if (news || nowMs - this.#sentMs >= intervalMs) this.#heartbeat(phase.epoch, context);
  }

  #heartbeat(epoch: number, context: AgentContext): void {
    const { host, workers } = this.#args;
    const { cells } = context;
    const sentMs = context.nowMs;
    const stalled = stalledWorkers(cells, workers, sentMs);
    if (stalled.length > 0) sometimes('host/worker-stalled');
    const applied = this.#applied(cells);
    this.#sentMs = sentMs;
    this.#sentRevision = applied;
    this.#send(
      {
        kind: 'heartbeat',
        host,
        epoch,
        sentMs,
        appliedRevision: applied,
        stalledWorkers: buggify('host/take-a-worker-for-stalled') ? [0] : stalled,
        draining: this.#draining,
      },
      context,
    );
  }

  #onLease(message: Of<'lease'>, from: Address, context: AgentContext): void {
    const phase = this.#phase;
    if (phase.kind !== 'registered' || message.epoch !== phase.epoch) return;
    const { sentMs, durationMs, revision, fenced } = message;
    if (sentMs > context.nowMs || sentMs <= this.#grantedSentMs) return; // G1
    this.#heardFrom(from);
    this.#grantedSentMs = sentMs;
    if (fenced !== this.#fenced) {
      sometimes(fenced ? 'host/learned-it-is-fenced' : 'host/learned-it-is-back');
      this.#fenced = fenced;
      context.emit({ kind: fenced ? 'fenced' : 'unfenced', level: fenced ? 'warn' : 'info', epoch: phase.epoch });
    }
    if (fenced || durationMs === 0) return this.#void(context); // L7
    if (this.#draining || sentMs <= this.#voidThroughMs) return; // G2
    if (buggify('host/take-no-lease')) return;
    if (revision > this.#applied(context.cells)) sometimes('host/lease-waits-for-the-map');
    grantLease(context.cells, (planted('PB17') ? context.nowMs : sentMs) + durationMs, revision); // G1
  }

  /** G2: what was asked for before now does not count. */
  #void(context: AgentContext): void {
    voidLease(context.cells);
    this.#voidThroughMs = context.nowMs;
  }

  #applied(cells: AgentContext['cells']): number {
    let applied = Number.MAX_SAFE_INTEGER;
    for (let worker = 0; worker < this.#args.workers; worker++)
      applied = Math.min(applied, appliedRevision(cells, worker));
    return applied;
  }

  // --- sending --------------------------------------------------------------------------------------------------------

  #send(message: HostMessage, context: AgentContext): void {
    this.#owedSinceMs ??= context.nowMs;
    context.send(this.#find().address, message);
  }

  #heardFrom(from: Address): void {
    this.#owedSinceMs = undefined;
    this.#find().settle(from.host);
  }

  #find(): MemberFinder {
    return (this.#finder ??= new MemberFinder(this.#args.members, this.#args.host, 0));
  }

  #toManager(worker: number, message: HostMessage, context: AgentContext): void {
    context.send({ host: this.#args.host, worker, actor: managerActor }, message);
  }

  inspect(): Record<string, unknown> {
    const { kind } = this.#phase;
    const epoch = this.#phase.kind === 'registered' ? this.#phase.epoch : undefined;
    return { phase: kind, epoch, fenced: this.#fenced, draining: this.#draining, asking: this.#find().address.host };
  }
}

function isMember(from: Address): boolean {
  return from.actor === metadataActor && from.worker === 0;
}

export const agentDefinition: ActorDefinition = {
  kind: agentKind,
  durable: false,
  create: (args) => new HostAgent(decodeAgentArguments(args)),
};
