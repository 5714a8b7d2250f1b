// What a soak says: a line a cycle, a table at the end
// =============================================================================

import { formatTable, type Output, paint } from '../output.js';
import type { CycleResult, CycleTimes } from './soak-cycle.js';

export interface SoakReport {
  readonly seed: string;
  readonly cycles: number;
  readonly seconds: number;
  readonly operations: { readonly answered: number; readonly failed: number; readonly unknown: number };
  readonly keys: { readonly linearizable: number; readonly violated: number; readonly undecided: number };
  readonly counters: number;
  /** By the rules that were broken: acknowledged and lost, failed and there, applied twice. */
  readonly broken: { readonly lost: number; readonly visible: number; readonly twice: number };
  /**
   * Keys of all cycles read again at the end. `unsure` had a write of unknown outcome and were judged anew, `undecided` of them without a result;
   * `left` could not be read in their cycle, or were too many.
   */
  readonly settled: {
    readonly checked: number;
    readonly different: number;
    readonly unsure: number;
    readonly undecided: number;
    readonly left: number;
  };
  /** The bug that was planted, to see it found. */
  readonly planted: string | undefined;
  /** Where the time of the cycles went. */
  readonly timesMs: CycleTimes;
  /** How often hosts told of what. */
  readonly events: Readonly<Record<string, number>>;
  /** What no fault explains: crashed actors, dead threads, ended hosts. */
  readonly crashes: readonly string[];
  readonly faults: readonly FaultReport[];
  readonly failure: string | undefined;
  /** Of the mesh, when it is kept. */
  readonly folder: string | undefined;
}

/** Recovery after the cycles in which the fault happened, perhaps among others. */
export interface FaultReport {
  readonly name: string;
  readonly times: number;
  readonly healthyMs: { readonly p50: number; readonly max: number };
}

const bars = '▁▂▃▄▅▆▇█';
const barsMax = 30;

/** Operations answered over time: a gap is where the mesh did not answer. */
export function sparkline(counts: readonly number[]): string {
  const width = Math.max(1, Math.ceil(counts.length / barsMax));
  const groups: number[] = [];
  for (let i = 0; i < counts.length; i += width)
    groups.push(counts.slice(i, i + width).reduce((sum, count) => sum + count, 0));
  const most = Math.max(1, ...groups);
  return groups.map((count) => (count === 0 ? ' ' : bars[Math.ceil((count / most) * bars.length) - 1])).join('');
}

export function cycleLine(
  { cycle, faults, healthyMs, counts, answeredOverTime, losesUnsynced, illness, verdict }: CycleResult,
  cycles: number,
): string {
  const happened = faults.map(({ name, done }) => (done === '' ? name : `${name} ${done}`)).join(' + ');
  const what = losesUnsynced ? `${happened} (a kill is a power loss)` : happened;
  const { linearizable, violated, undecided } = verdict.keys;
  const keys = `${linearizable} keys linearizable${violated > 0 ? `, ${violated} NOT` : ''}${undecided > 0 ? `, ${undecided} undecided` : ''}`;
  const unknown = counts.unknown + counts.failed > 0 ? `, ${counts.failed} failed, ${counts.unknown} unknown` : '';
  const well = illness === undefined ? `well after ${(healthyMs / 1000).toFixed(1)} s` : `NOT WELL, ${illness}`;
  return `${cycle}/${cycles}  ${what}: ${well} · ▕${sparkline(answeredOverTime)}▏ ${counts.answered} answered${unknown} · ${keys}`;
}

export function faultReports(results: readonly Pick<CycleResult, 'faults' | 'healthyMs'>[]): FaultReport[] {
  const byName = new Map<string, number[]>();
  for (const { faults, healthyMs } of results)
    for (const name of new Set(faults.map((fault) => fault.name))) {
      const times = byName.get(name);
      if (times === undefined) byName.set(name, [healthyMs]);
      else times.push(healthyMs);
    }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, times]) => {
      times.sort((a, b) => a - b);
      const at = (share: number): number => Math.round(times[Math.ceil(times.length * share) - 1] as number);
      return { name, times: times.length, healthyMs: { p50: at(0.5), max: at(1) } };
    });
}

export function describeSoak(report: SoakReport, output: Output): string[] {
  const { operations, keys, settled, broken, faults } = report;
  const isGood = report.failure === undefined;
  const verdict = isGood ? paint(output, 'green', 'good') : paint(output, 'red', `BAD: ${report.failure}`);
  return [
    ...formatTable(
      ['fault', 'cycles', 'well after p50 ms', 'max ms'],
      faults.map(({ name, times, healthyMs }) => [name, String(times), String(healthyMs.p50), String(healthyMs.max)]),
    ),
    '',
    `${report.cycles} cycles in ${Math.round(report.seconds)} s, seed ${report.seed}`,
    `${operations.answered} operations answered, ${operations.failed} failed, ${operations.unknown} of unknown outcome`,
    `${keys.linearizable} keys linearizable, ${keys.violated} not, ${keys.undecided} undecided; ${report.counters} counters judged`,
    `acknowledged and lost: ${broken.lost} · failed and there: ${broken.visible} · applied twice: ${broken.twice}`,
    settled.checked === 0
      ? 'nothing was read again at the end'
      : `${settled.checked} keys read again after every host was killed, ${settled.different} different; ${settled.unsure} of them with a write of unknown outcome, ${settled.undecided} undecided${settled.left > 0 ? `; ${settled.left} left out` : ''}`,
    `time: ${Object.entries(report.timesMs)
      .map(([phase, ms]) => `${phase} ${Math.round(ms / 1000)} s`)
      .join(', ')}`,
    ...report.crashes.map((crash) => paint(output, 'red', crash)),
    ...(report.planted === undefined ? [] : [`planted bug: ${report.planted}`]),
    `verdict: ${verdict}`,
    ...(report.folder === undefined ? [] : [`the mesh's folder is kept: ${report.folder}`]),
  ];
}
