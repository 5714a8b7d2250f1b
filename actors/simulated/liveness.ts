// Does a healthy core get on, whatever stays broken around it?
// =============================================================================
//
// The core is drawn from the god view, so that the protocols entitle it to go on: a majority of the metadata group, and for every partition one
// replica that surely holds everything and as many as the table wants in sync. Then the core is healed for good and the rest is left as it is.
//
// Invariants
//   Y2. Every partition that the core is entitled to is led and takes a write of a client (L5, R11, R16). The core is not entitled to one that is
//       led by a living host outside, nor to anything while such a host leads the metadata group: who is heard of by a quorum keeps its office,
//       even when a member of the core, or a client, can not speak to it.
//   Y3. Every operation of every client is answered soon after its time is over.
//   Y4. No election storm: once the core has got on, neither the metadata group nor a partition changes its leader again and again (M9), and
//       replicas do not go to and fro (calm-watch.ts).
//
// Sources: TigerBeetle VOPR, liveness mode; CORRECTNESS §3.3 (phase B), §3.5 (10).

import type { Outcome } from '../../messaging/client/core/operations.js';
import { ringRouting } from '../../messaging/client/core/key-routing.js';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { encodeKey } from '../../messaging/protocol/key.js';
import { formatEntry, type Entry, type History } from '../../messaging/workload/history.js';
import { type LoadActor, operationOf, toldOf } from '../../messaging/workload/load-actor.js';
import type { Random } from '../../runtime/std/random.js';
import { hostOfMember } from '../metadata/controller/group-members.js';
import { memberIdOf } from '../metadata/member-id.js';
import type { Asker } from './asker.js';
import { CalmWatch } from './calm-watch.js';
import type { Scenario } from './scenario.js';
import type { MapSight, SimulatedMesh } from './simulated-mesh.js';

/** What was decided when the phase began is in the map by then; what it says of in-sync sets counts from then on. */
const settleMs = 5000;
const writeTimeoutMs = 4000;
/** Beyond its time-out an operation may take so long to be settled. */
const answerGraceMs = 2000;
/** How long nothing may move once every partition took a write. */
const calmMs = 8000;
const leadersInCalmMax = 2;

/** Hosts whose replica of the partition would lead without anybody's help from outside. */
function completeOn(mesh: SimulatedMesh, scenario: Scenario, map: MapSight, info: PartitionInfo): string[] {
  const { cluster } = mesh;
  const table = map.tables.get(info.table);
  const suspects = [...(scenario.faults.lossyHosts ?? []), ...(scenario.faults.forgetfulHosts ?? [])];
  // A crash, or a tail that was torn by one, makes these incomplete: only what runs and is registered counts.
  const mustRun = table?.durability === 'async' || scenario.journalKind === 'disk';
  return [...info.inSync, ...info.eligible].filter((host) => {
    const known = map.hosts.get(host);
    if (known === undefined || known.state === 'removed' || suspects.includes(host)) return false;
    if (cluster.journals.diskId(host) !== known.diskId) return false;
    const replica = mesh.replicas().find((one) => one.host === host && one.replica.core.partition === info.id)?.replica;
    if (replica?.role.kind === 'quarantined') return false;
    if (!mustRun) return true;
    const epoch = info.replicas.find((one) => one.host === host)?.epoch;
    return replica !== undefined && replica.role.kind !== 'idle' && replica.core.placement?.replicaEpoch === epoch;
  });
}

/** Whether the hosts can elect a metadata leader among themselves, in every membership that some peer has. */
function hasMajority(mesh: SimulatedMesh, core: ReadonlySet<string>): boolean {
  const { cluster } = mesh;
  const isThere = (id: string): boolean => {
    const host = hostOfMember(id);
    return core.has(host) && memberIdOf(host, cluster.journals.diskId(host)) === id;
  };
  let groups = 0;
  for (const host of cluster.hosts) {
    const peer = mesh.metadataOn(host.name)?.raftPeer;
    if (peer === undefined) continue;
    for (const voters of [peer.membership.voters, peer.membership.outgoing]) {
      if (voters.length === 0) continue;
      groups++;
      if (voters.filter(isThere).length * 2 <= voters.length) return false;
    }
  }
  return groups > 0;
}

