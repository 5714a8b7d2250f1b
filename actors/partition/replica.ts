// Partition replica
// =============================================================================
//
// One copy of a partition: an actor that recovers its log, learns from the metadata group what it is (leader, follower or neither), and acts
// as that until told otherwise. This file routes; the roles are leading.ts and following.ts, clients are answered in client-requests.ts.
//
//   idle ──metadata names another leader──▶ follower ──metadata names this host──▶ leader
//     ▲            └────────── a newer leader epoch, or no leader ──────────────────┘
//   any ──evidence of lost or differing data──▶ quarantined (until the process is restarted by an operator)
//
// Invariants
//   V1. A role is taken only from metadata that carries this incarnation's own replica epoch, and never from an older partition epoch (R2, R14).
//   V2. Replication messages act only at equal epochs; an older sender is told, a newer one makes this replica stop leading (R3).
//   V3. A quarantined replica neither acknowledges nor answers: it keeps its evidence (R12, R19).
//
// Sources: CORRECTNESS §2.3; Kafka `ReplicaManager`, QuorumState (the table of transitions at the top).

import { decodeControl } from '../../messaging/protocol/control.js';
import type { Durability } from '../../messaging/protocol/cluster-map.js';
import { managerActor, registeredIncarnation } from '../../messaging/protocol/cluster-map.js';
import type { ReplicaReport, ReplicaStatus, ReplicaVerdict } from '../../messaging/protocol/host-messages.js';
import type { Link } from '../../messaging/protocol/replication-messages.js';
import type { Actor, ActorDefinition, Message, Signal } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import type { JournalRecord, RecoveryReport } from '../../runtime/contract/journal.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';
import { assert, unreachable } from '../../runtime/std/assert.js';
import type { Random } from '../../runtime/std/random.js';
import { Queue } from '../../runtime/std/queue.js';
import { ClientRequests } from './client-requests.js';
import { Following } from './following.js';
import { Leading, leading, type PendingRequest } from './leading.js';
import { LocalSnapshot } from './local-snapshot.js';
import { MemoryEngine } from './engine/memory-engine.js';
import type { Of, PartitionContext, PartitionMessage } from './partition-message.js';
import {
  decodeBatchRecord,
  decodeMeta,
  decodeTruncateRecord,
  recordBatch,
  recordBorn,
  recordTruncate,
  type SnapshotMeta,
} from './record.js';
import { ReplicaCore, type ReplicaLimits } from './replica-core.js';
import { ReplicaLog } from './replication/log.js';
import { PartitionState } from './state.js';

export const partitionKind = 'partition';

/** Fixed when the replica is created; journaled with its stream. */
export interface ReplicaArguments {
  readonly partition: number;
  readonly table: string;
  readonly durability: Durability;
  readonly versions: number;
}

export type Role =
  | { readonly kind: 'idle'; readonly reason: string }
  | Following
  | Leading
  | { readonly kind: 'quarantined'; readonly reason: string };

const housekeepingMs = 60_000;

export class PartitionReplica implements Actor<PartitionMessage> {
  readonly #args: ReplicaArguments;
  /** Nobody outside can know which keys collide; nothing that can be seen depends on it. */
  readonly #hashSeed: number;
  readonly #core: ReplicaCore;
  readonly #snapshot: LocalSnapshot;
  readonly #clients: ClientRequests;
  #role: Role = { kind: 'idle', reason: 'recovering' };
  #recoveredMeta: SnapshotMeta | undefined;
  #recoveredHighWatermark = 0;
  /** A `forget` is under way. */
  #forgetting = false;

  constructor(args: ReplicaArguments, self: Address, random: Random, limits?: ReplicaLimits) {
    this.#args = args;
    this.#hashSeed = random.u32();
    this.#core = new ReplicaCore(self, args.partition, this.#newState(), limits);
    this.#snapshot = new LocalSnapshot(this.#core);
    this.#clients = new ClientRequests(this.#core, () => this.#role);
  }

  /** For checkers and tests: what this replica holds. Nobody may change it. */
  get core(): ReplicaCore {
    return this.#core;
  }

  get role(): Role {
    return this.#role;
  }

