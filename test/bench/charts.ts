// The charts of a run
// =============================================================================

import { type Panel, barChart } from './bar-chart.js';
import { countText, msText } from './figure-text.js';
import type { BenchResult } from './result.js';
import type { Scenario } from './scenario.js';
import type { ScenarioSummary } from './summary.js';

export function throughputChart(result: BenchResult, summary: readonly ScenarioSummary[]): string {
  const value = (one: ScenarioSummary): number => one.perSecond.median;
  return barChart(`Operations a second, 256-byte values: more is better (${place(result)})`, [
    panel('Writes a second, by operations under way', 'writes', result, summary, value, countText),
    panel('Reads a second, by operations under way', 'reads', result, summary, value, countText),
  ]);
}

export function latencyChart(result: BenchResult, summary: readonly ScenarioSummary[]): string {
  const value = (one: ScenarioSummary): number => one.p99Ms.median;
  return barChart(`99th percentile of latency, ms, 256-byte values: less is better (${place(result)})`, [
    panel('Writes, by operations under way', 'writes', result, summary, value, msText),
    panel('Reads, by operations under way', 'reads', result, summary, value, msText),
  ]);
}

function place({ machine, plan }: BenchResult): string {
  return `${machine.cores} cores, ${plan.rounds === 1 ? 'one round' : `medians of ${plan.rounds} rounds`}`;
}

function panel(
  title: string,
  group: Scenario['group'],
  { peers, plan }: BenchResult,
  summary: readonly ScenarioSummary[],
  value: (one: ScenarioSummary) => number,
  text: Panel['text'],
): Panel {
  const scenarios = plan.scenarios.filter((one) => one.group === group);
  return {
    title,
    categories: scenarios.map((one) => String(one.outstanding)),
    series: peers.map((peer) => ({
      name: `${peer.title}${peer.promise.fsyncBeforeAnswer ? '' : ' (no fsync)'}`,
      values: scenarios.map(({ name }) => {
        const found = summary.find((one) => one.peer === peer.name && one.scenario === name);
        return found === undefined ? undefined : value(found);
      }),
    })),
    text,
  };
}
