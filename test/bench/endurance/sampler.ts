// Looks at every process and at the load, every few seconds
// =============================================================================
//
// Differences are against the look before, so the first one, which has none, is not kept.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { LoadFigures } from '../../../cli/load/load-figures.js';
import { type ProcessFigures, processFigures } from '../curves/processes.js';
import { client, idOf, natsServer, type Sample } from './series.js';

/** What is looked at. Processes may be other ones after a while, so they are asked for each time. */
export interface Watched {
  readonly hosts: readonly string[];
  /** Undefined while it does not run. */
  pidOf(name: string): number | undefined;
  readonly figures: LoadFigures;
  /** Operations that were asked and not answered, now. */
  underWay(): number;
}

interface Before {
  readonly atMs: number;
  readonly answered: number;
  readonly failed: number;
  readonly processes: ReadonlyMap<string, { readonly pid: number; readonly figures: ProcessFigures }>;
}

const delayResolutionMs = 10;
const nanosecondsInMs = 1e6;

export class Sampler implements Disposable {
  readonly #watched: Watched;
  readonly #startMs = performance.now();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: delayResolutionMs });
  #before: Before;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#delay.enable();
    this.#before = this.#look();
    watched.figures.takeRecent();
  }

  take(): Sample {
    const before = this.#before;
    const now = this.#look();
    this.#before = now;
    const seconds = (now.atMs - before.atMs) / 1000;
    const latency = this.#watched.figures.takeRecent();
    const values: Record<string, number | undefined> = {
      delayP99: Math.max(0, this.#delay.percentile(99) / nanosecondsInMs - delayResolutionMs),
      latencyP50: latency?.p50,
      latencyP99: latency?.p99,
      answers: (now.answered - before.answered) / seconds,
      failures: (now.failed - before.failed) / seconds,
      underWay: this.#watched.underWay(),
    };
    this.#delay.reset();
    for (const [name, { pid, figures }] of now.processes) {
      const last = before.processes.get(name);
      values[idOf('memory', name)] = figures.rssMib;
      values[idOf('handles', name)] = figures.handles;
      values[idOf('processor', name)] =
        last?.pid === pid ? (figures.cpuMs - last.figures.cpuMs) / (seconds * 10) : undefined;
    }
    return { atSeconds: (now.atMs - this.#startMs) / 1000, values };
  }

  #look(): Before {
    const { hosts, figures } = this.#watched;
    const processes = new Map<string, { readonly pid: number; readonly figures: ProcessFigures }>();
    for (const name of [...hosts, natsServer, client]) {
      const pid = name === client ? process.pid : this.#watched.pidOf(name);
      const of = pid === undefined ? undefined : processFigures(pid);
      if (pid !== undefined && of !== undefined) processes.set(name, { pid, figures: of });
    }
    return { atMs: performance.now(), answered: figures.answered, failed: figures.failed, processes };
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }
}
