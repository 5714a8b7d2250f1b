// One scenario of one peer, measured
// =============================================================================
//
// The load runs on from the warm-up into the window and beyond its end, so that neither the start nor the end of it is in the figures. CPU time is read at both
// ends of the window.

import { setTimeout as sleep } from 'node:timers/promises';
import type { KeySpace } from './key-space.js';
import type { LatencyHistogram } from './latency-histogram.js';
import { Load } from './load.js';
import { Meter } from './meter.js';
import { OperationFeed, operations } from './operation-feed.js';
import type { Driver, ServerPid } from './peer.js';
import { machineTimes, ownUsage, type ProcessUsage, usageOf } from './process-usage.js';
import type { LatencyMs, Measurement, ProcessFigures } from './result.js';
import type { Plan, Scenario } from './scenario.js';

export interface MeasureParts {
  readonly scenario: Scenario;
  readonly plan: Plan;
  readonly driver: Driver;
  readonly space: KeySpace;
  /** Where inserts begin. */
  readonly firstFree: number;
  readonly servers: readonly ServerPid[];
  readonly isReadCurrent: boolean;
  /** Operations a second of an open loop. */
  readonly rate: number | undefined;
  readonly signal: AbortSignal;
}

/** @returns the figures, and where the next scenario's inserts begin */
export async function measure(parts: MeasureParts): Promise<{ measurement: Measurement; firstFree: number }> {
  const { scenario, plan, driver, space, firstFree, servers, isReadCurrent, rate, signal } = parts;
  const feed = new OperationFeed(scenario.mix, scenario.choice, space.count, firstFree, scenario.name);
  const meter = new Meter(rate !== undefined);
  const load = new Load({ driver, space, feed, meter, outstanding: scenario.outstanding, isReadCurrent });
  const durationMs = plan.warmupMs + plan.windowMs;
  let neverAsked = 0;
  let openLoop: Promise<void> | undefined;
  if (rate === undefined) load.begin();
  else {
    // What is due is known ahead, however late the timers below are in a client that has too much to do.
    const startMs = performance.now();
    meter.open(startMs + plan.warmupMs);
    meter.close(startMs + durationMs);
    openLoop = load.atRate(rate, startMs, durationMs).then((missed) => {
      neverAsked = missed;
    });
  }
  let before: Usage;
  let after: Usage;
  try {
    await sleep(plan.warmupMs, undefined, { signal });
    before = Usage.now(servers);
    if (rate === undefined) meter.open(performance.now());
    await sleep(plan.windowMs, undefined, { signal });
    if (rate === undefined) meter.close(performance.now());
    after = Usage.now(servers);
  } finally {
    await (openLoop !== undefined && !signal.aborted ? openLoop : load.stop());
  }
  const windowSeconds = meter.windowMs / 1000;
  const measurement: Measurement = {
    scenario: scenario.name,
    windowSeconds,
    answered: meter.answered,
    perSecond: meter.answered / windowSeconds,
    latencyMs: latencyOf(meter.histogram()),
    byOperation: byOperation(meter),
    errors: meter.errors,
    stale: meter.stale,
    askedPerSecond: rate,
    neverAsked,
    ...after.since(before),
  };
  return { measurement, firstFree: feed.firstFree };
}

function byOperation(meter: Meter): Measurement['byOperation'] {
  const used = operations.flatMap((name, kind) => {
    const histogram = meter.histogram(kind);
    return histogram.total === 0 ? [] : [[name, { answered: histogram.total, ...latencyOf(histogram) }] as const];
  });
  return used.length < 2 ? {} : Object.fromEntries(used);
}

function latencyOf(histogram: LatencyHistogram): LatencyMs {
  return {
    mean: histogram.meanMs,
    p50: histogram.percentileMs(50),
    p90: histogram.percentileMs(90),
    p99: histogram.percentileMs(99),
    p999: histogram.percentileMs(99.9),
    max: histogram.maxMs,
  };
}

/** What everybody had used at one moment. */
class Usage {
  readonly #servers: ReadonlyMap<string, ProcessUsage>;
  readonly #client = ownUsage();
  readonly #machine = machineTimes();

  private constructor(servers: readonly ServerPid[]) {
    this.#servers = new Map(
      servers.flatMap(({ name, pid }) => {
        const usage = usageOf(pid);
        return usage === undefined ? [] : [[name, usage] as const];
      }),
    );
  }

  static now(servers: readonly ServerPid[]): Usage {
    return new Usage(servers);
  }

  since(before: Usage): Pick<Measurement, 'servers' | 'client' | 'othersShare'> {
    const servers = [...this.#servers].map(([name, usage]) => figuresOf(name, before.#servers.get(name), usage));
    const client = figuresOf('client', before.#client, this.#client);
    let othersShare: number | undefined;
    if (this.#machine !== undefined && before.#machine !== undefined) {
      const ours = servers.reduce((sum, one) => sum + one.cpuSeconds, client.cpuSeconds);
      const busy = this.#machine.busy - before.#machine.busy - (this.#machine.interrupts - before.#machine.interrupts);
      othersShare = Math.max(0, (busy - ours) / Math.max(1e-9, this.#machine.total - before.#machine.total));
    }
    return { servers, client, othersShare };
  }
}

function figuresOf(name: string, before: ProcessUsage | undefined, after: ProcessUsage): ProcessFigures {
  return { name, cpuSeconds: after.cpuSeconds - (before?.cpuSeconds ?? 0), rssBytes: after.rssBytes };
}
