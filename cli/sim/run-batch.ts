// Seed after seed, each a mesh of its own, judged and added up
// =============================================================================

import { exitCodes } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { type Output, paint, printValue } from '../output.js';
import type { ScenarioBounds } from '../../actors/simulated/scenario.js';
import { writeReplayFile } from './artefacts.js';
import {
  BatchFigures,
  type BatchReport,
  type Failure,
  failureCountMax,
  failureOfLost,
  failureOfReplay,
} from './batch-figures.js';
import { counted, describeCoverage, describeSingle } from './coverage-table.js';
import { type JobResult, runInJobs } from './job-pool.js';
import { BatchProgress } from './progress.js';
import { type RunOrder, runsTwice } from './run-seed.js';
import { commandFor } from './seed-command.js';

export interface BatchOptions {
  readonly firstSeed: number;
  readonly runs: number;
  readonly bounds: ScenarioBounds;
  readonly jobs: number;
  /** Where replay files go. */
  readonly folder: string;
  /** What to do about the first failure, when the table is out. */
  readonly onFirstFailure: (failed: FirstFailure) => Promise<void>;
}

/** The failure that is looked at more closely. */
export interface FirstFailure {
  readonly failure: Failure;
  readonly replay: NonNullable<Extract<JobResult, { kind: 'ran' }>['report']['replay']>;
}

export async function runBatch({ output, signal }: Invocation, options: BatchOptions): Promise<number> {
  const { runs, bounds } = options;
  const jobs = Math.min(options.jobs, runs);
  const figures = new BatchFigures(performance.now());
  const progress = new BatchProgress(output, figures, runs);
  let first: FirstFailure | undefined;
  let interrupted: unknown;
  try {
    for await (const result of runInJobs(ordersOf(options), { jobs, signal })) {
      if (result.kind === 'lost') {
        figures.addLost();
        const failure = failureOfLost(result, commandFor(result.seed, bounds));
        figures.addFailure(failure);
        progress.say(failureLine(output, failure));
        progress.onRun(undefined);
        continue;
      }
      const { report } = result;
      figures.addRun(report, runsTwice(report.seed));
      if (report.replay !== undefined) {
        const isListed = figures.failedCount < failureCountMax;
        const file = isListed ? writeReplayFile(options.folder, `seed-${report.seed}`, report.replay) : undefined;
        const failure = failureOfReplay(report.replay, file);
        figures.addFailure(failure);
        first ??= { failure, replay: report.replay };
        if (isListed) progress.say(failureLine(output, failure));
      }
      progress.onRun(report);
    }
  } catch (error) {
    if (!signal.aborted || figures.runs === 0) throw error;
    interrupted = error;
  }
  progress.clear();
  const report = figures.report(performance.now(), jobs);
  printReport(output, report, interrupted === undefined ? runs : undefined);
  if (interrupted !== undefined) throw interrupted;
  if (first !== undefined) await options.onFirstFailure(first);
  return report.failedCount === 0 ? exitCodes.ok : exitCodes.failure;
}

function* ordersOf({ firstSeed, runs, bounds }: BatchOptions): Generator<RunOrder> {
  for (let index = 0; index < runs; index++) {
    const seed = String(firstSeed + index);
    yield { index, seed, bounds, twice: runsTwice(seed) };
  }
}

export function failureLine(output: Output, { seed, violated, phase, message, again }: Failure): string {
  return `${paint(output, 'red', `seed ${seed} FAILED`)}  ${violated} in ${phase}: ${message}\n  again: ${again}`;
}

/** @param wanted runs; undefined when the batch was interrupted */
export function printReport(output: Output, report: BatchReport, wanted: number | undefined): void {
  printValue(output, report, () => {
    const { runs, failedCount, operations, simulatedMs, speed, coverage, failed } = report;
    const verdict =
      failedCount === 0
        ? paint(output, 'green', `${counted(runs)} of ${counted(runs)} runs good`)
        : paint(output, 'red', `${counted(failedCount)} of ${counted(runs)} runs FAILED`);
    const lines = [
      ...(runs === 1 ? describeSingle(coverage) : describeCoverage(coverage, runs, output)),
      '',
      `${counted(operations.ok)} operations OK, ${counted(operations.failed)} failed, ${counted(operations.unknown)} of unknown outcome; ` +
        `${counted(report.events)} events`,
      `${counted(report.whole)} runs judged whole, ${counted(report.good - report.whole)} for safety only; ${counted(report.twice)} ran twice and gave the same trace`,
      `${counted(Math.round(simulatedMs / 1000))} s simulated in ${(speed.realMs / 1000).toFixed(1)} s by ${speed.jobs} ${speed.jobs === 1 ? 'job' : 'jobs'}; ` +
        `a core: ${speed.seedsPerMinutePerCore} seeds/min, ${speed.simulatedPerRealPerCore}× real time`,
    ];
    if (report.hash !== undefined) lines.push(`trace ${report.hash}`);
    lines.push(wanted === undefined ? `${verdict}, then interrupted` : verdict);
    for (const { seed, violated, message, again } of failed)
      lines.push(`seed ${seed}: ${message.includes(violated) ? '' : `${violated}: `}${message}`, `  again: ${again}`);
    if (failedCount > failed.length) lines.push(`and ${counted(failedCount - failed.length)} more`);
    return lines;
  });
}
