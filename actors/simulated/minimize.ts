// A scenario that fails, made small
// =============================================================================
//
// Passes over what a scenario is made of, each of which keeps only what the failure needs, until a whole round changes nothing or the time is
// up: (1) how long the faults last, by halving; (2) episodes of faults, (3) steps of the script, (4) active sites, all by ddmin; (5) topology,
// load, network, one thing at a time; (6) operations of clients, by ddmin.
//
// Owns:     the order of the passes.
// Does not: run anything (`run` does), or know what is simpler (shrinks.ts, ddmin.ts).
//
// Invariants
//   M3. The result fails with the same violated id as the scenario, in the run whose trial is returned with it.
//   M4. Nothing is run once `goOn` says no.
//
// Sources: CORRECTNESS §3.8; Zeller and Hildebrandt (ddmin).

import { createHash } from 'node:crypto';
import type { FaultEpisode } from '../../runtime/simulation/fault-schedule.js';
import { ddmin } from './ddmin.js';
import type { Scenario } from './scenario.js';
import { shrinks } from './shrinks.js';

/** What a run of a candidate says. */
export interface Trial {
  /** Of its failure; undefined when it was good. */
  readonly violated: string | undefined;
  /** The faults that really began. */
  readonly episodes: readonly FaultEpisode[];
  /** Numbers of the operations that were asked, by client. */
  readonly asked: Readonly<Record<string, readonly number[]>>;
  readonly virtualMs: number;
}

export interface MinimizeOptions {
  readonly run: (scenario: Scenario) => Promise<Trial>;
  /** Asked before each run. */
  readonly goOn: () => boolean;
  /** Told after each pass that made it smaller, and of the steps within long ones. */
  readonly onStep?: (step: Step) => void;
}

export interface Step {
  readonly pass: string;
  readonly runs: number;
  readonly size: ScenarioSize;
}

/** How large a scenario is, in what makes it hard to understand. */
export interface ScenarioSize {
  readonly episodes: number;
  readonly steps: number;
  readonly sites: number;
  readonly operations: number;
  readonly clients: number;
  readonly partitions: number;
  readonly hosts: number;
  readonly virtualMs: number;
}

export interface Minimized {
  readonly scenario: Scenario;
  readonly violated: string;
  readonly before: ScenarioSize;
  readonly after: ScenarioSize;
  readonly runs: number;
  /** The time was not up: a further round would change nothing. */
  readonly complete: boolean;
}

/** @returns undefined when the scenario does not fail. `scenario.schedule` is what really began from then on. */
export async function minimize(scenario: Scenario, options: MinimizeOptions): Promise<Minimized | undefined> {
  const first = await options.run(scenario);
  if (first.violated === undefined) return undefined;
  const search = new Search(scenario, first, first.violated, options);
  const complete = await search.untilNothingChanges();
  return {
    scenario: search.best,
    violated: first.violated,
    before: sizeOf(scenario, first),
    after: sizeOf(search.best, search.trial),
    runs: search.runs,
    complete,
  };
}

export function sizeOf(scenario: Scenario, trial: Trial): ScenarioSize {
  return {
    episodes: trial.episodes.length,
    steps: scenario.script.length,
    sites: scenario.sites.length,
    operations: Object.values(trial.asked).reduce((sum, numbers) => sum + numbers.length, 0),
    clients: scenario.clients,
    partitions: scenario.tables.reduce((sum, { options }) => sum + (options.partitions ?? 1), 0),
    hosts: scenario.hosts,
    virtualMs: Math.round(trial.virtualMs),
  };
}

/** The safety phase is not halved to less than this apart, ms. */
const timeApartMs = 20;
/** Rounds are few in practice: the second finds what the first made possible. */
const roundCountMax = 10;

/** A simpler scenario that fails much later is not simpler. */
function latestMs({ virtualMs }: Trial): number {
  return virtualMs * 1.25 + 500;
}

class Search {
  best: Scenario;
  trial: Trial;
  runs = 1;
  readonly #violated: string;
  readonly #options: MinimizeOptions;
  /** Digests of candidates that did not fail the same way: the last round tries nearly all of them again. */
  readonly #refused = new Set<string>();
  #changes = 0;
  #pass = '';

