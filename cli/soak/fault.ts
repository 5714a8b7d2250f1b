// A fault of a soak
// =============================================================================
//
// It begins, lasts and is over when it returns; what it changed for good (a killed process, a damaged file) the mesh must mend by itself.

import type { Random } from '../../runtime/std/random.js';
import type { SoakMesh } from './soak-mesh.js';

export interface FaultSite {
  readonly mesh: SoakMesh;
  readonly random: Random;
  /** Ends early, without a word, when the soak is interrupted. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** `disk`: it costs a replica. `storage`: a disk is of no use for a while, and loses nothing. */
  readonly kind: 'process' | 'nats' | 'network' | 'storage' | 'disk';
  /** @returns what was done to whom, a few words */
  readonly run: (site: FaultSite) => Promise<string>;
}

/** 0.1–10 s, short ones more often; a lease is over after some of them. */
export function lasting(random: Random): number {
  return Math.round(100 * 100 ** random.fraction());
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
