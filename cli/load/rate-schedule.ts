// When the operations of an open loop are due
// =============================================================================
//
// One every 1/rate seconds, whatever the answers do. What cannot be begun in time is begun later and timed from when it was due: a slow
// server cannot hide behind a generator that waits for it (coordinated omission).
//
// Invariants
//   R1. Operation n is due n/rate seconds after the start; no operation is skipped, none is given twice.
//
// Sources: Tene, "How not to measure latency", 2013; wrk2.

import { assert } from '../../runtime/std/assert.js';

export class RateSchedule {
  readonly #perSecond: number;
  readonly #startMs: number;
  readonly #endMs: number;
  #taken = 0;

  constructor(perSecond: number, startMs: number, durationMs: number) {
    assert(perSecond > 0, 'R1: a rate is above zero');
    this.#perSecond = perSecond;
    this.#startMs = startMs;
    this.#endMs = startMs + durationMs;
  }

  /** When the next one is due; undefined when there is none any more. */
  get nextMs(): number | undefined {
    const dueMs = this.#startMs + (this.#taken * 1000) / this.#perSecond; // R1
    return dueMs < this.#endMs ? dueMs : undefined;
  }

  /** Takes the next one when it is due. @returns when it was due */
  take(nowMs: number): number | undefined {
    const dueMs = this.nextMs;
    if (dueMs === undefined || dueMs > nowMs) return undefined;
    this.#taken++;
    return dueMs;
  }

  /** How many were due by then and have not been taken. */
  behind(nowMs: number): number {
    const until = Math.min(nowMs, this.#endMs) - this.#startMs;
    return Math.max(0, Math.ceil((until * this.#perSecond) / 1000) - this.#taken);
  }
}
