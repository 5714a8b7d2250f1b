// Whether the machine slept
// =============================================================================
//
// The monotonic clock does not count suspend, so a lease would outlive one unseen. The wall clock and the boot clock do count it: when
// either ran ahead of the monotonic clock, time has passed that no lease knows of. A wall clock that was set forward looks the same, and
// costs one renewal.
//
// Invariants
//   L3. When wall or boot clock outran the monotonic one by more than the tolerance since the last look, the lease is void.

import type { Context } from '../../runtime/contract/actor.js';
import { suspendToleranceMs } from '../metadata/lease-timing.js';

type Clocks = Pick<Context, 'nowMs' | 'wallMs' | 'bootMs'>;

export class SuspendGuard {
  #before: Clocks | undefined;
  /** The most by which the boot clock was seen ahead of the monotonic one. Some systems count it in whole seconds: it jumps, but not beyond that. */
  #bootAheadMs = 0;

  /** True when the machine may have slept since the last look. */
  look(clocks: Clocks): boolean {
    const { nowMs, wallMs, bootMs } = clocks;
    const before = this.#before;
    const bootAheadMs = bootMs - nowMs;
    const bootJumped = before !== undefined && bootAheadMs - this.#bootAheadMs > suspendToleranceMs;
    const wallJumped = before !== undefined && wallMs - before.wallMs - (nowMs - before.nowMs) > suspendToleranceMs;
    this.#bootAheadMs = before === undefined ? bootAheadMs : Math.max(this.#bootAheadMs, bootAheadMs);
    this.#before = { nowMs, wallMs, bootMs };
    return bootJumped || wallJumped;
  }
}
