// A replica as leader of one epoch
// =============================================================================
//
// Gives writes their offsets, copies the log to the followers, decides what is committed, and answers.
//
// Owns:     progress of the followers, proposals for the in-sync set, the clients that wait.
// Does not: choose leaders or in-sync sets (the controller does), nor evaluate reads (reads.ts).
//
// Invariants
//   D1. The high watermark advances to h only when every member of the maximal in-sync set has acknowledged h in this epoch under its present
//       replica epoch, the committed in-sync set has at least the table's minimum, the commit hold is over, and a lone leader holds a lease (R5, R5b).
//   D2. A client hears OK only of records below the high watermark, applied here (R6).
//   D3. A refusal other than `outcome-unknown` and `session-stale` means that nothing was appended for that request (R7).
//   D4. Nothing is evaluated or appended for clients before the record that opened this epoch is committed and applied: until then sessions
//       and items may be behind (R9). Requests wait, within bounds.
//   D5. A partition whose followers have everything and know it sends nothing and does not tick. One that waits ticks less and less often, but not after
//       its commit hold is over.
//   D6. Only a follower that was heard since the record last changed is proposed to join: the dead have acknowledged everything, too.
//   D7. Whoever would be proposed to leave at once is not proposed to join: the set would change at every acknowledgement, each change asks the follower where it is, and
//       over a network that reorders the questions keep it from catching up.
//   D8. A follower that asks where its log agrees with less than it has acknowledged asked before that: within an epoch of both, what was acknowledged is not cut (W3,
//       W5 there). Answered, the question would take the follower for one that needs what it has, or a snapshot that it takes no notice of.
//
// Sources: CORRECTNESS R4–R9, R13; Kafka design document, "Replication"; KIP-966. We differ: the leader pushes, and waits for disks.

import type { ClientRequest, WriteResult } from '../../messaging/protocol/client-messages.js';
import type { Batch, BatchBody } from '../../messaging/protocol/log-batch.js';
import { managerActor } from '../../messaging/protocol/cluster-map.js';
import type { Address } from '../../runtime/contract/address.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';
import { assert, present } from '../../runtime/std/assert.js';
import { Queue } from '../../runtime/std/queue.js';
import { leaseValid } from '../host/lease-cells.js';
import type { Of, PartitionContext } from './partition-message.js';
import { ConfirmRounds } from './confirm-rounds.js';
import { type ReplicaCore, type Placement } from './replica-core.js';
import { adopt, type InSync, maximalInSync, propose, settled } from './replication/in-sync.js';
import type { LogEntry } from './replication/log.js';
import {
  acknowledge,
  beginReplicating,
  lags,
  newProgress,
  noteAppended,
  type Progress,
} from './replication/progress.js';
import { reconcileAnswer } from './replication/reconcile.js';
import { SnapshotTransfer } from './snapshot-transfer.js';
import type { Applied } from './state.js';

/** Times in ms, sizes in bytes; each with what happens beyond it. */
export const leading = {
  /** An unsettled leader looks around so soon after something happened; while nothing does, after twice as long each time, up to the longest. */
  tickMs: 25,
  tickMsMax: 100,
  /** Silence after which an unacknowledged follower is asked again. */
  probeMs: 150,
  /** Behind for longer: out of the in-sync set (R13). */
  lagMaxMs: 1000,
  /** Behind for so long and out of the set: not asked any more. */
  silentMaxMs: 5000,
  /** After a refused proposal nobody is proposed to join for so long. */
  joinPauseMs: 300,
  /** An unanswered proposal is repeated. */
  proposalRepeatMs: 300,
  /** Unacknowledged bytes a follower may have; then it is sent no more until it acknowledges. */
  inFlightBytesMax: 4 * 1024 * 1024,
  messageBytesMax: 1024 * 1024,
  messageBatchesMax: 1024,
  /** Appended and not yet committed; beyond: `capacity`. */
  pendingBytesMax: 64 * 1024 * 1024,
  pendingCountMax: 20_000,
  /** Requests held until the epoch's first record is committed (D4); beyond: `unavailable`. */
  waitingCountMax: 20_000,
  /** Sessions without a record for so long are closed, in partition time (S7). */
  sessionIdleMs: 60 * 60 * 1000,
  /** With the session table full, one idle for so long makes room. */
  sessionIdleWhenFullMs: 60 * 1000,
} as const;

