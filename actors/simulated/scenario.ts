// What one seed stands for
// =============================================================================
//
// Topology, tables, load, faults and all else that a run depends on, drawn from the seed: plain data, so that it can be printed, kept in a file,
// made smaller and run again.
//
// A seed is within its fault budget, and then everything must hold and the mesh must come to rest; or, one in twenty, over it, and then only
// safety is judged: no wrong answer, though the mesh may stop.
//
// Sources: CORRECTNESS §3.2 (fault atlas), §3.3 (swarm); Groce et al., "Swarm Testing".

import type { ClientLimits } from '../../messaging/client/core/client-limits.js';
import type { TableOptions } from '../../messaging/protocol/host-messages.js';
import type { LoadProfile } from '../../messaging/workload/load-actor.js';
import type { PlantedBug } from '../../runtime/probes/planted-bugs.js';
import {
  type FaultKind,
  faultKinds,
  type FaultPlan,
  kindsThatNeed,
  lossyFaultKinds,
  silentFaultKinds,
  swarmPlan,
} from '../../runtime/simulation/fault-plan.js';
import type { FaultEpisode } from '../../runtime/simulation/fault-schedule.js';
import { drawLossyHosts } from '../../runtime/simulation/faults/fault-budget.js';
import { type ActiveSite, drawSites } from '../../runtime/simulation/simulated-probes.js';
import { type Random, seededRandom } from '../../runtime/std/random.js';
import type { ReplicaLimits } from '../partition/replica-core.js';
import { drawScript, type ScriptStep } from './script.js';

export interface TablePlan {
  readonly name: string;
  readonly options: TableOptions;
}

/** The limits of a client that a run may have otherwise. */
export type ClientWindows = Pick<
  ClientLimits,
  'batchesInFlightMax' | 'requestsInFlightMax' | 'batchCountMax' | 'attemptTimeoutMs'
>;

export interface Scenario {
  readonly seed: string;
  readonly hosts: number;
  readonly workers: number;
  readonly founders: number;
  /** Messages between hosts pass through their bytes. */
  readonly encoded: boolean;
  /** Messages are frozen on their way: whoever changes one that it was given fails at once. */
  readonly sealed: boolean;
  /** `disk`: the production journal on simulated disks; `model`: its contract in memory, some times quicker. */
  readonly journalKind: 'disk' | 'model';
  readonly tables: readonly TablePlan[];
  readonly clients: number;
  readonly load: Omit<LoadProfile, 'tables'>;
  readonly windows: ClientWindows;
  readonly faults: FaultPlan;
  /** Replaces what would be drawn from `faults`, but for its network and its budget. */
  readonly schedule?: readonly FaultEpisode[];
  readonly script: readonly ScriptStep[];
  /** Where the code is asked to do something legal but rare. */
  readonly sites: readonly ActiveSite[];
  /** The bug that is to be found out. */
  readonly planted?: PlantedBug;
  /** Whoever started a process says at once that it died, as the supervisor of a local mesh does. */
  readonly deathsReported: boolean;
  readonly safetyMs: number;
  /** How long the faults outside of a healthy core last on; 0: all is healed at once. */
  readonly livenessMs: number;
  /** Keys are also judged by search, which looks at no log. */
  readonly searched: boolean;
  readonly replicaLimits: ReplicaLimits;
  readonly journal: { readonly segmentBytes: number; readonly journalBytesMax: number };
}

export interface ScenarioBounds {
  readonly hosts?: number;
  /** Only these, and no traps; all that the drawn mesh allows when absent. */
  readonly faults?: readonly FaultKind[];
  readonly safetyMs?: number;
  readonly planted?: PlantedBug;
  /** Whether it may do more than the mesh promises to survive; one seed in twenty when absent. */
  readonly overBudget?: boolean;
  /** One seed in ten when absent, and all that have a fault of a disk named. */
  readonly journalKind?: Scenario['journalKind'];
}

const partitionCountMax = 10;

