// What a run of endurance leaves: a verdict a series, a page with charts, JSON
// =============================================================================

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTable } from '../../../cli/output.js';
import type { Chart } from '../curves/curve.js';
import { lineChart } from '../curves/line-chart.js';
import { type Machine, machineLine } from '../machine.js';
import { type Flatness, flatnessOf, ruleText } from './flatness.js';
import { kinds, type Sample, type Series, type SeriesKind } from './series.js';
import { sparkline } from './sparkline.js';

/** The shape of `endurance.json`. */
export interface EnduranceReport {
  readonly minutes: number;
  /** False when it was interrupted. */
  readonly complete: boolean;
  readonly rate: number;
  /** Every series that is judged is flat. Undefined: there are too few samples to say. */
  readonly flat: boolean | undefined;
  readonly settings: readonly string[];
  readonly series: readonly (Series & { readonly unit: string; readonly rule: string } & Partial<Flatness>)[];
  readonly samples: readonly Sample[];
  readonly errors: Readonly<Record<string, number>>;
  /** Samples that came more than twice as late as they should: the machine stood still, or was suspended, and not the mesh. */
  readonly late: number;
  readonly machine: Machine;
}

export interface EnduranceRun {
  readonly series: readonly Series[];
  readonly samples: readonly Sample[];
  readonly complete: boolean;
  readonly rate: number;
  /** Between samples, seconds. */
  readonly every: number;
  readonly settings: readonly string[];
  /** How many operations failed with which code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly machine: Machine;
}

export function reportOf(run: EnduranceRun): EnduranceReport {
  const { samples, complete, rate, every, settings, errors, machine } = run;
  const series = run.series.map((one) => {
    const { rule, unit } = kinds[one.kind];
    const found = rule === undefined ? undefined : flatnessOf(valuesOf(one, samples), rule);
    return { ...one, unit, rule: rule === undefined ? 'not judged' : ruleText(rule, unit), ...found };
  });
  const verdicts = series.map((one) => one.flat);
  const flat = verdicts.includes(false) ? false : verdicts.includes(true) ? true : undefined;
  const minutes = Number(((samples.at(-1)?.atSeconds ?? 0) / 60).toFixed(2));
  const late = samples.filter((sample, i) => sample.atSeconds - (samples[i - 1]?.atSeconds ?? 0) > 2 * every).length;
  return { minutes, complete, rate, flat, settings, series, samples, errors, late, machine };
}

function valuesOf({ id }: Series, samples: readonly Sample[]): (number | undefined)[] {
  return samples.map((sample) => sample.values[id]);
}

function rowOf(one: EnduranceReport['series'][number]): string[] {
  const { title, kind, unit, first, last, flat, rule } = one;
  const shown = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(kinds[kind].digits));
  const verdict = flat === undefined ? '–' : flat ? 'yes' : 'NO';
  return [title, unit, shown(first), shown(last), verdict, rule];
}

const heads = ['series', 'unit', 'first third', 'last third', 'flat', 'may go'];

/** For the terminal. */
export function describeEndurance(report: EnduranceReport): string[] {
  const { series, samples, minutes, rate, errors, late } = report;
  const rows = series.map((one) => [...rowOf(one), sparkline(valuesOf(one, samples))]);
  const failed = Object.entries(errors).map(([code, count]) => `${count} ${code}`);
  return [
    ...formatTable([...heads, 'over time'], rows),
    '',
    `${minutes} minutes, ${samples.length} samples, ${rate} operations a second due${report.complete ? '' : ', interrupted'}`,
    ...(failed.length === 0 ? [] : [`failed: ${failed.join(', ')}`]),
    ...(late === 0 ? [] : [lateLine(late)]),
    verdictLine(report),
  ];
}

function lateLine(late: number): string {
  return `${late} sample(s) came more than twice as late as they should: this process did not run then, so the machine is too busy or was suspended`;
}

export function verdictLine({ flat, series }: EnduranceReport): string {
  if (flat === undefined) return 'flat: too few samples to say';
  if (flat) return 'flat: yes';
  const bad = series.filter((one) => one.flat === false).map((one) => one.title);
  return `flat: NO: ${bad.join(', ')}`;
}

/** `endurance.json`, `endurance.md` and a chart for each kind of series. @returns the page's path */
export function writeEndurance(folder: string, report: EnduranceReport): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'endurance.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  const charts = chartsOf(report);
  for (const chart of charts) writeFileSync(join(folder, `endurance-${chart.id}.svg`), lineChart(chart));
  const page = join(folder, 'endurance.md');
  writeFileSync(page, `${markdownOf(report, charts).join('\n')}\n`);
  return page;
}

export function chartsOf({ series, samples }: EnduranceReport): Chart[] {
  return (Object.keys(kinds) as SeriesKind[]).flatMap((kind): Chart[] => {
    const { title, unit } = kinds[kind];
    const lines = series
      .filter((one) => one.kind === kind)
      .map((one) => ({
        name: one.title,
        points: samples.flatMap(({ atSeconds, values }): (readonly [number, number])[] => {
          const value = values[one.id];
          return value === undefined ? [] : [[atSeconds / 60, value]];
        }),
      }))
      .filter((line) => line.points.length > 0);
    if (lines.length === 0) return [];
    const x = { title: 'minutes', scale: 'linear' } as const;
    return [{ id: kind, title, x, y: { title: unit === '' ? title : unit, scale: 'linear' }, lines }];
  });
}

function markdownOf(report: EnduranceReport, charts: readonly Chart[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `# Endurance: ${report.minutes} minutes of mixed load`,
    '',
    ...(report.complete ? [] : ['This run was interrupted.', '']),
    `${verdictLine(report)}.`,
    '',
    ...(report.late === 0 ? [] : [`${lateLine(report.late)}.`, '']),
    line(heads),
    line(heads.map(() => '---')),
    ...report.series.map((one) => line(rowOf(one))),
    '',
    ...charts.flatMap((chart) => [`![${chart.title}](endurance-${chart.id}.svg)`, '']),
    '## How it was measured',
    '',
    ...report.settings.map((setting) => `* ${setting}`),
    `* Machine: ${machineLine(report.machine)}.`,
  ];
}
