// A batch in figures: its verdict, its speed, what it covered
// =============================================================================
//
// Added up run by run; nothing is kept of a run that was good.

import type { ReplayFile } from '../../actors/simulated/replay-file.js';
import { Coverage, type CoverageReport, type Covered } from './coverage.js';
import type { JobResult } from './job-pool.js';
import type { RunReport } from './run-seed.js';

/** Failures that are listed and written; the others are counted. */
export const failureCountMax = 100;

export interface Failure {
  readonly seed: string;
  readonly violated: string;
  readonly phase: string;
  /** Its first line. */
  readonly message: string;
  /** The command that runs it again. */
  readonly again: string;
  /** The replay file, when one was written. */
  readonly file: string | undefined;
}

/** The contract of `troupe sim -o json`: fields are added, never changed. */
export interface BatchReport {
  readonly runs: number;
  readonly good: number;
  readonly failedCount: number;
  readonly failed: readonly Failure[];
  readonly twice: number;
  /** Runs in which everything was judged; the others were entitled to be stuck, and only safety was. */
  readonly whole: number;
  readonly simulatedMs: number;
  readonly events: number;
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number };
  readonly speed: {
    readonly jobs: number;
    readonly realMs: number;
    readonly cpuMs: number;
    /** By processor time, so that it says the same on a busy machine. */
    readonly seedsPerMinutePerCore: number;
    readonly simulatedPerRealPerCore: number;
  };
  /** Totals; `coverage` says in how many seeds. */
  readonly faults: Readonly<Record<string, number>>;
  readonly seen: Readonly<Record<string, number>>;
  readonly coverage: CoverageReport;
  /** Of a batch of one. */
  readonly hash: string | undefined;
}

export class BatchFigures {
  readonly #coverage = new Coverage();
  readonly #failed: Failure[] = [];
  readonly #startMs: number;
  #runs = 0;
  #failedCount = 0;
  #twice = 0;
  #whole = 0;
  #simulatedMs = 0;
  #events = 0;
  #cpuMs = 0;
  #hash: string | undefined;
  readonly #operations = { ok: 0, failed: 0, unknown: 0 };

  /** @param startMs as of performance.now() */
  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  get runs(): number {
    return this.#runs;
  }

  get failedCount(): number {
    return this.#failedCount;
  }

  get simulatedMs(): number {
    return this.#simulatedMs;
  }

  addRun(report: RunReport, twice: boolean): void {
    this.#runs++;
    if (twice) this.#twice++;
    if (report.ok && report.whole) this.#whole++;
    this.#simulatedMs += report.simulatedMs;
    this.#events += report.eventCount;
    this.#cpuMs += report.cpuMs;
    this.#hash = report.traceHash;
    this.#operations.ok += report.operations.ok;
    this.#operations.failed += report.operations.failed;
    this.#operations.unknown += report.operations.unknown;
    this.#coverage.add(report);
  }

  addLost(): void {
    this.#runs++;
  }

  addFailure(failure: Failure): void {
    this.#failedCount++;
    if (this.#failed.length < failureCountMax) this.#failed.push(failure);
  }

  report(nowMs: number, jobs: number): BatchReport {
    const runs = this.#runs;
    const cpuMs = Math.max(1, this.#cpuMs);
    const coverage = this.#coverage.report();
    return {
      runs,
      good: runs - this.#failedCount,
      failedCount: this.#failedCount,
      failed: this.#failed,
      twice: this.#twice,
      whole: this.#whole,
      simulatedMs: Math.round(this.#simulatedMs),
      events: this.#events,
      operations: { ...this.#operations },
      speed: {
        jobs,
        realMs: Math.round(nowMs - this.#startMs),
        cpuMs: Math.round(this.#cpuMs),
        seedsPerMinutePerCore: rounded((runs * 60_000) / cpuMs),
        simulatedPerRealPerCore: rounded(this.#simulatedMs / cpuMs),
      },
      faults: timesOf(coverage.faults),
      seen: timesOf(coverage.seen),
      coverage,
      hash: runs === 1 ? this.#hash : undefined,
    };
  }
}

export function failureOfReplay(replay: ReplayFile, file: string | undefined): Failure {
  const { seed, violated, phase, message, command } = replay;
  const again = file === undefined ? command : `npx troupe sim --replay ${file}`;
  return { seed, violated, phase, message: firstLines(message), again, file };
}

export function failureOfLost(lost: Extract<JobResult, { kind: 'lost' }>, again: string): Failure {
  const message = firstLines(lost.why);
  return { seed: lost.seed, violated: 'job', phase: 'job', message, again, file: undefined };
}

/** `2 findings` alone says little: what was found belongs to it. */
function firstLines(message: string): string {
  const [first = '', second] = message.split('\n');
  return /^\d+ findings?$/.test(first) && second !== undefined ? `${first}: ${second.trim()}` : first;
}

function timesOf(table: Readonly<Record<string, Covered>>): Record<string, number> {
  return Object.fromEntries(Object.entries(table).map(([name, { times }]) => [name, times]));
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
