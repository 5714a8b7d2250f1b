// Medians and spreads of a run's rounds
// =============================================================================

import type { BenchResult, Measurement } from './result.js';

/** Of the rounds. `values` are in the order of the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
}

export interface ScenarioSummary {
  readonly peer: string;
  readonly scenario: string;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p90Ms: Spread;
  readonly p99Ms: Spread;
  readonly p999Ms: Spread;
  readonly maxMs: Spread;
  /** CPU seconds by second: 1 is a core. */
  readonly serverCores: Spread;
  readonly clientCores: Spread;
  /** Of an operation, all servers together, and the client. */
  readonly serverMicroseconds: Spread;
  readonly clientMicroseconds: Spread;
  readonly serverRssBytes: Spread;
  /** Each server: medians of CPU seconds by second, and of memory at the window's end. */
  readonly servers: readonly { readonly name: string; readonly cores: number; readonly rssBytes: number }[];
  readonly clientRssBytes: Spread;
  /** All rounds together. */
  readonly errors: number;
  readonly stale: number;
  readonly neverAsked: number;
  readonly askedPerSecond: Spread | undefined;
  /** The worst round. */
  readonly othersShare: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
  return { median, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0, values };
}

/** In the order of the peers, then of the scenarios. What was never measured is not there. */
export function summarize({ peers, plan, turns }: Pick<BenchResult, 'peers' | 'plan' | 'turns'>): ScenarioSummary[] {
  return peers.flatMap(({ name: peer }) =>
    plan.scenarios.flatMap(({ name: scenario }) => {
      const measured = turns
        .filter((turn) => turn.peer === peer)
        .flatMap((turn) => turn.measurements.filter((one) => one.scenario === scenario));
      return measured.length === 0 ? [] : [summaryOf(peer, scenario, measured)];
    }),
  );
}

function serversOf(measured: readonly Measurement[]): ScenarioSummary['servers'] {
  const names = measured[0]?.servers.map((server) => server.name) ?? [];
  return names.map((name) => {
    const rounds = measured.flatMap(({ servers, windowSeconds }) =>
      servers.filter((server) => server.name === name).map((server) => ({ ...server, windowSeconds })),
    );
    return {
      name,
      cores: spreadOf(rounds.map((one) => one.cpuSeconds / one.windowSeconds)).median,
      rssBytes: spreadOf(rounds.map((one) => one.rssBytes)).median,
    };
  });
}

function summaryOf(peer: string, scenario: string, measured: readonly Measurement[]): ScenarioSummary {
  const of = (value: (one: Measurement) => number): Spread => spreadOf(measured.map(value));
  const total = (value: (one: Measurement) => number): number => measured.reduce((sum, one) => sum + value(one), 0);
  const serverSeconds = (one: Measurement): number => one.servers.reduce((sum, server) => sum + server.cpuSeconds, 0);
  const perOperation = (seconds: number, one: Measurement): number => (seconds * 1e6) / Math.max(1, one.answered);
  return {
    peer,
    scenario,
    perSecond: of((one) => one.perSecond),
    p50Ms: of((one) => one.latencyMs.p50),
    p90Ms: of((one) => one.latencyMs.p90),
    p99Ms: of((one) => one.latencyMs.p99),
    p999Ms: of((one) => one.latencyMs.p999),
    maxMs: of((one) => one.latencyMs.max),
    serverCores: of((one) => serverSeconds(one) / one.windowSeconds),
    clientCores: of((one) => one.client.cpuSeconds / one.windowSeconds),
    serverMicroseconds: of((one) => perOperation(serverSeconds(one), one)),
    clientMicroseconds: of((one) => perOperation(one.client.cpuSeconds, one)),
    serverRssBytes: of((one) => one.servers.reduce((sum, server) => sum + server.rssBytes, 0)),
    servers: serversOf(measured),
    clientRssBytes: of((one) => one.client.rssBytes),
    errors: total((one) => Object.values(one.errors).reduce((sum, count) => sum + count, 0)),
    stale: total((one) => one.stale),
    neverAsked: total((one) => one.neverAsked),
    askedPerSecond: measured.some((one) => one.askedPerSecond === undefined)
      ? undefined
      : of((one) => one.askedPerSecond ?? 0),
    othersShare: Math.max(0, ...measured.map((one) => one.othersShare ?? 0)),
  };
}
