import { expect } from 'chai';

import { machineClock } from '../../../runtime/threads/clock.js';
import { driveLoop, type DrivenLoop, LoopDriver } from '../../../runtime/threads/loop-driver.js';
import { until } from '../../support/until.js';

/** Counts its runs; `more` runs say that more is waiting. */
class CountingLoop implements DrivenLoop {
  runs = 0;
  more = 0;
  nextMs: number | undefined;

  run(): boolean {
    this.runs++;
    if (this.nextMs !== undefined && machineClock.monotonicMs() >= this.nextMs) this.nextMs = undefined;
    return this.more-- > 0;
  }

  nextWakeMs(): number | undefined {
    return this.nextMs;
  }
}

/** After this, everything that was scheduled for the next turn of the event loop has run. */
async function eventLoopTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('runtime/threads: the loop driver', () => {
  it('loop-driver V1: many wakes make one run', async () => {
    const { loop, driver } = driveLoop(machineClock, () => new CountingLoop());
    for (let i = 0; i < 10; i++) driver.wake();
    expect(loop.runs).equals(0);
    await eventLoopTurns(2);
    expect(loop.runs).equals(1);
    driver.stop();
  });

  it('loop-driver V2: a loop with more to do is run again, and others have their turn in between', async () => {
    const { loop, driver } = driveLoop(machineClock, () => new CountingLoop());
    loop.more = 3;
    driver.wake();
    let othersTurns = 0;
    while (loop.runs < 4) {
      await new Promise((resolve) => setImmediate(resolve));
      othersTurns++;
    }
    expect(othersTurns).greaterThanOrEqual(3);
    await eventLoopTurns(2);
    expect(loop.runs).equals(4);
    driver.stop();
  });

  it('loop-driver V3: a stopped loop is not run, neither for what woke it nor for its timer', async () => {
    const { loop, driver } = driveLoop(machineClock, () => new CountingLoop());
    driver.wake();
    driver.stop();
    driver.wake();
    await eventLoopTurns(2);
    expect(loop.runs).equals(0);
  });

  it('remembers a wake that came before it was started', async () => {
    const driver = new LoopDriver(machineClock);
    const loop = new CountingLoop();
    driver.wake();
    driver.start(loop);
    await eventLoopTurns(2);
    expect(loop.runs).equals(1);
    driver.stop();
  });

  it('runs when the loop asked to be woken, with one timer however often the time moves', async () => {
    const { loop, driver } = driveLoop(machineClock, () => new CountingLoop());
    loop.nextMs = machineClock.monotonicMs() + 5000;
    driver.wake();
    await eventLoopTurns(2);
    loop.nextMs = machineClock.monotonicMs() + 3;
    driver.wake();
    await until('the timer has fired', () => loop.nextMs === undefined);
    driver.stop();
  });
});
