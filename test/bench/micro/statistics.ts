// The middle of some samples, and how far they lie apart
// =============================================================================

/** The middle one, or the mean of the two in the middle. @throws RangeError when there are none */
export function medianOf(samples: readonly number[]): number {
  return quantileOf(ascending(samples), 0.5);
}

/** Half of the distance between the quartiles, as a share of the median: what half of the samples lie within. @throws RangeError when there are none */
export function spreadOf(samples: readonly number[]): number {
  const sorted = ascending(samples);
  return (quantileOf(sorted, 0.75) - quantileOf(sorted, 0.25)) / 2 / quantileOf(sorted, 0.5);
}

function ascending(samples: readonly number[]): number[] {
  if (samples.length === 0) throw new RangeError('no samples have no middle');
  return [...samples].sort((a, b) => a - b);
}

/** Between two samples in proportion. */
function quantileOf(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}
