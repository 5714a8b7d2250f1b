// Measures benches in turn, a short sample of each a round
// =============================================================================
//
// Interleaved: A B C A B C and not A A B B, so that a machine that slows down for a while makes every bench slower and not the one whose
// turn it was. A sample is tinybench's mean over its time, collections of garbage included, since garbage is a cost of the operation
// that made it; what other benches left behind is collected before. The figure is the median of a bench's samples. The clock is the processor's, but
// for what waits for a disk.

import { setTimeout } from 'node:timers/promises';
import { Bench } from 'tinybench';
import { spinNs } from './calibration.js';
import { exposedCollector } from './collector.js';
import type { MicroBench, Prepared } from './micro-bench.js';
import { processorClock, processorMs } from './processor-clock.js';
import { medianOf, spreadOf } from './statistics.js';

export interface Sample {
  readonly nsPerOperation: number;
  /** A spin of the calibration, before and after it. */
  readonly spinNs: number;
}

export interface Figure {
  readonly name: string;
  readonly kind: MicroBench['kind'];
  /** Operations that one timed call does. */
  readonly operations: number;
  readonly nsPerOperation: number;
  readonly operationsPerSecond: number;
  /** How far the middle half of the samples lies from their median, as a share of it. */
  readonly spread: number;
  /** The median of the samples in spins of the calibration each: what is compared over machines. */
  readonly spins: number;
  /** JavaScript heap that an operation takes, garbage included: the same on every machine. Undefined of a disk, and of calls that fill the young heap. */
  readonly heapBytes: number | undefined;
}

interface Running {
  readonly bench: MicroBench;
  readonly prepared: Prepared;
  /** Calls that are timed as one. */
  calls: number;
  readonly samples: Sample[];
}

const collect = exposedCollector();

/** Sum of what the benches gave: it depends on all that they did. */
let consumed = 0;

/** Before the first sample, so that what is measured was compiled. */
const warmupMsMin = 50;
const warmupSpins = 20;
/** V8 compiles in another thread, which has to be given a processor on a machine that is busy. */
const warmupPauseMs = 5;

/** So long that looking at the clock is nothing beside it. */
const timedMsMin = 2;

/**
 * @param tell is called with each bench's name and round, before its sample.
 * @throws whatever a bench's check or call throws: a wrong answer has no speed.
 */
export async function measure(
  benches: readonly MicroBench[],
  options: { readonly timeMs: number; readonly rounds: number },
  tell: (name: string, round: number) => void = () => undefined,
): Promise<Figure[]> {
  const running: Running[] = [];
  try {
    for (const bench of benches) running.push({ bench, prepared: await ready(bench), calls: 1, samples: [] });
    for (let i = 0; i < warmupSpins; i++) {
      spinNs(processorMs);
      await setTimeout(warmupPauseMs);
    }
    for (const one of running) one.calls = warmUp(one, Math.max(warmupMsMin, options.timeMs));
    for (let round = 0; round < options.rounds; round++) {
      for (const one of running) {
        tell(one.bench.name, round);
        one.samples.push(await sampleOf(one, options.timeMs));
      }
    }
    return running.map((one) => figureOf(one.bench, one.samples, heapBytesOf(one)));
  } finally {
    for (const { prepared } of running) await prepared.close?.();
  }
}

/** Prepared, and shown to give the right answer. */
export async function ready(bench: MicroBench): Promise<Prepared> {
  const prepared = await bench.prepare();
  try {
    await prepared.check();
  } catch (error) {
    await prepared.close?.();
    throw new Error(`${bench.name}: what is measured gives a wrong answer`, { cause: error });
  }
  return prepared;
}

/** Runs it for so long, one half to have it compiled and one to count. @returns how many calls to time as one */
function warmUp({ bench, prepared }: Running, durationMs: number): number {
  if (bench.kind === 'disk') return 1;
  const halfMs = durationMs / 2;
  let count = 0;
  for (let half = 0; half < 2; half++) {
    count = 0;
    for (const endMs = processorMs() + halfMs; processorMs() < endMs; count++)
      consumed = (consumed + (prepared.run() as number)) | 0;
  }
  return Math.ceil((count * timedMsMin) / halfMs);
}

async function sampleOf({ bench, prepared, calls }: Running, timeMs: number): Promise<Sample> {
  collect({ type: 'minor' });
  const before = spinNs(processorMs);
  const isDisk = bench.kind === 'disk';
  const inner = new Bench({
    time: timeMs,
    iterations: 4,
    warmup: false,
    throws: true,
    ...(isDisk ? {} : { timestampProvider: processorClock }),
  });
  if (isDisk) {
    inner.add(bench.name, async () => void (consumed = (consumed + (await prepared.run())) | 0), { async: true });
    await inner.run();
  } else {
    const timed = (): void => {
      for (let i = 0; i < calls; i++) consumed = (consumed + (prepared.run() as number)) | 0;
    };
    inner.add(bench.name, timed, { async: false });
    inner.runSync();
  }
  const result = inner.tasks[0]?.result;
  if (result?.state !== 'completed') throw new Error(`${bench.name}: tinybench says ${result?.state ?? 'nothing'}`);
  const nsPerOperation = (result.latency.mean * 1e6) / (bench.operations * calls);
  return { nsPerOperation, spinNs: (before + spinNs(processorMs)) / 2 };
}

const heapLooks = 7;

/** The least of some looks: a collection in between, or what something else allocates, says nothing of the bench. */
function heapBytesOf({ bench, prepared }: Running): number | undefined {
  if (bench.kind === 'disk') return undefined;
  let least: number | undefined;
  for (let look = 0; look < heapLooks; look++) {
    collect({ type: 'minor' });
    const before = process.memoryUsage().heapUsed;
    consumed = (consumed + (prepared.run() as number)) | 0;
    const bytes = (process.memoryUsage().heapUsed - before) / bench.operations;
    if (bytes >= 0 && (least === undefined || bytes < least)) least = bytes;
  }
  return least;
}

/** Pure: the figure of a bench's samples. */
export function figureOf(
  { name, kind, operations }: Pick<MicroBench, 'name' | 'kind' | 'operations'>,
  samples: readonly Sample[],
  heapBytes: number | undefined,
): Figure {
  const nsPerOperation = medianOf(samples.map((sample) => sample.nsPerOperation));
  return {
    name,
    kind,
    operations,
    nsPerOperation,
    operationsPerSecond: 1e9 / nsPerOperation,
    spread: spreadOf(samples.map((sample) => sample.nsPerOperation)),
    spins: medianOf(samples.map((sample) => sample.nsPerOperation / sample.spinNs)),
    heapBytes,
  };
}