export function drawScenario(seed: string, bounds: ScenarioBounds = {}): Scenario {
  const random = seededRandom(seed).split('scenario');
  // What is given is drawn too, so that everything else stays the seed's.
  const drawnHosts = random.pick([1, 2, 3, 3, 3, 4, 5, 5, 6, 7]);
  const hosts = bounds.hosts ?? drawnHosts;
  const founders = drawFounders(random.split('founders'), hosts);
  const drawnOver = random.chance(0.05);
  const overBudget = bounds.overBudget ?? drawnOver;
  const drawnDisk = random.chance(0.1);
  const onDisk = kindsThatNeed('disk');
  const named = bounds.faults?.some((kind) => onDisk.includes(kind) || losesAcknowledged(kind)) === true;
  const journalKind = bounds.journalKind ?? (drawnDisk || named ? 'disk' : 'model');
  const faults = drawFaults(random, { bounds, hosts, founders, overBudget, journalKind });
  const lossy = Object.keys(faults.everyMs).some((kind) => losesAcknowledged(kind as FaultKind));
  const confirm = kindsThatNeed('confirm').some((kind) => faults.everyMs[kind] !== undefined);
  const tables = drawTables(random.split('tables'), { hosts, lossy: lossy && !overBudget, confirm });
  const churned = random.chance(0.25)
    ? [drawChurned(random.split('churned'), { hosts, lossy: lossy && !overBudget, confirm })]
    : [];
  const drawnMs = random.pick([60_000, 60_000, 90_000, 120_000]);
  const safetyMs = bounds.safetyMs ?? drawnMs;
  const clients = random.between(1, 4);
  const script = drawScript(random.split('script'), {
    hosts,
    safetyMs,
    clients,
    tables,
    churned,
    traps: hosts >= 2 && bounds.faults === undefined,
  });
  return {
    seed,
    hosts,
    workers: random.between(1, 3),
    founders,
    encoded: journalKind === 'disk',
    sealed: random.split('sealed').chance(0.2),
    journalKind,
    tables,
    clients,
    load: drawLoad(random.split('load'), clients),
    windows: {
      batchesInFlightMax: random.pick([1, 2, 4]),
      requestsInFlightMax: random.pick([1, 4]),
      batchCountMax: random.pick([1, 8, 512]),
      attemptTimeoutMs: random.pick([100, 1000]),
    },
    faults: lossy && !overBudget ? withLossyHosts(faults, random.split('lossy'), { hosts, founders, tables }) : faults,
    script,
    sites: drawSites(random.split('sites')),
    ...(bounds.planted === undefined ? {} : { planted: bounds.planted }),
    deathsReported: random.chance(0.5),
    safetyMs,
    livenessMs: !overBudget && hosts > 1 && random.chance(0.7) ? 30_000 : 0,
    searched: random.split('searched').chance(0.1),
    replicaLimits: {
      snapshotBytesMin: random.pick([4, 64, 16_384]) * 1024,
      logBytesKept: random.pick([0, 1, 16, 8192]) * 1024,
      chunkBytesMax: random.pick([512, 8192, 262_144]),
      checkEvery: random.pick([10, 100, 4096]),
      lagMaxMs: random.split('lag').pick([250, 1000, 1000]),
    },
    journal: { segmentBytes: random.pick([16, 64, 256]) * 1024, journalBytesMax: random.pick([128, 512, 2048]) * 1024 },
  };
}

function losesAcknowledged(kind: FaultKind): boolean {
  return lossyFaultKinds.includes(kind) || silentFaultKinds.includes(kind);
}

/** A group of one grows to three as soon as three hosts are there. */
function drawFounders(random: Random, hosts: number): number {
  if (hosts >= 5) return random.pick([1, 3, 3, 5]);
  return hosts >= 3 ? random.pick([1, 3, 3, 3]) : 1;
}

interface FaultBounds {
  readonly bounds: ScenarioBounds;
  readonly hosts: number;
  readonly founders: number;
  readonly overBudget: boolean;
  readonly journalKind: Scenario['journalKind'];
}

function drawFaults(random: Random, { bounds, hosts, founders, overBudget, journalKind }: FaultBounds): FaultPlan {
  const [onDisk, needConfirm] = [kindsThatNeed('disk'), kindsThatNeed('confirm')];
  // A group of one that loses what it promised has lost everything; a table needs a second replica that has it all (R21).
  const mayLose = journalKind === 'disk' && (overBudget || (hosts >= 2 && founders >= 3 && random.chance(0.5)));
  // A machine that sleeps makes every table of the run confirm its reads (L3): not too often.
  const mayConfirm = random.chance(0.15);
  const kinds =
    bounds.faults ??
    faultKinds.filter(
      (kind) =>
        (journalKind === 'disk' || !onDisk.includes(kind)) &&
        (mayConfirm || !needConfirm.includes(kind)) &&
        (mayLose || !lossyFaultKinds.includes(kind)) &&
        // Nobody can tell that such a disk forgot, neither the group nor a partition: no number of other copies makes up for it (M6, R4).
        !silentFaultKinds.includes(kind),
    );
  const downCountMax = overBudget ? hosts : Math.max(1, Math.floor((hosts - 1) / 2));
  const everyMinMs = random.pick([2000, 5000, 15_000]);
  const enabled = random.pick([0.1, 0.25, 0.5]);
  const given = bounds.faults === undefined ? {} : { enabled: 0.5 };
  return swarmPlan(random.split('faults'), {
    kinds,
    downCountMax,
    lossMax: 0.15,
    everyMinMs,
    enabled,
    ...(overBudget ? { overBudget } : {}),
    ...given,
  });
}

