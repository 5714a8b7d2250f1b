// Reads, writes and scans: from operation to outcome
// =============================================================================
//
// Each operation is routed to the lane of its partition, sent in a batch to the worker that runs the right replica, sent again
// when that came to nothing, and settled once. Recovery in order: the map shows a new leader or a restarted replica → sent there at
// once; the link lost something → sent again at once; refused → after a backoff, or at the next map change; silence → after the
// attempt's timeout. All of it ends at the operation's own deadline.
//
// Owns:     pending operations, lanes, sessions, attempts, paces.
// Does not: follow the map (MapWatch) or know of promises (the shell).
//
// Invariants
//   D1. Each operation is settled exactly once.
//   D2. A write fails only while nothing of it is unresolved; else it is done or unknown (O1, R7).
//   D3. A write that was sent keeps (session, sequence). If its session is gone, and something of it is unresolved, it is unknown: it
//       is never sent under another session (S5).
//   D4. Pending operations and their bytes are bounded; beyond the bounds an operation fails with CAPACITY.
//
// A refusal counts as definite for the message that was refused. That rests on the link's own removal of duplicates (T3): a second
// copy of a refused message, accepted later by the same replica, would be an effect after a failure.
//
// Sources: CORRECTNESS §2.0, §2.9; KIP-98 (idempotent producer); Ongaro's dissertation §6.3.

import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { buggify, sometimes } from '../../../runtime/probes/probes.js';
import { assert, present, unreachable } from '../../../runtime/std/assert.js';
import type { ClientReply, ClientRequest, Refusal, WriteResult } from '../../protocol/client-messages.js';
import { limits } from '../../protocol/limits.js';
import { type PartitionInfo, replicaActor, type TableInfo, workerOfPartition } from '../../protocol/cluster-map.js';
import type { ClientLimits } from './client-limits.js';
import { DeadlineWheel } from './deadline-wheel.js';
import { Lane, type LaneQueue, type Trouble } from './lane.js';
import type { MapNews, MapWatch } from './map-watch.js';
import type { FailureCode, Outcome, ReadRequest, ScanRequest, WriteRequest } from './operations.js';
import type { Outbox } from './outbox.js';
import { type Batch, Pace } from './pace.js';
import {
  type Attempt,
  type AttemptWork,
  type Pending,
  type PendingRead,
  type PendingScan,
  type PendingWrite,
  sameTarget,
  type Target,
} from './pending.js';
import { Session } from './session.js';

/** Index of the partition that holds the key, among those of its table. */
export type PartitionOf = (key: Uint8Array, table: TableInfo) => number;

type DataRequest = WriteRequest | ReadRequest | ScanRequest;
type Turn = Context<never>;
type Of<Kind extends ClientReply['kind']> = Extract<ClientReply, { readonly kind: Kind }>;

/** Operations and bytes that a batch still has room for. */
interface Budget {
  count: number;
  bytes: number;
}

const operationOverheadBytes = 64;

export class DataDesk {
  readonly #limits: ClientLimits;
  readonly #watch: MapWatch;
  readonly #outbox: Outbox;
  readonly #partitionOf: PartitionOf;

  readonly #pending = new Map<number, Pending>();
  #pendingBytes = 0;
  #order = 0;
  /** Operations whose table or partition is not in the map, and the probe that decides about them. */
  readonly #unrouted = new Map<Pending, number>();
  readonly #lanes = new Map<number, Lane>();
  readonly #attempts = new Map<number, Attempt>();
  readonly #paces = new Map<string, { readonly write: Pace; readonly read: Pace }>();
  readonly #dirtyQueues = new Set<LaneQueue>();
  readonly #dirtyPaces = new Set<Pace>();

  readonly #deadlines = new DeadlineWheel<Pending>();
  readonly #attemptTimes = new DeadlineWheel<Attempt>();
  readonly #slowTimes = new DeadlineWheel<Batch>();
  readonly #backoffTimes = new DeadlineWheel<LaneQueue>();

  constructor(limits: ClientLimits, watch: MapWatch, outbox: Outbox, partitionOf: PartitionOf) {
    this.#limits = limits;
    this.#watch = watch;
    this.#outbox = outbox;
    this.#partitionOf = partitionOf;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get attemptCount(): number {
    return this.#attempts.size;
  }

  get laneCount(): number {
    return this.#lanes.size;
  }

  has(id: number): boolean {
    return this.#pending.has(id);
  }