  constructor(scenario: Scenario, trial: Trial, violated: string, options: MinimizeOptions) {
    this.best = { ...scenario, schedule: trial.episodes };
    this.trial = trial;
    this.#violated = violated;
    this.#options = options;
  }

  /** @returns whether it came to its end by itself */
  async untilNothingChanges(): Promise<boolean> {
    for (let round = 0; round < roundCountMax; round++) {
      const before = this.#changes;
      await this.#round();
      if (!this.#options.goOn()) return false;
      if (this.#changes === before) return true;
    }
    return false;
  }

  async #round(): Promise<void> {
    await this.#shortenTime();
    await this.#thin('episodes', this.best.schedule ?? [], (schedule) => ({ ...this.best, schedule }));
    await this.#thin('steps of the script', this.best.script, (script) => ({ ...this.best, script }));
    await this.#thin('sites', this.best.sites, (sites) => ({ ...this.best, sites }));
    for (const { name, candidates } of shrinks) {
      this.#pass = name;
      while (await this.#takeFirst(candidates(this.best))) if (!this.#options.goOn()) return;
    }
    await this.#shortenTime();
    await this.#skipOperations();
  }

  /** Runs a candidate; what fails the same way is the best from then on. M3 */
  async #accepts(candidate: Scenario): Promise<boolean> {
    const digest = createHash('sha1').update(JSON.stringify(candidate)).digest('base64');
    if (this.#refused.has(digest)) return false;
    if (!this.#options.goOn()) return false; // M4
    this.runs++;
    const trial = await this.#options.run(candidate);
    if (trial.violated !== this.#violated || trial.virtualMs > latestMs(this.trial)) {
      this.#refused.add(digest);
      return false;
    }
    // What did not begin is no part of it: the same run without (fault-injector.ts I3).
    this.best = { ...candidate, schedule: trial.episodes };
    this.trial = trial;
    this.#changes++;
    this.#options.onStep?.({ pass: this.#pass, runs: this.runs, size: sizeOf(this.best, trial) });
    return true;
  }

  async #takeFirst(candidates: Iterable<Scenario>): Promise<boolean> {
    for (const candidate of candidates) if (await this.#accepts(candidate)) return true;
    return false;
  }

  async #thin<T>(pass: string, items: readonly T[], candidate: (part: readonly T[]) => Scenario): Promise<void> {
    this.#pass = pass;
    await ddmin(items, (part) => this.#accepts(candidate(part)), { goOn: this.#options.goOn });
  }

  /** The shortest safety phase that is long enough. */
  async #shortenTime(): Promise<void> {
    this.#pass = 'time';
    let tooShortMs = 0;
    while (this.best.safetyMs - tooShortMs > timeApartMs && this.#options.goOn()) {
      const safetyMs = Math.ceil((this.best.safetyMs + tooShortMs) / 2);
      const isIn = ({ atMs }: { readonly atMs: number }): boolean => atMs < safetyMs;
      const { schedule = [], script } = this.best;
      const candidate = { ...this.best, safetyMs, schedule: schedule.filter(isIn), script: script.filter(isIn) };
      if (!(await this.#accepts(candidate))) tooShortMs = safetyMs;
    }
  }

  /** Operations are numbered by client; those left out before stay out. */
  async #skipOperations(): Promise<void> {
    this.#pass = 'operations';
    const asked = Object.entries(this.trial.asked).flatMap(([client, numbers]) =>
      numbers.map((number) => ({ client, number })),
    );
    const skippedBefore = this.best.load.skip ?? {};
    await ddmin(
      asked,
      (part) => {
        const kept = new Set(part.map(({ client, number }) => `${client} ${number}`));
        const skip: Record<string, number[]> = {};
        for (const [client, numbers] of Object.entries(skippedBefore)) skip[client] = [...numbers];
        for (const { client, number } of asked)
          if (!kept.has(`${client} ${number}`)) (skip[client] ??= []).push(number);
        return this.#accepts({ ...this.best, load: { ...this.best.load, skip } });
      },
      { goOn: this.#options.goOn },
    );
  }
}
