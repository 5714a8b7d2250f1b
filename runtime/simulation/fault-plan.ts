// Which faults a run has, and how hard
// =============================================================================
//
// Swarm testing: each seed enables a random subset of the faults with random weights, so that some runs meet one fault in the
// extreme and others many at once. A plan is plain data: it can be printed with a failure, edited and run again.
//
// Sources: Groce et al., "Swarm Testing"; TigerBeetle VOPR options; CORRECTNESS §3.2, §3.3.

import type { Random } from '../std/random.js';
import { type FaultKind, faultKinds, faultTypes } from './faults/catalogue.js';
import type { BudgetOptions } from './faults/fault-budget.js';
import type { FaultNeed } from './faults/fault-type.js';
import type { NetworkOptions } from './simulated-network.js';

export { type FaultKind, faultKinds } from './faults/catalogue.js';

/** Kinds after which a host may miss what it had acknowledged, and knows (`FaultPlan.lossyHosts`). */
export const lossyFaultKinds: readonly FaultKind[] = kindsThat('detected');

/** Kinds after which a host may miss what it had acknowledged, and cannot know (`FaultPlan.forgetfulHosts`). */
export const silentFaultKinds: readonly FaultKind[] = kindsThat('silent');

/** Kinds that lose nothing that was acknowledged. */
export const harmlessFaultKinds: readonly FaultKind[] = kindsThat(undefined);

function kindsThat(loses: 'detected' | 'silent' | undefined): readonly FaultKind[] {
  return faultKinds.filter((kind) => faultTypes[kind].loses === loses);
}

/** Kinds that make sense only in runs of a certain make. */
export function kindsThatNeed(need: FaultNeed): readonly FaultKind[] {
  return faultKinds.filter((kind) => faultTypes[kind].needs?.includes(need) === true);
}

export interface FaultPlan extends BudgetOptions {
  /** In force for all of the safety phase. */
  readonly network: Partial<NetworkOptions>;
  /** Mean time between two episodes of a kind, ms; absent kinds do not happen. */
  readonly everyMs: Readonly<Partial<Record<FaultKind, number>>>;
  /** Mean and bound of how long an episode lasts. */
  readonly lastsMeanMs: number;
  readonly lastsMaxMs: number;
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
export interface SwarmBounds extends Partial<BudgetOptions> {
  /** Only these may happen; when absent, all that lose nothing. */
  readonly kinds?: readonly FaultKind[];
  readonly downCountMax: number;
  readonly lossMax?: number;
  /** Shortest mean time between episodes of one kind. */
  readonly everyMinMs?: number;
  readonly lastsMeanMs?: number;
  /** Chance that a kind is enabled (default one half). */
  readonly enabled?: number;
}

/** Each fault is enabled with a probability; how often it comes is drawn over one and a half orders of magnitude. */
export function swarmPlan(random: Random, bounds: SwarmBounds): FaultPlan {
  const everyMinMs = bounds.everyMinMs ?? 1000;
  const everyMs: Partial<Record<FaultKind, number>> = {};
  for (const kind of bounds.kinds ?? harmlessFaultKinds) {
    const draw = random.split(kind);
    if (draw.chance(bounds.enabled ?? 0.5)) everyMs[kind] = Math.round(everyMinMs * 30 ** draw.fraction());
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
      duplicateLateMs: network.pick([0, 0, 1000, 10_000]),
    },
    everyMs,
    lastsMeanMs: bounds.lastsMeanMs ?? random.pick([200, 1000, 3000]),
    lastsMaxMs: (bounds.lastsMeanMs ?? 2000) * 5,
    downCountMax: bounds.downCountMax,
    driftMax: bounds.driftMax ?? 1e-3,
    ...(bounds.lossyHosts === undefined ? {} : { lossyHosts: bounds.lossyHosts }),
    ...(bounds.forgetfulHosts === undefined ? {} : { forgetfulHosts: bounds.forgetfulHosts }),
    ...(bounds.overBudget === undefined ? {} : { overBudget: bounds.overBudget }),
  };
}
