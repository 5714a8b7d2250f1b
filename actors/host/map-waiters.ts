// Requests for the map that wait until it changes
// =============================================================================
//
// One per asker: a new request of the same one takes the place of the old. A request waits at most as long as it said, and then is answered
// with whatever there is.
//
// Invariants
//   E1. Every request is answered once, or was replaced by a later one of the same asker.
//   E2. At most `waiterCountMax` wait; one more is answered at once.

import { type Address, formatAddress } from '../../runtime/contract/address.js';

export const waiterCountMax = 4096;
export const mapWaitMsMax = 5000;

export interface MapWaiter {
  readonly from: Address;
  readonly request: number;
  readonly after: number;
  readonly untilMs: number;
}

export class MapWaiters {
  readonly #waiting = new Map<string, MapWaiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /** False when there is no room: answer now (E2). */
  add(waiter: MapWaiter): boolean {
    const key = formatAddress(waiter.from);
    if (!this.#waiting.has(key) && this.#waiting.size >= waiterCountMax) return false;
    this.#waiting.set(key, waiter);
    return true;
  }

  /** Takes those for whom `revision` is news, and those whose time is up. */
  take(revision: number, nowMs: number): MapWaiter[] {
    const taken: MapWaiter[] = [];
    for (const [key, waiter] of this.#waiting) {
      if (waiter.after >= revision && waiter.untilMs > nowMs) continue;
      this.#waiting.delete(key);
      taken.push(waiter);
    }
    return taken;
  }

  /** Takes all. */
  takeAll(): MapWaiter[] {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    return all;
  }

  nextMs(): number | undefined {
    let next: number | undefined;
    for (const { untilMs } of this.#waiting.values()) if (next === undefined || untilMs < next) next = untilMs;
    return next;
  }
}
