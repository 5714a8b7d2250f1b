// How long each partition's writer waited
// =============================================================================
//
// One writer a partition, one write at a time under one key. What counts is the longest time between two answers, from the moment of `begin` on; a gap
// that is still open counts as far as it goes.
//
// Pure but for the clock that it is given.

export class WriteGaps {
  readonly #nowMs: () => number;
  readonly #lastMs: Float64Array;
  readonly #longestMs: Float64Array;

  constructor(partitions: number, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lastMs = new Float64Array(partitions).fill(nowMs());
    this.#longestMs = new Float64Array(partitions);
  }

  /** From now on: what was longest until now is forgotten, and gaps that are open go on from their beginning. */
  begin(): void {
    this.#longestMs.fill(0);
  }

  answered(partition: number): void {
    const nowMs = this.#nowMs();
    this.#longestMs[partition] = Math.max(this.#longestMs[partition] ?? 0, nowMs - (this.#lastMs[partition] ?? nowMs));
    this.#lastMs[partition] = nowMs;
  }

  /** Whether every partition was answered since that time. */
  allSince(ms: number): boolean {
    return this.#lastMs.every((lastMs) => lastMs >= ms);
  }

  /** By partition, ms. */
  longest(): number[] {
    const nowMs = this.#nowMs();
    return Array.from(this.#longestMs, (longestMs, i) => Math.max(longestMs, nowMs - (this.#lastMs[i] ?? nowMs)));
  }
}
