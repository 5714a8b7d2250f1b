// The load: the same loop for every peer
// =============================================================================
//
// A slot asks, waits for the answer, looks at it, and asks again; there are as many slots as operations may be under way. In a closed loop a slot is
// always busy. In an open loop operations are due at a fixed rate, and each is timed from when it was due: slots are begun for what is due, take the
// next one that is due when they have an answer, and end when nothing is. The timer that looks for what is due has a millisecond's grain, for every
// peer alike.
//
// Nothing is allocated for an operation here, beyond what awaiting the driver's promise takes.

import { RateSchedule } from '../../cli/load/rate-schedule.js';
import type { KeySpace } from './key-space.js';
import type { Meter } from './meter.js';
import { type OperationFeed, operations } from './operation-feed.js';
import type { Driver } from './peer.js';

const get = operations.indexOf('get');
const insert = operations.indexOf('insert');
const scan = operations.indexOf('scan');
const modify = operations.indexOf('modify');
/** After an error, so that one which comes at once is not asked for without end. */
const errorPauseMs = 10;
const pumpMs = 1;
/** Begun in one turn of the event loop, so that answers are heard meanwhile. */
const burstMax = 64;
/** How long answers are waited for when nothing more is asked. */
const drainMs = 20_000;

class WrongAnswer extends Error {}

export interface LoadParts {
  readonly driver: Driver;
  readonly space: KeySpace;
  readonly feed: OperationFeed;
  readonly meter: Meter;
  readonly outstanding: number;
  /** Whether an item that is missing is an error. */
  readonly isReadCurrent: boolean;
}

export class Load {
  readonly #parts: LoadParts;
  #schedule: RateSchedule | undefined;
  #isOver = false;
  #underWay = 0;
  #drained: (() => void) | undefined;

  constructor(parts: LoadParts) {
    this.#parts = parts;
  }

  /** A closed loop until `stop`. */
  begin(): void {
    for (let i = 0; i < this.#parts.outstanding; i++) void this.#slot();
  }

  /**
   * An open loop from `startMs` on for so long, then everything that was due is asked and waited for, as far as the time for that goes.
   * @returns how many were due and never asked
   */
  async atRate(perSecond: number, startMs: number, durationMs: number): Promise<number> {
    const schedule = new RateSchedule(perSecond, startMs, durationMs);
    this.#schedule = schedule;
    const deadlineMs = startMs + durationMs + drainMs;
    while (schedule.nextMs !== undefined && !this.#isOver && performance.now() < deadlineMs) {
      let room = Math.min(burstMax, this.#parts.outstanding - this.#underWay);
      while (room-- > 0 && (schedule.nextMs ?? Infinity) <= performance.now()) void this.#slot();
      const isBehind = room < 0 && this.#underWay < this.#parts.outstanding;
      await new Promise((resolve) => (isBehind ? setImmediate(resolve) : setTimeout(resolve, pumpMs)));
    }
    const missed = schedule.behind(performance.now());
    await this.stop();
    return missed;
  }

  /** Asks nothing more and waits for what is under way; what does not come is an error. */
  async stop(): Promise<void> {
    this.#isOver = true;
    if (this.#underWay === 0) return;
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      late = setTimeout(resolve, drainMs);
    });
    clearTimeout(late);
    for (let i = 0; i < this.#underWay; i++) this.#parts.meter.fail(new Error('no answer'));
  }

  /** When the operation that is to be asked now began: now, or when it was due. Negative: there is none. */
  #take(nowMs: number): number {
    if (this.#isOver) return -1;
    return this.#schedule === undefined ? nowMs : (this.#schedule.take(nowMs) ?? -1);
  }

  async #slot(): Promise<void> {
    const { driver, space, feed, meter } = this.#parts;
    this.#underWay++;
    let nowMs = performance.now();
    for (;;) {
      const startMs = this.#take(nowMs);
      if (startMs < 0) break;
      const kind = feed.take();
      const { key } = feed;
      try {
        if (kind === get || kind === modify) this.#check(key, await driver.get(space.name(key)));
        else if (kind === scan) await this.#scan(key, feed.scanLength());
        if (kind !== get && kind !== scan) await driver.put(space.name(key), space.value(key));
        if (kind === insert) feed.inserted(key);
        nowMs = performance.now();
        meter.note(kind, startMs, nowMs);
      } catch (error) {
        meter.fail(error);
        await new Promise((resolve) => setTimeout(resolve, errorPauseMs));
        nowMs = performance.now();
      }
    }
    if (--this.#underWay === 0) this.#drained?.();
  }

  #check(key: number, value: string | null | undefined): void {
    const { space, meter, isReadCurrent } = this.#parts;
    if (value === space.value(key)) return;
    if (value !== undefined && value !== null) throw new WrongAnswer(`another value: ${value.slice(0, 32)}…`);
    if (isReadCurrent) throw new WrongAnswer('an item that was acknowledged is missing');
    meter.noteStale(performance.now());
  }

  async #scan(start: number, count: number): Promise<void> {
    const { driver, space } = this.#parts;
    if (driver.scan === undefined) throw new Error('there is no scan here');
    const values = await driver.scan(space.name(start), count);
    if (values.length !== count) throw new WrongAnswer(`a scan of ${count} gave ${values.length}`);
    for (let i = 0; i < count; i++)
      if (values[i] !== space.value(start + i)) throw new WrongAnswer('a scan gave another item');
  }
}
