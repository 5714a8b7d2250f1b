// The status of a mesh, and what is wrong with it
// =============================================================================
//
// The shape is a contract (INTERFACES §2, `status -o json`): fields are added, never changed.

import type { HostState, MetadataMember } from '../protocol/cluster-map.js';
import type { MetadataStatus, ReplicaStatus } from '../protocol/host-messages.js';
import type { MapView, StatusView } from './core/operations.js';

/** One replica, as it says itself. */
export interface CopyReport {
  readonly host: string;
  readonly role: ReplicaStatus['role'];
  /** Offset up to which it has applied its log. */
  readonly applied: number;
  readonly items: number;
  readonly bytes: number;
}

export interface PartitionReport {
  readonly id: number;
  readonly leader: string | undefined;
  readonly epoch: number;
  readonly replicas: readonly string[];
  readonly inSync: readonly string[];
  /** As its leader says; undefined when that did not answer. */
  readonly highWatermark: number | undefined;
  /** Items and their bytes, as the leader has them. */
  readonly items: number | undefined;
  readonly bytes: number | undefined;
  /** The replicas that answered; none when nobody was asked. */
  readonly copies: readonly CopyReport[];
}

export interface TableReport {
  readonly name: string;
  readonly replicas: number;
  readonly minInSync: number;
  readonly durability: string;
  readonly partitions: readonly PartitionReport[];
}

export interface WorkerReport {
  readonly worker: number;
  readonly turns: number;
  readonly queued: number;
  readonly actors: number;
  readonly heapBytes: number;
  /** The registration that it acts under; 0 before there is one, absent from older hosts. */
  readonly epoch?: number;
}

export interface HostReport {
  readonly name: string;
  readonly state: HostState;
  readonly epoch: number;
  readonly pid: number;
  readonly version: string;
  readonly rack: string;
  /** Those that answered. */
  readonly workers: readonly WorkerReport[];
}

export interface StatusReport {
  readonly cluster: string;
  readonly clusterId: string;
  readonly healthy: boolean;
  /** Why it is not healthy, a sentence each. */
  readonly reasons: readonly string[];
  readonly metadata: {
    readonly leader: string | undefined;
    readonly term: number;
    readonly revision: number;
    readonly members: MetadataStatus['members'] | readonly MetadataMember[];
  };
  readonly hosts: readonly HostReport[];
  readonly tables: readonly TableReport[];
}

export function statusReportOf(cluster: string, view: StatusView): StatusReport {
  const { map, metadata, workers } = view;
  const hosts: HostReport[] = [];
  for (const host of map.hosts) {
    if (host.state === 'removed') continue;
    const { name, state, epoch, pid, version, rack } = host;
    const own = workers.filter((one) => one.host === name).map((one) => one.worker);
    hosts.push({ name, state, epoch, pid, version, rack, workers: own });
  }
  const statuses = new Map<string, ReplicaStatus>();
  for (const { replicas } of workers)
    for (const replica of replicas) statuses.set(`${replica.host}/${replica.partition}`, replica);
  const reasons = reasonsOf(view, statuses);
  return {
    cluster,
    clusterId: map.clusterId,
    healthy: reasons.length === 0,
    reasons,
    metadata: {
      leader: metadata?.leader ?? map.metadataLeader,
      term: metadata?.term ?? map.metadataTerm,
      revision: map.revision,
      members: metadata?.members ?? map.members,
    },
    hosts,
    tables: tableReportsOf(map, statuses),
  };
}

/** The tables of the map; `statuses` of replicas by `host/partition`, when they were asked. */
export function tableReportsOf(map: MapView, statuses: ReadonlyMap<string, ReplicaStatus> = new Map()): TableReport[] {
  return map.tables.map((table) => ({
    name: table.name,
    replicas: table.replicas,
    minInSync: table.minInSync,
    durability: table.durability,
    partitions: map.partitions
      .filter((partition) => partition.table === table.name)
      .map((partition) => {
        const status = statuses.get(`${partition.leader}/${partition.id}`);
        return {
          id: partition.id,
          leader: partition.leader,
          epoch: partition.leaderEpoch,
          replicas: partition.replicas.map((replica) => replica.host),
          inSync: partition.inSync,
          highWatermark: status?.highWatermark,
          items: status?.itemCount,
          bytes: status?.itemBytes,
          copies: partition.replicas.flatMap(({ host }) => copyOf(statuses.get(`${host}/${partition.id}`))),
        };
      }),
  }));
}

