// One seed: a mesh, its clients, its faults, and the judgement of all of it
// =============================================================================
//
// Boots the mesh, makes the tables, lets clients loose, injects what the scenario says while every invariant is checked; perhaps leaves what is
// broken outside of a healthy core as it is and asks whether the core gets on; heals, lets the clients finish, waits until the cluster is at
// rest, reads everything back, and judges the history.
//
// Sources: CORRECTNESS §2.13, §3.3–§3.5.

import type { Outcome } from '../../messaging/client/core/operations.js';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { History } from '../../messaging/workload/history.js';
import { LoadActor, type LoadProfile, loadDefinition } from '../../messaging/workload/load-actor.js';
import type { Fact } from '../../runtime/probes/facts.js';
import type { Site } from '../../runtime/probes/sites.js';
import { SimulatedProbes } from '../../runtime/simulation/simulated-probes.js';
import { type Random, seededRandom } from '../../runtime/std/random.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import { assert, present } from '../../runtime/std/assert.js';
import type { FaultKind } from '../../runtime/simulation/fault-plan.js';
import type { FaultEpisode } from '../../runtime/simulation/fault-schedule.js';
import { runSimulation, type Verdict } from '../../runtime/simulation/run-simulation.js';
import type { SimulatedCluster } from '../../runtime/simulation/simulated-cluster.js';
import type { NetworkCounts } from '../../runtime/simulation/simulated-network.js';
import { Asker, askerKind } from './asker.js';
import { CommitInvariants } from './commit-invariants.js';
import { CommittedLog } from './committed-log.js';
import { missingForRest } from './convergence.js';
import { type Counts, judge } from './judgement.js';
import { chooseCore, LivenessPhase, phaseMs } from './liveness.js';
import { mayBeOffline } from './may-be-offline.js';
import { MetadataInvariants } from './metadata-invariants.js';
import { ReplicaInvariants } from './replica-invariants.js';
import type { Scenario } from './scenario.js';
import { ScriptPlayer } from './script-player.js';
import { SimulatedMesh } from './simulated-mesh.js';

/** Virtual time that things may take. */
const bootMs = 20_000;
const finishMs = 60_000;
const loadAfterHealMs = 1000;
/** What is not cheap is checked after so much time, or so many events. */
const scanEveryMs = 25;
const scanEveryEvents = 100;

export interface SimulationResult {
  readonly seed: string;
  readonly ok: boolean;
  readonly scenario: Scenario;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly eventCount: number;
  readonly operations: Counts;
  /** Numbers of the operations that were asked, by client: what `load.skip` can leave out. */
  readonly asked: Readonly<Record<string, readonly number[]>>;
  /** Episodes begun, and how often they changed what happened. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly effects: Readonly<Partial<Record<FaultKind, number>>>;
  /** What was injected: as `schedule` of the same scenario it happens again. */
  readonly episodes: readonly FaultEpisode[];
  readonly network: NetworkCounts;
  /** What was judged: `whole` when the mesh came to rest; otherwise why it did not, and may, so that only safety was. */
  readonly judgement: string;
  /** Virtual time at which each phase began, and the core of the liveness phase. */
  readonly phases: Verdict['phases'];
  readonly core: readonly string[] | undefined;
  readonly metadataLeaders: number;
  /** How often each fact of interest was met. */
  readonly seen: Readonly<Record<string, number>>;
  /** How often each fact was met (runtime/probes/facts.ts), and each site fired. */
  readonly facts: Readonly<Partial<Record<Fact, number>>>;
  readonly sites: Readonly<Partial<Record<Site, number>>>;
  readonly failure: NonNullable<Verdict['failure']> | undefined;
}

export interface SimulateOptions {
  readonly onLine?: (line: string) => void;
}

export function simulate(scenario: Scenario, options: SimulateOptions = {}): SimulationResult {
  const random = seededRandom(scenario.seed).split('probes');
  const probes = new SimulatedProbes(random, scenario.sites, scenario.planted);
  return probes.during(() => simulateWith(probes, scenario, options));
}

