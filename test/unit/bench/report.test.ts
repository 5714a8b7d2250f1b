// Medians, ratios, tables and charts

import { expect } from 'chai';
import { barChart } from '../../bench/bar-chart.js';
import { latencyChart, throughputChart } from '../../bench/charts.js';
import { bytesText, countText, msText, percentText } from '../../bench/figure-text.js';
import { sectionsOf } from '../../bench/report.js';
import { asMarkdown, asText } from '../../bench/report-text.js';
import type { BenchResult, Measurement, Turn } from '../../bench/result.js';
import { planOf } from '../../bench/scenario.js';
import { spreadOf, summarize } from '../../bench/summary.js';
import { ratios, type Target, targets, verdictOf } from '../../bench/targets.js';

function measured(scenario: string, perSecond: number, more: Partial<Measurement> = {}): Measurement {
  const latencyMs = { mean: 1, p50: 1, p90: 2, p99: 10_000 / perSecond, p999: 4, max: 5 };
  return {
    scenario,
    windowSeconds: 2,
    answered: perSecond * 2,
    perSecond,
    latencyMs,
    byOperation: {},
    errors: {},
    stale: 0,
    askedPerSecond: undefined,
    neverAsked: 0,
    servers: [
      { name: 's1', cpuSeconds: 1, rssBytes: 2 ** 20 },
      { name: 's2', cpuSeconds: 0.5, rssBytes: 2 ** 20 },
    ],
    client: { name: 'client', cpuSeconds: 1, rssBytes: 2 ** 20 },
    othersShare: 0.01,
    ...more,
  };
}

function resultOf(speeds: Readonly<Record<string, readonly number[]>>, more: Partial<Measurement> = {}): BenchResult {
  const names = Object.keys(speeds);
  const plan = planOf(true);
  const rounds = Math.max(...Object.values(speeds).map((one) => one.length));
  const disk = { syncs: 100, p50Ms: 0.1, p99Ms: 0.5, maxMs: 1 };
  const turns = Array.from({ length: rounds }, (_, i) =>
    names.flatMap((peer): Turn[] => {
      const speed = speeds[peer]?.[i];
      if (speed === undefined) return [];
      const measurements = plan.scenarios.map(({ name }) => measured(name, speed, more));
      return [{ peer, round: i + 1, disk, startSeconds: 1, measurements, peakRssBytes: {} }];
    }),
  ).flat();
  return {
    version: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    seconds: 60,
    quick: true,
    plan,
    machine: {
      cores: 2,
      cpu: 'a CPU',
      memoryGib: 4,
      system: 'a system',
      node: 'v20',
      natsServer: 'nats-server: v2',
      troupe: '0.1.0',
      commit: '0123456789',
      loadBefore: 0,
      date: '2026-01-01T00:00:00.000Z',
    },
    quiet: {
      othersShare: 0,
      stolenShare: 0,
      spinShare: 1,
      spinMillions: 200,
      disk,
      isInMemory: false,
      warnings: ['others are here'],
    },
    peers: names.map((name) => ({
      name,
      title: `the ${name}`,
      promise: { fsyncBeforeAnswer: name !== 'jetstream', copies: '3', reads: 'linearizable', isReadCurrent: true },
      settings: [],
      versions: { [name]: '1.0' },
    })),
    skipped: [{ peer: 'redis', what: 'redis-server', howToInstall: 'apt-get install redis-server' }],
    turns,
  };
}

