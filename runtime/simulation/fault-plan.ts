// Which faults a run has, and how hard
// =============================================================================
//
// Swarm testing: each seed enables a random subset of the faults with random weights, so that some runs meet one fault in the
// extreme and others many at once. A plan is plain data: it can be printed with a failure, edited and run again.
//
// Sources: Groce et al., "Swarm Testing"; TigerBeetle VOPR options; CORRECTNESS §3.2, §3.3.

import type { Random } from '../std/random.js';
import type { NetworkOptions } from './simulated-network.js';

/** What is injected in episodes; each has a beginning and, but for the momentary ones, an end. */
export const faultKinds = [
  'partition',
  'one-way',
  'isolate',
  'clog',
  'slow-link',
  'drop-kind',
  'broker-down',
  'host-kill',
  'host-power-loss',
  'all-hosts-kill',
  'worker-kill',
  'host-pause',
  'worker-pause',
  'suspend',
  'stalls',
  'disk-slow',
  'disk-hang',
  'clock-drift',
  'wall-jump',
  'sync-error',
  'bit-rot',
] as const;

/** A host that met one of these may have lost what it had acknowledged: the protocols survive only so many at a time (§2.0). */
export const lossyFaultKinds: readonly (typeof faultKinds)[number][] = ['sync-error', 'bit-rot'];

export type FaultKind = (typeof faultKinds)[number];

export interface FaultPlan {
  /** In force for all of the safety phase. */
  readonly network: Partial<NetworkOptions>;
  /** Mean time between two episodes of a kind, ms; absent kinds do not happen. */
  readonly everyMs: Readonly<Partial<Record<FaultKind, number>>>;
  /** Mean and bound of how long an episode lasts. */
  readonly lastsMeanMs: number;
  readonly lastsMaxMs: number;
  /** Hosts that may be down by injected kills at one time; all-hosts-kill is not bound by it. */
  readonly downCountMax: number;
  /** Clock rates stay within 1 ± this (CORRECTNESS §2.0: 1e-3). */
  readonly driftMax: number;
}

export const noFaults: FaultPlan = {
  network: {},
  everyMs: {},
  lastsMeanMs: 1000,
  lastsMaxMs: 5000,
  downCountMax: 0,
  driftMax: 0,
};

/** How the swarm is drawn. */
export interface SwarmBounds {
  /** Only these may happen; all but the lossy ones when absent. */
  readonly kinds?: readonly FaultKind[];
  readonly downCountMax: number;
  readonly lossMax?: number;
  /** Shortest mean time between episodes of one kind. */
  readonly everyMinMs?: number;
  readonly lastsMeanMs?: number;
}

/** Each fault is enabled with probability one half; how often it comes is drawn over one and a half orders of magnitude. */
export function swarmPlan(random: Random, bounds: SwarmBounds): FaultPlan {
  const everyMinMs = bounds.everyMinMs ?? 1000;
  const everyMs: Partial<Record<FaultKind, number>> = {};
  for (const kind of bounds.kinds ?? faultKinds.filter((any) => !lossyFaultKinds.includes(any))) {
    const draw = random.split(kind);
    if (draw.chance(0.5)) everyMs[kind] = Math.round(everyMinMs * 30 ** draw.fraction());
  }
  const network = random.split('network');
  const maybe = (max: number): number => (network.chance(0.5) ? max * network.fraction() ** 2 : 0);
  return {
    network: {
      delayMeanMs: network.pick([0.2, 0.5, 2, 10]),
      delayMaxMs: network.pick([20, 100, 500]),
      lossProbability: maybe(bounds.lossMax ?? 0.2),
      duplicateProbability: maybe(0.2),
      reorderProbability: maybe(0.2),
      reorderMs: network.pick([1, 10, 100]),
      frameMessageCountMax: network.pick([1, 4, 64]),
      reconnectBufferProbability: network.pick([0, 0.5, 1]),
    },
    everyMs,
    lastsMeanMs: bounds.lastsMeanMs ?? random.pick([200, 1000, 3000]),
    lastsMaxMs: (bounds.lastsMeanMs ?? 2000) * 5,
    downCountMax: bounds.downCountMax,
    driftMax: 1e-3,
  };
}
