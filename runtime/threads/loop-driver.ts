// What makes an ActorLoop go in a real thread
// =============================================================================
//
// Runs the loop soon after something arrived and when a timer is due, and lets Node's event loop breathe in between.
//
// Why `setImmediate` and not a microtask: a microtask would run after each single callback (Node empties the queue between two
// messages of one port, and between two file completions), so that every message got its own journal write and its own publish. The
// check phase comes right after polling, so an idle thread pays only some microseconds for it, and a busy one gets everything that
// had arrived as one run: one write, one sync, one batch a destination.
//
// Invariants
//   V1. At most one run is scheduled, and at most one timer is armed.
//   V2. A loop that says more is waiting is run again after the event loop has turned, never in place of it.
//   V3. After `stop` the loop is not run any more.

import type { Clock } from '../contract/clock.js';

/** The part of ActorLoop that a driver needs. */
export interface DrivenLoop {
  run(): boolean;
  nextWakeMs(): number | undefined;
}

/** Node's timers overflow beyond this; a longer wait just looks again. */
const timeoutMsMax = 0x7fff_ffff;

export class LoopDriver {
  readonly #clock: Clock;
  #loop: DrivenLoop | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #armedMs = Number.POSITIVE_INFINITY;
  #wanted = false;
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Hand this to the loop as its port `wake`. Before `start` it is remembered. */
  readonly wake = (): void => {
    if (this.#immediate !== undefined || this.#stopped) return; // V1
    if (this.#loop === undefined) {
      this.#wanted = true;
      return;
    }
    this.#immediate = setImmediate(this.#run);
  };

  /** Begins to run `loop`; what woke it before counts. */
  start(loop: DrivenLoop): void {
    this.#loop = loop;
    if (this.#wanted) this.wake();
    this.#arm(loop);
  }

  /** V3 */
  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timeout);
  }

  readonly #run = (): void => {
    this.#immediate = undefined;
    const loop = this.#loop;
    if (this.#stopped || loop === undefined) return; // V3
    if (loop.run()) this.wake(); // V2
    this.#arm(loop);
  };

  /** An armed timer that is early enough is left alone: it costs one empty run, re-arming at each heartbeat costs more. */
  #arm(loop: DrivenLoop): void {
    if (this.#stopped) return;
    const nextMs = loop.nextWakeMs();
    if (nextMs === undefined || nextMs >= this.#armedMs) return;
    clearTimeout(this.#timeout);
    this.#armedMs = nextMs;
    // Rounded up: a timeout that fired early would only find nothing due.
    const delayMs = Math.min(timeoutMsMax, Math.max(1, Math.ceil(nextMs - this.#clock.monotonicMs())));
    this.#timeout = setTimeout(this.#due, delayMs);
  }

  readonly #due = (): void => {
    this.#armedMs = Number.POSITIVE_INFINITY;
    clearImmediate(this.#immediate);
    this.#run();
  };
}

/** Builds a loop around the driver's `wake` and starts it: for whoever needs no pause between the two (a client). */
export function driveLoop<Loop extends DrivenLoop>(
  clock: Clock,
  make: (wake: () => void) => Loop,
): { readonly loop: Loop; readonly driver: LoopDriver } {
  const driver = new LoopDriver(clock);
  const loop = make(driver.wake);
  driver.start(loop);
  return { loop, driver };
}
