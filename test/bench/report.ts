// The report of a run: tables, the same for a terminal and for Markdown
// =============================================================================

import { machineLine } from './machine.js';
import type { BenchResult } from './result.js';
import type { Scenario } from './scenario.js';
import type { ScenarioSummary } from './summary.js';
import type { Ratio } from './targets.js';
import { bytesText, countText, msText, percentText, ratioText } from './figure-text.js';

export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Others took more than this share of the processors in a window: the cell is marked. */
const noisyShare = 0.1;
export const marks = '! errors   ~ others used more than 10 % of the processors   ° stale reads';

export function sectionsOf(
  result: BenchResult,
  summary: readonly ScenarioSummary[],
  ratioRows: readonly Ratio[],
): Section[] {
  const table = new SummaryTable(result, summary);
  return [
    machineSection(result),
    promiseSection(result),
    table.cells('Writes a second (p50 / p99 ms)', 'writes', throughputCell),
    table.cells('Reads a second (p50 / p99 ms)', 'reads', throughputCell),
    table.cells('Larger values, c=64: a second (p50 / p99 ms)', 'sizes', throughputCell),
    table.cells('YCSB mixes, c=64, Zipf unless uniform: operations a second (p50 / p99 ms)', 'mixes', throughputCell),
    table.openLoop(),
    table.processors(),
    table.cells('Spread of the rounds: writes a second, least – most', 'writes', spreadCell),
    table.cells('Spread of the rounds: reads a second, least – most', 'reads', spreadCell),
    ratioSection(ratioRows),
    troubleSection(result),
  ].filter((section) => section.rows.length > 0 || section.notes.length > 0);
}

function machineSection({ machine, quiet, plan, quick, startedAt, seconds, skipped }: BenchResult): Section {
  const { disk } = quiet;
  const idle = quiet.othersShare === undefined ? '' : `, others used ${percentText(quiet.othersShare)}`;
  return {
    title: quick ? 'Benchmark beside peers (quick: too short for more than a look)' : 'Benchmark beside peers',
    notes: [
      machineLine(machine),
      `disk: fdatasync of 4 KiB p50 ${msText(disk.p50Ms)} ms, p99 ${msText(disk.p99Ms)} ms${idle}; a processor turns ${Math.round(quiet.spinMillions)} million times a second`,
      `${plan.rounds === 1 ? 'one round' : `medians of ${plan.rounds} rounds in turn`}; each figure is of ${plan.windowMs / 1000} s after ${plan.warmupMs / 1000} s of warm-up; began ${startedAt}, took ${Math.round(seconds)} s`,
      'everything runs on this machine at once: servers, client, one disk',
      ...quiet.warnings.map((warning) => `NOT QUIET: ${warning}`),
      ...skipped.map(({ peer, what, howToInstall }) => `skipped ${peer}: ${what} is not installed; ${howToInstall}`),
    ],
    header: [],
    rows: [],
  };
}

function promiseSection({ peers }: BenchResult): Section {
  return {
    title: 'What an answer means',
    notes: [],
    header: ['peer', 'version', 'fsync before the answer', 'copies', 'reads'],
    rows: peers.map(({ title, versions, promise }) => [
      title,
      Object.values(versions)[0] ?? '',
      promise.fsyncBeforeAnswer ? 'yes' : 'NO',
      promise.copies,
      promise.reads,
    ]),
  };
}

function throughputCell(one: ScenarioSummary): string {
  const mark = `${one.errors > 0 ? ' !' : ''}${one.othersShare > noisyShare ? ' ~' : ''}${one.stale > 0 ? ' °' : ''}`;
  return `${countText(one.perSecond.median)} (${msText(one.p50Ms.median)} / ${msText(one.p99Ms.median)})${mark}`;
}

function spreadCell({ perSecond }: ScenarioSummary): string {
  return `${countText(perSecond.min)} – ${countText(perSecond.max)}`;
}

class SummaryTable {
  readonly #result: BenchResult;
  readonly #summary: readonly ScenarioSummary[];

  constructor(result: BenchResult, summary: readonly ScenarioSummary[]) {
    this.#result = result;
    this.#summary = summary;
  }

