// How a batch is going
// =============================================================================
//
// On a terminal one line that replaces itself; elsewhere a line every fifty seeds. Batches of a few seeds get a line each.

import { type Output, paint } from '../output.js';
import type { BatchFigures } from './batch-figures.js';
import { bar, counted } from './coverage-table.js';
import type { RunReport } from './run-seed.js';

const everyMs = 250;
const lineEvery = 50;
/** Up to so many seeds each has a line of its own. */
export const fewSeeds = 10;

export class BatchProgress {
  readonly #output: Output;
  readonly #figures: BatchFigures;
  readonly #runs: number;
  readonly #startMs = performance.now();
  readonly #isLive: boolean;
  #shownMs = 0;
  #shown = false;

  constructor(output: Output, figures: BatchFigures, runs: number, isTerminal = process.stderr.isTTY) {
    this.#output = output;
    this.#figures = figures;
    this.#runs = runs;
    this.#isLive = isTerminal && !output.quiet && runs > fewSeeds;
  }

  /** After each seed. */
  onRun(report: RunReport | undefined): void {
    const { runs } = this.#figures;
    if (this.#runs <= fewSeeds) {
      if (report !== undefined) this.#output.note(runLine(this.#output, report, `${runs}/${this.#runs}`));
    } else if (!this.#isLive) {
      if (runs % lineEvery === 0 || runs === this.#runs) this.#output.note(this.#line());
    } else if (performance.now() - this.#shownMs >= everyMs) {
      this.#shownMs = performance.now();
      this.#shown = true;
      process.stderr.write(`\r\u001b[K${this.#line().slice(0, (process.stderr.columns ?? 100) - 1)}`);
    }
  }

  /** A line that stays, above the one that replaces itself. */
  say(line: string): void {
    this.clear();
    this.#output.note(line);
  }

  clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
    this.#shownMs = 0;
  }

  #line(): string {
    const { runs, failedCount, simulatedMs } = this.#figures;
    const realMs = Math.max(1, performance.now() - this.#startMs);
    const perMinute = (runs * 60_000) / realMs;
    const leftMinutes = (this.#runs - runs) / Math.max(perMinute, 0.001);
    const left = leftMinutes > 90 ? `${(leftMinutes / 60).toFixed(1)} h` : `${Math.ceil(leftMinutes)} min`;
    const parts = [
      `${counted(runs)}/${counted(this.#runs)} seeds`,
      failedCount === 0 ? 'all good' : `${failedCount} FAILED`,
      `${Math.round(perMinute)} seeds/min`,
      `${counted(Math.round(simulatedMs / 1000))} s simulated, ${Math.round(simulatedMs / realMs)}×`,
      ...(runs < this.#runs ? [`${left} left`] : []),
    ];
    const share = this.#isLive ? `${bar(runs / this.#runs, 20).padEnd(20, '·')} ` : '';
    return share + parts.join('  ');
  }
}

export function runLine(output: Output, report: RunReport, at: string): string {
  const { seed, ok, operations, hosts, virtualMs, eventCount, cpuMs } = report;
  const verdict = ok ? paint(output, 'green', 'good') : paint(output, 'red', 'FAILED');
  const asked = operations.ok + operations.failed + operations.unknown + operations.open;
  return (
    `${at}  seed ${seed}  ${verdict}  ${hosts} hosts, ${counted(asked)} operations, ` +
    `${(virtualMs / 1000).toFixed(1)} s simulated, ${counted(eventCount)} events in ${(cpuMs / 1000).toFixed(1)} s`
  );
}
