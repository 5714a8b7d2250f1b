// What a curve's run leaves: a table for the terminal, and a page with charts and JSON in the output folder
// =============================================================================

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTable } from '../../../cli/output.js';
import type { Claim, Column, Curve, Row } from './curve.js';
import { lineChart } from './line-chart.js';
import { type Machine, machineLine } from '../machine.js';

/** The shape of `<name>.json`. */
export interface CurveReport {
  readonly curve: string;
  readonly title: string;
  readonly quick: boolean;
  /** False when it was interrupted, or failed: then the last points are missing. */
  readonly complete: boolean;
  readonly settings: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly claims: readonly (Claim & { readonly met: boolean | undefined })[];
  readonly machine: Machine;
}

export function reportOf(
  curve: Curve,
  rows: readonly Row[],
  run: { readonly quick: boolean; readonly complete: boolean; readonly machine: Machine },
): CurveReport {
  const { name, title, columns } = curve;
  const claims = curve.claims(rows).map((claim) => ({ ...claim, met: isMet(claim) }));
  return { curve: name, title, ...run, settings: curve.settings(run.quick), columns, rows, claims };
}

function isMet({ measured, limit }: Claim): boolean | undefined {
  return measured === undefined ? undefined : measured <= limit;
}

/** For the terminal. */
export function describeCurve(report: CurveReport): string[] {
  const { title, columns, rows, claims } = report;
  return [
    title,
    '',
    ...formatTable(
      columns.map(headOf),
      rows.map((row) => columns.map((column) => cellOf(column, row))),
    ),
    ...(claims.length === 0 ? [] : ['']),
    ...claims.map(claimLine),
    ...(report.complete ? [] : ['not complete: the points after these are missing']),
  ];
}

function headOf({ title, unit }: Column): string {
  return unit === '' ? title : `${title} ${unit}`;
}

/** Thousands are set apart; a dash where there is no figure. */
export function cellOf({ id, digits }: Column, row: Row): string {
  const value = row[id];
  if (value === undefined || !Number.isFinite(value)) return '–';
  const [whole, fraction] = value.toFixed(digits).split('.') as [string, string | undefined];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

export function claimLine(claim: Claim): string {
  const { what, unit, limit, measured } = claim;
  if (measured === undefined) return `${what}: not measured at that size (at most ${limit} ${unit})`;
  const word = isMet(claim) === true ? 'yes' : 'NO';
  return `${what}: ${Number(measured.toPrecision(3))} ${unit}, at most ${limit}: ${word}`;
}

/** `<name>.json`, `<name>.md` and `<name>-<chart>.svg`. @returns the page's path */
export function writeCurve(folder: string, curve: Curve, report: CurveReport): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${curve.name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  const charts = curve.charts(report.rows).filter((chart) => chart.lines.some((line) => line.points.length > 0));
  for (const chart of charts) writeFileSync(join(folder, `${curve.name}-${chart.id}.svg`), lineChart(chart));
  const page = join(folder, `${curve.name}.md`);
  const pictures = charts.map((chart) => `![${chart.title}](${curve.name}-${chart.id}.svg)`);
  writeFileSync(page, `${markdownOf(report, pictures).join('\n')}\n`);
  return page;
}

function markdownOf(report: CurveReport, pictures: readonly string[]): string[] {
  const { title, columns, rows, claims, settings, machine } = report;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `# ${title}`,
    '',
    ...(report.quick ? ['A quick run: it shows that the measurement works, and its figures mean little.', ''] : []),
    ...(report.complete ? [] : ['This run was not completed: the points after these are missing.', '']),
    line(columns.map(headOf)),
    line(columns.map(() => '---:')),
    ...rows.map((row) => line(columns.map((column) => cellOf(column, row)))),
    '',
    ...claims.map((claim) => `* ${claimLine(claim)}`),
    ...(claims.length === 0 ? [] : ['']),
    ...pictures.flatMap((picture) => [picture, '']),
    '## How it was measured',
    '',
    ...settings.map((setting) => `* ${setting}`),
    `* Machine: ${machineLine(machine)}.`,
    `* Again: \`make bench-curves CURVES=${report.curve}${report.quick ? ' QUICK=1' : ''}\`.`,
  ];
}
