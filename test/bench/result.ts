// What a run found, as it is written to results.json
// =============================================================================

import type { DiskFigures } from './disk-probe.js';
import type { Machine } from './machine.js';
import type { Missing, PeerPromise } from './peer.js';
import type { Quiet } from './quiet-check.js';
import type { Plan } from './scenario.js';

export interface LatencyMs {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface ProcessFigures {
  readonly name: string;
  /** In the window. */
  readonly cpuSeconds: number;
  /** At its end. */
  readonly rssBytes: number;
}

/** One scenario of one peer in one round. */
export interface Measurement {
  readonly scenario: string;
  readonly windowSeconds: number;
  readonly answered: number;
  readonly perSecond: number;
  readonly latencyMs: LatencyMs;
  /** By kind of operation, where there is more than one. */
  readonly byOperation: Readonly<Record<string, LatencyMs & { readonly answered: number }>>;
  readonly errors: Readonly<Record<string, number>>;
  /** Reads that missed what had been acknowledged, of a peer that promises no more. */
  readonly stale: number;
  /** Of an open loop. */
  readonly askedPerSecond: number | undefined;
  readonly neverAsked: number;
  readonly servers: readonly ProcessFigures[];
  readonly client: ProcessFigures;
  /** Share of all cores that neither servers nor client nor interrupts used; undefined where the system does not say. */
  readonly othersShare: number | undefined;
}

export interface Turn {
  readonly peer: string;
  readonly round: number;
  readonly disk: DiskFigures;
  readonly startSeconds: number;
  readonly measurements: readonly Measurement[];
  /** The most that each process ever had. */
  readonly peakRssBytes: Readonly<Record<string, number>>;
  /** Why the turn ended early; absent when it did not. */
  readonly failure?: string;
}

export interface PeerResult {
  readonly name: string;
  readonly title: string;
  readonly promise: PeerPromise;
  readonly settings: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

export interface BenchResult {
  readonly version: 1;
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly plan: Plan;
  readonly machine: Machine;
  readonly quiet: Quiet;
  readonly peers: readonly PeerResult[];
  readonly skipped: readonly (Missing & { readonly peer: string })[];
  readonly turns: readonly Turn[];
}
