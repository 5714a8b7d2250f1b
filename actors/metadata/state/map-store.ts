// The metadata group's state: hosts, tables, partitions, configuration
// =============================================================================
//
// Every entity carries the revision (= Raft index) of its last change, so what changed since any revision is a selection. What
// was deleted is remembered for a while; who asks from before that gets the whole map and drops its own.
//
// Owns:     the entities, the revision, deltas, snapshots, the state hash.
// Does not: know the rules of a change (the command files).
//
// Invariants
//   V10. Equal entities give equal snapshot bytes and so an equal hash, however the state was arrived at (M5).
//   V11. A copy at revision r that applies `deltaSince(r)` equals the state; a copy from before the oldest remembered deletion is
//        told to reset.
//   V12. The revision never falls, and no entity has a higher one.

import type {
  HostInfo,
  MapDelta,
  MetadataMember,
  PartitionInfo,
  TableInfo,
} from '../../../messaging/protocol/cluster-map.js';
import { decodeControl, encodeControl } from '../../../messaging/protocol/control.js';
import { assert } from '../../../runtime/std/assert.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import type { PartitionRecord } from './partition-record.js';

/** Deletions remembered. Past it the oldest go, and copies older than them are reset. */
export const tombstoneCountMax = 4096;

const snapshotVersion = 1;

export interface TableRecord {
  readonly info: TableInfo;
  /** Its number of copies was left to us (table-options.ts). */
  readonly auto: boolean;
}

type Tombstone =
  | { readonly kind: 'table'; readonly name: string; readonly revision: number }
  | { readonly kind: 'partition'; readonly id: number; readonly revision: number };

/** What a delta says of the metadata group itself, which is not part of this state. */
export interface GroupView {
  readonly members: readonly MetadataMember[];
  readonly metadataLeader: string | undefined;
  readonly metadataTerm: number;
}

export class MapStore {
  readonly clusterId: string;
  readonly hosts = new Map<string, HostInfo>();
  readonly tables = new Map<string, TableRecord>();
  readonly partitions = new Map<number, PartitionRecord>();
  readonly config = new Map<string, string>();
  /** Hosts that an administrator drains. */
  readonly drained = new Set<string>();
  #revision = 0;
  #nextPartition = 1;
  #tombstones: Tombstone[] = [];
  /** Deletions up to this revision may have been forgotten. */
  #floor = 0;

  constructor(clusterId: string) {
    this.clusterId = clusterId;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Marks that something changed at `index`. */
  advanceRevisionTo(index: number): void {
    assert(index >= this.#revision, 'V12: the revision never falls');
    this.#revision = index;
  }

  takePartitionId(): number {
    return this.#nextPartition++;
  }

  deleteTable(table: TableInfo, index: number): void {
    this.tables.delete(table.name);
    this.#tombstones.push({ kind: 'table', name: table.name, revision: index });
    for (const id of table.partitions) {
      this.partitions.delete(id);
      this.#tombstones.push({ kind: 'partition', id, revision: index });
    }
    if (this.#tombstones.length <= tombstoneCountMax) return;
    const dropped = this.#tombstones.splice(0, this.#tombstones.length - tombstoneCountMax);
    for (const tombstone of dropped) this.#floor = Math.max(this.#floor, tombstone.revision);
  }

  /** Everything that changed after `after`; all of it for 0, and then for a copy that may have moved on since it asked: it keeps nothing else. */
  deltaSince(after: number, group: GroupView): MapDelta {
    const reset = after === 0 || after < this.#floor; // V11
    const since = reset ? 0 : after;
    const newer = (entity: { readonly revision: number }): boolean => entity.revision > since;
    const tables: TableInfo[] = [];
    for (const table of this.tables.values()) if (newer(table.info)) tables.push(table.info);
    const partitions: PartitionInfo[] = [];
    for (const partition of this.partitions.values()) if (newer(partition.info)) partitions.push(partition.info);
    const deletedTables: string[] = [];
    const deletedPartitions: number[] = [];
    for (const tombstone of reset ? [] : this.#tombstones) {
      if (tombstone.revision <= after) continue;
      if (tombstone.kind === 'partition') deletedPartitions.push(tombstone.id);
      else if (!deletedTables.includes(tombstone.name)) deletedTables.push(tombstone.name);
    }
    return {
      clusterId: this.clusterId,
      after: since,
      revision: this.#revision,
      reset,
      hosts: [...this.hosts.values()].filter(newer),
      tables,
      partitions,
      deletedTables,
      deletedPartitions,
      ...group,
    };
  }

  // --- snapshots ------------------------------------------------------------------------------------------------------

  snapshot(): Uint8Array {
    return encodeControl(
      canonical({
        version: snapshotVersion,
        clusterId: this.clusterId,
        revision: this.#revision,
        nextPartition: this.#nextPartition,
        floor: this.#floor,
        tombstones: this.#tombstones,
        hosts: sorted(this.hosts.values(), (host) => host.name),
        tables: sorted(this.tables.values(), (table) => table.info.name),
        partitions: [...this.partitions.values()].sort((a, b) => a.info.id - b.info.id),
        config: sorted(this.config, ([key]) => key),
        drained: sorted(this.drained, (name) => name),
      }),
    );
  }

  /** @throws DecodeError for another version, or the state of another cluster (M16). */
  restore(bytes: Uint8Array): void {
    const decoded = decodeControl(bytes) as SnapshotContent;
    if (decoded.version !== snapshotVersion) throw new DecodeError(`a metadata snapshot of version ${decoded.version}`);
    if (decoded.clusterId !== this.clusterId)
      throw new DecodeError(`a metadata snapshot of cluster ${decoded.clusterId}`);
    this.#revision = decoded.revision;
    this.#nextPartition = decoded.nextPartition;
    this.#floor = decoded.floor;
    this.#tombstones = [...decoded.tombstones];
    refill(this.hosts, decoded.hosts, (host) => host.name);
    refill(this.tables, decoded.tables, (table) => table.info.name);
    refill(this.partitions, decoded.partitions, (partition) => partition.info.id);
    this.config.clear();
    for (const [key, value] of decoded.config) this.config.set(key, value);
    this.drained.clear();
    for (const name of decoded.drained) this.drained.add(name);
  }

  /** V10: for comparing members at equal index (M5). */
  stateHash(): number {
    return crc32(this.snapshot());
  }
}

interface SnapshotContent {
  readonly version: number;
  readonly clusterId: string;
  readonly revision: number;
  readonly nextPartition: number;
  readonly floor: number;
  readonly tombstones: readonly Tombstone[];
  readonly hosts: readonly HostInfo[];
  readonly tables: readonly TableRecord[];
  readonly partitions: readonly PartitionRecord[];
  readonly config: readonly (readonly [string, string])[];
  readonly drained: readonly string[];
}

/** Not by locale: the same order on every machine. */
function sorted<T>(items: Iterable<T>, nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

function refill<K, T>(map: Map<K, T>, items: readonly T[], keyOf: (item: T) => K): void {
  map.clear();
  for (const item of items) map.set(keyOf(item), item);
}

/** V10: the same value with the keys of every object in one order, and none that is undefined. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(sorted(entries, ([key]) => key).map(([key, part]) => [key, canonical(part)]));
}
