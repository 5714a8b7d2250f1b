// The mesh's metadata under random faults: leases and elections stay safe, and everything is led again when they end

import { expect } from 'chai';
import { leaseValid } from '../../actors/host/lease-cells.js';
import type { PartitionReplica } from '../../actors/partition/replica.js';
import { replicaActor, workerOfPartition } from '../../messaging/protocol/cluster-map.js';
import { harmlessFaultKinds, kindsThatNeed, swarmPlan } from '../../runtime/simulation/fault-plan.js';
import { formatVerdict, type Invariant, runSimulation, type Verdict } from '../../runtime/simulation/run-simulation.js';
import { seededRandom } from '../../runtime/std/random.js';
import { MeshWorld } from '../support/mesh-world.js';

const workers = 2;

// A lease outlives a suspend until the host's agent looks at the clocks again (L3 says so): that has a test of its own.
const kinds = harmlessFaultKinds.filter((kind) => !kindsThatNeed('confirm').includes(kind));

function invariantsOf(mesh: MeshWorld): Invariant[] {
  const leaderOfTerm = new Map<number, string>();
  return [
    {
      name: 'M1: one metadata leader a term',
      check: () => {
        for (const host of mesh.names) {
          const peer = mesh.metadata(host)?.raftPeer;
          if (peer?.role !== 'leader') continue;
          const known = leaderOfTerm.get(peer.term);
          if (known !== undefined && known !== peer.id)
            throw new Error(`${known} and ${peer.id} lead term ${peer.term}`);
          leaderOfTerm.set(peer.term, peer.id);
        }
      },
    },
    {
      name: 'L5: nobody reads under a lease what a successor may have overwritten',
      check: () => {
        for (const id of mesh.partitionIds()) checkLeases(mesh, id);
      },
    },
  ];
}

function checkLeases(mesh: MeshWorld, partition: number): void {
  let readable: { readonly host: string; readonly epoch: number } | undefined;
  let active: { readonly host: string; readonly epoch: number } | undefined;
  const worker = workerOfPartition(partition, workers);
  for (const host of mesh.names) {
    const simulated = mesh.cluster.host(host);
    if (!simulated.up) continue;
    const replica = mesh.cluster.actor({ host, worker, actor: replicaActor(partition) }) as unknown as
      | PartitionReplica
      | undefined;
    if (replica === undefined || replica.role.kind !== 'leader') continue;
    const { epoch } = replica.core;
    const nowMs = simulated.clock.monotonicAt(mesh.cluster.nowMs);
    if (leaseValid(simulated.cells, worker, nowMs) && (readable === undefined || epoch < readable.epoch))
      readable = { host, epoch };
    if (replica.role.active && (active === undefined || epoch > active.epoch)) active = { host, epoch };
  }
  if (readable === undefined || active === undefined || readable.epoch >= active.epoch) return;
  throw new Error(
    `partition ${partition}: ${readable.host} may read in epoch ${readable.epoch} while ${active.host} commits in ${active.epoch}`,
  );
}

/** @returns with it the hosts of which a journal was ever found with a torn tail */
function run(
  seed: string,
  durationMs: number,
): { readonly verdict: Verdict; readonly mesh: MeshWorld; readonly torn: ReadonlySet<string> } {
  const torn = new Set<string>();
  const onLine = (line: string): void => {
    const host = /(\S+)\/\d+ .*journal-opened torn/.exec(line)?.[1];
    if (host !== undefined) torn.add(host);
  };
  const mesh = new MeshWorld(seed, { workers, restartExitedHostMs: 500, onLine });
  const verdict = runSimulation({
    build: () => mesh.cluster,
    workload: () => {
      for (let i = 0; i < 4; i++)
        mesh.cluster.after(500 + i * (durationMs / 4), () => {
          mesh.ask({ command: 'create-table', name: `t${i}`, options: { partitions: 2 }, ifMissing: true });
        });
    },
    invariants: invariantsOf(mesh),
    faults: swarmPlan(seededRandom(seed), { kinds, downCountMax: 2 }),
    settleMs: 2000,
    durationMs,
    healMs: 60_000,
    converged: () => {
      if (mesh.leader === undefined) return 'no metadata leader';
      if (mesh.hostsUp().length < mesh.names.length) return `hosts up: ${mesh.hostsUp().join()}`;
      const rest = mesh
        .partitions()
        .filter((info) => info.leader === undefined || info.inSync.length < info.replicas.length);
      if (rest.length > 0) return `partitions: ${JSON.stringify(rest[0])}`;
      return mesh.names.every((host) => mesh.hasLease(host)) ? undefined : 'a host without lease';
    },
  });
  return { verdict, mesh, torn };
}

describe('simulated mesh: metadata under faults', () => {
  const { TROUPE_SEED: only, TROUPE_RUNS: runs = '6' } = process.env;
  const seeds = only === undefined ? Array.from({ length: Number(runs) }, (_, i) => `metadata-${i}`) : [only];
  for (const seed of seeds)
    it(`seed ${seed}: M1, L5 hold, and it heals (L1, L3, L7)`, function () {
      this.timeout(120_000);
      const { verdict, mesh, torn } = run(seed, 20_000);
      if (!verdict.ok) throw new Error(formatVerdict(verdict));
      expect(mesh.partitions().length).to.be.greaterThan(0);
      // Where everybody in sync may have lost its tail, and only there, the longest of them leads in a new lineage (R18, D8): two at least, the minimum in sync.
      for (const { id, lineage, replicas } of mesh.partitions())
        if (lineage > 1)
          expect(replicas.filter(({ host }) => torn.has(host)).length, `partition ${id}`).to.be.at.least(2);
    });
});
