// Small pieces for tests of the cluster map

import { applyCommand } from '../../actors/metadata/state/apply.js';
import type { MetadataCommand, RegisterHost } from '../../actors/metadata/state/command.js';
import type { GroupView, MapStore } from '../../actors/metadata/state/map-store.js';
import type { Applied } from '../../actors/metadata/state/outcome.js';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import type { ReplicaReport, ReplicaVerdict } from '../../messaging/protocol/host-messages.js';

export const groupOfOne: GroupView = { members: [], metadataLeader: 'h1', metadataTerm: 1 };

export function registration(
  host: string,
  startId: string,
  after: number,
  more: Partial<RegisterHost> = {},
): RegisterHost {
  return {
    kind: 'register-host',
    host,
    startId,
    diskId: `disk-${host}`,
    workers: 1,
    rack: '',
    pid: 1,
    version: '0.0.0',
    after,
    dead: false,
    replicas: [],
    holds: [],
    ...more,
  };
}

/** Registers a host at `index`, in place of whatever registration it has. */
export function hostUp(store: MapStore, index: number, host: string, more: Partial<RegisterHost> = {}): Applied {
  return applyCommand(store, index, registration(host, `${host}@${index}`, store.hosts.get(host)?.epoch ?? 0, more));
}

export function reportOf(
  partition: number,
  verdict: ReplicaVerdict = 'complete',
  more: Partial<ReplicaReport> = {},
): ReplicaReport {
  return { partition, incarnation: 1, verdict, lineage: 1, lastEpoch: 1, end: 10, ...more };
}

/** A store whose next index is counted, for tables of commands. */
export class Steps {
  readonly store: MapStore;
  index = 0;

  constructor(store: MapStore) {
    this.store = store;
  }

  do(command: MetadataCommand): Applied {
    return applyCommand(this.store, ++this.index, command);
  }

  up(host: string, more: Partial<RegisterHost> = {}): Applied {
    return hostUp(this.store, ++this.index, host, more);
  }

  /** Every place that `host` has is claimed by a replica that just started. */
  claim(host: string): void {
    const replicas = [...this.store.partitions.values()]
      .filter(({ info }) => info.replicas.some((replica) => replica.host === host && replica.incarnation === 0))
      .map(({ info }) => reportOf(info.id, 'incomplete', { end: 0, lastEpoch: 0 }));
    this.do({ kind: 'register-replicas', host, epoch: this.epochOf(host), replicas, holds: [] });
  }

  epochOf(host: string): number {
    return this.store.hosts.get(host)?.epoch ?? 0;
  }

  partition(id: number): PartitionInfo {
    const record = this.store.partitions.get(id);
    if (record === undefined) throw new Error(`no partition ${id}`);
    return record.info;
  }

  fence(host: string, dead = false): Applied {
    return this.do({ kind: 'fence-host', host, epoch: this.epochOf(host), dead, holds: [] });
  }

  unfence(host: string): Applied {
    return this.do({ kind: 'unfence-host', host, epoch: this.epochOf(host), holds: [] });
  }

  /** The leader's proposal, right in everything that is not changed. */
  inSync(id: number, members: readonly string[], more: object = {}): Applied {
    const info = this.partition(id);
    const epochOf = (host: string): number => info.replicas.find((replica) => replica.host === host)?.epoch ?? 0;
    return this.do({
      kind: 'change-in-sync',
      partition: id,
      leader: info.leader ?? '',
      leaderReplicaEpoch: epochOf(info.leader ?? ''),
      leaderEpoch: info.leaderEpoch,
      partitionEpoch: info.partitionEpoch,
      inSync: members.map((host) => ({ host, epoch: epochOf(host) })),
      ...more,
    });
  }
}
