// Is every planted bug found, and after how many seeds?
// =============================================================================
//
// A simulator that does not find the bugs that others have had proves nothing by being green. Each bug is put in, and seeds are run in their
// order until one fails. That seed must be good without the bug: else it is a real one that was found.

import type { ScenarioBounds } from '../../actors/simulated/scenario.js';
import type { ReplayFile } from '../../actors/simulated/replay-file.js';
import { type BugSheet, type PlantedBug, plantedBugs } from '../../runtime/probes/planted-bugs.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { formatTable, type Output, paint, printValue } from '../output.js';
import { writeReplayFile } from './artefacts.js';
import { counted } from './coverage-table.js';
import { type JobResult, runInJobs } from './job-pool.js';
import type { RunOrder } from './run-seed.js';

export interface PlantedOptions {
  readonly bugs: readonly PlantedBug[];
  readonly bounds: ScenarioBounds;
  readonly firstSeed: number;
  /** Seeds for each bug. */
  readonly runsMax: number;
  readonly jobs: number;
  /** Where replay files of the found bugs go, when they are wanted. */
  readonly folder: string | undefined;
}

/** Of one bug; part of the contract of `troupe sim --planted … -o json`. */
export interface PlantedResult {
  readonly bug: PlantedBug;
  readonly rule: string;
  readonly wrong: string;
  readonly found: boolean;
  /** Run until it was found, or in vain. */
  readonly seeds: number;
  readonly cpuMs: number;
  readonly seed: string | undefined;
  /** The rule or checker that spoke. */
  readonly violated: string | undefined;
  readonly phase: string | undefined;
  /** Seeds that fail without the bug, too. */
  readonly realFailures: readonly string[];
}

export async function runPlanted(invocation: Invocation, options: PlantedOptions): Promise<number> {
  const { output } = invocation;
  const results: PlantedResult[] = [];
  for (const bug of options.bugs) {
    const result = await search(invocation, bug, options, progressOf(output, bug));
    results.push(result);
    output.note(lineOf(output, result));
  }
  const found = results.filter((result) => result.found);
  const seeds = found.map((result) => result.seeds).sort((a, b) => a - b);
  const median = seeds[Math.floor((seeds.length - 1) / 2)];
  const realFailures = results.flatMap((result) => result.realFailures);
  printValue(output, { bugs: results, found: found.length, median, realFailures }, () => [
    ...describe(results, output),
    '',
    paint(
      output,
      found.length === results.length ? 'green' : 'red',
      `${found.length} of ${results.length} planted bugs found${median === undefined ? '' : `, half of them within ${counted(median)} ${median === 1 ? 'seed' : 'seeds'}`}`,
    ),
    ...realFailures.map((seed) =>
      paint(output, 'red', `seed ${seed} fails without any planted bug: npx troupe sim --seed ${seed}`),
    ),
  ]);
  return found.length === results.length && realFailures.length === 0 ? exitCodes.ok : exitCodes.failure;
}

async function search(
  invocation: Invocation,
  bug: PlantedBug,
  { bounds, firstSeed, runsMax, jobs, folder }: PlantedOptions,
  onSeed: (seeds: number) => void,
): Promise<PlantedResult> {
  const { signal } = invocation;
  const { rule, wrong }: BugSheet = plantedBugs[bug];
  const realFailures: string[] = [];
  let seeds = 0;
  let cpuMs = 0;
  const orders = ordersOf(firstSeed, runsMax, { ...bounds, planted: bug });
  for await (const result of runInJobs(orders, { jobs: Math.min(jobs, runsMax), signal })) {
    seeds++;
    onSeed(seeds);
    if (result.kind === 'ran') cpuMs += result.report.cpuMs;
    const failure = failureOf(result);
    if (failure === undefined) continue;
    const { seed, violated, phase, replay } = failure;
    if (await failsWithout(Number(seed), bounds, signal)) {
      realFailures.push(seed);
      continue;
    }
    if (replay !== undefined && folder !== undefined) writeReplayFile(folder, `planted-${bug}`, replay);
    return { bug, rule, wrong, found: true, seeds, cpuMs: Math.round(cpuMs), seed, violated, phase, realFailures };
  }
  const nobody = { seed: undefined, violated: undefined, phase: undefined };
  return { bug, rule, wrong, found: false, seeds, cpuMs: Math.round(cpuMs), ...nobody, realFailures };
}

interface FoundFailure {
  readonly seed: string;
  readonly violated: string;
  readonly phase: string;
  readonly replay: ReplayFile | undefined;
}

function failureOf(result: JobResult): FoundFailure | undefined {
  if (result.kind === 'lost') return { seed: result.seed, violated: 'job', phase: 'job', replay: undefined };
  const { replay } = result.report;
  return replay === undefined ? undefined : { ...replay, replay };
}

async function failsWithout(seed: number, bounds: ScenarioBounds, signal: AbortSignal): Promise<boolean> {
  for await (const result of runInJobs(ordersOf(seed, 1, bounds), { jobs: 1, signal }))
    if (failureOf(result) !== undefined) return true;
  return false;
}

function* ordersOf(firstSeed: number, runs: number, bounds: ScenarioBounds): Generator<RunOrder> {
  for (let index = 0; index < runs; index++) yield { index, seed: String(firstSeed + index), bounds, twice: false };
}

/** On a terminal, a line that replaces itself. */
function progressOf(output: Output, bug: PlantedBug): (seeds: number) => void {
  if (output.quiet || !process.stderr.isTTY) return () => undefined;
  return (seeds) => process.stderr.write(`\r\u001b[K${bug}  ${counted(seeds)} seeds …\r`);
}

function lineOf(output: Output, { bug, found, seeds, cpuMs, violated, seed }: PlantedResult): string {
  const end = process.stderr.isTTY ? '\u001b[K' : '';
  const said = found
    ? `${paint(output, 'green', 'found')} after ${counted(seeds)} ${seeds === 1 ? 'seed' : 'seeds'}, ${(cpuMs / 1000).toFixed(1)} s: ${violated} in seed ${seed}`
    : `${paint(output, 'red', 'NOT FOUND')} in ${counted(seeds)} seeds, ${(cpuMs / 1000).toFixed(1)} s`;
  return `${bug}  ${said}${end}`;
}

function describe(results: readonly PlantedResult[], output: Output): string[] {
  return formatTable(
    ['bug', 'seeds', 'cpu s', 'found by', 'in', 'breaks', 'what is wrong'],
    results.map(({ bug, rule, wrong, found, seeds, cpuMs, violated, phase }) => [
      bug,
      counted(seeds).padStart(6),
      (cpuMs / 1000).toFixed(1).padStart(7),
      found ? paint(output, 'green', violated ?? '') : paint(output, 'red', 'NOT FOUND'),
      phase ?? '',
      rule,
      wrong,
    ]),
  );
}
