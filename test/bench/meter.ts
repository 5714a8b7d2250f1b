// What is counted while the clock runs
// =============================================================================
//
// Only what falls into the window counts. Closed loop: what was answered in it. Open loop: what was due in it, however late the answer came, for to leave out
// the late ones would be the very omission that the open loop is there to avoid.

import { LatencyHistogram } from './latency-histogram.js';
import { operations } from './operation-feed.js';

const codesMax = 20;

export class Meter {
  readonly #isOpenLoop: boolean;
  readonly #histograms = operations.map(() => new LatencyHistogram());
  readonly #errors = new Map<string, number>();
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.POSITIVE_INFINITY;
  /** Answered, rightly, in the window. */
  answered = 0;
  /** Reads of what had been acknowledged that found nothing, where the peer promises no more. In the window. */
  stale = 0;

  constructor(isOpenLoop: boolean) {
    this.#isOpenLoop = isOpenLoop;
  }

  /** Milliseconds of the clock that the load uses; may be of the future. */
  open(fromMs: number): void {
    this.#fromMs = fromMs;
  }

  close(toMs: number): void {
    this.#toMs = toMs;
  }

  get windowMs(): number {
    return this.#toMs - this.#fromMs;
  }

  note(kind: number, startMs: number, nowMs: number): void {
    const at = this.#isOpenLoop ? startMs : nowMs;
    if (at < this.#fromMs || at >= this.#toMs) return;
    this.answered++;
    this.#histograms[kind]?.record(nowMs - startMs);
  }

  noteStale(nowMs: number): void {
    if (nowMs >= this.#fromMs && nowMs < this.#toMs) this.stale++;
  }

  /** Counted whenever it happens, in the warm-up too: what goes wrong there is no better. */
  fail(error: unknown): void {
    const text = error instanceof Error ? `${codeOf(error)}${error.message}` : String(error);
    const known = this.#errors.has(text) || this.#errors.size < codesMax;
    const name = known ? text.slice(0, 200) : 'others';
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
  }

  /** By what was said, the most frequent first. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#errors].sort((a, b) => b[1] - a[1]));
  }

  /** Of one kind of operation, or of all. */
  histogram(kind?: number): LatencyHistogram {
    if (kind !== undefined) return this.#histograms[kind] as LatencyHistogram;
    const all = new LatencyHistogram();
    for (const one of this.#histograms) all.add(one);
    return all;
  }
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' || typeof code === 'number' ? `${code} ` : '';
}
