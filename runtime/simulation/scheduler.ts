// The event queue of the simulated world, and its virtual time
// =============================================================================
//
// Everything that will happen is an event in one heap. Taking the next one moves the virtual clock to its time, so
// that idle hours cost nothing.
//
// Invariants
//   Q1. Events fire in the order of (due time, tie, sequence). The tie is drawn from the seed when the event is
//       scheduled: events due at the same instant fire in any order, but in the same one in every run of the seed.
//   Q2. Virtual time never goes back; what is scheduled in the past is due now.
//
// Sources: FoundationDB Sim2 (one queue, the clock jumps); CORRECTNESS §3.1.

import { assert } from '../std/assert.js';
import { Heap } from '../std/heap.js';
import type { Random } from '../std/random.js';

/** Something that happens at a time. An event object is in the queue at most once at a time. */
export abstract class SimulatedEvent {
  /** Set by the scheduler. */
  atMs = 0;
  tie = 0;
  sequence = 0;
  queued = false;
  /** A cancelled event is skipped when its time comes. */
  cancelled = false;

  abstract fire(): void;
}

class Call extends SimulatedEvent {
  readonly #action: () => void;

  constructor(action: () => void) {
    super();
    this.#action = action;
  }

  fire(): void {
    this.#action();
  }
}

export class Scheduler {
  readonly #random: Random;
  readonly #heap = new Heap<SimulatedEvent>((a, b) =>
    a.atMs !== b.atMs ? a.atMs < b.atMs : a.tie !== b.tie ? a.tie < b.tie : a.sequence < b.sequence,
  );
  #nowMs = 0;
  #sequence = 0;
  #fired = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Virtual milliseconds since the world began, with fraction. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events fired so far. */
  get eventCount(): number {
    return this.#fired;
  }

  get queuedCount(): number {
    return this.#heap.size;
  }

  /** When the next event is due; undefined when nothing will ever happen. */
  nextMs(): number | undefined {
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
      if (!first.cancelled) return first.atMs;
      this.#heap.pop();
      first.queued = false;
    }
    return undefined;
  }

  at(atMs: number, event: SimulatedEvent): void {
    assert(!event.queued, 'an event is in the queue at most once');
    event.atMs = atMs > this.#nowMs ? atMs : this.#nowMs; // Q2
    event.tie = this.#random.u32();
    event.sequence = this.#sequence++;
    event.queued = true;
    event.cancelled = false;
    this.#heap.push(event);
  }

  after(delayMs: number, event: SimulatedEvent): void {
    this.at(this.#nowMs + delayMs, event);
  }

  /** For scripts and faults; what happens often is a class of its own. Set `cancelled` on what it gives to call it off. */
  call(delayMs: number, action: () => void): SimulatedEvent {
    const event = new Call(action);
    this.after(delayMs, event);
    return event;
  }

  /**
   * As `call`, at a time, before all else that is due then, and without drawing a tie: what is called so does not shift what others draw, so a
   * run with an episode less stays as it was until that episode would have begun.
   * @param rank among such calls of one instant, less comes first; equal ranks keep the order in which they were made.
   */
  callFirst(atMs: number, action: () => void, rank: 0 | 1 | 2 = 1): SimulatedEvent {
    const event = new Call(action);
    event.atMs = atMs > this.#nowMs ? atMs : this.#nowMs; // Q2
    event.tie = rank - 3;
    event.sequence = this.#sequence++;
    event.queued = true;
    this.#heap.push(event);
    return event;
  }

  /** Fires the next event. @returns false when there is none. */
  step(): boolean {
    return this.stepUntil(Infinity);
  }

  /** Fires the next event that is due by then. @returns false when there is none. */
  stepUntil(untilMs: number): boolean {
    for (let event = this.#heap.peek(); event !== undefined; event = this.#heap.peek()) {
      if (event.atMs > untilMs && !event.cancelled) return false;
      this.#heap.pop();
      event.queued = false;
      if (event.cancelled) continue;
      this.#nowMs = event.atMs;
      this.#fired++;
      event.fire();
      return true;
    }
    return false;
  }

  /** Moves the clock on to `atMs` when nothing is due before. */
  advanceTo(atMs: number): void {
    const next = this.nextMs();
    assert(next === undefined || next >= atMs, 'Q2: time does not pass over an event');
    if (atMs > this.#nowMs) this.#nowMs = atMs;
  }
}
