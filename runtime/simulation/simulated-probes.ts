// Who answers the probes of one run
// =============================================================================
//
// Each active site has a random stream of its own and a probability of its own, so taking one site out of a run does not change what the
// others are told.
//
// Sources: FoundationDB BUGGIFY (a quarter of the sites is active in a run, each fires by its own probability); CORRECTNESS §3.6.

import { installProbes, type Probes } from '../probes/probes.js';
import type { Fact } from '../probes/facts.js';
import type { PlantedBug } from '../probes/planted-bugs.js';
import { seldomSites, type Site, sites } from '../probes/sites.js';
import type { Random } from '../std/random.js';

/** An active site, and how probably it fires when it is asked. */
export interface ActiveSite {
  readonly site: Site;
  readonly probability: number;
}

const probabilities = [0.01, 0.05, 0.25, 0.9];
const seldomProbabilities = [0.01, 0.03, 0.1];

/** A quarter of all sites; some fire nearly always, some hardly ever. */
export function drawSites(random: Random): ActiveSite[] {
  const active: ActiveSite[] = [];
  for (const site of Object.keys(sites) as Site[]) {
    const draw = random.split(site);
    if (draw.chance(0.25))
      active.push({ site, probability: draw.pick(seldomSites.has(site) ? seldomProbabilities : probabilities) });
  }
  return active;
}

export class SimulatedProbes implements Probes {
  readonly planted: PlantedBug | undefined;
  /** How often each fact was met, and each site fired. */
  readonly facts = new Map<Fact, number>();
  readonly fired = new Map<Site, number>();
  readonly #sites = new Map<Site, { readonly random: Random; readonly probability: number }>();

  constructor(random: Random, active: readonly ActiveSite[], planted: PlantedBug | undefined) {
    this.planted = planted;
    for (const { site, probability } of active) this.#sites.set(site, { random: random.split(site), probability });
  }

  /** The run has to come to rest: what would unsettle it fires no more. */
  settle(): void {
    for (const site of seldomSites) this.#sites.delete(site);
  }

  buggify(site: Site): boolean {
    const active = this.#sites.get(site);
    if (active === undefined || !active.random.chance(active.probability)) return false;
    this.fired.set(site, (this.fired.get(site) ?? 0) + 1);
    return true;
  }

  sometimes(fact: Fact): void {
    this.facts.set(fact, (this.facts.get(fact) ?? 0) + 1);
  }

  /** Does something with these probes installed. */
  during<T>(action: () => T): T {
    const before = installProbes(this);
    try {
      return action();
    } finally {
      installProbes(before);
    }
  }
}
