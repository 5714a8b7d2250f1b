// One run: build, load, break, heal, judge
// =============================================================================
//
// A safety phase, in which the plan's faults come and go and every invariant is checked after each run of turns; perhaps a liveness phase,
// in which a core is healed, whatever is broken outside of it stays so, and the core must get on; then everything is healed, and the cluster
// must come to rest within its time.
//
//   settle ──▶ safety ──▶ liveness ──▶ heal ──▶ verify          all of them under the same invariants
//                   └──────────────────▲
//
// Owns:     the order of the phases and the verdict.
// Does not: know what is simulated: that comes in as functions.
//
// Invariants
//   R1. A cluster that does not come to rest fails the run, unless it may be stuck: then the verdict says why, and what can be judged is.
//
// Sources: TigerBeetle VOPR (safety and liveness modes); CORRECTNESS §3.3.

import type { Random } from '../std/random.js';
import { FaultInjector } from './fault-injector.js';
import { type FaultPlan, noFaults } from './fault-plan.js';
import type { FaultEpisode } from './fault-schedule.js';
import { type CountedFault, networkKnobs, turnedKnobs } from './faults/catalogue.js';
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
  /** Called when the safety phase begins. */
  safety?(cluster: SimulatedCluster): void;
  /** Checked after each run of turns. */
  readonly invariants?: readonly Invariant[];
  readonly faults?: FaultPlan;
  /** Replaces the drawing of `faults`, of which the network and the budget stay in force: exactly these episodes happen. */
  readonly schedule?: readonly FaultEpisode[];
  /** Virtual time before the first fault. */
  readonly settleMs?: number;
  /** Of the safety phase. */
  readonly durationMs: number;
  /** Absent: everything is healed after the safety phase. */
  readonly liveness?: LivenessPlan;
  /** Within this time after healing `converged` must say so. */
  readonly healMs: number;
  /** What is still missing, or undefined when the cluster has come to rest. */
  converged?(cluster: SimulatedCluster): string | undefined;
  /** Asked when it does not: why it may be stuck; undefined: it may not. R1 */
  mayBeStuck?(cluster: SimulatedCluster): string | undefined;
  /** Judges histories at the end; throws. */
  verify?(cluster: SimulatedCluster): void;
  readonly eventCountMax?: number;
}

export interface LivenessPlan {
  readonly durationMs: number;
  /** Names of the hosts that are healed; undefined: there is no core that could do without the others, and the phase is left out. */
  core(cluster: SimulatedCluster, random: Random): ReadonlySet<string> | undefined;
  /** What the core did not get done yet; undefined when it has. Throws for what must not be seen. */
  missing(cluster: SimulatedCluster, core: ReadonlySet<string>): string | undefined;
}

export type Phase = 'settle' | 'safety' | 'liveness' | 'heal' | 'verify';

export interface Verdict {
  readonly seed: string;
  readonly ok: boolean;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  /** Episodes begun, by kind; 1 for what was in force all the time. */
  readonly faults: Readonly<Partial<Record<CountedFault, number>>>;
  /** How often each kind changed what happened. */
  readonly effects: Readonly<Partial<Record<CountedFault, number>>>;
  /** What was injected: as `schedule` of another run it happens again. */
  readonly episodes: readonly FaultEpisode[];
  readonly network: NetworkCounts;
  /** Virtual time at which each phase began. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  /** The hosts of the liveness phase, when there was one. */
  readonly core: readonly string[] | undefined;
  /** Why the cluster did not come to rest, and may: R1. */
  readonly stuck: string | undefined;
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
  let core: ReadonlySet<string> | undefined;
  let stuck: string | undefined;
  const phases: Partial<Record<Phase, number>> = { settle: cluster.nowMs };
  const enter = (next: Phase): void => {
    phase = next;
    phases[next] = cluster.nowMs;
  };
  try {
    cluster.start();
    plan.workload?.(cluster, cluster.random.split('workload'));
    cluster.runFor(plan.settleMs ?? 0, bound);
    enter('safety');
    plan.safety?.(cluster);
    injector.start();
    cluster.runFor(plan.durationMs, bound);
    core = plan.liveness?.core(cluster, cluster.random.split('core'));
    if (plan.liveness !== undefined && core !== undefined) {
      enter('liveness');
      injector.freeze(core);
      awaitLiveness(cluster, plan.liveness, core, bound);
    }
    enter('heal');
    injector.heal();
    stuck = awaitConvergence(cluster, plan, bound);
    enter('verify');
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
    ...countsOf(injector, cluster.network.counts, faults),
    episodes: [...injector.episodes],
    network: { ...cluster.network.counts },
    phases,
    core: core === undefined ? undefined : [...core],
    stuck,
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

function awaitLiveness(
  cluster: SimulatedCluster,
  plan: LivenessPlan,
  core: ReadonlySet<string>,
  bound: { readonly eventCountMax: number },
): void {
  const missing = awaited(cluster, plan.durationMs, bound, () => plan.missing(cluster, core));
  if (missing === undefined) return;
  const who = [...core].join(', ');
  throw new Error(`not alive: ${plan.durationMs} ms after ${who} were healed for good: ${missing}`);
}

/** @returns why it may be stuck, when it is. R1 */
function awaitConvergence(
  cluster: SimulatedCluster,
  plan: SimulationPlan,
  bound: { readonly eventCountMax: number },
): string | undefined {
  if (plan.converged === undefined) {
    cluster.runFor(plan.healMs, bound);
    return undefined;
  }
  const missing = awaited(cluster, plan.healMs, bound, () => plan.converged?.(cluster));
  if (missing === undefined) return undefined;
  const stuck = plan.mayBeStuck?.(cluster);
  if (stuck === undefined) throw new Error(`not converged ${plan.healMs} ms after healing: ${missing}`);
  return `${stuck}: ${missing}`;
}

/** Asks now and then. @returns the last answer, when the time is over and there still is one. */
function awaited(
  cluster: SimulatedCluster,
  withinMs: number,
  bound: { readonly eventCountMax: number },
  missing: () => string | undefined,
): string | undefined {
  const untilMs = cluster.nowMs + withinMs;
  for (;;) {
    const what = missing();
    if (what === undefined || cluster.nowMs >= untilMs) return what;
    cluster.runFor(Math.min(askEveryMs, untilMs - cluster.nowMs), bound);
  }
}

/** Episodes and their effects, and those of the faults that are in force all the time. */
function countsOf(
  injector: FaultInjector,
  network: NetworkCounts,
  plan: FaultPlan,
): Pick<Verdict, 'faults' | 'effects'> {
  const begun = new Map<CountedFault, number>(injector.counts);
  const felt = new Map<CountedFault, number>(injector.effects);
  for (const knob of turnedKnobs(plan.network)) {
    begun.set(knob, 1);
    felt.set(knob, network[networkKnobs[knob].counter]);
  }
  return { faults: Object.fromEntries(begun), effects: Object.fromEntries(felt) };
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
