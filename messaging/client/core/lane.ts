// The way to one partition: what waits for it, its session, its mark
// =============================================================================
//
// A lane has a queue of writes and one of reads for each consistency, since those go to different replicas.
//
// Invariants
//   Q1. A queue gives operations in the order in which they were issued, those to be sent again first among them.
//   Q2. A settled operation is in no queue.

import type { Consistency, Mark, ReadItem } from '../../protocol/client-messages.js';
import { assert } from '../../../runtime/std/assert.js';
import type { Pace } from './pace.js';
import type { Attempt, Pending, Target } from './pending.js';
import type { FailureCode } from './operations.js';
import type { Session } from './session.js';

export type SessionPhase =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening'; readonly attempt: Attempt }
  | { readonly kind: 'open'; readonly session: Session };

export interface Trouble {
  readonly code: FailureCode;
  readonly message: string;
}

export class LaneQueue {
  readonly lane: Lane;
  readonly kind: 'write' | 'read';
  /** Of reads; writes go to the leader like linearizable ones. */
  readonly consistency: Consistency;
  readonly #fresh = new Set<Pending>();
  #again: Pending[] = [];
  /** Messages of this queue that are unanswered. */
  readonly attempts = new Set<Attempt>();
  /** Refusals and silences in a row, and what the last one was. */
  failures = 0;
  trouble: Trouble | undefined;
  notBeforeMs = 0;
  backoffBucket: number | undefined;
  /** How many reads go in one message: doubles with each reply, halves when one does not come or was too much for the replica. */
  messageCountMax: number;
  /** Size of the largest item read lately: what a reply may hold for each key. */
  itemBytes = 1;
  /** The worker in whose line it stands, and the replica there. */
  pace: Pace | undefined;
  target: Target | undefined;

  constructor(lane: Lane, kind: 'write' | 'read', consistency: Consistency, messageCountMax: number) {
    this.lane = lane;
    this.kind = kind;
    this.consistency = consistency;
    this.messageCountMax = messageCountMax;
  }

  noteItems(items: readonly (ReadItem | undefined)[]): void {
    let largest = 1;
    for (const item of items) if (item !== undefined && item.value.length > largest) largest = item.value.length;
    this.itemBytes = Math.max(largest, this.itemBytes * 0.9);
  }

  get size(): number {
    return this.#fresh.size + this.#again.length;
  }

  /** Only a leader can answer it. */
  get needsLeader(): boolean {
    return this.kind === 'write' || this.consistency === 'linearizable' || this.failures > 0;
  }

  push(op: Pending): void {
    this.#fresh.add(op);
  }

  /** Puts operations back, to be sent again. */
  pushAgain(ops: readonly Pending[]): void {
    if (ops.length === 0) return;
    this.#again = [...this.#again, ...ops].sort((a, b) => a.order - b.order); // Q1
  }

  peek(): Pending | undefined {
    const again = this.#again[0];
    if (again !== undefined) return again;
    for (const op of this.#fresh) return op;
    return undefined;
  }

  /** Takes operations from the front while `fits` says so. */
  takeWhile(fits: (op: Pending) => boolean): Pending[] {
    const taken: Pending[] = [];
    let again = 0;
    for (const op of this.#again) {
      if (!fits(op)) break;
      taken.push(op);
      again++;
    }
    const all = again === this.#again.length;
    if (again > 0) this.#again = this.#again.slice(again);
    if (!all) return taken;
    for (const op of this.#fresh) {
      if (!fits(op)) break;
      this.#fresh.delete(op);
      taken.push(op);
    }
    return taken;
  }

  remove(op: Pending): void {
    if (this.#fresh.delete(op)) return; // Q2
    const at = this.#again.indexOf(op);
    if (at >= 0) this.#again.splice(at, 1);
  }

  /** Everything that waits, in order. */
  waiting(): Pending[] {
    return [...this.#again, ...this.#fresh];
  }
}

export class Lane {
  readonly partition: number;
  readonly table: string;
  readonly writes: LaneQueue;
  readonly reads: Readonly<Record<Consistency, LaneQueue>>;
  readonly queues: readonly LaneQueue[];
  session: SessionPhase = { kind: 'none' };
  #mark: Mark = { lineage: 0, offset: 0 };

  constructor(partition: number, table: string, messageCountMax: number) {
    this.partition = partition;
    this.table = table;
    this.writes = new LaneQueue(this, 'write', 'linearizable', messageCountMax);
    this.reads = {
      linearizable: new LaneQueue(this, 'read', 'linearizable', messageCountMax),
      session: new LaneQueue(this, 'read', 'session', messageCountMax),
      stale: new LaneQueue(this, 'read', 'stale', messageCountMax),
    };
    this.queues = [this.writes, this.reads.linearizable, this.reads.session, this.reads.stale];
  }

  /** The newest this client saw of the partition: everything below `offset` of that lineage (L8). */
  get mark(): Mark {
    return this.#mark;
  }

  saw(mark: Mark): void {
    const newer =
      mark.lineage > this.#mark.lineage || (mark.lineage === this.#mark.lineage && mark.offset > this.#mark.offset);
    if (newer) this.#mark = mark;
  }

  /** What was seen of a history that was cut is no measure of the new one: no replica would ever reach it. */
  forgetOlder(lineage: number): void {
    if (this.#mark.lineage < lineage) this.#mark = { lineage, offset: 0 };
  }

  /** The session of that number is no longer known, or not in this history. */
  endSession(session: Session): void {
    session.end();
    if (this.session.kind === 'open' && this.session.session === session) this.session = { kind: 'none' };
  }

  openSession(session: Session): void {
    assert(this.session.kind !== 'open', 'one open session at a time');
    this.session = { kind: 'open', session };
  }
}
