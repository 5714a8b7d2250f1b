// A member of the metadata group
// =============================================================================
//
// Raft keeps the log, the state machine in state/ is the cluster map, and while this member leads, the controller decides. This file
// checks who speaks, routes, and answers.
//
// Owns:     the map, the requests that wait.
// Does not: decide who leads what (controller/, state/), or what is safe to say when (raft/).
//
// Invariants
//   X11. Only a host's own agent and managers speak for it, only members speak as peers, and clients only administer and read (T1).
//   X12. Nothing is answered from a state that a leader has not confirmed, except the map, which says how old it is (M10, M14).
//   X13. The controller, which goes over the whole map, is asked once a turn at most, however many commands were applied in it.
//   L4. An epoch is confirmed by a round of the group that began after it was asked.
//
// M13: when the journal was found corrupt this member never speaks again under this id, and its stream goes. Its world takes the disk for
// another one from then on (`vital`), so the host registers as such, and the controller replaces the old member by the new one (M8).

import { agentActor, managerActor, metadataActor, type PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import type { MetadataStatus } from '../../messaging/protocol/host-messages.js';
import type { RaftEntry } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import type { Actor, ActorDefinition, Message, Signal } from '../../runtime/contract/actor.js';
import { type Address, isClient, mainWorker } from '../../runtime/contract/address.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import type { JournalRecord, RecoveryReport } from '../../runtime/contract/journal.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';
import { assert, present } from '../../runtime/std/assert.js';
import { concatBytes } from '../../runtime/std/bytes.js';
import { MapWaiters, mapWaitMsMax } from '../host/map-waiters.js';
import { adminRequest } from './admin-request.js';
import { Controller } from './controller/controller.js';
import { hostOfMember, isGone, planMembers } from './controller/group-members.js';
import { leaseDurationMs } from './lease-timing.js';
import { type Linearized, LinearizedRequests } from './linearized.js';
import { decodeMetadataArguments, type MetadataArguments, metadataKind } from './metadata-arguments.js';
import type { MetadataContext, MetadataMessage, Of } from './metadata-message.js';
import { type Answer, Proposals, type Verdict } from './proposals.js';
import type { RaftOutput } from './raft/outputs.js';
import { RaftPeer } from './raft/peer.js';
import { raftRecordType } from './raft/record.js';
import { RaftRecovery } from './raft/recovery.js';
import { RaftShell, type StateMachine } from './raft-shell.js';
import { applyCommand } from './state/apply.js';
import { decodeCommand, type MetadataCommand } from './state/command.js';
import { type GroupView, MapStore } from './state/map-store.js';
import { failed } from './state/outcome.js';

/** Between looks at whether something has to be decided. */
const controllerTickMs = 50;
const membershipIntervalMs = 1000;
/** Clients that may report a process dead: whoever starts and reaps the processes of a local mesh (L5). */
const trustedClient = /^@mesh(-|$)/;

export class MetadataActor implements Actor<MetadataMessage>, StateMachine {
  readonly #args: MetadataArguments;
  readonly #store: MapStore;
  readonly #controller = new Controller();
  readonly #proposals = new Proposals();
  readonly #linearized = new LinearizedRequests();
  readonly #waiters = new MapWaiters();
  readonly #recovery = new RaftRecovery();
  #snapshotChunks: Uint8Array[] = [];
  #shell: RaftShell | undefined;
  /** Confirmed heartbeats that wait for a command that may elect (L5). */
  #grants: Linearized['heartbeats'][] = [];
  #membershipCheckedMs = Number.NEGATIVE_INFINITY;
  /** The map was changed in this turn by something that the controller may have to answer. */
  #undecided = false;

  constructor(args: MetadataArguments) {
    this.#args = args;
    this.#store = new MapStore(args.clusterId);
  }

  /** For checkers and tests: the map as applied here. Nobody may change it. */
  get store(): MapStore {
    return this.#store;
  }

  /** The same for its Raft peer; undefined before the start. */
  get raftPeer(): RaftPeer | undefined {
    return this.#shell?.peer;
  }

  // --- recovery -------------------------------------------------------------------------------------------------------

  recoverSnapshot(meta: Uint8Array): void {
    this.#recovery.snapshot(meta);
  }

  recoverSnapshotChunk(chunk: Uint8Array): void {
    this.#snapshotChunks.push(chunk);
  }

  recoverRecord(record: JournalRecord): void {
    assert(record.type === raftRecordType, `no such record of a metadata peer: ${record.type}`);
    this.#recovery.record(record.payload);
  }

  start(context: MetadataContext, report: RecoveryReport): void {
    const { memberId, founders } = this.#args;
    if (report.end === 'corrupt') {
      sometimes('metadata/damaged-member-went');
      context.emit({ kind: 'metadata-member-damaged', level: 'error', member: memberId });
      return context.stop(metadataActor, { forget: true }); // M13
    }
    if (this.#snapshotChunks.length > 0) this.#store.restore(concatBytes(this.#snapshotChunks));
    this.#snapshotChunks = [];
    const voters = founders.map((founder) => founder.id);
    const peer = new RaftPeer({
      id: memberId,
      random: context.random,
      nowMs: context.nowMs,
      recovered: this.#recovery.finish(),
      // Used when nothing was recovered: then this member had promised nothing yet (M6).
      bootstrap: voters.includes(memberId) ? { voters, learners: [] } : undefined,
    });
    this.#shell = new RaftShell(peer, this);
    this.#endTurn(context);
  }

  // --- turns ----------------------------------------------------------------------------------------------------------

  receive(message: MetadataMessage, from: Address, context: MetadataContext): void {
    this.#route(message, from, context);
    this.#endTurn(context);
  }

  signal(signal: Signal, context: MetadataContext): void {
    if (signal.kind === 'journal-pressure') this.#peer.snapshot();
    else if (signal.kind === 'draining') this.#peer.resign(context.nowMs);
    this.#endTurn(context);
  }

  #route(message: MetadataMessage, from: Address, context: MetadataContext): void {
    const { nowMs } = context;
    switch (message.kind) {
      case 'raft-persisted':
        return this.#peer.persisted(message.token, nowMs);
      case 'raft-tick':
        return this.#peer.tick(nowMs);
      case 'snapshot-accepted':
        return this.#raft.onAccepted(message.snapshot, message.next, context);
      case 'snapshot-stored':
        return this.#peer.snapshotStored(message.snapshot, nowMs);
      case 'controller-tick':
        return this.#onControllerTick(context);
      case 'map-tick':
        return; // whoever's time is up is answered at the end of the turn
      case 'register':
        return this.#onRegister(message, from, context);
      case 'heartbeat':
        return this.#onHeartbeat(message, from, context);
      case 'register-replicas':
        return this.#onRegisterReplicas(message, from);
      case 'map-fetch':
        return this.#onMapFetch(message, from, context);
      case 'admin':
        return this.#onAdmin(message, from, context);
      case 'change-in-sync':
        return this.#onChangeInSync(message, from, context);
      case 'confirm-epoch':
        return this.#onConfirmEpoch(message, from, context);
      case 'host-died':
        return this.#onHostDied(message, from, context);
      default:
        return this.#onRaft(message, from, nowMs);
    }
  }

  #onRaft(message: RaftMessage, from: Address, nowMs: number): void {
    if (typeof message.from !== 'string' || hostOfMember(message.from) !== from.host) return; // X11
    if (from.actor !== metadataActor) return; // X11
    this.#peer.step(message, nowMs);
  }

  /** What every turn may have made possible. */
  #endTurn(context: MetadataContext): void {
    if (this.#peer.isReady) this.#linearized.begin(this.#peer);
    this.#raft.carryOut(context);
    if (this.#peer.isReady) {
      if (this.#undecided) this.#decide(context);
      else this.#proposals.pump(this.#peer, () => undefined, context);
      this.#raft.carryOut(context);
      const isElecting = this.#proposals.isElecting && !planted('PB44');
      if (isElecting && this.#grants.length > 0) sometimes('metadata/grant-waited-for-election');
      if (!isElecting && !buggify('metadata/grant-later')) this.#grantAll(context);
    }
    this.#answerWaiters(context);
  }

  get #raft(): RaftShell {
    return present(this.#shell, 'a turn follows the start');
  }

  get #peer(): RaftPeer {
    return this.#raft.peer;
  }

  /** Host of the group's leader, as far as known. */
  get #leaderHost(): string | undefined {
    const { leader } = this.#peer;
    return leader === undefined ? undefined : hostOfMember(leader);
  }

  // --- hosts ----------------------------------------------------------------------------------------------------------

  #onRegister(message: Of<'register'>, from: Address, context: MetadataContext): void {
    if (!isAgentOf(from, message.host)) return; // X11
    if (!this.#peer.isReady) return this.#refuseAgent(from, context);
    const known = this.#store.hosts.get(message.host);
    const after = message.after ?? 0;
    if (known !== undefined && known.startId !== message.startId && known.epoch !== after) {
      const refused = { reason: 'after-mismatch' as const, leader: this.#leaderHost, epoch: known.epoch };
      return context.send(from, { kind: 'agent-refused', ...refused });
    }
    // D16: a data directory is locked by one process at a time, so whoever registers with it next proves that the one before is gone.
    if (known !== undefined && known.startId !== message.startId && known.diskId === message.diskId)
      this.#controller.liveness.died(known.name, known.startId);
    const { kind: _, ...facts } = message;
    this.#proposals.enqueue({
      key: `register ${message.host}`,
      command: (nowMs) => {
        const host = this.#store.hosts.get(message.host);
        const dead = host !== undefined && this.#controller.liveness.isDead(host);
        const holds = this.#controller.holdsOn(this.#store, message.host, nowMs);
        return { ...facts, kind: 'register-host', after, dead, holds };
      },
      answer: (verdict, turn) => this.#answerRegister(verdict, from, turn),
    });
  }

  #answerRegister(verdict: Verdict, agent: Address, context: MetadataContext): void {
    if (buggify('metadata/forget-to-answer-registration')) return; // it asks again
    switch (verdict.kind) {
      case 'registered':
        return context.send(agent, { kind: 'registered', startId: verdict.startId, epoch: verdict.epoch } as Message);
      case 'register-refused': {
        const { reason, epoch } = verdict;
        return context.send(agent, { kind: 'agent-refused', reason, leader: this.#leaderHost, epoch } as Message);
      }
      case 'failed':
        return context.emit({ kind: 'registration-refused', level: 'error', host: agent.host, ...verdict.failure });
      default:
        return this.#refuseAgent(agent, context);
    }
  }

  #onHeartbeat(message: Of<'heartbeat'>, from: Address, context: MetadataContext): void {
    if (!isAgentOf(from, message.host)) return; // X11
    if (!this.#peer.isReady) return this.#refuseAgent(from, context);
    if (buggify('metadata/miss-host-heartbeat')) return;
    this.#controller.heard(message, context.nowMs);
    this.#linearized.addHeartbeat(message, from);
  }

  #refuseAgent(agent: Address, context: MetadataContext): void {
    // A leader that is not ready yet names nobody: it will be asked again.
    const leader = this.#peer.role === 'leader' ? undefined : this.#leaderHost;
    context.send(agent, { kind: 'agent-refused', reason: 'not-leader', leader } as Message);
  }

  #onRegisterReplicas(message: Of<'register-replicas'>, from: Address): void {
    if (from.host !== message.host || from.actor !== managerActor || !this.#peer.isReady) return; // X11; it asks again
    const { host, epoch, replicas } = message;
    this.#proposals.enqueue({
      key: `replicas ${host}/${from.worker}`,
      command: (nowMs) => {
        const holds = this.#controller.holdsOn(this.#store, host, nowMs);
        return { kind: 'register-replicas', host, epoch, replicas, holds };
      },
      answer: () => undefined, // the map says it
    });
  }

  #onHostDied(message: Of<'host-died'>, from: Address, context: MetadataContext): void {
    if (isClient(from) ? !trustedClient.test(from.host) : from.actor !== agentActor) return; // X11
    const { host, startId } = message;
    if (typeof host !== 'string' || typeof startId !== 'string') return;
    this.#controller.liveness.died(host, startId);
    sometimes('metadata/death-reported');
    const { leader } = this.#peer;
    // Only of the very process that we take for the leader's.
    if (leader !== undefined && hostOfMember(leader) === host && this.#store.hosts.get(host)?.startId === startId)
      this.#peer.leaderDied(leader, context.nowMs);
    if (this.#peer.isReady) this.#decide(context);
  }

  // --- grants and confirmations ---------------------------------------------------------------------------------------

  readReady(request: number, context: MetadataContext): void {
    const batch = this.#linearized.take(request);
    if (batch === undefined) return;
    this.#grants.push(batch.heartbeats);
    for (const { message, from } of batch.confirmations) {
      const { partition, epoch } = message;
      const info = this.#store.partitions.get(partition)?.info;
      const current = info !== undefined && info.leaderEpoch === epoch && info.leader === from.host; // L4
      context.send(from, { kind: 'epoch-confirmed', request: message.request, partition, epoch, current } as Message);
    }
  }

  readLost(request: number): void {
    this.#linearized.take(request);
  }

  /** L1. Only while nothing that may elect is under way: a grant carries the revision of whatever deposed its host (L5). */
  #grantAll(context: MetadataContext): void {
    const grants = this.#grants;
    if (grants.length === 0) return;
    this.#grants = [];
    for (const heartbeats of grants)
      for (const { message, from } of heartbeats.values()) this.#grant(message, from, context);
  }

  #grant(message: Of<'heartbeat'>, from: Address, context: MetadataContext): void {
    const { host: name, epoch, sentMs } = message;
    const host = this.#store.hosts.get(name);
    const refuse = (reason: 'unknown-host' | 'superseded' | 'removed'): void =>
      context.send(from, { kind: 'agent-refused', reason, leader: this.#leaderHost, epoch } as Message);
    if (host === undefined || host.epoch < epoch) return refuse('unknown-host');
    if (host.epoch > epoch) return refuse('superseded');
    if (host.state === 'removed') return refuse('removed');
    const fenced = host.state === 'fenced';
    const durationMs = fenced || message.draining ? 0 : leaseDurationMs;
    if (fenced) sometimes('metadata/fenced-host-told');
    if (durationMs > 0) this.#controller.liveness.answered(name, epoch, context.nowMs);
    const { revision } = this.#store;
    context.send(from, { kind: 'lease', epoch, sentMs, durationMs, revision, fenced } as Message);
  }

  #onConfirmEpoch(message: Of<'confirm-epoch'>, from: Address, context: MetadataContext): void {
    if (isClient(from)) return; // X11
    if (!this.#peer.isReady) return this.#refuseAgent(from, context);
    this.#linearized.addConfirmation(message, from);
  }

  // --- partitions -----------------------------------------------------------------------------------------------------

  #onChangeInSync(message: Of<'change-in-sync'>, from: Address, context: MetadataContext): void {
    if (from.host !== message.leader || isClient(from)) return; // X11
    if (!this.#peer.isReady) return this.#refuseAgent(from, context);
    if (buggify('metadata/miss-proposal')) return;
    const { request, partition } = message;
    const reply = (accepted: boolean, info: PartitionInfo | undefined, turn: MetadataContext): void =>
      turn.send(from, { kind: 'in-sync-changed', request, partition, accepted, info } as Message);
    const { kind, leader, leaderReplicaEpoch, leaderEpoch, partitionEpoch, inSync } = message;
    const command = { kind, partition, leader, leaderReplicaEpoch, leaderEpoch, partitionEpoch, inSync };
    this.#proposals.propose(this.#peer, command, (verdict, turn) => {
      if (verdict.kind === 'in-sync-changed' && !verdict.accepted) sometimes('metadata/in-sync-change-refused');
      if (buggify('metadata/leave-answer-to-the-map')) return;
      if (verdict.kind === 'in-sync-changed') reply(verdict.accepted, verdict.info, turn);
    }); // refused or lost: the leader proposes again
  }

  // --- the map --------------------------------------------------------------------------------------------------------

  #onMapFetch(message: Of<'map-fetch'>, from: Address, context: MetadataContext): void {
    const { request, after, waitMs } = message;
    if (!isCount(request) || !isCount(after) || typeof waitMs !== 'number') return;
    const untilMs = context.nowMs + Math.max(0, Math.min(waitMs, mapWaitMsMax));
    const waiter = { from, request, after, untilMs };
    // Without a leader this map may be old: say so at once, and be asked again.
    const now = this.#leaderHost === undefined || after < this.#store.revision || untilMs <= context.nowMs;
    if (now || buggify('metadata/answer-map-early') || !this.#waiters.add(waiter)) this.#answerMap(waiter, context);
  }

  #answerWaiters(context: MetadataContext): void {
    const due =
      this.#leaderHost === undefined
        ? this.#waiters.takeAll()
        : this.#waiters.take(this.#store.revision, context.nowMs);
    for (const waiter of due) this.#answerMap(waiter, context);
    const nextMs = this.#waiters.nextMs();
    if (nextMs === undefined) context.timers.cancel('map');
    else context.timers.start('map', Math.max(0, nextMs - context.nowMs), { kind: 'map-tick' });
  }

  #answerMap(
    waiter: { readonly from: Address; readonly request: number; readonly after: number },
    context: MetadataContext,
  ): void {
    const delta = this.#store.deltaSince(waiter.after, this.#group());
    context.send(waiter.from, { kind: 'map-reply', request: waiter.request, delta } as Message);
  }

  #group(): GroupView {
    const { voters, outgoing, learners } = this.#peer.membership;
    const all = [...new Set([...voters, ...outgoing, ...learners])];
    const members = all.map((id) => ({ id, host: hostOfMember(id), voter: voters.includes(id) }));
    return { members, metadataLeader: this.#leaderHost, metadataTerm: this.#peer.term };
  }

  // --- administration -------------------------------------------------------------------------------------------------

  #onAdmin(message: Of<'admin'>, from: Address, context: MetadataContext): void {
    const { request } = message;
    if (!isCount(request)) return;
    const asked = adminRequest(message.command);
    if (asked.kind === 'refused')
      return this.#answerAdmin({ kind: 'failed', failure: asked.failure }, from, request, context);
    if (asked.kind === 'status') {
      // The leader knows most; without one, anybody says what it knows.
      if (this.#leaderHost !== undefined && this.#peer.role !== 'leader')
        return this.#notLeader(from, request, context);
      return this.#answerAdmin({ kind: 'done', result: this.#status() }, from, request, context);
    }
    if (!this.#peer.isReady) return this.#notLeader(from, request, context);
    if (spaceLevel(context.cells, context.self.worker) !== 'enough')
      return this.#answerAdmin(failed('CAPACITY', 'the disk of the metadata leader is full'), from, request, context); // D14
    const answer: Answer = (verdict, turn) => this.#answerAdmin(verdict, from, request, turn);
    if (asked.elects) {
      const queued = this.#proposals.enqueue({
        key: `admin ${from.host} ${request}`,
        command: () => asked.command,
        answer,
      });
      if (!queued) this.#answerAdmin(failed('CAPACITY', 'too many requests wait'), from, request, context);
      return;
    }
    const refusal = this.#proposals.propose(this.#peer, asked.command, answer);
    if (refusal === 'too-large')
      this.#answerAdmin(failed('TOO_LARGE', 'the command is too large'), from, request, context);
    else if (refusal !== undefined) this.#answerAdmin({ kind: 'lost' }, from, request, context);
  }

  #notLeader(from: Address, request: number, context: MetadataContext): void {
    this.#answerAdmin(failed('NOT_LEADER', 'this host does not lead the metadata group now'), from, request, context);
  }

  #answerAdmin(verdict: Verdict, to: Address, request: number, context: MetadataContext): void {
    const { revision } = this.#store;
    const leader = this.#peer.role === 'leader' && !this.#peer.isReady ? undefined : this.#leaderHost;
    const reply = (result: unknown, code?: string, text?: string): void => {
      const failure = code === undefined ? undefined : { code, message: text ?? '' };
      context.send(to, { kind: 'admin-reply', request, result, failure, revision, leader } as Message);
    };
    if (verdict.kind === 'done') return reply(verdict.result ?? null);
    if (verdict.kind === 'failed') return reply(null, verdict.failure.code, verdict.failure.message);
    if (verdict.kind === 'unknown')
      return reply(null, 'OUTCOME_UNKNOWN', 'the metadata group changed its leader while this was under way');
    return reply(null, 'UNAVAILABLE', 'the metadata group could not take it now');
  }

  #status(): MetadataStatus & { readonly config: readonly (readonly [string, string])[] } {
    const status = this.#peer.status();
    const members = status.members.map((member) => ({
      id: member.id,
      host: hostOfMember(member.id),
      voter: member.voter,
      role: isGone(member.id, this.#store.hosts) ? 'unknown' : this.#roleOf(member.id, member.active),
      matchIndex: member.match,
    }));
    const { term, commitIndex } = status;
    return { leader: this.#leaderHost, term, commitIndex, members, config: [...this.#store.config] };
  }

  #roleOf(member: string, active: boolean | undefined): 'leader' | 'follower' | 'candidate' | 'unknown' {
    if (member === this.#peer.leader) return 'leader';
    if (member === this.#peer.id)
      return this.#peer.role === 'candidate' || this.#peer.role === 'pre-candidate' ? 'candidate' : 'follower';
    return active === true ? 'follower' : 'unknown';
  }

  // --- the state machine ----------------------------------------------------------------------------------------------

  apply(entries: readonly RaftEntry[], context: MetadataContext): void {
    for (const entry of entries) {
      if (entry.kind !== 'command') {
        this.#proposals.applied(entry.index, entry.term, undefined, context);
        continue;
      }
      const command = decodeCommand(entry.bytes);
      const applied = applyCommand(this.#store, entry.index, command);
      if (this.#peer.role === 'leader') {
        this.#controller.applied(applied, context.nowMs);
        for (const event of applied.events) context.emit(event);
      }
      this.#proposals.applied(entry.index, entry.term, applied.outcome, context);
      // A leader's change of its in-sync set leaves nobody without a leader: the next tick is soon enough for what it allows.
      if (applied.changed && command.kind !== 'change-in-sync') this.#undecided = true;
    }
  }

  snapshot(): Uint8Array {
    return this.#store.snapshot();
  }

  restore(bytes: Uint8Array): void {
    this.#store.restore(bytes);
  }

  roleChanged(output: Extract<RaftOutput, { readonly kind: 'role-changed' }>, context: MetadataContext): void {
    const { role, term } = output;
    context.emit({ kind: 'metadata-role-changed', level: 'info', role, term, leader: this.#leaderHost ?? '' });
    this.#linearized.abandon();
    this.#grants = [];
    this.#proposals.abandon(context);
    if (role === 'leader') {
      this.#controller.begin(context.nowMs);
      context.timers.start('controller', controllerTickMs, { kind: 'controller-tick' });
    } else context.timers.cancel('controller');
  }

  // --- the controller -------------------------------------------------------------------------------------------------

  #onControllerTick(context: MetadataContext): void {
    context.timers.start('controller', controllerTickMs, { kind: 'controller-tick' });
    if (!this.#peer.isReady) return;
    this.#decide(context);
    if (context.nowMs - this.#membershipCheckedMs < membershipIntervalMs) return;
    this.#membershipCheckedMs = context.nowMs;
    if (buggify('metadata/resign')) this.#peer.resign(context.nowMs);
    const healthy = new Set<string>();
    for (const host of this.#store.hosts.values())
      if (host.state === 'up' && this.#controller.liveness.wasHeard(host)) healthy.add(host.name);
    const plan = planMembers(this.#peer.membership, this.#store.hosts, healthy);
    if (plan !== undefined) this.#peer.proposeMembership(plan); // refused while it cannot be done yet: asked again
  }

  /** X13. Goes over the whole map: once a turn, when all that it brought is applied. */
  #decide(context: MetadataContext): void {
    this.#undecided = false;
    const otherwise = (): MetadataCommand | undefined => this.#controller.next(this.#store, context.nowMs);
    this.#proposals.pump(this.#peer, otherwise, context);
  }

  // --- for people -----------------------------------------------------------------------------------------------------

  inspect(): Record<string, unknown> {
    if (this.#shell === undefined) return { role: 'starting' };
    const { role, term, leader, commitIndex, appliedIndex, lastIndex, snapshotIndex } = this.#peer.status();
    const { revision } = this.#store;
    const waiting = this.#waiters.size;
    const stateHash = this.#store.stateHash();
    const { voters, learners } = this.#peer.membership;
    return {
      role,
      term,
      leader,
      commitIndex,
      appliedIndex,
      lastIndex,
      snapshotIndex,
      revision,
      stateHash,
      waiting,
      voters,
      learners,
    };
  }
}

function isAgentOf(from: Address, host: string): boolean {
  return from.host === host && from.worker === mainWorker && from.actor === agentActor;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export const metadataDefinition: ActorDefinition = {
  kind: metadataKind,
  durable: true,
  vital: true,
  create: (args) => new MetadataActor(decodeMetadataArguments(args)),
};
