// troupe sim: whole meshes in the simulator, one seed after the other
// =============================================================================
//
// Each seed draws a mesh, its tables, its load and its faults; the run is judged and leaves a line. A failure prints the command that runs
// it again.

import type { Command } from 'commander';
import { drawScenario, type ScenarioBounds } from '../../actors/simulated/scenario.js';
import { simulate, type SimulationResult } from '../../actors/simulated/simulate.js';
import { type FaultKind, faultKinds } from '../../runtime/simulation/fault-plan.js';
import { parseCount, parseDurationMs, parseWord } from '../argument.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { formatTable, type Output, paint, printValue } from '../output.js';

interface SimOptions {
  readonly seed?: string;
  readonly runs: string;
  readonly hosts?: string;
  readonly faults: string;
  readonly safety?: string;
  readonly trace: boolean;
}

export function registerSim(program: Command, keep: Keep): void {
  program
    .command('sim')
    .description('simulate whole meshes under faults and judge what their clients saw')
    .option('--seed <seed>', 'the first seed, a number or any text; default: from the clock')
    .option('--runs <count>', 'how many seeds, one after the other', '1')
    .option('--hosts <count>', 'hosts of each mesh; default: drawn from the seed')
    .option('--faults <list>', `all, none, or a list of ${faultKinds.join(', ')}`, 'all')
    .option('--safety <duration>', 'how long faults are injected, in simulated time; default: drawn from the seed')
    .option('--trace', 'print every line of the trace of the run', false)
    .action((options: SimOptions) => {
      const runs = parseCount('--runs', options.runs, 1, 1_000_000);
      const bounds: ScenarioBounds = {
        ...(options.hosts === undefined ? {} : { hosts: parseCount('--hosts', options.hosts, 1, 16) }),
        ...(options.faults === 'all' ? {} : { faults: parseFaults(options.faults) }),
        ...(options.safety === undefined ? {} : { safetyMs: parseDurationMs('--safety', options.safety) }),
      };
      keep((invocation) => run(invocation, options, runs, bounds));
    });
}

function parseFaults(text: string): FaultKind[] {
  if (text === 'none') return [];
  return text.split(',').map((word) => parseWord('--faults', faultKinds, word.trim()));
}

async function run(
  { output, signal }: Invocation,
  options: SimOptions,
  runs: number,
  bounds: ScenarioBounds,
): Promise<number> {
  const first = options.seed ?? String(Date.now());
  const results: SimulationResult[] = [];
  for (let i = 0; i < runs; i++) {
    const scenario = drawScenario(seedAt(first, i), bounds);
    const startMs = performance.now();
    const result = simulate(scenario, options.trace ? { onLine: (line) => output.data(line) } : {});
    const tookMs = performance.now() - startMs;
    results.push(result);
    output.note(progressOf(output, result, tookMs, `${i + 1}/${runs}`));
    if (!result.ok) output.note(failureOf(result, options));
    await new Promise((resolve) => setImmediate(resolve)); // so that Ctrl-C is heard
    signal.throwIfAborted();
  }
  report(output, results, options);
  return results.every((result) => result.ok) ? exitCodes.ok : exitCodes.failure;
}

/** Seeds that are numbers count on; a text is followed by its number. */
function seedAt(first: string, index: number): string {
  if (/^\d{1,15}$/.test(first)) return String(Number(first) + index);
  return index === 0 ? first : `${first}-${index}`;
}

function progressOf(output: Output, result: SimulationResult, tookMs: number, at: string): string {
  const { seed, ok, operations, virtualMs, eventCount, scenario } = result;
  const verdict = ok ? paint(output, 'green', 'ok') : paint(output, 'red', 'FAILED');
  const asked = operations.ok + operations.failed + operations.unknown + operations.open;
  return (
    `${at}  seed ${seed}  ${verdict}  ${scenario.hosts} hosts, ${asked} operations, ` +
    `${(virtualMs / 1000).toFixed(1)} s simulated, ${eventCount} events in ${(tookMs / 1000).toFixed(1)} s`
  );
}

function commandFor(seed: string, options: SimOptions): string {
  const hosts = options.hosts === undefined ? '' : ` --hosts ${options.hosts}`;
  const faults = options.faults === 'all' ? '' : ` --faults ${options.faults}`;
  const safety = options.safety === undefined ? '' : ` --safety ${options.safety}`;
  return `npx troupe sim --seed ${seed}${hosts}${faults}${safety}`;
}

function failureOf(result: SimulationResult, options: SimOptions): string {
  const { failure, seed, scenario } = result;
  const lines = [
    `failed while in phase "${failure?.phase}": ${failure?.message}`,
    ...(failure?.lastEvents ?? []).map((line) => `  ${line}`),
    `scenario: ${JSON.stringify(scenario)}`,
    `again: ${commandFor(seed, options)}`,
  ];
  return lines.join('\n');
}

function report(output: Output, results: readonly SimulationResult[], options: SimOptions): void {
  const failed = results.filter((result) => !result.ok);
  const sum = (of: (result: SimulationResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const tally = (
    of: (result: SimulationResult) => Readonly<Partial<Record<string, number>>>,
  ): Record<string, number> => {
    const total = new Map<string, number>();
    for (const result of results)
      for (const [name, count] of Object.entries(of(result))) total.set(name, (total.get(name) ?? 0) + (count ?? 0));
    return Object.fromEntries([...total].sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  const summary = {
    runs: results.length,
    failed: failed.map(({ seed, failure }) => ({
      seed,
      phase: failure?.phase,
      message: failure?.message.split('\n')[0],
      again: commandFor(seed, options),
    })),
    simulatedMs: Math.round(sum((result) => result.virtualMs)),
    events: sum((result) => result.eventCount),
    operations: {
      ok: sum((result) => result.operations.ok),
      failed: sum((result) => result.operations.failed),
      unknown: sum((result) => result.operations.unknown),
    },
    faults: tally((result) => result.faults),
    seen: tally((result) => result.seen),
    ...(results.length === 1 ? { hash: results[0]?.traceHash } : {}),
  };
  printValue(output, summary, () => {
    const { ok, failed: refused, unknown } = summary.operations;
    const lines = [
      ...formatTable(
        ['fault', 'times'],
        Object.entries(summary.faults).map(([kind, count]) => [kind, String(count)]),
      ),
      '',
      `${ok} operations OK, ${refused} failed, ${unknown} of unknown outcome; ${(summary.simulatedMs / 1000).toFixed(0)} s simulated`,
      ...(summary.hash === undefined ? [] : [`trace ${summary.hash}`]),
      paint(
        output,
        failed.length === 0 ? 'green' : 'red',
        `${results.length - failed.length} of ${results.length} runs good`,
      ),
    ];
    for (const { seed, message, again } of summary.failed) lines.push(`seed ${seed}: ${message}`, `  again: ${again}`);
    return lines;
  });
}
