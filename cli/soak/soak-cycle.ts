// One cycle of a soak: load, faults, healing, judgement
// =============================================================================

import type { Table } from '../../messaging/client/index.js';
import { SampledHistory } from '../../messaging/workload/sampled-history.js';
import { judgeHistory, type Verdict } from '../../messaging/workload/verdict.js';
import type { Entry } from '../../messaging/workload/history.js';
import type { Random } from '../../runtime/std/random.js';
import { LoadFigures } from '../load/load-figures.js';
import { LoadRun, type LoadSpec } from '../load/load-run.js';
import { parseMix } from '../load/mix.js';
import { type ReadBack, readBack } from '../load/read-back.js';
import { waitUntilHealthy } from '../wait-healthy.js';
import { waitForEqualCopies } from './equal-copies.js';
import type { Fault } from './fault.js';
import { pickFaults } from './faults.js';
import type { SoakMesh } from './soak-mesh.js';

/** Where the time of a cycle went: trouble, until all was well, until all replicas were equal, reading back, judging. */
export interface CycleTimes {
  readonly faults: number;
  readonly well: number;
  readonly equal: number;
  readonly read: number;
  readonly judge: number;
}

export interface CycleResult {
  readonly cycle: number;
  readonly faults: readonly { readonly name: string; readonly done: string }[];
  /** From the end of the last fault until all is well again. */
  readonly healthyMs: number;
  readonly counts: { readonly answered: number; readonly failed: number; readonly unknown: number };
  /** Operations answered in each `sampleMs` of the load, oldest first. */
  readonly answeredOverTime: readonly number[];
  /** Whether un-synced writes were lost with every process that was killed. */
  readonly losesUnsynced: boolean;
  /** The mesh did not become well, or its replicas did not become equal: as bad as a wrong verdict. */
  readonly illness: string | undefined;
  readonly verdict: Verdict;
  readonly entries: readonly Entry[];
  readonly back: ReadBack;
  readonly timesMs: CycleTimes;
}

const mix = parseMix('get=30,put=20,increment=20,cas=10,delete=5,insert=10,range=5');
const equalDeadlineMs = 30_000;
/** Short ones end with unknown outcomes, long ones outlive most faults. */
const operationsMs = [700, 3000, 8000];
const readMs = 20_000;
/** Of a mesh that is not well: whatever can still be read is judged. */
const readIllMs = 2000;
const judgeBudgetMs = 10_000;
/** Unknown outcomes are what a soak makes, and what makes the search long. */
const stepsPerKeyMax = 1_000_000;
/** A cycle's load has far fewer operations. */
const entriesMax = 200_000;
const loadMaxMs = 600_000;
const sampleMs = 250;

/** @param healthyMsMax how long the mesh may take to be well again */
export async function runCycle(
  mesh: SoakMesh,
  table: Table,
  cycle: number,
  allowed: readonly Fault[],
  random: Random,
  clients: number,
  healthyMsMax: number,
  signal: AbortSignal,
): Promise<CycleResult> {
  const spec: LoadSpec = {
    clients,
    rate: undefined,
    mix,
    valueBytes: random.pick([16, 200, 200, 2000]),
    keys: random.pick([8, 40, 200]),
    distribution: random.pick(['uniform', 'zipf']),
    prefix: `s${cycle}-`,
    timeoutMs: random.pick(operationsMs),
    pauseMs: 20,
  };
  const startMs = performance.now();
  const figures = new LoadFigures();
  const history = new SampledHistory(entriesMax, () => performance.now());
  const load = new LoadRun(table, spec, random.split('load'), figures, history, signal);
  const losesUnsynced = random.chance(1 / 2);
  if (losesUnsynced) mesh.losePower();
  const running = load.run(loadMaxMs);
  const answeredOverTime: number[] = [];
  let answeredBefore = 0;
  const sampling = setInterval(() => {
    answeredOverTime.push(figures.answered - answeredBefore);
    answeredBefore = figures.answered;
  }, sampleMs);
  const done: { readonly name: string; readonly done: string }[] = [];
  let trouble: { readonly healthyMs: number; readonly illness: string | undefined };
  try {
    trouble = await makeTrouble(mesh, pickFaults(allowed, random), random, done, healthyMsMax, signal);
  } finally {
    mesh.heal();
    load.stop();
    await running;
    clearInterval(sampling);
  }
  let { illness } = trouble;
  const quietMs = performance.now();
  if (illness === undefined) {
    const different = await waitForEqualCopies(mesh.db, Date.now() + equalDeadlineMs, signal);
    if (different !== undefined) illness = `the replicas do not become equal: ${different}`;
  }
  const equalMs = performance.now();
  const timeoutMs = illness === undefined ? readMs : readIllMs;
  const options = { timeoutMs, valueBytes: spec.valueBytes, signal };
  const back = await readBack(new Map([[table.name, table]]), history, options);
  const readDoneMs = performance.now();
  const deadlineMs = readDoneMs + judgeBudgetMs;
  const entries = history.entries;
  const verdict = judgeHistory(entries, {
    finally: (name, key) => back.get(`${name}\n${key}`),
    isOver: () => performance.now() > deadlineMs,
    stepsPerKeyMax,
  });
  const unknown = figures.errors['OUTCOME_UNKNOWN'] ?? 0;
  const counts = { answered: figures.answered, failed: figures.failed - unknown, unknown };
  const { healthyMs } = trouble;
  return {
    cycle,
    faults: done,
    healthyMs,
    counts,
    answeredOverTime,
    losesUnsynced,
    illness,
    verdict,
    entries,
    back,
    timesMs: {
      faults: quietMs - startMs - healthyMs,
      well: healthyMs,
      equal: equalMs - quietMs,
      read: readDoneMs - equalMs,
      judge: performance.now() - readDoneMs,
    },
  };
}

/** @returns how long it took until all was well after the last fault, ms, or why it is not */
async function makeTrouble(
  mesh: SoakMesh,
  picked: readonly Fault[],
  random: Random,
  done: { readonly name: string; readonly done: string }[],
  healthyMsMax: number,
  signal: AbortSignal,
): Promise<{ readonly healthyMs: number; readonly illness: string | undefined }> {
  const pause = (ms: number): Promise<void> => pauseFor(ms, signal);
  await pause(random.between(300, 800));
  await Promise.all(
    picked.map(async (fault, i) => {
      const own = random.split(`fault ${i}`);
      if (i > 0) await pause(own.below(1500));
      signal.throwIfAborted();
      const what = await fault.run({ mesh, random: own, pause });
      done.push({ name: fault.name, done: what });
    }),
  );
  mesh.heal();
  const startMs = performance.now();
  const result = await waitUntilHealthy(mesh.db, Date.now() + healthyMsMax, signal, mesh.hosts);
  const healthyMs = performance.now() - startMs;
  if (!result.healthy) return { healthyMs, illness: `not healthy again: ${result.reasons.slice(0, 3).join(', ')}` };
  await pause(random.between(100, 500)); // some load on what has just come back
  return { healthyMs, illness: undefined };
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over, { once: true });
  });
}
