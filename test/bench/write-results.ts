// A run's results as files: results.json, report.md, throughput.svg, latency.svg
// =============================================================================

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { latencyChart, throughputChart } from './charts.js';
import { marks, type Section } from './report.js';
import { asMarkdown } from './report-text.js';
import type { BenchResult } from './result.js';
import type { ScenarioSummary } from './summary.js';
import type { Ratio } from './targets.js';

export interface Findings extends BenchResult {
  readonly summary: readonly ScenarioSummary[];
  readonly ratios: readonly Ratio[];
}

/** Replaces what is there of an earlier run. @returns the files */
export function writeResults(folder: string, findings: Findings, sections: readonly Section[]): string[] {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return [
    write('results.json', `${JSON.stringify(findings, rounded, 1)}\n`),
    write('report.md', reportOf(findings, sections)),
    write('throughput.svg', throughputChart(findings, findings.summary)),
    write('latency.svg', latencyChart(findings, findings.summary)),
  ];
}

/** Five significant digits: more is noise, and makes a large file of a small one. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}

function reportOf({ peers }: BenchResult, sections: readonly Section[]): string {
  const settings = peers.map(({ title, versions, settings: lines }) =>
    [
      `### ${title}`,
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      lines.map((line) => `* ${line}`).join('\n'),
    ].join('\n\n'),
  );
  return [
    '# Troupe beside its peers',
    'Written by `make bench`. How to repeat it, and what the words mean: [docs/benchmarks](../README.md).',
    '![operations a second](throughput.svg)',
    '![99th percentile of latency](latency.svg)',
    `Marks: ${marks}`,
    asMarkdown(sections),
    '## Settings, as used',
    ...settings,
    '',
  ].join('\n\n');
}