function isEntitled(
  mesh: SimulatedMesh,
  scenario: Scenario,
  map: MapSight,
  info: PartitionInfo,
  core: ReadonlySet<string>,
): boolean {
  const minimum = map.tables.get(info.table)?.minInSync ?? 1;
  const present = info.replicas.filter(({ host }) => core.has(host) && map.hosts.get(host)?.state !== 'removed');
  return present.length >= minimum && completeOn(mesh, scenario, map, info).some((host) => core.has(host));
}

/** A random core, mostly a small one; undefined when not even all hosts together are one. */
export function chooseCore(mesh: SimulatedMesh, scenario: Scenario, random: Random): ReadonlySet<string> | undefined {
  const map = mesh.newestMap;
  if (map === undefined) return undefined;
  const partitions = [...map.partitions.values()];
  const suffices = (core: ReadonlySet<string>): boolean =>
    hasMajority(mesh, core) && partitions.every((info) => isEntitled(mesh, scenario, map, info, core));
  let core: ReadonlySet<string> = new Set(mesh.cluster.hosts.map(({ name }) => name));
  if (!suffices(core)) return undefined;
  const left = [...core];
  while (left.length > 0) {
    const host = left.splice(random.below(left.length), 1)[0] as string;
    const smaller = new Set([...core].filter((name) => name !== host));
    if (random.chance(0.9) && suffices(smaller)) core = smaller;
  }
  return core;
}

/** The longest that the phase may take: a partition that is led from outside until its time would be over has all of it from then on. */
export function phaseMs({ livenessMs }: Scenario): number {
  return 2 * livenessMs + calmMs;
}

export interface LivenessView {
  readonly mesh: SimulatedMesh;
  readonly scenario: Scenario;
  readonly asker: Asker;
  readonly history: History;
  /** Of the clients that are still there. */
  readonly loads: () => readonly LoadActor[];
  /** Leaders that the metadata group ever had. */
  readonly leaderCount: () => number;
  readonly wasDrained: (host: string) => boolean;
  readonly see: (fact: string) => void;
}

export class LivenessPhase {
  readonly #view: LivenessView;
  /** Partitions that took a write, since when the others are owed one without a break, and questions under way. */
  readonly #written = new Set<number>();
  readonly #owedSinceMs = new Map<number, number>();
  readonly #asked = new Map<number, { readonly id: number; readonly entry: Entry }>();
  readonly #timeoutMaxMs: number;
  #startMs: number | undefined;
  #calm: { readonly sinceMs: number; readonly leaders: number; readonly watch: CalmWatch } | undefined;
  #keys = 0;

  constructor(view: LivenessView) {
    this.#view = view;
    this.#timeoutMaxMs = Math.max(...view.scenario.load.timeoutsMs);
  }

