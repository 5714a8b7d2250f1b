// What Troupe is to reach beside its peers, and whether it does
// =============================================================================
//
// Ratios of medians within one run: absolute figures mean nothing on another machine. For throughput more is better; of latencies the smaller share is.

import type { ScenarioSummary } from './summary.js';

const ours = 'troupe';

export interface Target {
  readonly what: string;
  readonly peer: string;
  readonly scenario: string;
  readonly metric: 'perSecond' | 'p99Ms';
  readonly floor: number;
  readonly target: number;
  readonly moonshot: number;
}

function rows(
  what: string,
  peer: string,
  scenario: string,
  concurrencies: readonly number[],
  limits: readonly (readonly [floor: number, target: number, moonshot: number])[],
  metric: Target['metric'] = 'perSecond',
): Target[] {
  return concurrencies.map((count, i) => {
    const [floor, target, moonshot] = limits[i] as readonly [number, number, number];
    return { what: `${what}, c=${count}`, peer, scenario: `${scenario}-c${count}`, metric, floor, target, moonshot };
  });
}

export const targets: readonly Target[] = [
  ...rows(
    'writes',
    'etcd',
    'write',
    [1, 64, 256],
    [
      [0.8, 1.1, 2],
      [4, 7, 12],
      [6, 10, 17],
    ],
  ),
  ...rows('write p99', 'etcd', 'write', [256], [[0.5, 0.25, 0.15]], 'p99Ms'),
  ...rows(
    'linearizable reads',
    'etcd',
    'read',
    [1, 64],
    [
      [2, 3, 8],
      [12, 22, 40],
    ],
  ),
  ...rows(
    'writes',
    'jetstream',
    'write',
    [64, 256],
    [
      [1.1, 1.9, 3],
      [2, 3.5, 6],
    ],
  ),
  ...rows('reads', 'jetstream', 'read', [64], [[3, 5, 10]]),
  ...rows('writes', 'redis-wait', 'write', [256], [[0.7, 1.2, 2]]),
  ...rows(
    'writes',
    'redis',
    'write',
    [256, 1024],
    [
      [0.4, 0.7, 1.2],
      [0.55, 1, 1.5],
    ],
  ),
  ...rows('reads', 'redis', 'read', [256], [[0.6, 1, 2]]),
];

export type Verdict = 'moonshot reached' | 'target reached' | 'floor reached' | 'below the floor' | 'not measured';

export interface Ratio extends Target {
  readonly ratio: number | undefined;
  /** Of the single rounds, Troupe's and the peer's of the same round: how far the ratio is to be trusted. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly verdict: Verdict;
}

export function ratios(summary: readonly ScenarioSummary[]): Ratio[] {
  const find = (peer: string, scenario: string): ScenarioSummary | undefined =>
    summary.find((one) => one.peer === peer && one.scenario === scenario);
  return targets.map((target) => {
    const mine = find(ours, target.scenario)?.[target.metric];
    const theirs = find(target.peer, target.scenario)?.[target.metric];
    if (mine === undefined || theirs === undefined || !(theirs.median > 0) || !(mine.median > 0))
      return { ...target, ratio: undefined, min: undefined, max: undefined, verdict: 'not measured' };
    const single = mine.values.flatMap((value, round) => {
      const other = theirs.values[round];
      return other === undefined || other <= 0 ? [] : [value / other];
    });
    const ratio = mine.median / theirs.median;
    return { ...target, ratio, min: Math.min(...single), max: Math.max(...single), verdict: verdictOf(target, ratio) };
  });
}

export function verdictOf({ metric, floor, target, moonshot }: Target, ratio: number): Verdict {
  const reaches = (limit: number): boolean => (metric === 'perSecond' ? ratio >= limit : ratio <= limit);
  if (reaches(moonshot)) return 'moonshot reached';
  if (reaches(target)) return 'target reached';
  return reaches(floor) ? 'floor reached' : 'below the floor';
}
