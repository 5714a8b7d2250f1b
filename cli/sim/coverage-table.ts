// What was covered, for people
// =============================================================================
//
// A line a name: in how many seeds, as a number and as a bar, and how often. What was never reached is listed by name: those runs prove nothing
// about it.

import { formatTable, type Output, paint } from '../output.js';
import type { Covered, CoverageReport } from './coverage.js';

const neverSaidFrom = 20;
const barWidth = 12;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A share from 0 to 1 as a bar of `width` cells; the least that is more than nothing is still seen. */
export function bar(share: number, width: number): string {
  const parts = share <= 0 ? 0 : Math.max(1, Math.round(Math.min(1, share) * width * 8));
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] as string);
}

export function counted(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function percent(share: number): string {
  const value = share * 100;
  return value === 0 || value >= 9.95 ? `${Math.round(value)} %` : `${value.toFixed(1)} %`;
}

/** @param runs of the batch */
export function describeCoverage(coverage: CoverageReport, runs: number, output: Output): string[] {
  const { faults, sites, facts, never } = coverage;
  return [
    ...section('fault', faults, never.faults.length, runs, output),
    ...section('site', sites, never.sites.length, runs, output),
    ...section('fact', facts, never.facts.length, runs, output),
    // A few runs do not reach much.
    ...(runs < neverSaidFrom ? [] : neverLines(never, output)),
  ];
}

function neverLines(never: CoverageReport['never'], output: Output): string[] {
  return [
    ...neverReached('faults that never occurred', never.faults, output),
    ...neverReached('sites that never fired', never.sites, output),
    ...neverReached('facts never met', never.facts, output),
  ];
}

/** Of one run: its faults in a line, and how much else. */
export function describeSingle({ faults, sites, facts }: CoverageReport): string[] {
  const struck = Object.entries(faults).map(([kind, { times }]) => (times === 1 ? kind : `${kind} ×${counted(times)}`));
  return [
    `faults: ${struck.length === 0 ? 'none' : struck.join(', ')}`,
    `${Object.keys(facts).length} facts met, ${Object.keys(sites).length} sites fired (-o json lists them)`,
  ];
}

function section(
  what: string,
  table: Readonly<Record<string, Covered>>,
  missing: number,
  runs: number,
  output: Output,
): string[] {
  const rows = Object.entries(table).sort(([a, { seeds: x }], [b, { seeds: y }]) => y - x || (a < b ? -1 : 1));
  if (rows.length === 0) return [];
  const widest = Math.max(...rows.map(([, { seeds }]) => counted(seeds).length), 'seeds'.length);
  const most = Math.max(...rows.map(([, { times }]) => counted(times).length), 'times'.length);
  const effects = rows.some(([, one]) => one.effects !== undefined);
  const title = `${what} (${rows.length} of ${rows.length + missing})`;
  return [
    ...formatTable(
      [title, 'seeds'.padStart(widest), 'share', '', 'times'.padStart(most), ...(effects ? ['  effects'] : [])],
      rows.map(([name, { seeds, times, effects: struck }]) => [
        name,
        counted(seeds).padStart(widest),
        percent(seeds / runs).padStart(5),
        paint(output, 'dim', bar(seeds / runs, barWidth).padEnd(barWidth)),
        counted(times).padStart(most),
        ...(struck === undefined ? [] : [effectText(struck, output)]),
      ]),
    ),
    '',
  ];
}

/** A fault that never changed anything was none. */
function effectText(effects: number, output: Output): string {
  const text = counted(effects).padStart(9);
  return effects === 0 ? paint(output, 'yellow', text) : text;
}

function neverReached(what: string, names: readonly string[], output: Output): string[] {
  return names.length === 0 ? [] : [paint(output, 'yellow', `${what}: ${names.join(', ')}`)];
}
