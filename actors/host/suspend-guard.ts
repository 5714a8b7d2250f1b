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
  #nowMs: number | undefined;
  #wallMs = 0;
  #bootMs = 0;

  /** True when the machine may have slept since the last look. */
  look(clocks: Clocks): boolean {
    const { nowMs, wallMs, bootMs } = clocks;
    const passedMs = this.#nowMs === undefined ? undefined : nowMs - this.#nowMs;
    const slept =
      passedMs !== undefined &&
      (wallMs - this.#wallMs - passedMs > suspendToleranceMs || bootMs - this.#bootMs - passedMs > suspendToleranceMs);
    this.#nowMs = nowMs;
    this.#wallMs = wallMs;
    this.#bootMs = bootMs;
    return slept;
  }
}
