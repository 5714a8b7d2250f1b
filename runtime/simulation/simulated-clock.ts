// The clocks of a simulated host
// =============================================================================
//
// The monotonic clock runs at its own rate and stands still while the machine is suspended; the boot clock counts
// suspends; the wall clock is true time plus whatever an operator or NTP did to it.
//
// Invariants
//   V1. The monotonic clock never goes back, whatever is done to rate, wall clock or machine; only a reboot begins it anew.
//   V2. `virtualAt(m)` is a virtual time at which the monotonic clock shows at least m: a timer that fires is due.

import type { Clock } from '../contract/clock.js';
import { assert } from '../std/assert.js';
import type { Scheduler } from './scheduler.js';

/** 2026-01-01T00:00:00Z: where wall clocks begin. */
export const wallOriginMs = 1_767_225_600_000;

export class SimulatedClock {
  /** How often the machine started anew. */
  bootCount = 0;
  readonly #scheduler: Scheduler;
  #anchorMs: number;
  #monotonicMs: number;
  #rate: number;
  #suspendedMs = 0;
  #wallOffsetMs = 0;

  /** @param rate monotonic milliseconds per virtual millisecond, near 1. */
  constructor(scheduler: Scheduler, monotonicMs: number, rate: number) {
    assert(rate > 0, 'a clock runs forward');
    this.#scheduler = scheduler;
    this.#anchorMs = scheduler.nowMs;
    this.#monotonicMs = monotonicMs;
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  monotonicAt(virtualMs: number): number {
    // While suspended the anchor lies ahead, and the clock stands still until then.
    return virtualMs <= this.#anchorMs
      ? this.#monotonicMs
      : this.#monotonicMs + (virtualMs - this.#anchorMs) * this.#rate;
  }

  wallAt(virtualMs: number): number {
    return wallOriginMs + virtualMs + this.#wallOffsetMs;
  }

  bootAt(virtualMs: number): number {
    return this.monotonicAt(virtualMs) + this.#suspendedMs;
  }

  virtualAt(monotonicMs: number): number {
    const nowMs = this.#scheduler.nowMs;
    if (monotonicMs <= this.monotonicAt(nowMs)) return nowMs;
    let virtualMs = this.#anchorMs + (monotonicMs - this.#monotonicMs) / this.#rate;
    while (this.monotonicAt(virtualMs) < monotonicMs) virtualMs += 1e-6; // V2: rounding
    return virtualMs;
  }

  setRate(rate: number): void {
    assert(rate > 0, 'V1: a clock runs forward');
    this.#reanchor();
    this.#rate = rate;
  }

  /** The machine sleeps from now on for `durationMs`. Its workers must be paused for as long. */
  suspend(durationMs: number): void {
    assert(durationMs >= 0, 'V1: a suspend takes time');
    this.#reanchor();
    this.#anchorMs = Math.max(this.#anchorMs, this.#scheduler.nowMs) + durationMs;
    this.#suspendedMs += durationMs;
  }

  /** Ends a suspend early. */
  wake(): void {
    const aheadMs = this.#anchorMs - this.#scheduler.nowMs;
    if (aheadMs <= 0) return;
    this.#suspendedMs -= aheadMs;
    this.#anchorMs = this.#scheduler.nowMs;
  }

  /** Moves the wall clock by `byMs`, forth or back. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** The machine started anew. */
  reboot(monotonicMs: number): void {
    this.bootCount++;
    this.#anchorMs = this.#scheduler.nowMs;
    this.#monotonicMs = monotonicMs;
    this.#suspendedMs = 0;
  }

  #reanchor(): void {
    const nowMs = this.#scheduler.nowMs;
    if (nowMs <= this.#anchorMs) return;
    this.#monotonicMs = this.monotonicAt(nowMs);
    this.#anchorMs = nowMs;
  }
}

/**
 * What one worker sees of its host's clock. A thread that stalls in the middle of a turn (garbage collection, a stolen CPU) finds the
 * clock further on at its next look, while the world outside has not moved yet: `aheadMs` is how far.
 */
export class WorkerClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #clock: SimulatedClock;
  /** How far this worker's present run has got beyond the world's time. */
  aheadMs = 0;
  /** Asked at each look at the monotonic clock during a run: for how long does the thread stall just before it? */
  stallMs: (() => number) | undefined;
  /** What was last shown, and in which life of the machine: a machine that is put to sleep while a thread was ahead must not set it back. */
  #shownMs = 0;
  #shownBoot = 0;

  constructor(scheduler: Scheduler, clock: SimulatedClock) {
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  monotonicMs(): number {
    if (this.stallMs !== undefined) this.aheadMs += this.stallMs();
    const nowMs = this.#clock.monotonicAt(this.#scheduler.nowMs + this.aheadMs);
    this.#shownMs = this.#shownBoot === this.#clock.bootCount ? Math.max(this.#shownMs, nowMs) : nowMs;
    this.#shownBoot = this.#clock.bootCount;
    return this.#shownMs;
  }

  wallMs(): number {
    return this.#clock.wallAt(this.#scheduler.nowMs + this.aheadMs);
  }

  bootMs(): number {
    return this.#clock.bootAt(this.#scheduler.nowMs + this.aheadMs);
  }
}
