// One seed, run and put into plain data
// =============================================================================
//
// What a batch needs to know of a run, small enough to be sent from a job and added up: no history, no events of runs that were good.
//
// Invariants
//   R1. A seed that is run twice and gives two trace hashes has failed, whatever else it did (Z1).

import { type ReplayFile, replayFileOf } from '../../actors/simulated/replay-file.js';
import { drawScenario, type ScenarioBounds } from '../../actors/simulated/scenario.js';
import { simulate, type SimulationResult } from '../../actors/simulated/simulate.js';
import { troupeVersion } from '../troupe-version.js';
import { commandFor } from './seed-command.js';

/** What to run. */
export interface RunOrder {
  /** Place in the batch, from 0. */
  readonly index: number;
  readonly seed: string;
  readonly bounds: ScenarioBounds;
  /** Run it a second time, and compare. */
  readonly twice: boolean;
}

type Tallies = Readonly<Partial<Record<string, number>>>;

/** A run in numbers. Plain data. */
export interface RunReport {
  readonly seed: string;
  readonly ok: boolean;
  readonly hosts: number;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Processor time of this thread's process, both runs when it ran twice. */
  readonly cpuMs: number;
  readonly simulatedMs: number;
  readonly operations: {
    readonly ok: number;
    readonly failed: number;
    readonly unknown: number;
    readonly open: number;
  };
  readonly faults: Tallies;
  /** How often each kind of fault changed what happened. */
  readonly effects: Tallies;
  readonly facts: Tallies;
  readonly sites: Tallies;
  readonly seen: Tallies;
  /** The mesh came to rest and everything was judged; else only safety, since it was entitled to be stuck. */
  readonly whole: boolean;
  /** When it failed. */
  readonly replay: ReplayFile | undefined;
}

/** One seed in fifty proves that a seed is one run. */
export function runsTwice(seed: string): boolean {
  return Number(seed) % 50 === 0;
}

export function runSeed(order: RunOrder): RunReport {
  const before = process.cpuUsage();
  const scenario = drawScenario(order.seed, order.bounds);
  const result = simulate(scenario);
  let simulatedMs = result.virtualMs;
  let judged = result;
  if (order.twice) {
    const again = simulate(scenario);
    simulatedMs += again.virtualMs;
    if (again.traceHash !== result.traceHash) judged = unlike(result, again); // R1
  }
  const used = process.cpuUsage(before);
  return reportOf(judged, order.bounds, (used.user + used.system) / 1000, simulatedMs);
}

function unlike(result: SimulationResult, again: SimulationResult): SimulationResult {
  const message = `Z1: the seed ran twice and gave two traces: ${result.traceHash} and ${again.traceHash}`;
  const error = new Error(message);
  return {
    ...result,
    ok: false,
    failure: {
      phase: 'verify',
      invariant: undefined,
      message,
      error,
      lastEvents: [],
      plan: result.scenario.faults,
    },
  };
}

export function reportOf(
  result: SimulationResult,
  bounds: ScenarioBounds,
  cpuMs: number,
  simulatedMs: number,
): RunReport {
  const { seed, ok, traceHash, virtualMs, eventCount, operations, scenario } = result;
  const { faults, effects, facts, sites, seen, judgement } = result;
  const more = { program: troupeVersion(), command: commandFor(seed, bounds) };
  // With its schedule the scenario is what happened, also when the seed comes to mean something else.
  const replay = ok ? undefined : replayFileOf(result, { ...scenario, schedule: result.episodes }, more);
  const { hosts } = scenario;
  const numbers = { seed, ok, hosts, traceHash, virtualMs, eventCount, cpuMs, simulatedMs };
  return { ...numbers, operations, faults, effects, facts, sites, seen, whole: judgement === 'whole', replay };
}
