// What one seed stands for
// =============================================================================
//
// Topology, tables, load and faults, all drawn from the seed: plain data, so that it can be printed, made smaller and run again.
//
// Sources: CORRECTNESS §3.3 (swarm); Groce et al., "Swarm Testing".

import type { TableOptions } from '../../messaging/protocol/host-messages.js';
import type { ReplicaLimits } from '../partition/replica-core.js';
import type { LoadProfile } from '../../messaging/workload/load-actor.js';
import {
  type FaultKind,
  faultKinds,
  type FaultPlan,
  lossyFaultKinds,
  swarmPlan,
} from '../../runtime/simulation/fault-plan.js';
import type { PlantedBug } from '../../runtime/probes/planted-bugs.js';
import { type ActiveSite, drawSites } from '../../runtime/simulation/simulated-probes.js';
import { seededRandom } from '../../runtime/std/random.js';

export interface Scenario {
  readonly seed: string;
  readonly hosts: number;
  readonly workers: number;
  readonly founders: number;
  /** Messages between hosts pass through their bytes. */
  readonly encoded: boolean;
  /** Messages are frozen on their way: whoever changes one that it was given fails at once. */
  readonly sealed: boolean;
  readonly tables: readonly { readonly name: string; readonly options: TableOptions }[];
  readonly clients: number;
  readonly load: Omit<LoadProfile, 'tables'>;
  readonly faults: FaultPlan;
  /** Where the code is asked to do something legal but rare. */
  readonly sites: readonly ActiveSite[];
  /** The bug that is to be found out. */
  readonly planted?: PlantedBug;
  /** Whoever started a process says at once that it died, as the supervisor of a local mesh does. */
  readonly deathsReported: boolean;
  readonly safetyMs: number;
  readonly replicaLimits: ReplicaLimits;
  readonly journal: { readonly segmentBytes: number; readonly journalBytesMax: number };
}

export interface ScenarioBounds {
  readonly hosts?: number;
  /** Only these; all but the lossy ones when absent. */
  readonly faults?: readonly FaultKind[];
  readonly safetyMs?: number;
  readonly planted?: PlantedBug;
}

/** A sleeping machine's monotonic clock stands still: leases on such machines are only as good as L3, so tables there confirm their reads. */
const needsConfirm: readonly FaultKind[] = ['suspend'];

export function drawScenario(seed: string, bounds: ScenarioBounds = {}): Scenario {
  const random = seededRandom(seed).split('scenario');
  const hosts = bounds.hosts ?? random.pick([3, 3, 4, 5, 5]);
  const kinds = bounds.faults ?? faultKinds.filter((kind) => !lossyFaultKinds.includes(kind));
  const downCountMax = Math.max(1, Math.floor((hosts - 1) / 2));
  const everyMinMs = random.pick([300, 1000, 3000]);
  const plan = swarmPlan(random.split('faults'), { kinds, downCountMax, lossMax: 0.15, everyMinMs });
  const lossy = lossyFaultKinds.some((kind) => plan.everyMs[kind] !== undefined);
  const confirm = needsConfirm.some((kind) => plan.everyMs[kind] !== undefined);
  const tables = Array.from({ length: random.between(1, 2) }, (_, i) => {
    const replicas = Math.min(hosts, random.pick([2, 3, 3, 3, 3, 5]));
    const options: TableOptions = {
      partitions: random.between(1, 4),
      replicas,
      // R21: as many lossy failures as the minimum in sync less one; the injector strikes one host.
      minInSync: Math.min(replicas, Math.max(lossy ? 2 : 1, random.pick([1, 2, 2, 2, 3]))),
      reads: confirm || random.chance(0.25) ? 'confirm' : 'lease',
    };
    return { name: `table-${i}`, options };
  });
  // Drawn also when it is given: everything else stays the seed's.
  const drawnMs = random.pick([5000, 10_000, 20_000]);
  const safetyMs = bounds.safetyMs ?? drawnMs;
  const share = (): number => random.pick([0, 1, 1, 3]);
  return {
    seed,
    hosts,
    workers: random.between(1, 3),
    founders: hosts >= 5 && random.chance(0.3) ? 5 : Math.min(3, hosts),
    encoded: random.chance(0.1),
    sealed: random.split('sealed').chance(0.2),
    tables,
    clients: random.between(2, 4),
    load: {
      concurrency: random.pick([1, 2, 4, 8]),
      pauseMeanMs: random.pick([2, 10, 50]),
      registerCount: random.pick([2, 8, 30]),
      counterCount: random.between(1, 3),
      skew: random.pick([1, 2, 4]),
      valueBytesMax: random.pick([16, 500, 8000]),
      weights: {
        put: 2 + share(),
        'put-if': share(),
        delete: share() / 2,
        get: 2 + share(),
        increment: share(),
        'get-counter': share() / 2,
        once: share(),
        scan: share() / 10,
      },
      timeoutsMs: random.pick([[1000, 5000], [10_000], [300, 3000, 30_000]]),
      consistencies: random.pick([
        ['linearizable'],
        ['linearizable', 'linearizable', 'session'],
        ['linearizable', 'stale'],
      ]),
    },
    faults: plan,
    sites: drawSites(random.split('sites')),
    ...(bounds.planted === undefined ? {} : { planted: bounds.planted }),
    deathsReported: random.chance(0.5),
    safetyMs,
    replicaLimits: {
      snapshotBytesMin: random.pick([4, 64, 16_384]) * 1024,
      logBytesKept: random.pick([0, 1, 16, 8192]) * 1024,
      chunkBytesMax: random.pick([512, 8192, 262_144]),
      checkEvery: random.pick([10, 100, 4096]),
    },
    journal: { segmentBytes: random.pick([16, 64, 256]) * 1024, journalBytesMax: random.pick([128, 512, 2048]) * 1024 },
  };
}
