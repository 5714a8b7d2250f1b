// What a load measured
// =============================================================================
//
// One histogram an operation kind, in microseconds with three significant digits. Only operations that were answered are in it; those that
// failed are counted by their code, with the time that they took in nobody's favour.

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Told } from '../../messaging/workload/history.js';
import { type OperationKind, operationKinds } from './mix.js';

export interface LatencyMs {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface KindFigures {
  readonly kind: OperationKind;
  readonly answered: number;
  /** Conditions that did not hold (`cas`, `insert`). */
  readonly refused: number;
  /** Reads that found an item. */
  readonly found: number;
  readonly failed: number;
  readonly latencyMs: LatencyMs | undefined;
}

interface OfKind {
  readonly histogram: RecordableHistogram;
  answered: number;
  refused: number;
  found: number;
  failed: number;
}

export class LoadFigures {
  readonly #kinds = new Map<OperationKind, OfKind>();
  readonly #errors = new Map<string, number>();
  /** Since the last look, for the line of progress. */
  #recent = createHistogram();
  answered = 0;
  failed = 0;

  note(kind: OperationKind, latencyMs: number, told: Told): void {
    const of = this.#of(kind);
    if (told.kind === 'failed' || told.kind === 'unknown') {
      this.failed++;
      of.failed++;
      const code = told.kind === 'unknown' ? 'OUTCOME_UNKNOWN' : told.code;
      this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
      return;
    }
    this.answered++;
    of.answered++;
    if (told.kind === 'written' && told.status !== 'applied') of.refused++;
    if (told.kind === 'got' && told.item !== undefined) of.found++;
    if (told.kind === 'scanned' && told.items.size > 0) of.found++;
    const microseconds = Math.max(1, Math.round(latencyMs * 1000));
    of.histogram.record(microseconds);
    this.#recent.record(microseconds);
  }

  /** By code, the most frequent first. */
  get errors(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#errors].sort((a, b) => b[1] - a[1]));
  }

  get kinds(): KindFigures[] {
    return operationKinds.flatMap((kind) => {
      const of = this.#kinds.get(kind);
      if (of === undefined) return [];
      const { answered, refused, found, failed } = of;
      return [{ kind, answered, refused, found, failed, latencyMs: latencyOf(of.histogram) }];
    });
  }

  /** Latencies since the last call. */
  takeRecent(): LatencyMs | undefined {
    const recent = latencyOf(this.#recent);
    this.#recent = createHistogram();
    return recent;
  }

  #of(kind: OperationKind): OfKind {
    let of = this.#kinds.get(kind);
    if (of === undefined) {
      of = { histogram: createHistogram(), answered: 0, refused: 0, found: 0, failed: 0 };
      this.#kinds.set(kind, of);
    }
    return of;
  }
}

function latencyOf(histogram: RecordableHistogram): LatencyMs | undefined {
  if (histogram.count === 0) return undefined;
  const ms = (microseconds: number): number => Number((microseconds / 1000).toFixed(3));
  const at = (percent: number): number => ms(histogram.percentile(percent));
  const [p50, p90, p99, p999] = [at(50), at(90), at(99), at(99.9)];
  return { mean: ms(histogram.mean), p50, p90, p99, p999, max: ms(histogram.max) };
}
