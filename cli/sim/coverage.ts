// What all runs of a batch have covered, added up
// =============================================================================
//
// Of each fault, site and fact: in how many seeds it occurred, and how often. Bounded by the number of names, however many runs there are.

import { type Fact, facts } from '../../runtime/probes/facts.js';
import { type Site, sites } from '../../runtime/probes/sites.js';
import {
  type CountedFault,
  countedFaults,
  faultTypes,
  isFaultKind,
} from '../../runtime/simulation/faults/catalogue.js';
import type { RunReport } from './run-seed.js';

export interface Covered {
  readonly seeds: number;
  readonly times: number;
  /** Of a fault: how often it changed what happened. An episode may strike nothing, or many frames. */
  readonly effects?: number;
}

type Table = Readonly<Record<string, Covered>>;

/** Plain data: part of the contract of `troupe sim -o json`. */
export interface CoverageReport {
  readonly faults: Table;
  readonly sites: Table;
  readonly facts: Table;
  readonly seen: Table;
  readonly never: {
    readonly faults: readonly CountedFault[];
    readonly sites: readonly Site[];
    readonly facts: readonly Fact[];
  };
}

/** What loses data without a word strikes only when it is asked for by name. */
const drawnFaults = countedFaults.filter((name) => !isFaultKind(name) || faultTypes[name].loses !== 'silent');

class Tally {
  readonly #counts = new Map<string, { seeds: number; times: number; effects?: number }>();

  add(counts: Readonly<Partial<Record<string, number>>>): void {
    for (const [name, times] of Object.entries(counts)) {
      if (times === undefined || times === 0) continue;
      const known = this.#counts.get(name);
      if (known === undefined) this.#counts.set(name, { seeds: 1, times });
      else {
        known.seeds++;
        known.times += times;
      }
    }
  }

  /** Of what was counted already. */
  addEffects(counts: Readonly<Partial<Record<string, number>>>): void {
    for (const [name, known] of this.#counts) known.effects = (known.effects ?? 0) + (counts[name] ?? 0);
  }

  /** By name. */
  table(): Table {
    return Object.fromEntries(
      [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, counts]) => [name, { ...counts }]),
    );
  }

  never<N extends string>(names: readonly N[]): N[] {
    return names.filter((name) => !this.#counts.has(name));
  }
}

export class Coverage {
  readonly #faults = new Tally();
  readonly #sites = new Tally();
  readonly #facts = new Tally();
  readonly #seen = new Tally();

  add(report: RunReport): void {
    this.#faults.add(report.faults);
    this.#faults.addEffects(report.effects);
    this.#sites.add(report.sites);
    this.#facts.add(report.facts);
    this.#seen.add(report.seen);
  }

  report(): CoverageReport {
    return {
      faults: this.#faults.table(),
      sites: this.#sites.table(),
      facts: this.#facts.table(),
      seen: this.#seen.table(),
      never: {
        faults: this.#faults.never(drawnFaults),
        sites: this.#sites.never(Object.keys(sites) as Site[]),
        facts: this.#facts.never(Object.keys(facts) as Fact[]),
      },
    };
  }
}