function simulateWith(probes: SimulatedProbes, scenario: Scenario, options: SimulateOptions): SimulationResult {
  const seen = new Map<string, number>();
  const see = (fact: string): void => void seen.set(fact, (seen.get(fact) ?? 0) + 1);
  let nowMs = (): number => 0;
  const history = new History(() => nowMs());
  const loads = new Map<string, LoadActor>();
  let profile: LoadProfile | undefined;
  const mesh = new SimulatedMesh({
    seed: scenario.seed,
    hosts: scenario.hosts,
    workers: scenario.workers,
    founders: scenario.founders,
    encoded: scenario.encoded,
    sealed: scenario.sealed,
    journal: scenario.journalKind,
    replicaLimits: scenario.replicaLimits,
    clientLimits: scenario.windows,
    journalLimits: { batchBytesMax: 64 * 1024, ...scenario.journal },
    restartExitedHostMs: 500,
    onEvent: ({ event }) => see(event.kind),
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  const { cluster } = mesh;
  nowMs = () => cluster.nowMs;
  for (let i = 1; i <= scenario.clients; i++) {
    const load = (): LoadProfile => present(profile, 'the tables are made before the load begins');
    mesh.define(loadDefinition(`load-${i}`, load, history, `c${i}`, (actor) => void loads.set(`c${i}`, actor)));
  }
  const asker = new Asker();
  mesh.define({ kind: askerKind, durable: false, create: () => asker });

  const overBudget = scenario.faults.overBudget === true;
  const committed = new CommittedLog(overBudget);
  const replicas = new ReplicaInvariants(mesh, committed, see);
  const commits = new CommitInvariants(mesh, replicas);
  const metadata = new MetadataInvariants(mesh);
  const script = new ScriptPlayer(mesh, scenario, asker);
  const attending = (): LoadActor[] =>
    [...loads].filter(([name]) => !script.vanished.has(name)).map(([, load]) => load);
  const liveness = new LivenessPhase({
    mesh,
    scenario,
    asker,
    history,
    loads: attending,
    leaderCount: () => metadata.leaderCount,
    wasDrained: (host) => script.wasDrained(host),
    see,
  });
  const whyOffline = (info: PartitionInfo): string | undefined => {
    const map = mesh.newestMap;
    const table = map?.tables.get(info.table);
    if (map === undefined || table === undefined) return undefined;
    const holdsEverything = (host: string): boolean => {
      const replica = replicas.replicaOf(info.id, host);
      return replica !== undefined && committed.isHeldBy(replica);
    };
    const reports = map.reports.get(info.id) ?? [];
    const hostCount = [...map.hosts.values()].filter(({ state }) => state !== 'removed').length;
    const { lossyHosts = [] } = scenario.faults;
    return mayBeOffline({ info, table, reports, hostCount, lossyHosts, holdsEverything });
  };
  const isOffline = (info: PartitionInfo): boolean => whyOffline(info) !== undefined;
  /** Why a partition is stuck within the budget, and may be. */
  const offline = (): string | undefined => {
    for (const info of mesh.newestMap?.partitions.values() ?? []) {
      const why = whyOffline(info);
      if (why !== undefined) return why;
    }
    return undefined;
  };
  let [scannedMs, scannedEvents] = [0, 0];

  const ask = (operation: Parameters<Asker['ask']>[1], withinMs: number): Outcome => {
    const id = asker.ask(cluster, operation);
    cluster.runUntil(() => asker.outcomes.has(id), withinMs);
    return present(asker.outcomes.get(id), 'it was waited for');
  };

  const begin = (_: SimulatedCluster, random: Random): void => {
    if (scenario.deathsReported) reportDeaths(mesh);
    mesh.addClient('mesh-asker', [{ name: askerKind, kind: askerKind, args: emptyBytes }]);
    cluster.runUntil(() => (mesh.newestMap?.hosts.size ?? 0) === scenario.hosts, bootMs);
    const tables = scenario.tables.map(({ name, options: wanted }) => {
      const made = ask(
        { kind: 'admin', timeoutMs: bootMs, command: { command: 'create-table', name, options: wanted } },
        bootMs,
      );
      assert(made.kind === 'commanded', `table ${name}: ${JSON.stringify(made)}`);
      const table = present(mesh.newestMap?.tables.get(name), 'the table that was made');
      return { name, partitions: table.partitions };
    });
    const churned = new Set(scenario.script.flatMap((step) => (step.step === 'create-table' ? [step.table] : [])));
    profile = { ...scenario.load, tables: [...tables, ...[...churned].map((name) => ({ name, partitions: [] }))] };
    for (let i = 1; i <= scenario.clients; i++)
      mesh.addClient(`c${i}`, [{ name: 'load', kind: `load-${i}`, args: emptyBytes }]);
    void random;
  };

  let healedMs: number | undefined;
  let stopped = false;
  const verdict = runSimulation({
    build: () => cluster,
    workload: begin,
    invariants: [
      // First: it notes the newest map, which the others look at.
      { name: 'metadata', check: (_, worker) => metadata.check(worker) },
      { name: 'replicas', check: (_, worker) => replicas.check(worker) },
      { name: 'commits', check: (_, worker) => commits.check(worker) },
      {
        name: 'completeness',
        check: () => {
          const { nowMs, scheduler } = cluster;
          if (nowMs - scannedMs < scanEveryMs && scheduler.eventCount - scannedEvents < scanEveryEvents) return;
          [scannedMs, scannedEvents] = [nowMs, scheduler.eventCount];
          replicas.checkCompleteness();
        },
      },
    ],
    faults: scenario.faults,
    ...(scenario.schedule === undefined ? {} : { schedule: scenario.schedule }),
    settleMs: 500,
    safety: () => script.start(),
    durationMs: scenario.safetyMs,
    ...(scenario.livenessMs === 0
      ? {}
      : {
          liveness: {
            durationMs: phaseMs(scenario),
            core: (_: SimulatedCluster, random: Random) => {
              script.end();
              probes.settle();
              return chooseCore(mesh, scenario, random);
            },
            missing: (_: SimulatedCluster, core: ReadonlySet<string>) => {
              script.settle(); // a drain that comes late keeps a host of the core out of every in-sync set (R13)
              return liveness.missing(core);
            },
          },
        }),
    healMs: finishMs,
    mayBeStuck: () => (overBudget ? 'over the fault budget it may stop' : undefined),
    converged: () => {
      healedMs ??= cluster.nowMs;
      probes.settle();
      script.settle();
      if (cluster.nowMs - healedMs < loadAfterHealMs) return 'load goes on for a while';
      if (!stopped) {
        stopped = true;
        for (const client of cluster.clients)
          if (client.up && client.name !== '@mesh-asker')
            cluster.deliver({ host: client.name, worker: 0, actor: 'load' }, { kind: 'stop-load' });
      }
      return missingForRest(mesh, attending(), isOffline);
    },
    verify: () => judge({ mesh, scenario, history, committed, isOffline, ask, see }),
  });
  for (const [step, count] of script.counts) seen.set(`script: ${step}`, count);
  return {
    seed: scenario.seed,
    ok: verdict.ok,
    scenario,
    traceHash: verdict.traceHash,
    virtualMs: verdict.virtualMs,
    eventCount: verdict.eventCount,
    operations: history.counts(),
    asked: Object.fromEntries([...loads].map(([client, load]) => [client, load.asked])),
    faults: verdict.faults,
    effects: verdict.effects,
    episodes: verdict.episodes,
    network: verdict.network,
    judgement: verdict.stuck ?? offline() ?? 'whole',
    phases: verdict.phases,
    core: verdict.core,
    metadataLeaders: metadata.leaderCount,
    seen: sorted(seen),
    facts: sorted(probes.facts),
    sites: sorted(probes.fired),
    failure: verdict.failure,
  };
}

function sorted<K extends string>(counts: ReadonlyMap<K, number>): Record<K, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))) as Record<K, number>;
}

/** As the supervisor of a local mesh: it reaps its processes, and says so to every member (L5). */
function reportDeaths(mesh: SimulatedMesh): void {
  const { cluster } = mesh;
  const lives = new Map<string, number>();
  cluster.watch(() => {
    for (const host of cluster.hosts) {
      const { name, lifeCount } = host;
      if (lives.get(name) === lifeCount) continue;
      lives.set(name, lifeCount);
      if (host.up) continue;
      const startId = mesh.startIdOf(name);
      for (const member of cluster.hosts)
        if (member.up && member.name !== name)
          cluster.deliver(
            { host: member.name, worker: 0, actor: 'metadata' },
            { kind: 'host-died', host: name, startId } as never,
            { host: '@mesh', worker: 0, actor: 'supervisor' },
          );
    }
  });
}