  nextMs(): number | undefined {
    let next: number | undefined;
    for (const wheel of [this.#deadlines, this.#attemptTimes, this.#slowTimes, this.#backoffTimes]) {
      const at = wheel.nextMs();
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  // --- taking on ------------------------------------------------------------------------------------------------------

  submit(context: Turn, request: DataRequest, replyTo: Address): void {
    assert(!this.#pending.has(request.id), 'D1: an operation number is used once');
    const bytes = sizeOf(request);
    const isFull =
      this.#pending.size >= this.#limits.pendingCountMax || this.#pendingBytes + bytes > this.#limits.pendingBytesMax;
    if (isFull) {
      const message = `${this.#pending.size} operations (${this.#pendingBytes} bytes) are waiting already; slow down and try again`;
      return this.#outbox.fail(replyTo, request.id, 'CAPACITY', message); // D4
    }
    const op = pendingOf(request, replyTo, bytes, this.#order++, (pending) =>
      this.#deadlines.add(pending, context.nowMs + request.timeoutMs),
    );
    this.#pending.set(request.id, op);
    this.#pendingBytes += bytes;
    this.#route(context, op);
  }

  #route(context: Turn, op: Pending): void {
    const { copy } = this.#watch;
    if (op.kind === 'scan') {
      const partition = copy.partitions.get(op.request.partition);
      if (partition === undefined) return this.#routeLater(context, op);
      return this.#enter(op, this.#laneOf(partition.id, partition.table).reads[op.request.consistency]);
    }
    const table = copy.tables.get(op.request.table);
    if (table === undefined) return this.#routeLater(context, op);
    if (op.kind === 'write' && op.request.durability === 'sync' && table.durability !== 'sync') {
      return this.#fail(
        op,
        'INVALID_ARGUMENT',
        `table ${table.name} is ${table.durability}: it cannot promise durability sync`,
      );
    }
    const partition = table.partitions[this.#partitionOf(op.request.key, table)];
    assert(partition !== undefined, 'the ring names a partition of the table');
    const lane = this.#laneOf(partition, table.name);
    this.#enter(op, op.kind === 'write' ? lane.writes : lane.reads[op.request.consistency]);
  }

  #routeLater(context: Turn, op: Pending): void {
    op.queue = undefined;
    this.#unrouted.set(op, this.#watch.ask(context));
  }

  #enter(op: Pending, queue: LaneQueue): void {
    op.queue = queue;
    queue.push(op);
    this.#dirtyQueues.add(queue);
  }

  #laneOf(partition: number, table: string): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(partition, table, Math.floor(this.#limits.replyBytesMax / limits.valueBytesMax));
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  // --- settling -------------------------------------------------------------------------------------------------------

  #settle(op: Pending, outcome: Outcome): void {
    assert(!op.settled, 'D1: settled twice');
    op.settled = true;
    this.#pending.delete(op.request.id);
    this.#pendingBytes -= op.bytes;
    this.#deadlines.remove(op, op.deadlineBucket);
    if (op.queue === undefined) this.#unrouted.delete(op);
    else if (op.attempt === undefined) op.queue.remove(op);
    if (op.kind === 'write' && op.session?.alive === true) op.session.answer(op.sequence);
    if (op.attempt !== undefined) this.#closeOne(op.attempt);
    if (op.earlier !== undefined) for (const attempt of op.earlier) this.#closeOne(attempt);
    if (op.queue !== undefined) this.#dirtyQueues.add(op.queue); // the window may have room now
    this.#outbox.answer(op.replyTo, outcome);
  }

