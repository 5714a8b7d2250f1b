// A failure, made small and written beside the large one
// =============================================================================
//
// Says how it gets on, draws what is left, and leaves a replay file `….min.json`: small enough to be understood, and to be kept as a test.

import { minimize, type Minimized, type ScenarioSize, type Step, type Trial } from '../../actors/simulated/minimize.js';
import { type ReplayFile, replayFileOf } from '../../actors/simulated/replay-file.js';
import type { Scenario } from '../../actors/simulated/scenario.js';
import { simulate } from '../../actors/simulated/simulate.js';
import { violatedBy } from '../../actors/simulated/violated.js';
import type { Invocation } from '../invocation.js';
import { formatTable, type Output, paint } from '../output.js';
import { troupeVersion } from '../troupe-version.js';
import { writeReplayFile } from './artefacts.js';
import { counted } from './coverage-table.js';
import { defaultDrawn, watchRun } from './watch-run.js';

export interface MinimizeOrder {
  readonly replay: ReplayFile;
  /** Real time that it may take. */
  readonly budgetMs: number;
  readonly folder: string;
  /** Of the file, without its ending. */
  readonly name: string;
}

/** Plain data: part of the contract of `troupe sim -o json`. */
export interface MinimizeReport {
  readonly file: string;
  readonly violated: string;
  readonly before: ScenarioSize;
  readonly after: ScenarioSize;
  readonly runs: number;
  /** Nothing more could be left out; else the time was up. */
  readonly complete: boolean;
}

const rowsOfPicture = 40;

/** @returns undefined when the scenario of the file does not fail any more. @throws when interrupted */
export async function minimizeFailure(
  { output, signal }: Invocation,
  { replay, budgetMs, folder, name }: MinimizeOrder,
): Promise<MinimizeReport | undefined> {
  const untilMs = performance.now() + budgetMs;
  output.note(`minimizing seed ${replay.seed} (${replay.violated}) for up to ${Math.round(budgetMs / 1000)} s`);
  const progress = progressOf(output);
  const minimized = await minimize(replay.scenario, {
    run: async (scenario) => {
      await new Promise((resolve) => setImmediate(resolve)); // so that Ctrl-C is heard
      signal.throwIfAborted();
      return trialOf(scenario);
    },
    goOn: () => performance.now() < untilMs,
    onStep: progress.onStep,
  });
  progress.end();
  if (minimized === undefined) {
    output.note('it does not fail any more');
    return undefined;
  }
  const file = keep(output, minimized, replay, folder, name);
  const { violated, before, after, runs, complete } = minimized;
  for (const line of describe(minimized)) output.note(line);
  output.note(`${paint(output, 'bold', 'minimized')}: npx troupe sim --replay ${file}`);
  return { file, violated, before, after, runs, complete };
}

/** Runs it a last time, draws it, and writes it. @returns the path */
function keep(output: Output, minimized: Minimized, replay: ReplayFile, folder: string, name: string): string {
  const { scenario, before, after, runs } = minimized;
  const { result, picture } = watchRun(output, scenario, { ...defaultDrawn, rows: rowsOfPicture });
  for (const line of picture) output.note(line);
  const more = { program: troupeVersion(), command: replay.command, minimized: { before, after, runs } };
  return writeReplayFile(folder, `${name}.min`, { ...replayFileOf(result, scenario, more), seed: replay.seed });
}

function trialOf(scenario: Scenario): Trial {
  const { failure, episodes, asked, virtualMs } = simulate(scenario);
  return { violated: failure === undefined ? undefined : violatedBy(failure.message), episodes, asked, virtualMs };
}

const sizes: readonly (readonly [keyof ScenarioSize, string])[] = [
  ['episodes', 'episodes of faults'],
  ['steps', 'steps of the script'],
  ['sites', 'active sites'],
  ['operations', 'operations'],
  ['clients', 'clients'],
  ['partitions', 'partitions'],
  ['hosts', 'hosts'],
  ['virtualMs', 'virtual ms'],
];

function describe({ before, after, runs, complete }: Minimized): string[] {
  return [
    ...formatTable(
      ['', 'before', 'after'],
      sizes.map(([field, what]) => [what, counted(before[field]).padStart(8), counted(after[field]).padStart(8)]),
    ),
    `${counted(runs)} runs; ${complete ? 'nothing more can be left out' : 'the time was up: --minimize-for gives it more'}`,
  ];
}

interface Progress {
  readonly onStep: (step: Step) => void;
  readonly end: () => void;
}

/** On a terminal a line that replaces itself. */
function progressOf(output: Output): Progress {
  if (output.quiet || !process.stderr.isTTY) return { onStep: () => undefined, end: () => undefined };
  return {
    onStep: ({ pass, runs, size }) => {
      const left = `${size.episodes} episodes, ${size.operations} operations, ${size.hosts} hosts, ${size.virtualMs} ms`;
      process.stderr.write(`\r\u001b[K${counted(runs)} runs  ${left}  (${pass})`);
    },
    end: () => process.stderr.write('\r\u001b[K'),
  };
}