  /** @throws when there is a storm (Y4) or a client has no answer (Y3) */
  missing(core: ReadonlySet<string>): string | undefined {
    const { nowMs } = this.#view.mesh.cluster;
    this.#startMs ??= nowMs;
    this.#hear();
    this.#checkAnswers(nowMs);
    const map = this.#view.mesh.newestMap;
    if (map === undefined) return 'no metadata';
    this.#calm?.watch.look(map.partitions.values());
    if (nowMs - this.#startMs < settleMs) return 'settling';
    const { mesh, scenario, see } = this.#view;
    if (mesh.cluster.hosts.some(({ name }) => !core.has(name) && mesh.metadataOn(name)?.raftPeer?.role === 'leader')) {
      see('liveness: the metadata group is led from outside');
      return this.#calming(map, nowMs);
    }
    const owed = [...map.partitions.values()].filter((info) => this.#isOwed(map, info, core));
    for (const info of owed) this.#write(map, info);
    // Who has waited longest; what became owed late, because it had been led from outside, has its own time from then on.
    const sinceMs = ({ id }: PartitionInfo): number => this.#owedSinceMs.get(id) ?? nowMs;
    const [silent] = owed.sort((a, b) => sinceMs(a) - sinceMs(b));
    if (silent !== undefined) {
      const { id, table, leader, inSync, eligible, reason } = silent;
      const led = leader === undefined ? `is not led (${reason})` : `is led by ${leader}`;
      const problem = `Y2: partition ${id} of ${table} ${led}, ${inSync.join(', ')} in sync, ${eligible.join(', ') || 'nobody'} eligible, and takes no write`;
      if (nowMs - sinceMs(silent) > scenario.livenessMs - settleMs) throw new Error(problem);
      return problem;
    }
    return this.#calming(map, nowMs);
  }

  /** Y2 */
  #isOwed(map: MapSight, info: PartitionInfo, core: ReadonlySet<string>): boolean {
    const { mesh, scenario, see } = this.#view;
    if (this.#written.has(info.id)) return false;
    const { leader } = info;
    const isLedFromOutside = leader !== undefined && !core.has(leader) && mesh.cluster.host(leader).up;
    const isOwed = !isLedFromOutside && isEntitled(mesh, scenario, map, info, core);
    if (isLedFromOutside) see('liveness: a partition is led from outside');
    if (!isOwed) this.#owedSinceMs.delete(info.id);
    else if (!this.#owedSinceMs.has(info.id)) this.#owedSinceMs.set(info.id, mesh.cluster.nowMs);
    return isOwed;
  }

  #write(map: MapSight, info: PartitionInfo): void {
    if (this.#asked.has(info.id)) return;
    const table = map.tables.get(info.table);
    if (table === undefined) return;
    const index = ringRouting();
    for (;;) {
      const key = `live-${this.#keys++}`;
      if (table.partitions[index(encodeKey(key), table)] !== info.id) continue;
      const put = { kind: 'put', key, value: `live:${key}`, ifVersion: undefined } as const;
      const entry = this.#view.history.call('live', info.table, put);
      const { id: _, ...question } = operationOf(put, info.table, 0, writeTimeoutMs);
      this.#asked.set(info.id, { id: this.#view.asker.ask(this.#view.mesh.cluster, question), entry });
      return;
    }
  }

  #hear(): void {
    for (const [partition, { id, entry }] of this.#asked) {
      const outcome: Outcome | undefined = this.#view.asker.outcomes.get(id);
      if (outcome === undefined) continue;
      this.#asked.delete(partition);
      this.#view.history.return(entry, toldOf(outcome));
      if (outcome.kind === 'written') this.#written.add(partition);
    }
  }

  /** Y3 */
  #checkAnswers(nowMs: number): void {
    const dueMs = nowMs - this.#timeoutMaxMs - answerGraceMs;
    for (const load of this.#view.loads())
      for (const entry of load.open)
        if (entry.calledMs < dueMs) throw new Error(`Y3: without an answer: ${formatEntry(entry)}`);
  }

  /** Y4 */
  #calming(map: MapSight, nowMs: number): string | undefined {
    if (this.#calm === undefined) {
      this.#calm = { sinceMs: nowMs, leaders: this.#view.leaderCount(), watch: new CalmWatch(this.#view.wasDrained) };
      this.#calm.watch.look(map.partitions.values());
    }
    const { sinceMs } = this.#calm;
    const leaders = this.#view.leaderCount() - this.#calm.leaders;
    if (leaders > leadersInCalmMax)
      throw new Error(`Y4: ${leaders} leaders of the metadata group in ${Math.round(nowMs - sinceMs)} ms`);
    return nowMs - sinceMs < calmMs ? 'watching' : undefined;
  }
}
