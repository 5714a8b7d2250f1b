// One seed, in this thread
// =============================================================================

import { drawScenario, type ScenarioBounds } from '../../actors/simulated/scenario.js';
import type { Invocation } from '../invocation.js';
import { exitCodes } from '../exit-codes.js';
import { BatchFigures, failureOfReplay } from './batch-figures.js';
import { writeReplayFile } from './artefacts.js';
import { failureLine, type FirstFailure, printReport } from './run-batch.js';
import { runLine } from './progress.js';
import { reportOf } from './run-seed.js';
import { showRun, type Views } from './watch-run.js';

export interface SingleOptions {
  readonly seed: number;
  readonly bounds: ScenarioBounds;
  /** Where a replay file goes. */
  readonly folder: string;
  readonly views: Views;
  /** What to do about a failure, when all is said. */
  readonly onFailure: (failed: FirstFailure) => Promise<void>;
}

export async function runSingle({ output }: Invocation, options: SingleOptions): Promise<number> {
  const { bounds, folder, views } = options;
  const figures = new BatchFigures(performance.now());
  const before = process.cpuUsage();
  const result = showRun(output, drawScenario(String(options.seed), bounds), views);
  const used = process.cpuUsage(before);
  const report = reportOf(result, bounds, (used.user + used.system) / 1000, result.virtualMs);
  figures.addRun(report, false);
  output.note(runLine(output, report, '1/1'));
  const { replay } = report;
  let failed: FirstFailure | undefined;
  if (replay !== undefined) {
    const failure = failureOfReplay(replay, writeReplayFile(folder, `seed-${report.seed}`, replay));
    figures.addFailure(failure);
    output.note(failureLine(output, failure));
    output.note(replay.message);
    failed = { failure, replay };
  }
  printReport(output, figures.report(performance.now(), 1), 1);
  if (failed === undefined) return exitCodes.ok;
  await options.onFailure(failed);
  return exitCodes.failure;
}
