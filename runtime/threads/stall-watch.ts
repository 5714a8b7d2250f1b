// Which workers are stuck
// =============================================================================
//
// A worker's loop writes when its present run of turns began (`cellBusySinceMs`); whoever reads an old one knows of a stall (L6).
// That misses a thread that is stuck outside its loop (garbage collection, a decoder, recovery) or gone. So each worker also ticks,
// and the main thread, which sees a tick too old, writes `cellBusySinceMs` in the worker's place; the worker's next tick takes it back.
// A heartbeat sent by a busy loop would be a false death (moleculerjs/moleculer#891): nobody here depends on a worker's answer.
//
// Invariants
//   Y1. A worker that is idle, or takes turns shorter than the limit, is never reported.
//   Y2. When the main thread itself was held up, it accuses nobody: everybody may have been (SIGSTOP).

import { type Cells, cellBusySinceMs, cellTickMs, workerCell } from '../contract/cells.js';
import type { Clock } from '../contract/clock.js';

export const stallLimitMs = 500; // L6
export const tickMs = 100;

/** Older than this and the thread is held up: two ticks were missed. */
const tickAgeMsMax = 3 * tickMs;

/** Workers whose present run of turns began more than `limitMs` ago. */
export function stalledWorkers(cells: Cells, workers: number, nowMs: number, limitMs: number = stallLimitMs): number[] {
  const stalled: number[] = [];
  for (let worker = 0; worker < workers; worker++) {
    const sinceMs = cells.load(workerCell(worker) + cellBusySinceMs);
    if (sinceMs > 0 && nowMs - sinceMs > limitMs) stalled.push(worker);
  }
  return stalled;
}

/** The worker's half: call it every `tickMs` from the event loop, outside any turn. */
export function tick(cells: Cells, worker: number, clock: Clock): void {
  const cell = workerCell(worker);
  cells.store(cell + cellTickMs, Math.floor(clock.monotonicMs()));
  cells.store(cell + cellBusySinceMs, 0);
}

/** The worker has no thread any more, or not yet again: stalled from now on, until its next tick. */
export function markAbsent(cells: Cells, worker: number, clock: Clock): void {
  const cell = workerCell(worker);
  cells.store(cell + cellTickMs, 0);
  cells.store(cell + cellBusySinceMs, Math.floor(clock.monotonicMs()));
}

/** The main thread's half: call `check` every `tickMs`. */
export class StallWatch {
  readonly #cells: Cells;
  readonly #clock: Clock;
  readonly #workers: number;
  #lastMs: number;

  constructor(cells: Cells, clock: Clock, workers: number) {
    this.#cells = cells;
    this.#clock = clock;
    this.#workers = workers;
    this.#lastMs = clock.monotonicMs();
  }

  check(): void {
    const nowMs = this.#clock.monotonicMs();
    const late = nowMs - this.#lastMs > tickAgeMsMax;
    this.#lastMs = nowMs;
    if (late) return; // Y2
    for (let worker = 0; worker < this.#workers; worker++) {
      const cell = workerCell(worker);
      const tickedMs = this.#cells.load(cell + cellTickMs);
      if (tickedMs === 0 || nowMs - tickedMs <= tickAgeMsMax) continue; // Y1
      if (this.#cells.load(cell + cellBusySinceMs) === 0) this.#cells.store(cell + cellBusySinceMs, tickedMs);
    }
  }
}
