// Waiting for what nobody announces
// =============================================================================

import { machineClock } from './clock.js';

/** Asks every `everyMs` until `done` holds, `forMsMax` at most. @returns whether it does. */
export async function poll(done: () => boolean, everyMs: number, forMsMax: number): Promise<boolean> {
  const endMs = machineClock.monotonicMs() + forMsMax;
  for (;;) {
    if (done()) return true;
    if (machineClock.monotonicMs() >= endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