  /** A row a peer, a column a scenario. */
  cells(title: string, group: Scenario['group'], cell: (one: ScenarioSummary) => string): Section {
    const scenarios = this.#result.plan.scenarios.filter((one) => one.group === group);
    if (scenarios.length === 0) return { title, notes: [], header: [], rows: [] };
    const rows = this.#result.peers.map((peer) => [
      peer.title,
      ...scenarios.map(({ name }) => {
        const found = this.#find(peer.name, name);
        return found === undefined ? 'n/a' : cell(found);
      }),
    ]);
    return { title, notes: [], header: ['peer', ...scenarios.map(columnName)], rows };
  }

  openLoop(): Section {
    const scenarios = this.#result.plan.scenarios.filter((one) => one.group === 'open');
    const rows = scenarios.flatMap(({ name, rate }) =>
      this.#result.peers.flatMap((peer) => {
        const found = this.#find(peer.name, name);
        if (found === undefined) return [];
        const at = rate !== undefined && 'share' in rate ? ` (${percentText(rate.share)})` : '';
        return [
          [
            name,
            peer.title,
            `${countText(found.askedPerSecond?.median ?? 0)}${at}`,
            ...[found.p50Ms, found.p90Ms, found.p99Ms, found.p999Ms, found.maxMs].map((one) => msText(one.median)),
            found.neverAsked === 0 ? '' : String(found.neverAsked),
            found.errors === 0 ? '' : String(found.errors),
          ],
        ];
      }),
    );
    return {
      title: 'Open loop: latency in ms from when an operation was due, at a fixed rate',
      notes: rows.length === 0 ? [] : ['per cent: of what the same peer did in the closed loop with c=256'],
      header: ['scenario', 'peer', 'asked a second', 'p50', 'p90', 'p99', 'p99.9', 'max', 'never asked', 'errors'],
      rows,
    };
  }

  processors(): Section {
    const wanted = this.#result.plan.scenarios.filter((one) => one.name.endsWith('-c256'));
    const rows = wanted.flatMap(({ name }) =>
      this.#result.peers.flatMap((peer) => {
        const found = this.#find(peer.name, name);
        if (found === undefined) return [];
        return [
          [
            name,
            peer.title,
            found.serverCores.median.toFixed(2),
            found.clientCores.median.toFixed(2),
            found.serverMicroseconds.median.toFixed(1),
            found.clientMicroseconds.median.toFixed(1),
            bytesText(found.serverRssBytes.median),
            bytesText(found.clientRssBytes.median),
            found.servers.map(({ name: server, cores }) => `${server} ${cores.toFixed(2)}`).join(', '),
          ],
        ];
      }),
    );
    return {
      title: 'Processors and memory, c=256',
      notes: [],
      header: [
        'scenario',
        'peer',
        'servers, cores',
        'client, cores',
        'servers, CPU µs an operation',
        'client, CPU µs an operation',
        'servers, RSS',
        'client, RSS',
        'each server, cores',
      ],
      rows,
    };
  }

  #find(peer: string, scenario: string): ScenarioSummary | undefined {
    return this.#summary.find((one) => one.peer === peer && one.scenario === scenario);
  }
}

function columnName({ name, group, outstanding, valueBytes }: Scenario): string {
  if (group === 'writes' || group === 'reads') return `c=${outstanding}`;
  if (group === 'sizes') return `${name.startsWith('write') ? 'write' : 'read'} ${valueBytes / 1024} KiB`;
  return name.replace(/^ycsb-./, (letter) => letter.slice(-1).toUpperCase()).replace('-', ' ');
}

function ratioSection(rows: readonly Ratio[]): Section {
  const measured = rows.some((row) => row.ratio !== undefined);
  return {
    title: 'Troupe by peer: ratios of medians, and what they are to be',
    notes: [],
    header: ['what', 'peer', 'ratio', 'rounds', 'floor', 'target', 'moonshot', 'verdict'],
    rows: measured
      ? rows.map((row) => [
          row.what,
          row.peer,
          row.ratio === undefined ? '' : ratioText(row.ratio),
          row.min === undefined || row.max === undefined ? '' : `${ratioText(row.min)} – ${ratioText(row.max)}`,
          ...[row.floor, row.target, row.moonshot].map((limit) => `${row.metric === 'p99Ms' ? '≤ ' : ''}${limit} ×`),
          row.verdict,
        ])
      : [],
  };
}

function troubleSection({ turns }: BenchResult): Section {
  const rows = turns.flatMap(({ peer, round, failure, measurements }) => [
    ...(failure === undefined ? [] : [[peer, String(round), 'the turn ended early', failure]]),
    ...measurements.flatMap(({ scenario, errors, stale }) => [
      ...Object.entries(errors).map(([what, count]) => [peer, String(round), scenario, `${count} × ${what}`]),
      ...(stale === 0 ? [] : [[peer, String(round), scenario, `${stale} reads missed what had been acknowledged`]]),
    ]),
  ]);
  return { title: 'Errors', notes: [], header: ['peer', 'round', 'scenario', 'what'], rows };
}
