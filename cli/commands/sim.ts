// troupe sim: whole meshes in the simulator, one seed after the other
// =============================================================================
//
// The words, and what they ask for. Each seed draws a mesh, its tables, its load and its faults; the run is judged. A batch ends with a table
// and a verdict, a failure leaves a replay file and the command that runs it again. The work is done in cli/sim.

import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { suggestion } from '../../actors/simulated/checked-data.js';
import type { ScenarioBounds } from '../../actors/simulated/scenario.js';
import { type PlantedBug, plantedBugs, simulatedBugs } from '../../runtime/probes/planted-bugs.js';
import { type FaultKind, faultKinds } from '../../runtime/simulation/fault-plan.js';
import { parseCount, parseDurationMs, parseWord } from '../argument.js';
import { usage } from '../cli-error.js';
import type { Invocation, Keep } from '../invocation.js';
import { defaultFolder } from '../sim/artefacts.js';
import { minimizeFailure } from '../sim/minimize-failure.js';
import { type FirstFailure, runBatch } from '../sim/run-batch.js';
import { runPlanted } from '../sim/run-planted.js';
import { runReplay } from '../sim/run-replay.js';
import { runSingle } from '../sim/run-single.js';
import type { Views } from '../sim/watch-run.js';

interface SimOptions {
  readonly seed?: string;
  readonly runs?: string;
  readonly hosts?: string;
  readonly faults: string;
  readonly safety?: string;
  readonly journal?: string;
  readonly jobs?: string;
  readonly artefacts?: string;
  readonly replay?: string;
  readonly minimize?: boolean;
  readonly minimizeFor: string;
  readonly planted?: string;
  readonly runsMax: string;
  readonly trace: boolean;
  readonly diagram: boolean;
  readonly mermaid: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly only?: string;
  readonly rows: string;
}

const help = `
Faults: ${faultKinds.join(', ')}.
Planted bugs: ${Object.keys(plantedBugs).join(', ')}.
A run that fails is written to a replay file, which says how to run it again: \`troupe sim --replay FILE\`.`;

export function registerSim(program: Command, keep: Keep): void {
  program
    .command('sim')
    .description('simulate whole meshes under faults and judge what their clients saw')
    .option('--seed <number>', 'the first seed; default: from the clock')
    .option('--runs <count>', 'how many seeds, one after the other', '1')
    .option('--jobs <count>', 'how many at a time; default: one a core')
    .option('--hosts <count>', 'hosts of each mesh; default: drawn from the seed')
    .option('--faults <list>', 'all, none, or a list (below)', 'all')
    .option('--safety <duration>', 'how long faults are injected, in simulated time; default: drawn from the seed')
    .option('--journal <kind>', 'disk: the production journal on simulated disks, model: its contract; default: drawn')
    .option('--artefacts <folder>', `where failures are written to; default: ${defaultFolder}`)
    .option('--replay <file>', 'run the failure that the file tells of')
    .option('--minimize', 'make the failure smaller: of --replay, or the first of the runs (default there)')
    .option('--no-minimize', 'leave failures as large as they are')
    .option('--minimize-for <duration>', 'real time for it', '60s')
    .option('--planted <bugs>', 'all, or a list: put a known bug in, and count the seeds until it is found')
    .option('--runs-max <count>', 'seeds for each planted bug', '20000')
    .option('--trace', 'print every line of the trace of the run', false)
    .option('--diagram', 'draw the run: hosts as columns, messages as arrows', false)
    .option('--mermaid', 'the same as a Mermaid sequence diagram', false)
    .option('--from <duration>', 'drawn from this simulated time on')
    .option('--to <duration>', 'drawn up to this simulated time')
    .option('--only <words>', 'drawn are only these actors, hosts or kinds: partition-3,h1,replicate')
    .option('--rows <count>', 'drawn are the last so many events', '60')
    .addHelpText('after', help)
    .action((options: SimOptions) => keepAction(options, keep));
}