function copyOf(status: ReplicaStatus | undefined): CopyReport[] {
  if (status === undefined) return [];
  const { host, role, applied, itemCount, itemBytes } = status;
  return [{ host, role, applied, items: itemCount, bytes: itemBytes }];
}

/**
 * The map is what was decided, perhaps before everything was started anew: it may still have hosts up that have not registered since, and leaders
 * that do not lead yet. So what is said here of a host that answers is what it says itself.
 */
function reasonsOf(
  { map, metadata, workers, silent }: StatusView,
  statuses: ReadonlyMap<string, ReplicaStatus>,
): string[] {
  const reasons: string[] = [];
  const fenced = new Set(map.hosts.filter((host) => host.state === 'fenced').map((host) => host.name));
  if (metadata === undefined) reasons.push('the metadata group does not answer');
  else if (metadata.leader === undefined) reasons.push('the metadata group has no leader');
  else reasons.push(...reasonsOfGroup(metadata, fenced));
  for (const name of fenced) reasons.push(`host ${name} is not heard of`);
  for (const place of silent) {
    const [host, worker] = place.split('/');
    if (!fenced.has(host ?? '')) reasons.push(`worker ${worker} of host ${host} does not answer`);
  }
  const strangers = strangersOf(map, workers);
  for (const name of strangers) if (!fenced.has(name)) reasons.push(`host ${name} has not registered yet`);
  const answering = new Set(
    workers.map(({ host }) => host).filter((host) => !fenced.has(host) && !strangers.has(host)),
  );
  for (const place of silent) answering.delete(place.split('/')[0] ?? '');
  for (const table of map.tables) {
    for (const partition of map.partitions) {
      if (partition.table !== table.name) continue;
      const where = `partition ${partition.id} of table ${table.name}`;
      if (partition.leader === undefined)
        reasons.push(`${where} has no leader${partition.reason === '' ? '' : `: ${partition.reason}`}`);
      else if (partition.inSync.length < table.replicas)
        reasons.push(`${where} has ${partition.inSync.length} of ${table.replicas} replicas in sync`);
      else if (answering.has(partition.leader) && !isLeading(statuses.get(`${partition.leader}/${partition.id}`)))
        reasons.push(`${where}: its leader on host ${partition.leader} is not active yet`);
      else {
        for (const host of partition.inSync)
          if (answering.has(host) && isIdle(statuses.get(`${host}/${partition.id}`)))
            reasons.push(`${where}: its replica on host ${host} is not active yet`);
      }
    }
  }
  return reasons;
}

/** Hosts with a worker that acts under another registration than the map has, or under none. */
function strangersOf(map: MapView, workers: StatusView['workers']): ReadonlySet<string> {
  const epochs = new Map(map.hosts.map((host) => [host.name, host.epoch]));
  const strange = workers.filter(({ host, worker }) => worker.epoch !== undefined && worker.epoch !== epochs.get(host));
  return new Set(strange.map(({ host }) => host));
}

/** Older hosts do not say whether a leader is active. */
function isLeading(status: ReplicaStatus | undefined): boolean {
  return status?.role === 'leader' && status.active !== false;
}

function isIdle(status: ReplicaStatus | undefined): boolean {
  return status === undefined || status.role === 'idle';
}

/** A group with a member missing, or between two memberships, may not bear what a whole one does. */
function reasonsOfGroup({ members }: MetadataStatus, fenced: ReadonlySet<string>): string[] {
  const reasons: string[] = [];
  for (const { id, host, voter, role } of members) {
    if (!voter) reasons.push(`member ${id} is joining the metadata group`);
    else if (role === 'unknown' && !fenced.has(host))
      reasons.push(`member ${id} of the metadata group is not heard of`);
  }
  if (members.filter(({ voter }) => voter).length % 2 === 0) reasons.push('the metadata group is changing its members');
  return reasons;
}