function withLossyHosts(
  faults: FaultPlan,
  random: Random,
  { hosts, founders, tables }: Pick<Scenario, 'hosts' | 'founders' | 'tables'>,
): FaultPlan {
  const names = Array.from({ length: hosts }, (_, i) => `h${i + 1}`);
  const minimum = tables.map(({ options }) => options.minInSync ?? 1);
  const lossyHosts = drawLossyHosts(random, names, names.slice(0, founders), minimum);
  const silent = silentFaultKinds.some((kind) => faults.everyMs[kind] !== undefined);
  return { ...faults, lossyHosts, ...(silent ? { forgetfulHosts: lossyHosts } : {}) };
}

interface TableBounds {
  readonly hosts: number;
  readonly lossy: boolean;
  readonly confirm: boolean;
}

function drawTables(random: Random, { hosts, lossy, confirm }: TableBounds): TablePlan[] {
  let left = partitionCountMax;
  return Array.from({ length: random.between(1, 3) }, (_, i) => {
    const replicas = Math.min(hosts, Math.max(lossy ? 2 : 1, random.pick([1, 2, 3, 3, 3, 3, 4, 5])));
    const partitions = Math.min(left - (2 - i), random.pick([1, 2, 4, 8]));
    left -= partitions;
    // An asynchronous table loses a replica with every crash of its process (R17); one that may lose a disk in addition proves nothing.
    const durability = !lossy && random.chance(0.15) ? 'async' : 'sync';
    const options: TableOptions = {
      partitions,
      replicas,
      // R21: as many lossy failures as the minimum in sync less one.
      minInSync: Math.min(replicas, Math.max(lossy ? 2 : 1, random.pick([1, 2, 2, 2, 3]))),
      durability,
      reads: confirm || random.chance(0.25) ? 'confirm' : 'lease',
    };
    return { name: `table-${i}`, options };
  });
}

function drawChurned(random: Random, { hosts, lossy, confirm }: TableBounds): TablePlan {
  const replicas = Math.min(hosts, Math.max(lossy ? 2 : 1, random.pick([1, 3])));
  const options: TableOptions = {
    partitions: random.between(1, 2),
    replicas,
    minInSync: Math.min(replicas, Math.max(lossy ? 2 : 1, random.between(1, 2))),
    reads: confirm || random.chance(0.5) ? 'confirm' : 'lease',
  };
  return { name: 'churned', options };
}

function drawLoad(random: Random, clients: number): Scenario['load'] {
  const share = (): number => random.pick([0, 1, 1, 3]);
  const concurrency = random.pick([1, 1, 2, 4]);
  // About five to thirty operations a virtual second over all, so that a run of two minutes costs about a second.
  const pauseMeanMs = Math.round((concurrency * clients * 1000) / random.pick([5, 10, 20, 30]));
  return {
    concurrency,
    pauseMeanMs,
    registerCount: random.pick([2, 8, 30]),
    counterCount: random.between(1, 3),
    skew: random.pick([1, 2, 4]),
    valueBytesMax: random.pick([16, 500, 8000, 8000, 200_000]),
    weights: {
      put: 2 + share(),
      'put-if': share(),
      delete: share() / 2,
      get: 2 + share(),
      increment: share(),
      'get-counter': share() / 2,
      once: share(),
      scan: share() / 10,
      'scan-pages': share() / 10,
    },
    timeoutsMs: random.pick([[1000, 5000], [10_000], [300, 3000, 30_000]]),
    consistencies: random.pick([
      ['linearizable'],
      ['linearizable', 'linearizable', 'session'],
      ['linearizable', 'stale'],
    ]),
  };
}