function keepAction(options: SimOptions, keep: Keep): void {
  const bounds = boundsOf(options);
  const views = viewsOf(options);
  const runs = parseCount('--runs', options.runs ?? '1', 1, 1_000_000_000);
  const firstSeed = parseSeed(options.seed, runs);
  const jobs = options.jobs === undefined ? availableParallelism() : parseCount('--jobs', options.jobs, 1, 1024);
  const budgetMs = parseDurationMs('--minimize-for', options.minimizeFor);
  const folder = options.artefacts ?? defaultFolder;
  if (options.replay !== undefined) {
    const file = options.replay;
    if (options.planted !== undefined || options.seed !== undefined)
      throw usage(`--replay runs what the file says; leave out ${options.seed === undefined ? '--planted' : '--seed'}`);
    const wanted = options.minimize === true;
    keep((invocation) =>
      runReplay(invocation, {
        file,
        views,
        minimize: wanted
          ? (replay, name) => minimizeFailure(invocation, { replay, budgetMs, folder, name })
          : undefined,
      }),
    );
    return;
  }
  if (options.planted !== undefined) {
    const bugs = parsePlanted(options.planted);
    const runsMax = parseCount('--runs-max', options.runsMax, 1, 1_000_000_000);
    const planted = { bugs, bounds, firstSeed: firstSeed ?? 1, runsMax, jobs, folder: options.artefacts };
    keep((invocation) => runPlanted(invocation, planted));
    return;
  }
  const seed = firstSeed ?? Date.now();
  const smaller =
    (invocation: Invocation) =>
    async ({ replay }: FirstFailure): Promise<void> => {
      if (options.minimize === false) return;
      await minimizeFailure(invocation, { replay, budgetMs, folder, name: `seed-${replay.seed}` });
    };
  if (runs === 1) {
    keep((invocation) => runSingle(invocation, { seed, bounds, folder, views, onFailure: smaller(invocation) }));
    return;
  }
  if (views.trace || views.diagram || views.mermaid)
    throw usage('--trace, --diagram and --mermaid show one run; leave out --runs');
  keep((invocation) =>
    runBatch(invocation, { firstSeed: seed, runs, bounds, jobs, folder, onFirstFailure: smaller(invocation) }),
  );
}

function boundsOf(options: SimOptions): ScenarioBounds {
  return {
    ...(options.hosts === undefined ? {} : { hosts: parseCount('--hosts', options.hosts, 1, 16) }),
    ...(options.faults === 'all' ? {} : { faults: parseFaults(options.faults) }),
    ...(options.safety === undefined ? {} : { safetyMs: parseDurationMs('--safety', options.safety) }),
    ...(options.journal === undefined
      ? {}
      : { journalKind: parseWord('--journal', ['disk', 'model'], options.journal) }),
  };
}

function viewsOf(options: SimOptions): Views {
  const only = (options.only ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  return {
    trace: options.trace,
    diagram: options.diagram,
    mermaid: options.mermaid,
    drawn: {
      fromMs: options.from === undefined ? 0 : parseDurationMs('--from', options.from),
      toMs: options.to === undefined ? Number.POSITIVE_INFINITY : parseDurationMs('--to', options.to),
      only,
      rows: parseCount('--rows', options.rows, 1, 100_000),
    },
  };
}

/** @returns undefined when none was given */
function parseSeed(text: string | undefined, runs: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw usage(`--seed takes a number, not ${text}`);
  const seed = Number(text);
  if (!Number.isSafeInteger(seed + runs)) throw usage(`--seed takes a number below 9007199254740991, not ${text}`);
  return seed;
}

function parseFaults(text: string): FaultKind[] {
  return text === 'none' ? [] : wordsOf('--faults', 'fault', faultKinds, text);
}

function parsePlanted(text: string): PlantedBug[] {
  const all = Object.keys(plantedBugs) as PlantedBug[];
  return text === 'all' ? [...simulatedBugs] : wordsOf('--planted', 'planted bug', all, text);
}

/** Too many to be listed in one line: the nearest is named. */
function wordsOf<W extends string>(option: string, what: string, words: readonly W[], text: string): W[] {
  return text.split(',').map((part) => {
    const wanted = part.trim();
    const known = words.find((word) => word === wanted);
    if (known === undefined)
      throw usage(`${option}: there is no ${what} ${JSON.stringify(wanted)}${suggestion(words, wanted)}`);
    return known;
  });
}
