// One run: build, load, break, heal, judge
// =============================================================================
//
// A safety phase, in which the plan's faults come and go and every invariant is checked after each run of turns; then
// everything is healed, and the cluster must come to rest within its time.
//
// Owns:     the order of the phases and the verdict.
// Does not: know what is simulated: that comes in as functions.
//
// Sources: TigerBeetle VOPR (safety and liveness modes); CORRECTNESS §3.3.

import type { Random } from '../std/random.js';
import { FaultInjector } from './fault-injector.js';
import { type FaultKind, type FaultPlan, noFaults } from './fault-plan.js';
import type { FaultEpisode } from './fault-schedule.js';
import { type SimulatedCluster, SimulationError } from './simulated-cluster.js';
import type { NetworkCounts } from './simulated-network.js';
import type { SimulatedWorker } from './simulated-worker.js';

export interface Invariant {
  readonly name: string;
  /** Throws when it does not hold. `worker` has just taken turns: nothing else changed. */
  check(cluster: SimulatedCluster, worker: SimulatedWorker): void;
}

export interface SimulationPlan {
  /** Builds the cluster from the seed; it is started by the run. */
  build(): SimulatedCluster;
  /** Clients and scripts; called once the hosts are started. */
  workload?(cluster: SimulatedCluster, random: Random): void;
  /** Checked after each run of turns. */
  readonly invariants?: readonly Invariant[];
  readonly faults?: FaultPlan;
  /** Replaces the drawing of `faults`, of which the network and the budget stay in force: exactly these episodes happen. */
  readonly schedule?: readonly FaultEpisode[];
  /** Virtual time before the first fault. */
  readonly settleMs?: number;
  /** Of the safety phase. */
  readonly durationMs: number;
  /** Within this time after healing `converged` must say so. */
  readonly healMs: number;
  /** What is still missing, or undefined when the cluster has come to rest. */
  converged?(cluster: SimulatedCluster): string | undefined;
  /** Judges histories at the end; throws. */
  verify?(cluster: SimulatedCluster): void;
  readonly eventCountMax?: number;
}

export type Phase = 'settle' | 'safety' | 'heal' | 'verify';

export interface Verdict {
  readonly seed: string;
  readonly ok: boolean;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Episodes begun, by kind. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** How often each kind changed what happened. */
  readonly effects: Readonly<Partial<Record<FaultKind, number>>>;
  /** What was injected: as `schedule` of another run it happens again. */
  readonly episodes: readonly FaultEpisode[];
  readonly network: NetworkCounts;
  readonly failure?: {
    readonly phase: Phase;
    /** Of the invariant that did not hold, when it was one. */
    readonly invariant: string | undefined;
    readonly message: string;
    readonly error: Error;
    readonly lastEvents: readonly string[];
    readonly plan: FaultPlan;
  };
}

class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
  readonly invariant: string;

  constructor(invariant: string, cause: unknown) {
    super(`${invariant}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.invariant = invariant;
  }
}

/** How often convergence is asked for, ms. */
const askEveryMs = 50;

export function runSimulation(plan: SimulationPlan): Verdict {
  const cluster = plan.build();
  const faults = plan.faults ?? noFaults;
  const injected = { plan: faults, ...(plan.schedule === undefined ? {} : { schedule: plan.schedule }) };
  const injector = new FaultInjector(cluster, injected, cluster.random.split('faults'));
  const bound = { eventCountMax: plan.eventCountMax ?? 50_000_000 };
  for (const invariant of plan.invariants ?? []) {
    cluster.watch((_, worker) => {
      try {
        invariant.check(cluster, worker);
      } catch (error) {
        throw new BrokenInvariant(invariant.name, error);
      }
    });
  }
  let phase: Phase = 'settle';
  let failure: Error | undefined;
  try {
    cluster.start();
    plan.workload?.(cluster, cluster.random.split('workload'));
    cluster.runFor(plan.settleMs ?? 0, bound);
    phase = 'safety';
    injector.start();
    cluster.runFor(plan.durationMs, bound);
    phase = 'heal';
    injector.heal();
    awaitConvergence(cluster, plan, bound);
    phase = 'verify';
    plan.verify?.(cluster);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const cause = failure instanceof SimulationError && failure.cause instanceof Error ? failure.cause : failure;
  return {
    seed: cluster.seed,
    ok: failure === undefined,
    traceHash: cluster.trace.hash,
    virtualMs: cluster.nowMs,
    eventCount: cluster.scheduler.eventCount,
    faults: Object.fromEntries(injector.counts),
    effects: Object.fromEntries(injector.effects),
    episodes: [...injector.episodes],
    network: { ...cluster.network.counts },
    ...(failure === undefined || cause === undefined
      ? {}
      : {
          failure: {
            phase,
            invariant: cause instanceof BrokenInvariant ? cause.invariant : undefined,
            message: cause.message,
            error: cause,
            lastEvents: cluster.trace.tail(),
            plan: faults,
          },
        }),
  };
}

function awaitConvergence(
  cluster: SimulatedCluster,
  plan: SimulationPlan,
  bound: { readonly eventCountMax: number },
): void {
  const untilMs = cluster.nowMs + plan.healMs;
  if (plan.converged === undefined) return cluster.runFor(plan.healMs, bound);
  for (;;) {
    const missing = plan.converged(cluster);
    if (missing === undefined) return;
    if (cluster.nowMs >= untilMs) throw new Error(`not converged ${plan.healMs} ms after healing: ${missing}`);
    cluster.runFor(Math.min(askEveryMs, untilMs - cluster.nowMs), bound);
  }
}

/** The verdict as lines for people: the first says how to run it again. */
export function formatVerdict(verdict: Verdict): string {
  const { failure } = verdict;
  const head = `SEED=${verdict.seed} ${verdict.ok ? 'ok' : `failed in ${failure?.phase ?? '?'}`} hash=${verdict.traceHash} virtual=${Math.round(verdict.virtualMs)}ms events=${verdict.eventCount}`;
  const faults = Object.entries(verdict.faults)
    .map(([kind, count]) => `${kind}=${count}`)
    .join(' ');
  const lines = [head, `faults: ${faults === '' ? 'none' : faults}`];
  if (failure !== undefined) {
    lines.push(failure.message, `plan: ${JSON.stringify(failure.plan)}`, ...failure.lastEvents.slice(-60));
  }
  return lines.join('\n');
}