  /** An attempt is remembered only while it may still say something. */
  #closeOne(attempt: Attempt): void {
    attempt.open--;
    assert(attempt.open >= 0, 'D1: more settled than there were');
    if (attempt.open > 0) return;
    if (attempt.waiting) this.#stopWaiting(attempt);
    this.#attempts.delete(attempt.request);
  }

  #fail(op: Pending, code: FailureCode, message: string): void {
    assert(op.kind !== 'write' || op.unresolved === 0, 'D2: a write with something unresolved does not fail');
    this.#settle(op, { kind: 'failed', id: op.request.id, code, message });
  }

  /** Ends an operation without a result: failed if that is certain, else unknown (D2). */
  #end(op: Pending, code: FailureCode, message: string): void {
    if (op.kind === 'write' && op.unresolved > 0) {
      sometimes('client/write-unknown');
      this.#settle(op, { kind: 'unknown', id: op.request.id, message: `the write was sent, and then: ${message}` });
    } else this.#fail(op, code, message);
  }

  cancel(id: number): void {
    const op = this.#pending.get(id);
    if (op !== undefined) this.#end(op, 'ABORTED', 'it was aborted');
  }

  close(): void {
    for (const op of this.#pending.values()) this.#end(op, 'CLOSED', 'the client was closed');
  }

  #expire(op: Pending): void {
    if (op.queue === undefined) {
      const message = this.#watch.isKnown
        ? 'the map could not be refreshed: no host answered'
        : 'no host of the mesh answered; is it running?';
      return this.#end(op, 'UNAVAILABLE', message);
    }
    const trouble = op.queue.trouble;
    if (trouble !== undefined) return this.#end(op, trouble.code, trouble.message);
    const partition = this.#watch.copy.partitions.get(op.queue.lane.partition);
    if (partition?.leader === undefined && op.queue.needsLeader) {
      const why = partition === undefined || partition.reason === '' ? '' : `: ${partition.reason}`;
      return this.#end(op, 'UNAVAILABLE', `partition ${op.queue.lane.partition} has no leader${why}`);
    }
    this.#end(op, 'TIMEOUT', op.attemptCount === 0 ? 'it could not be sent in time' : 'no answer came in time');
  }

  // --- time -----------------------------------------------------------------------------------------------------------

  due(context: Turn): void {
    const now = context.nowMs;
    for (const op of this.#deadlines.takeDue(now)) if (!op.settled) this.#expire(op);
    for (const attempt of this.#attemptTimes.takeDue(now)) if (attempt.waiting) this.#onSilence(context, attempt);
    for (const batch of this.#slowTimes.takeDue(now)) if (batch.stopCounting()) this.#dirtyPaces.add(batch.pace);
    for (const queue of this.#backoffTimes.takeDue(now)) {
      queue.backoffBucket = undefined;
      this.#dirtyQueues.add(queue);
    }
  }

  #onSilence(context: Turn, attempt: Attempt): void {
    const { queue, target } = attempt;
    sometimes('client/no-answer-in-time');
    this.#giveUp(attempt);
    if (queue.kind === 'read') queue.messageCountMax = Math.max(1, queue.messageCountMax >> 1);
    this.#setBack(context, queue, { code: 'TIMEOUT', message: `host ${target.host} did not answer` });
  }

  /** Pauses a queue after a refusal or a silence. */
  #setBack(context: Turn, queue: LaneQueue, trouble: Trouble): void {
    queue.trouble = trouble;
    if (queue.notBeforeMs > context.nowMs) return; // messages that were out together are one failure
    const { backoffMinMs, backoffMaxMs } = this.#limits;
    let baseMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(queue.failures, 16));
    if (buggify('client/shortest-backoff')) baseMs = 1;
    if (buggify('client/longest-backoff')) baseMs = backoffMaxMs;
    queue.failures++;
    queue.notBeforeMs = context.nowMs + baseMs * (0.5 + context.random.fraction() / 2);
    if (queue.backoffBucket !== undefined) this.#backoffTimes.remove(queue, queue.backoffBucket);
    queue.backoffBucket = this.#backoffTimes.add(queue, queue.notBeforeMs);
  }

  #succeeded(queue: LaneQueue): void {
    queue.failures = 0;
    queue.trouble = undefined;
    queue.notBeforeMs = 0;
    queue.messageCountMax = Math.min(this.#limits.batchCountMax, queue.messageCountMax * 2);
  }

  // --- the map --------------------------------------------------------------------------------------------------------

  onMap(context: Turn, news: MapNews): void {
    // Dropping a lane may make others: its operations are routed anew.
    const lanes = [...this.#lanes.values()];
    if (news.replaced) for (const lane of lanes) this.#dropLane(context, lane);
    else if (news.change.kind === 'applied') {
      const changed = new Set(news.change.partitions);
      for (const lane of lanes) {
        const partition = this.#watch.copy.partitions.get(lane.partition);
        if (partition === undefined) this.#dropLane(context, lane);
        else this.#reviewLane(lane, partition, changed.has(lane.partition));
      }
    }
    for (const [op, round] of this.#unrouted) {
      if (this.#isRoutable(op)) {
        this.#unrouted.delete(op);
        this.#route(context, op);
      } else if (round <= this.#watch.answeredRound) {
        const what = op.kind === 'scan' ? `partition ${op.request.partition}` : `table ${op.request.table}`;
        this.#end(op, 'NOT_FOUND', `there is no ${what}`);
      }
    }
  }

  #isRoutable(op: Pending): boolean {
    const { copy } = this.#watch;
    return op.kind === 'scan' ? copy.partitions.has(op.request.partition) : copy.tables.has(op.request.table);
  }

  /** Sends again, at once, what went to a replica that no longer leads or was started anew. */
  #reviewLane(lane: Lane, partition: PartitionInfo, hasChanged: boolean): void {
    const { session } = lane;
    if (session.kind === 'open' && partition.lineage > session.session.lineage) {
      sometimes('client/session-ended-by-lineage');
      this.#endSession(lane, session.session); // its opening record may be lost, its number given to another
    } else if (session.kind === 'open' && hasChanged && buggify('client/open-another-session'))
      this.#endSession(lane, session.session);
    lane.forgetOlder(partition.lineage);
    for (const queue of lane.queues) {
      for (const attempt of queue.attempts) {
        const isCurrent = this.#isCurrent(attempt, partition);
        if (!isCurrent) sometimes('client/changed-its-host');
        if (!isCurrent || (hasChanged && buggify('client/send-again-now'))) this.#giveUp(attempt);
      }
      if (hasChanged) {
        queue.failures = 0;
        queue.notBeforeMs = 0;
      }
      if (queue.size > 0) this.#dirtyQueues.add(queue);
    }
  }

  #isCurrent(attempt: Attempt, partition: PartitionInfo): boolean {
    const { target, queue } = attempt;
    const isLeaderOnly = queue.kind === 'write' || queue.consistency === 'linearizable';
    if (isLeaderOnly && partition.leader !== target.host) return false;
    return sameTarget(target, this.#replicaAt(partition, target.host));
  }

  /** The partition is gone: what may have had an effect is unknown, the rest looks for its table again. */
  #dropLane(context: Turn, lane: Lane): void {
    this.#lanes.delete(lane.partition);
    if (lane.session.kind === 'open') this.#endSession(lane, lane.session.session);
    for (const queue of lane.queues) {
      for (const attempt of queue.attempts) this.#giveUp(attempt);
      for (const op of queue.waiting()) {
        if (op.kind === 'write' && op.unresolved > 0) {
          this.#end(op, 'NOT_FOUND', 'its table was deleted');
          continue;
        }
        queue.remove(op);
        if (op.kind === 'write') op.session = undefined;
        this.#route(context, op);
      }
      this.#leaveLine(queue);
      if (queue.backoffBucket !== undefined) this.#backoffTimes.remove(queue, queue.backoffBucket);
      this.#dirtyQueues.delete(queue);
    }
  }

  /** D3. Those still under way are judged when their attempt ends. */
  #endSession(lane: Lane, session: Session): void {
    lane.endSession(session);
    for (const op of lane.writes.waiting()) if (op.kind === 'write') this.#leaveDeadSession(op);
  }

  /** @returns whether the write may go on. */
  #leaveDeadSession(op: PendingWrite): boolean {
    if (op.session === undefined || op.session.alive) return true;
    if (op.unresolved > 0) {
      this.#end(op, 'UNAVAILABLE', 'the partition does not remember its session any more');
      return false;
    }
    op.session = undefined;
    return true;
  }

  onGap(host: string, worker: number): void {
    for (const attempt of this.#attempts.values()) {
      if (!attempt.waiting || attempt.target.host !== host || attempt.target.worker !== worker) continue;
      sometimes('client/sent-again-after-gap');
      this.#giveUp(attempt);
    }
  }

  // --- sending --------------------------------------------------------------------------------------------------------

  /** Sends what can be sent. To be called once a turn, last. */
  pump(context: Turn): void {
    for (const queue of this.#dirtyQueues) this.#standInLine(context, queue);
    this.#dirtyQueues.clear();
    for (const pace of this.#dirtyPaces) this.#fill(context, pace);
    this.#dirtyPaces.clear();
  }

  /** Puts the queue in the line of the worker that it has something for. */
  #standInLine(context: Turn, queue: LaneQueue): void {
    this.#leaveLine(queue);
    if (queue.size === 0 || queue.notBeforeMs > context.nowMs) return;
    if (queue.attempts.size >= this.#limits.requestsInFlightMax) return;
    const target = this.#targetOf(context, queue);
    if (target === undefined) return; // the next map brings one
    if (queue.kind === 'write' && !this.#hasRoom(context, queue, target)) return;
    const pace = this.#paceOf(queue, target);
    queue.pace = pace;
    queue.target = target; // stays right while it stands there: every change of the map begins with a new line
    pace.waiting.add(queue);
    this.#dirtyPaces.add(pace);
  }

  #leaveLine(queue: LaneQueue): void {
    queue.pace?.waiting.delete(queue);
    queue.pace = undefined;
    queue.target = undefined;
  }

  /** A write needs a session, and a number in its window unless it has one. */
  #hasRoom(context: Turn, queue: LaneQueue, target: Target): boolean {
    const { lane } = queue;
    switch (lane.session.kind) {
      case 'none': {
        const lineage = this.#watch.copy.partitions.get(lane.partition)?.lineage ?? 0;
        const attempt = this.#attempt(context, queue, target, { kind: 'open-session', ops: [], lineage }, undefined);
        lane.session = { kind: 'opening', attempt };
        const message: ClientRequest = {
          kind: 'open-session',
          request: attempt.request,
          partition: lane.partition,
        };
        this.#post(context, attempt, message);
        return false;
      }
      case 'opening':
        return false;
      case 'open': {
        const first = queue.peek();
        if (lane.session.session.room === 0) sometimes('client/window-full');
        return lane.session.session.room > 0 || (first?.kind === 'write' && first.session !== undefined);
      }
      default:
        return unreachable(lane.session);
    }
  }

  #paceOf(queue: LaneQueue, target: Target): Pace {
    const name = `${target.host}/${target.worker}`;
    let paces = this.#paces.get(name);
    if (paces === undefined) {
      paces = { write: new Pace(target.host, target.worker), read: new Pace(target.host, target.worker) };
      this.#paces.set(name, paces);
    }
    return paces[queue.kind];
  }

  #targetOf(context: Turn, queue: LaneQueue): Target | undefined {
    const partition = this.#watch.copy.partitions.get(queue.lane.partition);
    if (partition === undefined) return undefined;
    const leader = partition.leader === undefined ? undefined : this.#replicaAt(partition, partition.leader);
    const isLeaderOnly = queue.kind === 'write' || queue.consistency === 'linearizable';
    // After a failure elsewhere the leader is tried, and then another, since stale reads need no leader (R16).
    const isLeaderAsked = isLeaderOnly || (leader !== undefined && queue.failures % 2 === 1);
    if (isLeaderAsked && !buggify('client/ask-another-replica')) return leader;
    const targets: Target[] = [];
    for (const host of partition.inSync.length > 0 ? partition.inSync : partition.replicas.map((one) => one.host)) {
      const target = this.#replicaAt(partition, host);
      if (target !== undefined) targets.push(target);
    }
    return targets.length === 0 ? leader : context.random.pick(targets);
  }

  #replicaAt(partition: PartitionInfo, hostName: string): Target | undefined {
    const host = this.#watch.copy.hosts.get(hostName);
    const replica = partition.replicas.find((one) => one.host === hostName);
    if (host === undefined || replica === undefined || host.state === 'removed') return undefined;
    return { host: hostName, worker: workerOfPartition(partition.id, host.workers), replicaEpoch: replica.epoch };
  }

  /** Whether the worker has room for another batch, and there is enough for one. */
  #mayOpen(pace: Pace): boolean {
    const { batchesInFlightMax, nextBatchCountMin } = this.#limits;
    if (pace.inFlight >= batchesInFlightMax) return false;
    if (pace.inFlight === 0 || pace.wasCut || buggify('client/small-batch-too')) return true;
    let count = 0;
    for (const queue of pace.waiting) {
      count += queue.size;
      if (count >= nextBatchCountMin) return true;
    }
    return false;
  }

  /** Sends batches to a worker while it has room for them. */
  #fill(context: Turn, pace: Pace): void {
    while (pace.waiting.size > 0 && this.#mayOpen(pace)) {
      const batch = pace.open();
      const budget: Budget = { count: this.#limits.batchCountMax, bytes: this.#limits.batchBytesMax };
      let hasSent = false;
      const line = [...pace.waiting]; // who is served stands at its end again
      for (const queue of line) {
        if (budget.count <= 0 || budget.bytes <= 0) break;
        if (this.#sendFrom(context, queue, batch, budget)) hasSent = true;
      }
      if (!hasSent) {
        batch.stopCounting();
        return;
      }
      pace.wasCut = budget.bytes <= 0;
      const slowMs = buggify('client/take-for-slow') ? 1 : this.#limits.slowBatchMs;
      batch.slowBucket = this.#slowTimes.add(batch, context.nowMs + slowMs);
    }
  }

  /** Sends one message from the queue, which then stands in line again if it has more. @returns whether it sent one. */
  #sendFrom(context: Turn, queue: LaneQueue, batch: Batch, budget: Budget): boolean {
    const target = present(queue.target, 'a queue in line knows its target');
    this.#leaveLine(queue);
    const work = queue.kind === 'write' ? this.#takeWrites(queue, budget) : this.#takeReads(queue, budget);
    if (work === undefined || work.ops.length === 0) return false;
    const attempt = this.#attempt(context, queue, target, work, batch);
    batch.add();
    for (const op of work.ops) {
      op.attempt = attempt;
      op.attemptCount++;
      if (op.kind === 'write') op.unresolved++; // O1
    }
    this.#post(context, attempt, this.#messageOf(attempt));
    this.#standInLine(context, queue);
    return true;
  }

  #takeWrites(queue: LaneQueue, budget: Budget): AttemptWork | undefined {
    const { lane } = queue;
    if (lane.session.kind !== 'open') return undefined;
    const { session } = lane.session;
    let room = session.room;
    let messageBytes = 0;
    let count = 0;
    let isClosed = false;
    const ops = queue.takeWhile((op) => {
      if (op.kind !== 'write' || isClosed || budget.count <= 0) return false;
      if (count > 0 && (op.alone || messageBytes + op.bytes > this.#limits.messageBytesMax)) return false;
      if (op.session === undefined) {
        if (room === 0) return false;
        room--;
      }
      count++;
      messageBytes += op.bytes;
      budget.count--;
      budget.bytes -= op.bytes;
      isClosed = op.alone || buggify('client/write-one');
      return true;
    }) as PendingWrite[];
    for (const op of ops) {
      assert(op.session === undefined || op.session === session, 'D3: a write stays in its session');
      if (op.session !== undefined) continue;
      op.session = session;
      op.sequence = session.take();
    }
    // Ascending, so that a replica that finds a number too old finds it first, before it has executed any other of the message.
    ops.sort((a, b) => a.sequence - b.sequence);
    return { kind: 'write', ops, session };
  }

  #takeReads(queue: LaneQueue, budget: Budget): AttemptWork | undefined {
    const first = queue.peek();
    if (first === undefined) return undefined;
    if (first.kind === 'scan') {
      budget.count--;
      budget.bytes -= first.bytes;
      const ops = queue.takeWhile((op) => op === first) as PendingScan[];
      return { kind: 'scan', ops };
    }
    const fitting = Math.max(1, Math.floor(this.#limits.replyBytesMax / queue.itemBytes));
    const countMax = buggify('client/read-one') ? 1 : Math.min(queue.messageCountMax, fitting);
    let messageBytes = 0;
    let count = 0;
    const ops = queue.takeWhile((op) => {
      if (op.kind !== 'read' || budget.count <= 0 || count >= countMax) return false;
      if (count > 0 && messageBytes + op.bytes > this.#limits.messageBytesMax) return false;
      count++;
      messageBytes += op.bytes;
      budget.count--;
      budget.bytes -= op.bytes;
      return true;
    }) as PendingRead[];
    return { kind: 'read', ops };
  }

  #attempt(context: Turn, queue: LaneQueue, target: Target, work: AttemptWork, batch: Batch | undefined): Attempt {
    const { attemptTimeoutMs, attemptTimeoutMaxMs } = this.#limits;
    const tries = work.ops[0]?.attemptCount ?? queue.failures;
    const firstMs = tries === 0 && buggify('client/short-attempt') ? attemptTimeoutMs / 16 : attemptTimeoutMs;
    const timeoutMs = Math.min(attemptTimeoutMaxMs, firstMs * 2 ** Math.min(tries, 16));
    const request = this.#outbox.nextRequest();
    const attempt: Attempt = {
      request,
      work,
      lane: queue.lane,
      queue,
      target,
      dueBucket: 0,
      batch,
      waiting: true,
      open: work.ops.length,
    };
    attempt.dueBucket = this.#attemptTimes.add(attempt, context.nowMs + timeoutMs);
    this.#attempts.set(request, attempt);
    queue.attempts.add(attempt);
    return attempt;
  }

  #post(context: Turn, attempt: Attempt, message: ClientRequest): void {
    const { host, worker } = attempt.target;
    context.send({ host, worker, actor: replicaActor(attempt.lane.partition) }, message);
  }

  #messageOf(attempt: Attempt): ClientRequest {
    const { request, work, lane, queue } = attempt;
    const partition = lane.partition;
    switch (work.kind) {
      case 'write': {
        const ops = work.ops.map(({ request: { operation, key, value, ifVersion }, sequence }) => ({
          sequence,
          operation,
          key,
          value,
          ifVersion,
        }));
        const { number: session, answeredThrough } = work.session;
        return { kind: 'write', request, partition, session, answeredThrough, ops };
      }
      case 'read': {
        const keys = work.ops.map((op) => op.request.key);
        return { kind: 'read', request, partition, consistency: queue.consistency, mark: lane.mark, keys };
      }
      case 'scan': {
        const [op] = work.ops;
        assert(op !== undefined && work.ops.length === 1, 'a scan goes in a message of its own');
        const { start, end, reverse, limit, bytesMax, consistency } = op.request;
        return { kind: 'scan', request, partition, consistency, mark: lane.mark, start, end, reverse, limit, bytesMax };
      }
      case 'open-session':
        return { kind: 'open-session', request, partition };
      default:
        return unreachable(work);
    }
  }

  // --- ends of attempts -----------------------------------------------------------------------------------------------

  #stopWaiting(attempt: Attempt): void {
    assert(attempt.waiting, 'an attempt stops waiting once');
    attempt.waiting = false;
    attempt.queue.attempts.delete(attempt);
    this.#attemptTimes.remove(attempt, attempt.dueBucket);
    this.#dirtyQueues.add(attempt.queue);
    if (attempt.batch === undefined) return;
    if (attempt.batch.release()) {
      this.#slowTimes.remove(attempt.batch, attempt.batch.slowBucket);
      this.#dirtyPaces.add(attempt.batch.pace);
    }
  }

  /** Goes on without the answer, to which we still listen. */
  #giveUp(attempt: Attempt): void {
    this.#stopWaiting(attempt);
    if (attempt.work.kind === 'open-session') {
      this.#attempts.delete(attempt.request);
      const { session } = attempt.lane;
      if (session.kind === 'opening' && session.attempt === attempt) attempt.lane.session = { kind: 'none' };
      return;
    }
    this.#sendAgain(attempt, true);
  }

  /** Puts the attempt's operations back into their queue. */
  #sendAgain(attempt: Attempt, keepListening: boolean): void {
    const again: Pending[] = [];
    for (const op of attempt.work.ops) {
      if (op.settled || op.attempt !== attempt) continue;
      op.attempt = undefined;
      if (keepListening) (op.earlier ??= []).push(attempt);
      if (op.kind === 'write' && !this.#leaveDeadSession(op)) continue;
      again.push(op);
    }
    attempt.queue.pushAgain(again);
    this.#dirtyQueues.add(attempt.queue);
  }

  // --- replies --------------------------------------------------------------------------------------------------------

  onReply(context: Turn, message: ClientReply, from: Address): void {
    const attempt = this.#attempts.get(message.request);
    if (attempt === undefined) return; // T2: nobody waits for it any more
    if (attempt.lane.partition !== message.partition) return;
    if (attempt.target.host !== from.host) return;
    if (!attempt.waiting) {
      if (buggify('client/ignore-late-answer')) return;
      sometimes('client/late-answer-used');
    }
    switch (message.kind) {
      case 'session-opened':
        return this.#onSessionOpened(attempt, message);
      case 'written':
        return this.#onWritten(attempt, message);
      case 'read-done':
        return this.#onReadDone(attempt, message);
      case 'scan-done':
        return this.#onScanDone(attempt, message);
      case 'refused':
        return this.#onRefused(context, attempt, message.reason, message.detail);
      default:
        return unreachable(message);
    }
  }

  #finish(attempt: Attempt): void {
    if (attempt.waiting) this.#stopWaiting(attempt);
    this.#attempts.delete(attempt.request);
  }

  #onSessionOpened(attempt: Attempt, message: Of<'session-opened'>): void {
    if (attempt.work.kind !== 'open-session') return;
    const { lane, queue } = attempt;
    this.#finish(attempt);
    const windowMax = buggify('client/narrow-window') ? 1 : undefined;
    lane.openSession(new Session(message.session, attempt.work.lineage, windowMax));
    this.#succeeded(queue);
  }

  #onWritten(attempt: Attempt, message: Of<'written'>): void {
    if (attempt.work.kind !== 'write') return;
    const { ops } = attempt.work;
    const isInOrder = message.results.every((result, i) => result.sequence === ops[i]?.sequence);
    if (message.results.length !== ops.length || !isInOrder) return; // not an answer to this
    this.#finish(attempt);
    this.#succeeded(attempt.queue);
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i] as PendingWrite;
      const result = message.results[i] as WriteResult;
      attempt.lane.saw({ lineage: message.lineage, offset: result.offset + 1 });
      if (op.settled) continue;
      const { lineage, epoch, durability, replicas, partition } = message;
      const { status, version, value, offset } = result;
      this.#settle(op, {
        kind: 'written',
        id: op.request.id,
        status,
        version,
        value,
        partition,
        lineage,
        epoch,
        offset,
        durability,
        replicas,
      });
    }
  }

  #onReadDone(attempt: Attempt, message: Of<'read-done'>): void {
    if (attempt.work.kind !== 'read') return;
    const { ops } = attempt.work;
    if (message.items.length !== ops.length) return;
    this.#finish(attempt);
    this.#succeeded(attempt.queue);
    attempt.lane.saw(message.mark);
    attempt.queue.noteItems(message.items);
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i] as PendingRead;
      if (op.settled) continue;
      this.#settle(op, {
        kind: 'read',
        id: op.request.id,
        partition: message.partition,
        item: message.items[i],
      });
    }
  }

  #onScanDone(attempt: Attempt, message: Of<'scan-done'>): void {
    if (attempt.work.kind !== 'scan') return;
    this.#finish(attempt);
    this.#succeeded(attempt.queue);
    attempt.lane.saw(message.mark);
    const { items, more, partition } = message;
    for (const op of attempt.work.ops)
      if (!op.settled) this.#settle(op, { kind: 'scanned', id: op.request.id, partition, items, more });
  }

  #onRefused(context: Turn, attempt: Attempt, reason: Refusal, detail: string): void {
    const { work, queue, lane, waiting } = attempt;
    this.#finish(attempt);
    if (work.kind === 'open-session' && lane.session.kind === 'opening' && lane.session.attempt === attempt)
      lane.session = { kind: 'none' };
    // Everything but `outcome-unknown` says that this message had no effect and never will (O1).
    if (work.kind === 'write' && reason !== 'outcome-unknown')
      for (const op of work.ops) if (!op.settled) op.unresolved--;
    if (reason === 'session-stale' && work.kind === 'write') {
      sometimes('client/session-stale');
      this.#endSession(lane, work.session);
    }
    if (reason === 'not-leader') sometimes('client/redirected');
    if (reason === 'outcome-unknown') sometimes('client/told-unknown');
    if (reason === 'not-leader' && buggify('client/look-at-the-map')) this.#watch.ask(context);
    if (reason === 'invalid') return this.#onInvalid(context, attempt, detail);
    if (reason === 'capacity' && work.kind === 'read' && work.ops.length > 1)
      queue.messageCountMax = Math.max(1, work.ops.length >> 1); // perhaps only the answer was too large
    this.#sendAgain(attempt, false);
    if (waiting && reason !== 'session-stale') this.#setBack(context, queue, troubleOf(reason, detail, attempt));
  }

  /** A message of one operation is to blame itself; of several, each is tried alone. */
  #onInvalid(context: Turn, attempt: Attempt, detail: string): void {
    const { work, queue } = attempt;
    if (work.kind === 'open-session')
      return this.#setBack(context, queue, { code: 'UNAVAILABLE', message: `no session: ${detail}` });
    const mine = work.ops.filter((op) => !op.settled && op.attempt === attempt);
    if (work.ops.length === 1) {
      for (const op of mine) {
        op.attempt = undefined;
        this.#end(op, 'INVALID_ARGUMENT', detail);
      }
      return;
    }
    if (work.kind === 'write') for (const op of work.ops) op.alone = true;
    else queue.messageCountMax = 1;
    this.#sendAgain(attempt, false);
  }
}