/** A request whose records are in the log and not yet committed. */
export interface PendingRequest {
  readonly end: number;
  readonly from: Address;
  readonly request: number;
  /** For a write: results of operations that were done before, by position; the others come from the batch, in order. */
  readonly repeated: readonly (WriteResult | undefined)[] | undefined;
}

export class Leading {
  readonly kind = 'leader';
  readonly #core: ReplicaCore;
  readonly epochStart: number;
  readonly #followers = new Map<string, Progress>();
  readonly #pending: Queue<PendingRequest>;
  readonly #waiting = new Queue<{ readonly message: ClientRequest; readonly from: Address }>();
  readonly #onWaiting: (message: ClientRequest, from: Address, context: PartitionContext) => void;
  readonly rounds: ConfirmRounds;
  readonly transfer: SnapshotTransfer;
  #inSync: InSync;
  #holdUntilMs: number;
  /** When the record last changed. */
  #placedAtMs: number;
  /** No joining is proposed before: the controller refused one. */
  #joinsAfterMs = 0;
  /** When the next tick comes, and how long it was waited for. */
  #tickAtMs = Number.POSITIVE_INFINITY;
  #tickPauseMs: number = leading.tickMs;
  #requests = 0;
  #timeAtMs: number;
  #partitionTimeMs: number;
  #checkedAt = 0;
  /** A newer epoch was heard of: nothing is answered any more until metadata says what we are. */
  #fenced = false;

  /** @param pending requests that waited when this replica led the epoch before; their records are still in its log. */
  constructor(
    core: ReplicaCore,
    pending: Queue<PendingRequest>,
    onWaiting: (message: ClientRequest, from: Address, context: PartitionContext) => void,
    context: PartitionContext,
  ) {
    this.#core = core;
    this.#pending = pending;
    this.#onWaiting = onWaiting;
    const { partition } = core.place();
    this.epochStart = core.log.end;
    this.#inSync = settled(partition.partitionEpoch, partition.inSync);
    this.#holdUntilMs = planted('PB18') ? 0 : context.nowMs + partition.holdMs; // L5: counted from receipt
    this.#placedAtMs = context.nowMs;
    this.#timeAtMs = context.nowMs;
    this.#partitionTimeMs = core.state.partitionTimeMs; // E3: never less than what the log says
    this.#checkedAt = core.state.check.offset;
    this.rounds = new ConfirmRounds(core);
    this.transfer = new SnapshotTransfer(core);
    for (const { host, epoch } of partition.replicas) {
      if (host !== core.self.host) this.#followers.set(host, newProgress(host, epoch, context.nowMs));
    }
    this.#append({ kind: 'epoch-start' }, context); // R9
    this.#startTicking(context);
  }

