import { expect } from 'chai';

import { cellBusySinceMs, workerCell } from '../../../runtime/contract/cells.js';
import type { Clock } from '../../../runtime/contract/clock.js';
import { SharedCells } from '../../../runtime/threads/shared-cells.js';
import { markAbsent, StallWatch, stalledWorkers, tick } from '../../../runtime/threads/stall-watch.js';

class SetClock implements Clock {
  nowMs = 1000;
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  bootMs(): number {
    return this.nowMs;
  }
}

describe('runtime/threads: the stall watch (L6)', () => {
  const workers = 3;
  let clock: SetClock;
  let cells: SharedCells;
  let watch: StallWatch;

  beforeEach(() => {
    clock = new SetClock();
    cells = new SharedCells();
    watch = new StallWatch(cells, clock, workers);
  });

  /** Time passes in steps; main checks at each, and those workers tick that can. */
  function pass(ms: number, ticking: readonly number[]): void {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.nowMs += 100;
      for (const worker of ticking) tick(cells, worker, clock);
      watch.check();
    }
  }

  it('stall-watch Y1: an idle worker is never reported, nor one that has not started yet', () => {
    pass(5000, [0, 1]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
  });

  it('stall-watch Y1: a run of turns within the limit is none, a longer one is', () => {
    pass(200, [0, 1, 2]);
    cells.store(workerCell(1) + cellBusySinceMs, clock.nowMs);
    pass(400, [0, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
    pass(200, [0, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([1]);
    pass(100, [0, 1, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
  });

  it('a thread that is stuck outside its loop is reported, too', () => {
    pass(200, [0, 1, 2]);
    pass(800, [0, 1]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([2]);
    pass(100, [0, 1, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
  });

  it('a worker without a thread is reported until its successor ticks', () => {
    pass(200, [0, 1, 2]);
    markAbsent(cells, 0, clock);
    pass(600, [1, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([0]);
    pass(100, [0, 1, 2]);
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
  });

  it('stall-watch Y2: after a pause of the whole process nobody is accused', () => {
    pass(200, [0, 1, 2]);
    clock.nowMs += 60_000;
    watch.check();
    expect(stalledWorkers(cells, workers, clock.nowMs)).deep.equals([]);
  });
});
