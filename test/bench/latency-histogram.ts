// A histogram of latencies in one typed array
// =============================================================================
//
// Log-linear, as HdrHistogram's: below 128 µs a bucket a microsecond, above it 64 buckets for each doubling, so that a percentile is at most 1.6 % too
// high. Recording is a shift and an addition; nothing is allocated.
//
// Sources: Tene, HdrHistogram.

const halfBits = 6;
const half = 1 << halfBits;
/** Up to 2^36 µs, nineteen hours: beyond that it counts as that. */
const doublings = 30;
const buckets = half * (doublings + 1);

export class LatencyHistogram {
  readonly #counts = new Float64Array(buckets);
  #total = 0;
  #sumMicroseconds = 0;
  #maxMicroseconds = 0;

  get total(): number {
    return this.#total;
  }

  record(ms: number): void {
    const microseconds = Math.max(0, Math.round(ms * 1000));
    const bucket = bucketOf(microseconds);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total++;
    this.#sumMicroseconds += microseconds;
    if (microseconds > this.#maxMicroseconds) this.#maxMicroseconds = microseconds;
  }

  /** Milliseconds; the upper end of the bucket in which that share of all is reached. 0 when nothing was recorded. */
  percentileMs(percent: number): number {
    const rank = Math.max(1, Math.ceil((this.#total * percent) / 100));
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return Math.min(upperEndOf(bucket), this.#maxMicroseconds) / 1000;
    }
    return this.#maxMicroseconds / 1000;
  }

  get maxMs(): number {
    return this.#maxMicroseconds / 1000;
  }

  get meanMs(): number {
    return this.#total === 0 ? 0 : this.#sumMicroseconds / this.#total / 1000;
  }

  add(other: LatencyHistogram): void {
    for (let i = 0; i < buckets; i++) this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number);
    this.#total += other.#total;
    this.#sumMicroseconds += other.#sumMicroseconds;
    this.#maxMicroseconds = Math.max(this.#maxMicroseconds, other.#maxMicroseconds);
  }
}

function bucketOf(microseconds: number): number {
  if (microseconds < 2 * half) return microseconds;
  const exponent = Math.floor(Math.log2(microseconds)) - halfBits; // 1 for [128, 256)
  return Math.min(buckets - 1, exponent * half + Math.floor(microseconds / 2 ** exponent));
}

/** Of what may be in the bucket, the largest whole number of microseconds. */
function upperEndOf(bucket: number): number {
  if (bucket < 2 * half) return bucket;
  if (bucket === buckets - 1) return Number.POSITIVE_INFINITY; // all that is beyond, too
  const exponent = Math.floor(bucket / half) - 1;
  return (bucket - exponent * half + 1) * 2 ** exponent - 1;
}