  #newState(): PartitionState {
    return new PartitionState(new MemoryEngine({ versionsKept: this.#args.versions, hashSeed: this.#hashSeed }));
  }

  // --- recovery -------------------------------------------------------------------------------------------------------

  recoverSnapshot(meta: Uint8Array): void {
    this.#recoveredMeta = decodeMeta(meta);
    const { offset, epochs, lineage, timeMs } = this.#recoveredMeta;
    this.#core.becomeInstalled(this.#newState(), new ReplicaLog(offset, epochs), lineage, timeMs);
    this.#core.state.finishLoad(this.#recoveredMeta);
    this.#recoveredHighWatermark = offset;
  }

  recoverSnapshotChunk(chunk: Uint8Array): void {
    this.#core.state.loadChunk(chunk);
  }

  recoverRecord(record: JournalRecord): void {
    const core = this.#core;
    switch (record.type) {
      case recordBatch: {
        const { highWatermark, batch } = decodeBatchRecord(record.payload);
        core.log.append(batch, record.lsn);
        this.#recoveredHighWatermark = Math.max(this.#recoveredHighWatermark, highWatermark);
        return;
      }
      case recordTruncate:
        core.log.truncateTo(decodeTruncateRecord(record.payload));
        return;
      case recordBorn:
        return;
      default:
        assert(false, `no such record of a partition: ${record.type}`);
    }
  }

  start(context: PartitionContext, report: RecoveryReport): void {
    const core = this.#core;
    core.durableEnd = core.log.end;
    if (!buggify('partition/forget-what-is-committed'))
      core.advanceTo(Math.min(this.#recoveredHighWatermark, core.log.end));
    this.#role = { kind: 'idle', reason: 'not registered' };
    if (report.end === 'torn') sometimes('partition/tail-uncertain');
    this.#startHousekeeping(context);
    if (report.end === 'fresh') {
      context.journal.append(recordBorn, new Uint8Array(0), { kind: 'born' });
      return;
    }
    this.#report(verdictOf(report, this.#args.durability), context);
  }

  /** R17: what this replica found of itself, for the metadata group to judge. */
  #report(verdict: ReplicaVerdict, context: PartitionContext): void {
    const core = this.#core;
    const report: ReplicaReport = {
      partition: core.partition,
      incarnation: context.incarnation,
      verdict,
      lineage: core.lineage,
      lastEpoch: core.log.lastEpoch,
      end: core.durableEnd,
    };
    this.#toManager({ kind: 'replica-recovered', report } as Message, context);
  }

  #toManager(message: Message, context: PartitionContext): void {
    context.send({ host: this.#core.self.host, worker: this.#core.self.worker, actor: managerActor }, message);
  }

  // --- turns ----------------------------------------------------------------------------------------------------------

  receive(message: PartitionMessage, from: Address, context: PartitionContext): void {
    switch (message.kind) {
      case 'open-session':
      case 'write':
      case 'read':
      case 'scan':
        return this.#clients.onRequest(message, from, context);
      case 'partition-metadata':
        return this.#onMetadata(message, context);
      case 'replicate':
      case 'replicated':
      case 'reconcile':
      case 'reconciled':
      case 'diverged':
      case 'snapshot-offer':
      case 'snapshot-chunk':
      case 'snapshot-wanted':
      case 'confirm':
      case 'confirmed':
        this.#onReplication(message, from, context);
        return this.#afterTurn(context);
      case 'epoch-fenced':
        return this.#onFenced(message, context);
      case 'log-durable':
        return this.#onLogDurable(message, context);
      case 'log-truncated':
        if (this.#role.kind === 'follower') this.#role.onTruncated(message, context);
        else this.#core.noteDurable(message.generation, message.end);
        return;
      case 'born':
        return this.#report('incomplete', context);
      case 'snapshot-accepted':
        return this.#snapshot.onAccepted(context);
      case 'snapshot-durable':
        return this.#snapshot.onDurable(message.offset, context);
      case 'install-accepted':
        if (this.#role.kind === 'follower') this.#role.onInstallAccepted(message, context);
        return;
      case 'install-durable':
        return this.#onInstallDurable(message, context);
      case 'apply':
        if (this.#role.kind === 'follower') this.#role.applyCommitted();
        return this.#afterTurn(context);
      case 'forget':
        this.#forgetting = false;
        return this.#core.forgetOldLog(message.below);
      case 'tick':
        if (this.#role.kind === 'leader') this.#role.onTick(context);
        return this.#afterTurn(context);
      case 'retry':
        if (this.#role.kind === 'follower') this.#role.onRetry(context);
        return;
      case 'housekeeping':
        return this.#onHousekeeping(context);
      case 'in-sync-changed':
        return this.#onInSyncChanged(message, context);
      case 'epoch-confirmed':
        if (this.#role.kind === 'leader')
          this.#role.rounds.onEpochConfirmed(message, this.#role.maximal(), this.#role.enoughInSync, context);
        return;
      case 'replica-status-fetch':
        context.send(from, { kind: 'replica-status', request: message.request, status: this.status() } as Message);
        return;
      default:
        return unreachable(message);
    }
  }

  signal(signal: Signal, context: PartitionContext): void {
    switch (signal.kind) {
      case 'journal-pressure':
        // N1: while one is installed, that one will free the journal.
        return this.#isInstalling ? undefined : this.#snapshot.begin(context);
      case 'link-gap':
        if (this.#core.placement === undefined || !this.#isOfPartition(signal)) return;
        if (this.#role.kind === 'leader') this.#role.onGap(signal.host, context);
        else if (this.#role.kind === 'follower' && this.#role.leader === signal.host) this.#role.onGap(context);
        return;
      case 'actor-restarted':
      case 'draining':
        return; // the agent gives up the host's leaderships; metadata follows
      default:
        return unreachable(signal);
    }
  }

  #isOfPartition(signal: { readonly host: string; readonly worker: number }): boolean {
    return (
      this.#core.replicaEpochOf(signal.host) !== undefined && this.#core.addressOf(signal.host).worker === signal.worker
    );
  }

  #onLogDurable(message: Of<'log-durable'>, context: PartitionContext): void {
    if (!this.#core.noteDurable(message.generation, message.end)) return;
    if (this.#role.kind === 'leader') this.#role.onLogDurable(context);
    else if (this.#role.kind === 'follower' && this.#core.placement?.table.durability === 'sync') {
      if (!buggify('partition/acknowledge-when-asked')) this.#role.acknowledge(context);
    }
    this.#afterTurn(context);
  }

  #onInstallDurable(message: Of<'install-durable'>, context: PartitionContext): void {
    const core = this.#core;
    if (!core.finishSwitch(message.snapshot)) return;
    const { partition, highWatermark } = core;
    context.emit({ kind: 'snapshot-installed', level: 'info', partition, offset: highWatermark });
    if (this.#role.kind === 'follower') this.#role.onInstalled(message.snapshot, context);
  }

  #startHousekeeping(context: PartitionContext): void {
    const pauseMs = buggify('partition/keep-house-often') ? housekeepingMs / 100 : housekeepingMs;
    context.timers.start('housekeeping', pauseMs, { kind: 'housekeeping' });
  }

  #onHousekeeping(context: PartitionContext): void {
    this.#startHousekeeping(context);
    if (
      this.#role.kind === 'leader' &&
      this.#role.active &&
      !this.#role.fenced &&
      this.#role.enoughInSync &&
      this.#role.hasRoom() &&
      spaceLevel(context.cells, this.#core.self.worker) === 'enough'
    ) {
      const idleMs = buggify('partition/expire-sessions-early') ? leading.sessionIdleMs / 3600 : leading.sessionIdleMs;
      this.#role.expireIdleSessions(idleMs, context);
    }
  }

  get #isInstalling(): boolean {
    return this.#core.switching !== undefined || (this.#role.kind === 'follower' && this.#role.phase === 'installing');
  }

  #afterTurn(context: PartitionContext): void {
    const { diverged } = this.#core.state;
    if (diverged !== undefined && this.#role.kind !== 'quarantined') {
      return this.#quarantine(`R19: the state differs from the leader's at offset ${diverged}`, context);
    }
    if (this.#role.kind === 'quarantined' || this.#isInstalling) return;
    this.#snapshot.maybeBegin(context); // N1
    if (!this.#forgetting && this.#core.hasOldLog) {
      this.#forgetting = true;
      context.send(this.#core.self, { kind: 'forget', below: this.#core.highWatermark } as Of<'forget'>);
    }
  }

  // --- replication ------------------------------------------------------------------------------------------------------

  #onReplication(
    message: Extract<PartitionMessage, { readonly link: Link }>,
    from: Address,
    context: PartitionContext,
  ): void {
    const core = this.#core;
    const verdict = core.judge(message.link, from);
    if (this.#role.kind === 'quarantined' || verdict === 'foreign') return; // V3
    if (verdict === 'behind' && !(planted('PB04') && message.kind === 'replicated')) {
      if (core.replicaEpochOf(from.host) !== undefined) {
        if (message.kind === 'replicate') sometimes('partition/zombie-append-rejected');
        context.send(from, {
          kind: 'epoch-fenced',
          link: core.linkTo(from.host),
          currentEpoch: core.epoch,
        } as Of<'epoch-fenced'>);
      }
      return;
    }
    if (verdict === 'ahead') {
      if (this.#role.kind === 'leader') this.#role.fence(); // V2; metadata follows
      return;
    }
    const role = this.#role;
    switch (message.kind) {
      case 'reconcile':
        return role.kind === 'leader' ? role.onReconcile(message, from.host, context) : undefined;
      case 'replicated':
        return role.kind === 'leader' ? role.onReplicated(message, from.host, context) : undefined;
      case 'snapshot-wanted':
        return role.kind === 'leader' ? role.onSnapshotWanted(message, from.host, context) : undefined;
      case 'confirmed':
        return role.kind === 'leader'
          ? role.rounds.onConfirmed(message.round, from.host, role.maximal(), role.enoughInSync, context)
          : undefined;
      case 'confirm':
        if (role.kind === 'follower' && role.leader === from.host) {
          context.send(from, {
            kind: 'confirmed',
            link: core.linkTo(from.host),
            round: message.round,
          } as Of<'confirmed'>);
        }
        return;
      case 'replicate':
      case 'reconciled':
      case 'diverged':
      case 'snapshot-offer':
      case 'snapshot-chunk':
        return role.kind === 'follower' && role.leader === from.host ? followerTurn(role, message, context) : undefined;
      case 'epoch-fenced':
        return;
      default:
        return unreachable(message);
    }
  }

  #onFenced(message: Of<'epoch-fenced'>, context: PartitionContext): void {
    if (message.link.partition !== this.#core.partition || message.currentEpoch <= this.#core.epoch) return;
    // Every follower says so of everything that is sent to it; once is enough.
    if (this.#role.kind !== 'leader' || this.#role.fenced) return;
    context.emit({
      kind: 'leader-fenced',
      level: 'info',
      partition: this.#core.partition,
      epoch: this.#core.epoch,
      newer: message.currentEpoch,
    });
    sometimes('partition/leader-fenced-by-follower');
    this.#role.fence();
  }

  // --- metadata -------------------------------------------------------------------------------------------------------

  #onMetadata(message: Of<'partition-metadata'>, context: PartitionContext): void {
    const core = this.#core;
    const before = core.placement;
    const own = message.partition.replicas.find((replica) => replica.host === core.self.host);
    if (own === undefined || this.#role.kind === 'quarantined') return;
    // V1: mail outlives a crash, so this may have been meant for the incarnation before.
    if (own.incarnation !== registeredIncarnation(context.incarnation)) return;
    if (before !== undefined && message.partition.partitionEpoch <= before.partition.partitionEpoch) return; // V1
    core.placement = {
      partition: message.partition,
      table: message.table,
      workers: new Map(Object.entries(message.workers)),
      replicaEpoch: own.epoch,
    };
    const { leader, leaderEpoch, lineage } = message.partition;
    assert(leaderEpoch >= core.epoch, 'R2: the leader epoch of a newer record is not older');
    const sameEpoch = before !== undefined && leaderEpoch === core.epoch && before.replicaEpoch === own.epoch;
    const role = this.#role;
    if (sameEpoch && role.kind === 'leader' && leader === core.self.host) {
      role.onPlacement(before, context);
      return;
    }
    if (sameEpoch && role.kind === 'follower' && leader === role.leader) return role.onPlacement(context);
    const pending = this.#leaveRole(leader === core.self.host, context);
    core.epoch = leaderEpoch;
    core.lineage = lineage;
    this.#takeRole(leader, pending, context);
  }

  /** The controller's answer to a proposal brings the record as it is now: no need to wait for the map, unless it names hosts that we do not know yet. */
  #onInSyncChanged(message: Of<'in-sync-changed'>, context: PartitionContext): void {
    const { placement } = this.#core;
    const { info } = message;
    if (info === undefined || placement === undefined || info.id !== placement.partition.id) return;
    if (buggify('partition/wait-for-the-map')) return;
    if (!message.accepted && this.#role.kind === 'leader') this.#role.onProposalRefused(info.partitionEpoch, context);
    if (!info.replicas.every((replica) => placement.workers.has(replica.host))) return;
    this.#onMetadata(
      {
        kind: 'partition-metadata',
        partition: info,
        table: placement.table,
        workers: Object.fromEntries(placement.workers),
      },
      context,
    );
  }

  /** @returns requests that still wait for records of ours, when this replica leads again. */
  #leaveRole(leadsAgain: boolean, context: PartitionContext): Queue<PendingRequest> {
    const role = this.#role;
    if (role.kind === 'leader')
      return role.stepDown(context, leadsAgain && !buggify('partition/keep-no-request-over-epochs'));
    if (role.kind === 'follower') role.end(context);
    return new Queue();
  }

  #takeRole(leader: string | undefined, pending: Queue<PendingRequest>, context: PartitionContext): void {
    const core = this.#core;
    const { partition } = core.place();
    context.emit({
      kind: 'role-changed',
      level: 'debug',
      partition: core.partition,
      leader: leader ?? '',
      epoch: core.epoch,
    });
    if (leader === core.self.host) {
      assert(core.switching === undefined, 'R10: who has to install a snapshot is in no set to elect from');
      const onWaiting = (
        request: Parameters<ClientRequests['onRequest']>[0],
        from: Address,
        turn: PartitionContext,
      ): void => this.#clients.onRequest(request, from, turn);
      this.#role = new Leading(core, pending, onWaiting, context);
    } else if (leader !== undefined) {
      this.#role = new Following(
        core,
        leader,
        this.#snapshot,
        () => this.#newState(),
        (reason, turn) => this.#quarantine(reason, turn),
        context,
      );
    } else {
      this.#role = { kind: 'idle', reason: partition.reason };
    }
  }

  #quarantine(reason: string, context: PartitionContext): void {
    sometimes('partition/quarantined');
    context.emit({ kind: 'replica-quarantined', level: 'error', partition: this.#core.partition, reason });
    this.#leaveRole(false, context);
    this.#snapshot.abort(context);
    this.#role = { kind: 'quarantined', reason }; // V3
  }

  // --- for people -------------------------------------------------------------------------------------------------------

  status(): ReplicaStatus {
    const core = this.#core;
    const role = this.#role;
    return {
      partition: core.partition,
      host: core.self.host,
      role: role.kind === 'leader' || role.kind === 'follower' ? role.kind : 'idle',
      epoch: core.epoch,
      logEnd: core.log.end,
      durableEnd: core.durableEnd,
      highWatermark: core.highWatermark,
      applied: core.highWatermark,
      itemCount: core.state.itemCount,
      itemBytes: core.state.byteCount,
      ...(role.kind === 'leader' ? { active: role.active && !role.fenced } : {}),
    };
  }

  inspect(): Record<string, unknown> {
    return { ...this.status(), phase: this.#role.kind === 'follower' ? this.#role.phase : undefined };
  }
}

function followerTurn(
  role: Following,
  message: Of<'replicate' | 'reconciled' | 'diverged' | 'snapshot-offer' | 'snapshot-chunk'>,
  context: PartitionContext,
): void {
  switch (message.kind) {
    case 'replicate':
      return role.onReplicate(message, context);
    case 'reconciled':
      return role.onReconciled(message, context);
    case 'diverged':
      return role.onDiverged(message, context);
    case 'snapshot-offer':
      return role.onOffer(message, context);
    case 'snapshot-chunk':
      return role.onChunk(message, context);
    default:
      return unreachable(message);
  }
}

/**
 * The table of R17. An `async` table acknowledged from memory, so what a crash did not leave behind may have been acknowledged: only a clean
 * shutdown makes such a replica complete.
 */
export function verdictOf(report: RecoveryReport, durability: Durability): ReplicaVerdict {
  switch (report.end) {
    case 'fresh':
    case 'corrupt':
      return 'incomplete';
    case 'torn':
      return durability === 'sync' ? 'tail-uncertain' : 'incomplete';
    case 'clean':
      return report.cleanShutdown || durability === 'sync' ? 'complete' : 'incomplete';
    default:
      return unreachable(report.end);
  }
}

/** @param limits other than in production: for simulated worlds, where what is rare must happen. */
export function partitionDefinitionOf(limits?: ReplicaLimits): ActorDefinition {
  return {
    kind: partitionKind,
    durable: true,
    create: (args, self, random) => new PartitionReplica(decodeControl(args) as ReplicaArguments, self, random, limits),
  };
}

export const partitionDefinition: ActorDefinition = partitionDefinitionOf();
