// The way from one node of the simulated network to another, and what is wrong with it
// =============================================================================
//
// All links between the workers of two nodes take the same way; it outlives them. Faults that need more than slowness hang a `Trouble`
// on it, so that a way without any costs one look.

import type { Frame } from './simulated-link.js';

/** What a fault does to the frames on a way. */
export interface Trouble {
  /** Asked when a frame leaves. @returns why it is lost; undefined when it is not. */
  readonly leaves?: (frame: Frame) => string | undefined;
  /** @returns when the frame arrives, which is not before `arrivalMs`. */
  readonly arrivesAtMs?: (frame: Frame, arrivalMs: number) => number;
  /** Told when the frame is being taken in. */
  readonly arrives?: (frame: Frame) => void;
}

export interface Way {
  /** Both ends are sheltered: no fault touches it (`SimulatedNetwork.protect`). */
  sheltered: boolean;
  /** Multiplies every delay: an asymmetric slow way. */
  slowness: number;
  /** Nothing arrives before; then everything does. */
  cloggedUntilMs: number;
  readonly troubles: Set<Trouble>;
}

export function soundWay(sheltered: boolean): Way {
  return { sheltered, slowness: 1, cloggedUntilMs: 0, troubles: new Set() };
}

export function mend(way: Way): void {
  way.slowness = 1;
  way.cloggedUntilMs = 0;
  way.troubles.clear();
}

/** Why the frame is lost on its way; undefined when it is not. */
export function lossOn(way: Way, frame: Frame): string | undefined {
  for (const trouble of way.troubles) {
    const why = trouble.leaves?.(frame);
    if (why !== undefined) return why;
  }
  return undefined;
}

export function delayedOn(way: Way, frame: Frame, arrivalMs: number): number {
  let lateMs = arrivalMs;
  for (const trouble of way.troubles) lateMs = Math.max(lateMs, trouble.arrivesAtMs?.(frame, lateMs) ?? lateMs);
  return lateMs;
}
