// A copy of the cluster map, kept up to date by deltas
// =============================================================================
//
// Managers and clients ask for what changed after the revision they have, and put the answer in here. Deltas may be lost,
// repeated and late: a copy only ever moves to a higher revision of the same cluster.
//
// Owns:     the copy.
// Does not: ask for deltas, or decide anything.
//
// Invariants
//   Y1. The copy never goes back to a lower revision, and a delta that begins above the copy's revision is refused.
//   Y2. A delta of another cluster changes nothing (M16).
//   Y3. After a delta of revision r the copy equals the map at r: nothing deleted stays, nothing of a lower revision survives
//       beside its successor.

import type { HostInfo, MapDelta, MetadataMember, PartitionInfo, TableInfo } from './cluster-map.js';

export type MapRefusal = 'other-cluster' | 'older' | 'gap';

/** What a delta did: names and ids, so that the owner looks only at those. */
export type MapChange =
  | { readonly kind: 'refused'; readonly reason: MapRefusal }
  | {
      readonly kind: 'applied';
      readonly hosts: readonly string[];
      readonly tables: readonly string[];
      readonly partitions: readonly number[];
      readonly deletedTables: readonly string[];
      readonly deletedPartitions: readonly number[];
    };

export class MapCopy {
  #clusterId: string | undefined;
  #revision = 0;
  #members: readonly MetadataMember[] = [];
  #metadataLeader: string | undefined;
  #metadataTerm = 0;
  readonly #hosts = new Map<string, HostInfo>();
  readonly #tables = new Map<string, TableInfo>();
  readonly #partitions = new Map<number, PartitionInfo>();

  /** @param clusterId when known; else the first delta says it. */
  constructor(clusterId?: string) {
    this.#clusterId = clusterId;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** 0 = nothing yet: ask for everything after it. */
  get revision(): number {
    return this.#revision;
  }

  get hosts(): ReadonlyMap<string, HostInfo> {
    return this.#hosts;
  }

  get tables(): ReadonlyMap<string, TableInfo> {
    return this.#tables;
  }

  get partitions(): ReadonlyMap<number, PartitionInfo> {
    return this.#partitions;
  }

  get members(): readonly MetadataMember[] {
    return this.#members;
  }

  /** A hint: host of the metadata group's leader. */
  get metadataLeader(): string | undefined {
    return this.#metadataLeader;
  }

  get metadataTerm(): number {
    return this.#metadataTerm;
  }

  apply(delta: MapDelta): MapChange {
    if (this.#clusterId !== undefined && delta.clusterId !== this.#clusterId) return refuse('other-cluster'); // Y2
    if (delta.revision < this.#revision) return refuse('older'); // Y1
    if (!delta.reset && delta.after > this.#revision) return refuse('gap'); // Y1
    this.#clusterId = delta.clusterId;

    const deletedTables: string[] = [];
    const deletedPartitions: number[] = [];
    if (delta.reset) this.#keepOnly(delta, deletedTables, deletedPartitions);
    for (const name of delta.deletedTables) if (this.#tables.delete(name)) deletedTables.push(name);
    for (const id of delta.deletedPartitions) if (this.#partitions.delete(id)) deletedPartitions.push(id);

    const hosts: string[] = [];
    const tables: string[] = [];
    const partitions: number[] = [];
    for (const host of delta.hosts) if (put(this.#hosts, host.name, host)) hosts.push(host.name);
    for (const table of delta.tables) if (put(this.#tables, table.name, table)) tables.push(table.name);
    for (const partition of delta.partitions)
      if (put(this.#partitions, partition.id, partition)) partitions.push(partition.id);

    this.#revision = delta.revision;
    if (delta.metadataTerm >= this.#metadataTerm) {
      this.#metadataTerm = delta.metadataTerm;
      this.#metadataLeader = delta.metadataLeader;
      this.#members = delta.members;
    }
    return { kind: 'applied', hosts, tables, partitions, deletedTables, deletedPartitions };
  }

  /** The partitions of a table in order of their index; empty for an unknown table. */
  partitionsOf(table: string): readonly PartitionInfo[] {
    const partitions: PartitionInfo[] = [];
    for (const id of this.#tables.get(table)?.partitions ?? []) {
      const partition = this.#partitions.get(id);
      if (partition !== undefined) partitions.push(partition);
    }
    return partitions;
  }

  #keepOnly(delta: MapDelta, deletedTables: string[], deletedPartitions: number[]): void {
    const hosts = new Set(delta.hosts.map((host) => host.name));
    const tables = new Set(delta.tables.map((table) => table.name));
    const partitions = new Set(delta.partitions.map((partition) => partition.id));
    for (const name of this.#hosts.keys()) if (!hosts.has(name)) this.#hosts.delete(name);
    for (const name of this.#tables.keys())
      if (!tables.has(name)) {
        this.#tables.delete(name);
        deletedTables.push(name);
      }
    for (const id of this.#partitions.keys())
      if (!partitions.has(id)) {
        this.#partitions.delete(id);
        deletedPartitions.push(id);
      }
  }
}

function refuse(reason: MapRefusal): MapChange {
  return { kind: 'refused', reason };
}

/** Y3: the higher revision stays. Equal ones are equal. */
function put<K, V extends { readonly revision: number }>(map: Map<K, V>, key: K, value: V): boolean {
  const known = map.get(key);
  if (known !== undefined && known.revision >= value.revision) return false;
  map.set(key, value);
  return true;
}
