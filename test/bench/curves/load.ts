// The load that curves are measured under
// =============================================================================
//
// A closed loop: so many operations are outstanding at any time, each asked when one before it was answered. It shows what a mesh can do at
// most. Keys are drawn uniformly by a seed, so that two runs ask the same. An operation that fails ends the measurement: a figure with errors
// in it is none.

import type { Table } from '../../../messaging/client/index.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { LatencyHistogram } from '../latency-histogram.js';
import { pause } from './processes.js';

export interface LoadFigures {
  /** Answers a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface ClosedLoop {
  /** Operations that are always under way. */
  readonly outstanding: number;
  /** Not measured: code gets warm, sessions are opened. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
}

/** @param operation the n-th one. @throws what it throws */
export async function closedLoop(
  { outstanding, warmUpMs, durationMs, signal }: ClosedLoop,
  operation: (n: number) => Promise<unknown>,
): Promise<LoadFigures> {
  const histogram = new LatencyHistogram();
  const over = new AbortController();
  const waiting = AbortSignal.any([signal, over.signal]);
  let isMeasured = false;
  let n = 0;
  const client = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const startMs = performance.now();
      await operation(n++);
      if (!isMeasured) continue;
      histogram.record(performance.now() - startMs);
    }
  };
  const clients = async (): Promise<void> => {
    try {
      await Promise.all(Array.from({ length: outstanding }, client));
    } catch (error) {
      over.abort(error); // nobody waits for the end of a measurement that failed
      throw error;
    }
  };
  const measured = async (): Promise<number> => {
    try {
      await pause(warmUpMs, waiting);
      isMeasured = true;
      const startMs = performance.now();
      await pause(durationMs, waiting);
      isMeasured = false;
      return performance.now() - startMs;
    } finally {
      over.abort();
    }
  };
  const [tookMs] = await Promise.all([measured(), clients()]);
  return {
    perSecond: (histogram.total * 1000) / tookMs,
    p50Ms: histogram.percentileMs(50),
    p99Ms: histogram.percentileMs(99),
    maxMs: histogram.maxMs,
  };
}

/** Keys that spread over all partitions. */
export function keyName(i: number): string {
  return `k${i}`;
}

/** Puts a value under each of the keys from `from` to `to`, the last excluded. @returns how many a second */
export async function fill(
  table: Table,
  from: number,
  to: number,
  value: unknown,
  outstanding: number,
  signal: AbortSignal,
): Promise<number> {
  const startMs = performance.now();
  let next = from;
  const client = async (): Promise<void> => {
    while (next < to) {
      signal.throwIfAborted();
      await table.put(keyName(next++), value);
    }
  };
  await Promise.all(Array.from({ length: Math.min(outstanding, to - from) }, client));
  return ((to - from) * 1000) / (performance.now() - startMs);
}

/** Overwrites of, and linearizable reads from, keys that were filled. */
export async function writesThenReads(
  table: Table,
  keys: number,
  value: unknown,
  loop: ClosedLoop,
): Promise<{ readonly writes: LoadFigures; readonly reads: LoadFigures }> {
  const random = seededRandom('curves');
  const writes = await closedLoop(loop, () => table.put(keyName(random.below(keys)), value));
  const reads = await closedLoop(loop, async () => {
    const key = keyName(random.below(keys));
    if ((await table.get(key)) === undefined) throw new Error(`${key} was written and is not there`);
  });
  return { writes, reads };
}

/** Bytes that no compression shortens, the same in every run. */
export function noise(byteLength: number): Uint8Array {
  const random = seededRandom('noise');
  const bytes = new Uint8Array(byteLength);
  for (let i = 0; i < byteLength; i++) bytes[i] = random.u32() & 0xff;
  return bytes;
}