function troubleOf(reason: Exclude<Refusal, 'invalid'>, detail: string, attempt: Attempt): Trouble {
  const where = `partition ${attempt.lane.partition} at host ${attempt.target.host}`;
  const why = detail === '' ? '' : `: ${detail}`;
  switch (reason) {
    case 'capacity':
      return { code: 'CAPACITY', message: `${where} is full${why}` };
    case 'not-leader':
      return { code: 'UNAVAILABLE', message: `${where} does not lead${why}` };
    case 'behind':
      return { code: 'UNAVAILABLE', message: `${where} is behind what this client saw${why}` };
    case 'unavailable':
    case 'outcome-unknown':
    case 'session-stale':
      return { code: 'UNAVAILABLE', message: `${where} is not available${why}` };
    default:
      return unreachable(reason);
  }
}

function sizeOf(request: DataRequest): number {
  switch (request.kind) {
    case 'write':
      return operationOverheadBytes + request.key.length + request.value.length;
    case 'read':
      return operationOverheadBytes + request.key.length;
    case 'scan':
      return operationOverheadBytes + request.start.length + request.end.length;
    default:
      return unreachable(request);
  }
}

function pendingOf(
  request: DataRequest,
  replyTo: Address,
  bytes: number,
  order: number,
  schedule: (op: Pending) => number,
): Pending {
  // A whole literal for each kind, so that objects of a kind have one shape.
  let op: Pending;
  if (request.kind === 'write')
    op = {
      kind: 'write',
      request,
      replyTo,
      order,
      bytes,
      deadlineBucket: 0,
      queue: undefined,
      settled: false,
      attempt: undefined,
      earlier: undefined,
      attemptCount: 0,
      session: undefined,
      sequence: 0,
      unresolved: 0,
      alone: false,
    };
  else if (request.kind === 'read')
    op = {
      kind: 'read',
      request,
      replyTo,
      order,
      bytes,
      deadlineBucket: 0,
      queue: undefined,
      settled: false,
      attempt: undefined,
      earlier: undefined,
      attemptCount: 0,
    };
  else
    op = {
      kind: 'scan',
      request,
      replyTo,
      order,
      bytes,
      deadlineBucket: 0,
      queue: undefined,
      settled: false,
      attempt: undefined,
      earlier: undefined,
      attemptCount: 0,
    };
  op.deadlineBucket = schedule(op);
  return op;
}