  /** D4: everything that the leaders before answered is applied here. */
  get active(): boolean {
    return this.#core.highWatermark > this.epochStart || planted('PB21');
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  get pending(): Queue<PendingRequest> {
    return this.#pending;
  }

  /** The committed set is large enough to take writes (R7). */
  get enoughInSync(): boolean {
    return this.#inSync.committed.size >= this.#core.place().table.minInSync;
  }

  maximal(): ReadonlySet<string> {
    return planted('PB03') ? this.#inSync.committed : maximalInSync(this.#inSync);
  }

  // --- clients --------------------------------------------------------------------------------------------------------

  /** Holds a request until this leader is active (D4). @returns false when there is no room. */
  wait(message: ClientRequest, from: Address): boolean {
    if (this.#waiting.size >= leading.waitingCountMax) return false;
    this.#waiting.push({ message, from });
    return true;
  }

  /** @returns whether the log may take more; otherwise `capacity`. */
  hasRoom(): boolean {
    return (
      this.#pending.size < leading.pendingCountMax &&
      this.#core.log.bytesFrom(this.#core.highWatermark) < leading.pendingBytesMax
    );
  }

  /** Appends what one request asks for, and answers when it is committed. REQUIRES active, enoughInSync, hasRoom. */
  appendRequest(
    body: BatchBody,
    from: Address,
    request: number,
    repeated: PendingRequest['repeated'],
    context: PartitionContext,
  ): void {
    this.#append(body, context, (end) => this.#pending.push({ end, from, request, repeated }));
  }

  /** Makes room in a full session table by closing what is idle longest. @returns whether something was closed. */
  expireIdleSessions(idleMs: number, context: PartitionContext): boolean {
    const sessions = this.#core.state.sessions.idle(this.#now(context), idleMs, 256);
    if (sessions.length === 0) return false;
    this.#append({ kind: 'expire-sessions', sessions }, context);
    return true;
  }

  #now(context: PartitionContext): number {
    return Math.floor(this.#partitionTimeMs + (context.nowMs - this.#timeAtMs));
  }

  /** @param appended called before anything can be committed: who waits for the batch must be known when it is answered (D2). */
  #append(body: BatchBody, context: PartitionContext, appended?: (end: number) => void): void {
    const entry = this.#core.appendBody(body, this.#now(context), context);
    appended?.(entry.end);
    for (const progress of this.#followers.values()) {
      noteAppended(progress, entry.end, context.nowMs);
      this.#replicate(progress, context);
    }
    this.#startTicking(context);
    if (this.#core.ackEnd >= entry.end) this.#advance(context); // async and alone: nothing else will come
  }

  // --- followers ------------------------------------------------------------------------------------------------------

  #replicate(progress: Progress, context: PartitionContext): void {
    const { log } = this.#core;
    if (progress.phase !== 'replicating') return;
    if (progress.nextOffset < log.start) {
      sometimes('partition/follower-needs-what-is-trimmed');
      // What it needs was trimmed. Told where our log ends, it sees the gap, reconciles, and gets a snapshot.
      progress.nextOffset = log.end;
      return this.#send(progress, [], context);
    }
    while (progress.nextOffset < log.end) {
      const inFlight = log.bytesFrom(Math.max(progress.ackedEnd, log.start)) - log.bytesFrom(progress.nextOffset);
      if (inFlight >= (buggify('partition/window-of-one') ? 1 : leading.inFlightBytesMax)) return;
      const countMax = buggify('partition/append-one-batch') ? 1 : leading.messageBatchesMax;
      const entries = log.from(progress.nextOffset, leading.messageBytesMax, countMax);
      this.#send(progress, entries, context);
    }
  }

  /** @param asks the follower answers even when it has nothing new to say. */
  #send(
    progress: Progress,
    entries: readonly LogEntry[],
    context: PartitionContext,
    asks = buggify('partition/ask-for-position'),
  ): void {
    const { log } = this.#core;
    const base = progress.nextOffset;
    const to = this.#core.addressOf(progress.host);
    const message = {
      kind: 'replicate',
      link: this.#core.linkTo(progress.host),
      base,
      previousEpoch: base === 0 ? 0 : log.epochs.epochAt(base - 1),
      acknowledged: asks ? 0 : progress.ackedEnd,
      highWatermark: this.#core.highWatermark,
      batches: entries.map((entry) => entry.bytes),
    } as Of<'replicate'>;
    context.send(to, message);
    if (buggify('partition/append-twice')) context.send(to, message);
    progress.nextOffset = entries[entries.length - 1]?.end ?? base;
    progress.highWatermarkSent = this.#core.highWatermark;
    progress.lastSentMs = context.nowMs;
  }

