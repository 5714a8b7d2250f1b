// `make bench-micro` and `make bench-compare`: what is hot, measured by itself
// =============================================================================
//
//   node dist/test/bench/micro/run.js [--filter name] [--time ms] [--rounds n] [--pause items] [-o table|json] [--save FILE] [--compare FILE]
//
// Figures on stdout, progress on stderr. Exit code 1 when a bench is slower than its baseline (comparison.ts), 64 for words that it does not know, a filter
// that chooses nothing, or a file that is no baseline.

import { type MicroOptions, parseMicroOptions, UsageError } from './arguments.js';
import { type Baseline, BaselineError, describeMachine, readBaseline, thisMachine, writeBaseline } from './baseline.js';
import { chosenBenches, microBenches } from './benches.js';
import { type Compared, compare, machineRatio } from './comparison.js';
import { type EngineMemory, measureEngineMemory } from './engine-memory.js';
import { type LongestPause, measureLongestPause } from './longest-pause.js';
import { type Figure, measure } from './meter.js';
import type { MicroBench } from './micro-bench.js';
import { comparisonTable, conclusion, figureTable, memoryTable, pauseLines } from './report.js';

const memoryItems = 100_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

function chosen(filter: string): readonly MicroBench[] {
  const benches = chosenBenches(filter);
  if (benches.length > 0) return benches;
  const rooms = new Set(microBenches.map(({ name }) => name.split(' ', 1)[0]));
  throw new UsageError(`no bench has ${filter} in its name; they begin with ${[...rooms].join(', ')}`);
}

/** On a terminal one line that replaces itself, else a line a round. */
function showProgress(rounds: number): (name: string, round: number) => void {
  let told = -1;
  return (name, round) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kround ${round + 1}/${rounds}  ${name}`);
    else if (round !== told) note(`round ${round + 1}/${rounds}`);
    told = round;
  };
}

async function measured(benches: readonly MicroBench[], options: MicroOptions): Promise<Figure[]> {
  const figures = await measure(benches, options, showProgress(options.rounds));
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return figures;
}

/** A bench that seems slower is measured once more, with the others that seem so: what was the machine's fault does not happen twice. */
async function compared(
  figures: readonly Figure[],
  baseline: Baseline,
  benches: readonly MicroBench[],
  options: MicroOptions,
): Promise<Compared[]> {
  const onlySome = options.filter !== '';
  const first = compare(figures, baseline.benches, onlySome);
  const slower = new Set(first.filter(({ verdict }) => verdict === 'slower').map(({ name }) => name));
  if (slower.size === 0) return first;
  note(`measuring again what seems slower: ${[...slower].join('; ')}`);
  const again = new Map(
    (
      await measured(
        benches.filter(({ name }) => slower.has(name)),
        options,
      )
    ).map((figure) => [figure.name, figure]),
  );
  const better = figures.map((figure) => {
    const other = again.get(figure.name);
    return other !== undefined && other.spins < figure.spins ? other : figure;
  });
  return compare(better, baseline.benches, onlySome);
}

function tell(
  figures: readonly Figure[],
  memory: readonly EngineMemory[],
  pause: LongestPause | undefined,
  comparison: { readonly compared: readonly Compared[]; readonly baseline: Baseline } | undefined,
  options: MicroOptions,
): void {
  const machine = thisMachine();
  if (options.output === 'json') {
    const { timeMs, rounds } = options;
    say(JSON.stringify({ machine, timeMs, rounds, benches: figures, memory, pause, compared: comparison?.compared }));
    return;
  }
  say(describeMachine(machine));
  if (comparison === undefined) for (const line of ['', ...figureTable(figures)]) say(line);
  else {
    say(`baseline: ${describeMachine(comparison.baseline.machine)}`);
    const ratio = machineRatio(comparison.compared);
    if (ratio !== undefined)
      say(`the calibration takes ${ratio.toFixed(2)} times as long as then; ratios are without it`);
    for (const line of ['', ...comparisonTable(comparison.compared)]) say(line);
  }
  if (memory.length > 0) for (const line of ['', ...memoryTable(memory)]) say(line);
  if (pause !== undefined) for (const line of ['', ...pauseLines(pause)]) say(line);
  if (comparison !== undefined) for (const line of ['', conclusion(comparison.compared)]) say(line);
}

/** @returns the exit code */
async function main(words: readonly string[]): Promise<number> {
  const options = parseMicroOptions(words);
  const benches = chosen(options.filter);
  const baseline = options.compare === undefined ? undefined : readBaseline(options.compare);
  // Memory first, while the heap is still small.
  const isEngineChosen = benches.some(({ name }) => name.startsWith('engine'));
  const memory = isEngineChosen ? [measureEngineMemory(memoryItems)] : [];
  const pause = options.pauseItems === 0 ? undefined : await measureLongestPause(options.pauseItems);
  const figures = await measured(benches, options);
  const comparison =
    baseline === undefined ? undefined : { baseline, compared: await compared(figures, baseline, benches, options) };
  tell(figures, memory, pause, comparison, options);
  if (options.save !== undefined) {
    const { timeMs, rounds } = options;
    writeBaseline(options.save, { machine: thisMachine(), timeMs, rounds, benches: figures, memory });
  }
  return comparison?.compared.some(({ verdict }) => verdict === 'slower') === true ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof BaselineError)) throw error;
  note(`bench: ${error.message}`);
  process.exitCode = 64;
}
