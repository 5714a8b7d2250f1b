// Whether a series stayed flat
// =============================================================================
//
// The median of its first third is held against the median of its last third. Medians, because one collection of garbage or one slow sync is no
// trend; thirds, because what leaks goes on leaking. How much worse the last may be is said by the kind of series: a share of the first, and a slack
// below which a difference is noise whatever its share.

/** What is worse: `up` for memory and latency, `down` for throughput. */
export interface FlatRule {
  readonly worse: 'up' | 'down';
  /** Of the first third's median. */
  readonly share: number;
  /** In the series' own unit. */
  readonly slack: number;
}

export interface Flatness {
  readonly first: number;
  readonly last: number;
  /** Undefined: there are too few samples to say. */
  readonly flat: boolean | undefined;
}

/** Below it a third is no more than a sample or two. */
export const samplesMin = 9;

/** @param values samples at equal distances; those that are missing are left out */
export function flatnessOf(values: readonly (number | undefined)[], rule: FlatRule): Flatness | undefined {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  if (known.length === 0) return undefined;
  const third = Math.max(1, Math.floor(known.length / 3));
  const first = median(known.slice(0, third));
  const last = median(known.slice(-third));
  const worse = rule.worse === 'up' ? last - first : first - last;
  const flat = known.length < samplesMin ? undefined : worse <= Math.abs(first) * rule.share + rule.slack;
  return { first, last, flat };
}

/** REQUIRES a value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}

/** The rule in words. */
export function ruleText({ worse, share, slack }: FlatRule, unit: string): string {
  const parts = [share === 0 ? '' : `${Math.round(share * 100)} %`, slack === 0 ? '' : `${slack} ${unit}`.trim()];
  const amount = parts.filter((part) => part !== '').join(' and ');
  return `${worse === 'up' ? 'up' : 'down'} by at most ${amount === '' ? 'nothing' : amount}`;
}