  onReconcile(message: Of<'reconcile'>, host: string, context: PartitionContext): void {
    const progress = this.#followers.get(host);
    if (progress === undefined) return;
    if (message.logEnd < progress.ackedEnd) return sometimes('partition/late-question-ignored'); // D8
    const to = this.#core.addressOf(host);
    const link = this.#core.linkTo(host);
    const answer = reconcileAnswer(this.#core.log, message.logEnd, message.lastEpoch);
    if (answer.kind === 'diverged') {
      const { logEnd, lastEpoch } = message;
      const { epoch: epochAt, end } = answer;
      context.send(to, { kind: 'diverged', link, logEnd, lastEpoch, epochAt, end } as Of<'diverged'>);
      return;
    }
    if (answer.kind === 'needs-snapshot') {
      progress.phase = 'snapshot';
      this.transfer.offer(host, context);
      return;
    }
    this.transfer.endFor(host);
    beginReplicating(progress, message.logEnd, context.nowMs);
    context.send(to, {
      kind: 'reconciled',
      link,
      logEnd: message.logEnd,
      highWatermark: this.#core.highWatermark,
    } as Of<'reconciled'>);
    this.#replicate(progress, context);
    this.#startTicking(context);
  }

  onReplicated(message: Of<'replicated'>, host: string, context: PartitionContext): void {
    const progress = this.#followers.get(host);
    if (progress === undefined) return;
    const { log } = this.#core;
    if (progress.phase === 'snapshot') return;
    // R4: the record before the acknowledged end must be the one that we have there.
    if (
      message.durableEnd > log.end ||
      (message.durableEnd > 0 && log.epochs.epochAt(message.durableEnd - 1) !== message.lastEpoch && !planted('PB04'))
    )
      return;
    // It was given up as silent and is back. Who acknowledges follows, so its log agrees with ours up to its end (W1 there).
    if (progress.phase === 'unknown') {
      sometimes('partition/silent-follower-came-back');
      beginReplicating(progress, Math.min(message.logEnd, log.end), context.nowMs);
    }
    const news = acknowledge(progress, message.durableEnd, log.end, context.nowMs);
    progress.highWatermarkKnown = Math.max(progress.highWatermarkKnown, message.highWatermark);
    this.#replicate(progress, context);
    if (news) this.#advance(context);
    this.#considerInSync(context);
  }

  onSnapshotWanted(message: Of<'snapshot-wanted'>, host: string, context: PartitionContext): void {
    this.transfer.onWanted(message, host, context);
  }

  /** What was sent to that host may be lost: start where it surely is (T3). */
  onGap(host: string, context: PartitionContext): void {
    const progress = this.#followers.get(host);
    if (progress?.phase !== 'replicating') return;
    this.#send({ ...progress }, [], context); // asks for its position; it answers with where it is, or reconciles
  }

  // --- commit ---------------------------------------------------------------------------------------------------------

  onLogDurable(context: PartitionContext): void {
    this.#advance(context);
  }

  /** D1. Applies and answers what has become committed. */
  #advance(context: PartitionContext): void {
    if (this.#fenced) return;
    const core = this.#core;
    let commit = core.ackEnd;
    let alone = true;
    for (const host of this.maximal()) {
      if (host === core.self.host) continue;
      alone = false;
      if (planted('PB50')) continue;
      const progress = this.#followers.get(host);
      commit = Math.min(
        commit,
        progress !== undefined && progress.replicaEpoch === core.replicaEpochOf(host) ? progress.ackedEnd : 0,
      );
    }
    if (commit <= core.highWatermark || !(this.enoughInSync || planted('PB06'))) return;
    if (context.nowMs < this.#holdUntilMs) return sometimes('partition/commit-held'); // L5; the tick comes back
    if (alone && !leaseValid(context.cells, core.self.worker, context.readClockMs()))
      return sometimes('partition/lone-leader-waited'); // R5b; the tick comes back
    const wasActive = this.active;
    core.advanceTo(commit, (entry, batch, applied) => this.#answer(entry, batch, applied, context));
    this.#startTicking(context); // for the news
    if (!wasActive && this.active) this.#becomeActive(context);
    this.#maybeCheck(context);
    this.#considerInSync(context);
    if (buggify('partition/commit-news-now'))
      for (const progress of this.#followers.values())
        if (progress.phase === 'replicating') this.#send(progress, [], context);
  }

  #answer(entry: LogEntry, batch: Batch, applied: Applied, context: PartitionContext): void {
    const first = this.#pending.peek();
    assert(first === undefined || first.end >= entry.end, 'D2: who waited for a committed batch was answered');
    if (first === undefined || first.end !== entry.end) return;
    this.#pending.shift();
    const core = this.#core;
    if (batch.body.kind === 'open-session') {
      context.send(first.from, {
        kind: 'session-opened',
        request: first.request,
        partition: core.partition,
        session: batch.base,
      } as never);
      return;
    }
    if (applied.kind !== 'writes') return;
    if (applied.stale) {
      sometimes('partition/session-gone-at-apply');
      const detail = 'the session was closed before the write was applied: it had no effect';
      context.send(first.from, {
        kind: 'refused',
        request: first.request,
        partition: core.partition,
        reason: 'session-stale',
        detail,
      } as never);
      return;
    }
    context.send(first.from, this.receipt(first.request, joinResults(first.repeated, applied.results), entry.end));
  }

  /** The answer to a write, with who has it. */
  receipt(
    request: number,
    results: readonly WriteResult[],
    end: number,
  ): { readonly kind: 'written' } & Record<string, unknown> {
    const core = this.#core;
    const replicas = [core.self.host];
    for (const [host, progress] of this.#followers) if (progress.ackedEnd >= end) replicas.push(host);
    const { durability } = core.place().table;
    return {
      kind: 'written',
      request,
      partition: core.partition,
      lineage: core.lineage,
      epoch: core.epoch,
      durability,
      replicas,
      results,
    };
  }

  #becomeActive(context: PartitionContext): void {
    if (this.#waiting.size > 0) sometimes('partition/requests-waited-for-activation');
    context.emit({
      kind: 'leader-active',
      level: 'info',
      partition: this.#core.partition,
      epoch: this.#core.epoch,
      highWatermark: this.#core.highWatermark,
    });
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#onWaiting(next.message, next.from, context);
  }

  #maybeCheck(context: PartitionContext): void {
    const { state, highWatermark } = this.#core;
    if (
      !this.active ||
      highWatermark - this.#checkedAt < (buggify('partition/check-state-now') ? 2 : this.#core.limits.checkEvery)
    )
      return;
    if (spaceLevel(context.cells, this.#core.self.worker) !== 'enough') return; // D14: it comes with later records
    this.#checkedAt = highWatermark;
    this.#append({ kind: 'check', ...state.check }, context);
  }

  // --- the in-sync set ------------------------------------------------------------------------------------------------

  /** Proposes who should be in the set: those in it who keep up, and those outside who caught up (R13). */
  #considerInSync(context: PartitionContext): void {
    if (this.#fenced || this.#isSettledWhole(context)) return;
    const core = this.#core;
    const wanted = new Set<string>([core.self.host]);
    for (const progress of this.#followers.values()) {
      const member = this.#inSync.committed.has(progress.host);
      if (member ? !this.#shouldLeave(progress, context) : this.#mayJoin(progress, context)) wanted.add(progress.host);
    }
    const committed = this.#inSync.committed;
    const same = wanted.size === committed.size && [...wanted].every((host) => committed.has(host));
    if (this.#inSync.kind === 'settled') {
      if (same) return;
      if (buggify('partition/propose-later')) return this.#startTicking(context);
      sometimes(wanted.size < committed.size ? 'partition/in-sync-set-shrunk' : 'partition/in-sync-set-grown');
      return this.#propose(wanted, context);
    }
    const repeatMs = buggify('partition/propose-again-now') ? 0 : leading.proposalRepeatMs;
    if (context.nowMs - this.#inSync.sentAtMs >= repeatMs) this.#propose(wanted, context);
  }

  /** All is well, as it is at nearly every acknowledgement: everybody is in the set, and nobody lags. */
  #isSettledWhole(context: PartitionContext): boolean {
    if (this.#inSync.kind !== 'settled') return false;
    const { committed } = this.#inSync;
    if (committed.size !== this.#followers.size + 1) return false;
    for (const progress of this.#followers.values())
      if (!committed.has(progress.host) || this.#shouldLeave(progress, context)) return false;
    return committed.has(this.#core.self.host);
  }

  #shouldLeave(progress: Progress, context: PartitionContext): boolean {
    return lags(progress, context.nowMs, buggify('partition/short-patience') ? leading.probeMs : this.#lagMaxMs);
  }

  get #lagMaxMs(): number {
    return this.#core.limits.lagMaxMs ?? leading.lagMaxMs;
  }

  /**
   * R13(1)–(3); the controller checks (4) and (5). And D6: it was heard since the record last changed. Whoever was just taken out as dead has acknowledged
   * everything, too, and to propose it is to wait for it. And D7: it does not lag.
   */
  #mayJoin(progress: Progress, context: PartitionContext): boolean {
    return (
      progress.phase === 'replicating' &&
      !lags(progress, context.nowMs, this.#lagMaxMs) &&
      (progress.lastHeardMs > this.#placedAtMs || planted('PB48')) &&
      context.nowMs >= this.#joinsAfterMs &&
      progress.replicaEpoch === this.#core.replicaEpochOf(progress.host) &&
      progress.ackedEnd >= this.#core.highWatermark &&
      (progress.ackedEnd >= this.epochStart || planted('PB02')) &&
      this.#core.log.bytesFrom(Math.max(progress.ackedEnd, this.#core.log.start)) < leading.inFlightBytesMax
    );
  }

  #propose(wanted: ReadonlySet<string>, context: PartitionContext): void {
    const core = this.#core;
    this.#inSync = propose(this.#inSync, wanted, context.nowMs);
    const inSync = [...wanted].map((host) => ({
      host,
      epoch: present(core.replicaEpochOf(host), 'R13: a member is a replica'),
    }));
    const { partition, replicaEpoch } = core.place();
    context.send({ host: core.self.host, worker: core.self.worker, actor: managerActor }, {
      kind: 'change-in-sync',
      request: ++this.#requests,
      partition: core.partition,
      leader: core.self.host,
      leaderReplicaEpoch: replicaEpoch,
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      inSync,
    } as never);
    this.#startTicking(context);
  }

  /**
   * The controller did not take the newest proposal, or not all of it. It may still take a repetition of it, so it stays in the maximal set (I1) until
   * a newer partition epoch makes it void: the answer brings one when some were taken, otherwise the set as it is, proposed, does.
   */
  onProposalRefused(partitionEpoch: number, context: PartitionContext): void {
    if (this.#fenced || this.#inSync.kind !== 'proposed') return;
    sometimes('partition/proposal-refused');
    this.#joinsAfterMs = context.nowMs + leading.joinPauseMs;
    if (this.#inSync.partitionEpoch === partitionEpoch) this.#propose(this.#inSync.committed, context);
  }

  /** Metadata of a newer partition epoch in the same leader epoch. */
  onPlacement(before: Placement, context: PartitionContext): void {
    this.#placedAtMs = context.nowMs;
    const { partition } = this.#core.place();
    if (partition.partitionEpoch > before.partition.partitionEpoch)
      this.#inSync = adopt(this.#inSync, partition.partitionEpoch, partition.inSync);
    // L5: the hold may turn out shorter than was to be expected when it was set, never longer.
    const holdUntilMs = Math.min(this.#holdUntilMs, context.nowMs + partition.holdMs);
    if (holdUntilMs < this.#holdUntilMs) sometimes('partition/hold-shortened');
    if (!buggify('partition/keep-the-hold')) this.#holdUntilMs = holdUntilMs;
    for (const { host, epoch } of partition.replicas) {
      if (host === this.#core.self.host) continue;
      if (this.#followers.get(host)?.replicaEpoch === epoch) continue;
      this.#followers.set(host, newProgress(host, epoch, context.nowMs)); // R15: another incarnation starts over
      this.transfer.endFor(host);
    }
    for (const host of this.#followers.keys()) {
      if (!partition.replicas.some((replica) => replica.host === host)) this.#followers.delete(host);
    }
    for (const progress of this.#followers.values()) {
      // D6: whoever is not in sync says that it is there before it is proposed again.
      if (progress.phase === 'replicating' && !this.#inSync.committed.has(progress.host))
        this.#send(progress, [], context, true);
    }
    this.#advance(context);
    this.#considerInSync(context);
    this.#startTicking(context);
  }

  // --- time -----------------------------------------------------------------------------------------------------------

  /** Something happened that may need a look soon. */
  #startTicking(context: PartitionContext): void {
    this.#tickPauseMs = leading.tickMs;
    if (this.#tickAtMs > context.nowMs + leading.tickMs) this.#tickAfter(leading.tickMs, context);
  }

  #tickAfter(pauseMs: number, context: PartitionContext): void {
    this.#tickAtMs = context.nowMs + pauseMs;
    context.timers.start('tick', pauseMs, { kind: 'tick' });
  }

  /** Nothing happened since the last tick, unless it started the next itself: hundreds that wait would keep a worker busy with looking. */
  #tickAgain(context: PartitionContext): void {
    if (this.#tickAtMs !== Number.POSITIVE_INFINITY) return;
    const isPatient = this.rounds.isIdle && this.transfer.isIdle;
    this.#tickPauseMs = isPatient ? Math.min(2 * this.#tickPauseMs, leading.tickMsMax) : leading.tickMs;
    const holdMs = this.#holdUntilMs - context.nowMs;
    this.#tickAfter(holdMs > 0 ? Math.min(holdMs, this.#tickPauseMs) : this.#tickPauseMs, context);
  }

  /** Asks for ticks as long as something is unsettled (D5). */
  keepTicking(context: PartitionContext): void {
    this.#startTicking(context);
  }

  onTick(context: PartitionContext): void {
    this.#tickAtMs = Number.POSITIVE_INFINITY;
    if (this.#fenced) return;
    this.#advance(context);
    for (const progress of this.#followers.values()) this.#prod(progress, context);
    this.#considerInSync(context);
    this.rounds.onTick(context);
    this.transfer.onTick(context);
    if (!this.#isQuiet()) this.#tickAgain(context);
  }

  /** A follower that should have answered, or does not know what is committed, hears from us. */
  #prod(progress: Progress, context: PartitionContext): void {
    if (progress.phase !== 'replicating' || this.#knowsAll(progress)) return;
    const silentMaxMs = buggify('partition/give-up-early') ? leading.probeMs : leading.silentMaxMs;
    if (context.nowMs - progress.lastHeardMs > silentMaxMs && !this.maximal().has(progress.host)) {
      sometimes('partition/silent-follower-given-up');
      progress.phase = 'unknown'; // D5: nobody waits for it; when it is back it asks
      return;
    }
    this.#replicate(progress, context);
    const isNews = progress.highWatermarkSent < this.#core.highWatermark;
    const asks = context.nowMs - progress.lastSentMs >= leading.probeMs; // the news, or the answer, may be lost
    if (asks && buggify('partition/send-again-from-acknowledged'))
      progress.nextOffset = Math.max(progress.ackedEnd, this.#core.log.start);
    if (isNews || asks) this.#send(progress, [], context, asks);
  }

  #knowsAll(progress: Progress): boolean {
    const { log, highWatermark } = this.#core;
    const told = planted('PB51') ? progress.highWatermarkSent : progress.highWatermarkKnown;
    return progress.ackedEnd >= log.end && told >= highWatermark;
  }

  #isQuiet(): boolean {
    const core = this.#core;
    if (core.highWatermark < core.log.end || this.#waiting.size > 0 || this.#inSync.kind !== 'settled') return false;
    if (!this.rounds.isIdle || !this.transfer.isIdle) return false;
    for (const host of this.#inSync.committed) {
      if (host === core.self.host) continue;
      const progress = this.#followers.get(host);
      if (progress === undefined || !this.#knowsAll(progress)) return false;
    }
    for (const progress of this.#followers.values())
      if (progress.phase === 'replicating' && !this.#knowsAll(progress)) return false;
    return true;
  }

  // --- stepping down --------------------------------------------------------------------------------------------------

  /** A newer epoch exists: freezes the high watermark; metadata will say what we are (CORRECTNESS "How a deposed leader steps down"). */
  fence(): void {
    this.#fenced = true;
  }

  /**
   * Another leads, or nobody. Appended and uncommitted requests have an unknown outcome; those that waited were never appended. `keep`: this
   * replica leads the next epoch too, so its records keep their place and their clients keep waiting.
   */
  stepDown(context: PartitionContext, keep: boolean): Queue<PendingRequest> {
    const core = this.#core;
    const refuse = (to: Address, request: number, reason: 'outcome-unknown' | 'not-leader', detail: string): void =>
      context.send(to, { kind: 'refused', request, partition: core.partition, reason, detail } as never);
    this.rounds.refuseAll('not-leader', context);
    this.transfer.end();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (keep) refuse(next.from, next.message.request, 'not-leader', 'the leader epoch changed: ask again');
      else refuse(next.from, next.message.request, 'not-leader', 'this replica no longer leads');
    }
    if (this.#pending.size > 0)
      sometimes(keep ? 'partition/writes-kept-over-epochs' : 'partition/deposed-leader-answered-unknown');
    if (!keep) {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        const reason = planted('PB39') ? 'not-leader' : 'outcome-unknown';
        refuse(next.from, next.request, reason, 'appended, but leadership was lost before it was committed');
      }
    }
    context.timers.cancel('tick');
    return this.#pending;
  }
}

/** Results in the order asked: those known before, and those just applied in between. */
function joinResults(repeated: PendingRequest['repeated'], fresh: readonly WriteResult[]): readonly WriteResult[] {
  if (repeated === undefined) return fresh;
  let next = 0;
  return repeated.map(
    (known) => known ?? present(fresh[next++], 'every operation that was not a repetition is in the batch'),
  );
}
