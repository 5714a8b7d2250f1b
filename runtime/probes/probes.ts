// Questions that production code asks and only a test answers
// =============================================================================
//
// Three kinds of probe stand in the actors, the journal and the client. In production nobody is installed: each costs one comparison.
//
//   buggify(site)    may something legal but rare be done here? The simulator says yes now and then (sites.ts).
//   sometimes(fact)  the interesting thing really happened: the simulator counts it, and reports facts never reached (facts.ts).
//   planted(bug)     is the run one that must be found out? A known historic bug is put back in (planted-bugs.ts).
//
// Owns:     who answers, for this thread: a simulation is one thread, and installs for the length of a run.
// Does not: draw anything. Every answer comes from the run's seed, so a probe reads no clock and no randomness of its own.
//
// Invariants
//   B1. Without an installed observer every `buggify` and `planted` is false, and `sometimes` does nothing.
//
// Sources: FoundationDB BUGGIFY; Antithesis `sometimes` assertions; CORRECTNESS §3.6, §3.7.

import type { Fact } from './facts.js';
import type { PlantedBug } from './planted-bugs.js';
import type { Site } from './sites.js';

export interface Probes {
  /** Whether to do the rare thing this time. The same question in the same run gets the same answer. */
  buggify(site: Site): boolean;
  sometimes(fact: Fact): void;
  /** The one bug of this run. */
  readonly planted: PlantedBug | undefined;
}

let installed: Probes | undefined;

/** For this thread, until something else is installed. @returns what was installed before, to be put back. */
export function installProbes(probes: Probes | undefined): Probes | undefined {
  const before = installed;
  installed = probes;
  return before;
}

/** Place it where both answers are correct behaviour: a batch of one, a message again, a snapshot now. */
export function buggify(site: Site): boolean {
  return installed !== undefined && installed.buggify(site);
}

export function sometimes(fact: Fact): void {
  if (installed !== undefined) installed.sometimes(fact);
}

/** Place it around the line that upholds a rule: `if (!planted('PB09')) …`. Never two bugs at a time. */
export function planted(bug: PlantedBug): boolean {
  return installed !== undefined && installed.planted === bug;
}