describe('bench: report', () => {
  it('a median is the middle, or the mean of the two in the middle', () => {
    expect(spreadOf([3, 1, 2])).to.deep.equal({ median: 2, min: 1, max: 3, values: [3, 1, 2] });
    expect(spreadOf([4, 1, 3, 2]).median).to.equal(2.5);
    expect(spreadOf([7]).median).to.equal(7);
  });

  it('summarizes the rounds of each peer and scenario', () => {
    const summary = summarize(resultOf({ troupe: [100, 300, 200], etcd: [10] }));
    const mine = summary.find((one) => one.peer === 'troupe' && one.scenario === 'write-c64');
    expect(mine?.perSecond).to.include({ median: 200, min: 100, max: 300 });
    expect(mine?.serverCores.median).to.equal(0.75);
    expect(mine?.serverMicroseconds.values[0]).to.equal(7500);
    expect(mine?.serverRssBytes.median).to.equal(2 ** 21);
    expect(mine?.servers).to.deep.include({ name: 's2', cores: 0.25, rssBytes: 2 ** 20 });
    expect(summary.filter((one) => one.peer === 'etcd')).to.have.length(6);
  });

  it('a verdict is in words, the right way round for latencies', () => {
    const more: Target = {
      what: '',
      peer: '',
      scenario: '',
      metric: 'perSecond',
      floor: 0.8,
      target: 1.1,
      moonshot: 2,
    };
    expect([0.79, 0.8, 1.1, 2].map((ratio) => verdictOf(more, ratio))).to.deep.equal([
      'below the floor',
      'floor reached',
      'target reached',
      'moonshot reached',
    ]);
    const less: Target = { ...more, metric: 'p99Ms', floor: 0.5, target: 0.25, moonshot: 0.15 };
    expect([0.51, 0.5, 0.25, 0.15].map((ratio) => verdictOf(less, ratio))).to.deep.equal([
      'below the floor',
      'floor reached',
      'target reached',
      'moonshot reached',
    ]);
  });

  it('ratios are of medians, with those of the single rounds; what is missing is not measured', () => {
    const rows = ratios(summarize(resultOf({ troupe: [100, 300, 200], etcd: [10, 60, 20] })));
    const writes = rows.find((row) => row.peer === 'etcd' && row.what === 'writes, c=64');
    expect(writes).to.include({ ratio: 10, min: 5, max: 10, verdict: 'target reached' });
    const p99 = rows.find((row) => row.metric === 'p99Ms');
    expect(p99?.ratio).to.be.closeTo(0.1, 1e-9);
    expect(p99?.verdict).to.equal('moonshot reached');
    expect(rows.find((row) => row.peer === 'redis')).to.include({ ratio: undefined, verdict: 'not measured' });
  });

  it('every target is of a scenario and a concurrency that a full run measures', () => {
    const names = planOf(false).scenarios.map((one) => one.name);
    for (const target of targets) expect(names).to.include(target.scenario);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('prints tables that line up, the same as Markdown', () => {
    const result = resultOf({ troupe: [1000, 1100], etcd: [100, 90] });
    const summary = summarize(result);
    const sections = sectionsOf(result, summary, ratios(summary));
    const text = asText(sections);
    expect(text).to.include('NOT QUIET: others are here');
    expect(text).to.include('skipped redis: redis-server is not installed; apt-get install redis-server');
    const lines = text.split('\n');
    const at = lines.findIndex((line) => line.startsWith('Writes a second'));
    const [header = '', mine = '', theirs = ''] = lines.slice(at + 1);
    expect(mine).to.include('1.05k (1.00 / 9.55)');
    expect(mine.indexOf('1.05k')).to.equal(header.indexOf('c=1'));
    expect(theirs.indexOf('95.0 ')).to.equal(header.indexOf('c=1'));
    const markdown = asMarkdown(sections);
    for (const block of markdown.split('\n\n').filter((one) => one.startsWith('|')))
      expect(new Set(block.split('\n').map((line) => line.split('|').length)).size).to.equal(1);
  });

  it('marks and lists what went wrong', () => {
    const result = resultOf({ troupe: [100] }, { errors: { 'TIMEOUT no answer': 3 }, stale: 2, othersShare: 0.4 });
    const summary = summarize(result);
    const text = asText(sectionsOf(result, summary, ratios(summary)));
    expect(text).to.include('(1.00 / 100) ! ~ °');
    expect(text).to.include('3 × TIMEOUT no answer');
    expect(text).to.include('2 reads missed what had been acknowledged');
  });

  it('writes figures with three digits', () => {
    expect([0, 0.123, 52.77, 999, 4767, 126_400, 999_499, 1_150_000].map(countText)).to.deep.equal([
      '0.00',
      '0.12',
      '52.8',
      '999',
      '4.77k',
      '126k',
      '999k',
      '1.15M',
    ]);
    expect([msText(0.0861), percentText(0.256), bytesText(2 ** 29), bytesText(1.5 * 2 ** 30)]).to.deep.equal([
      '0.09',
      '26 %',
      '512 MiB',
      '1.5 GiB',
    ]);
  });
});

describe('bench: charts', () => {
  const tags = (svg: string, tag: string): number => svg.split(`<${tag} `).length - 1;

  it('has a bar for each figure and says where there is none', () => {
    const svg = barChart('a < b & c', [
      {
        title: 'one',
        categories: ['1', '64'],
        series: [
          { name: 'a', values: [10, 1000] },
          { name: 'b', values: [undefined, 0] },
        ],
        text: String,
      },
    ]);
    expect(svg).to.include('a &lt; b &amp; c');
    expect(tags(svg, 'rect')).to.equal(1 + 2 + 2); // paper, legend, bars
    expect(svg.split('>n/a<').length - 1).to.equal(2);
    expect(svg).not.to.match(/NaN|undefined|Infinity/);
    for (const [, height] of svg.matchAll(/ height="([^"]*)"/g)) expect(Number(height)).to.be.greaterThan(0);
  });

  it('a higher figure is a higher bar, by decades', () => {
    const svg = barChart('', [
      {
        title: '',
        categories: ['1'],
        series: [10, 100, 1000].map((v, i) => ({ name: `${i}`, values: [v] })),
        text: String,
      },
    ]);
    const heights = [...svg.matchAll(/width="[^"]*" height="([\d.]+)" rx="2" fill/g)]
      .map(([, height]) => Number(height))
      .slice(3);
    const [a = 0, b = 0, c = 0] = heights;
    expect(b - a).to.be.closeTo(c - b, 0.2);
    expect(b).to.be.greaterThan(a);
  });

  it('survives a run without figures, and draws one with', () => {
    const empty = resultOf({ troupe: [] });
    expect(throughputChart(empty, [])).to.include('not measured');
    const result = resultOf({ troupe: [1000], jetstream: [50] });
    const svg = throughputChart(result, summarize(result)) + latencyChart(result, summarize(result));
    expect(svg).to.include('the jetstream (no fsync)');
    expect(svg).not.to.match(/NaN|undefined|Infinity/);
  });
});
