// Which key comes next
// =============================================================================
//
// Uniform, or Zipf's law with exponent 0.99 as in YCSB: the first key is the hottest.
//
// Sources: Cooper and others, "Benchmarking cloud serving systems with YCSB", 2010, §5.1.

import type { Random } from '../../runtime/std/random.js';

export const distributions = ['uniform', 'zipf'] as const;
export type Distribution = (typeof distributions)[number];

const exponent = 0.99;
/** Above it the table of sums would be large. */
export const zipfKeysMax = 10_000_000;

export type KeyChooser = (random: Random) => number;

/** @returns indexes in [0, count). REQUIRES count ≥ 1, and for zipf count ≤ zipfKeysMax. */
export function keyChooser(distribution: Distribution, count: number): KeyChooser {
  if (distribution === 'uniform') return (random) => random.below(count);
  const sums = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) sums[i] = sum += (i + 1) ** -exponent;
  return (random) => firstAtLeast(sums, random.fraction() * sum);
}

function firstAtLeast(sums: Float64Array, wanted: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle] as number) > wanted) high = middle;
    else low = middle + 1;
  }
  return low;
}
