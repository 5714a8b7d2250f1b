// Administration: tables, hosts, status
// =============================================================================

import { isName } from '../../runtime/contract/address.js';
import {
  type Durability,
  durabilities,
  type HostInfo,
  type Partitioning,
  partitionings,
  type ReadMode,
  readModes,
  type Storage,
  storages,
  type TableInfo,
} from '../protocol/cluster-map.js';
import type { AdminCommand, MetadataStatus, TableOptions } from '../protocol/host-messages.js';
import { type Key, partitionKeyBytes } from '../protocol/key.js';
import { limits } from '../protocol/limits.js';
import { partitionOf, partitionRing } from '../hashing/partition-ring.js';
import {
  type CallOptions,
  callOptionNames,
  checkOptions,
  countOf,
  oneOf,
  signalOf,
  timeoutMsOf,
} from './call-options.js';
import type { ClientSession } from './client-session.js';
import type { MapView } from './core/operations.js';
import { NotFoundError, TroupeError } from './errors.js';
import { keyBytes } from './item-bytes.js';
import { type PartitionReport, type StatusReport, statusReportOf, tableReportsOf } from './status-report.js';

export interface CreateTableOptions extends CallOptions {
  /** Default 8. */
  readonly partitions?: number | undefined;
  /** Default 3, or as many as there are hosts. */
  readonly replicas?: number | undefined;
  /** In-sync replicas without which no write is taken; default 2, or 1 for a single replica. */
  readonly minInSync?: number | undefined;
  readonly partitioning?: Partitioning | undefined;
  readonly storage?: Storage | undefined;
  readonly durability?: Durability | undefined;
  /** Recent versions kept of each item. */
  readonly versions?: number | undefined;
  /** How linearizable reads are made certain: by the host's lease, or by asking each time. */
  readonly reads?: ReadMode | undefined;
  /** A table of that name is no error, whatever its options. */
  readonly ifMissing?: boolean | undefined;
}

export interface TableDescription {
  readonly name: string;
  readonly replicas: number;
  readonly minInSync: number;
  readonly partitioning: Partitioning;
  readonly storage: Storage;
  readonly durability: Durability;
  readonly versions: number;
  readonly reads: ReadMode;
  readonly partitions: readonly PartitionReport[];
}

export interface CreatedTable extends TableDescription {
  /** False when it was there already (`ifMissing`). */
  readonly created: boolean;
  /** What a user should know of the options chosen, a sentence each. */
  readonly notes: readonly string[];
}

/** Where a key is. */
export interface KeyLocation {
  readonly table: string;
  readonly partition: number;
  readonly leader: string | undefined;
  readonly epoch: number;
  readonly replicas: readonly string[];
  readonly inSync: readonly string[];
}

const tableOptionNames = [
  'partitions',
  'replicas',
  'minInSync',
  'partitioning',
  'storage',
  'durability',
  'versions',
  'reads',
];
const laterOptionNames = ['indexes', 'schema', 'ttl'];

export class Admin {
  readonly #session: ClientSession;
  readonly #cluster: string;

  /** @internal It is `db.admin`. */
  constructor(session: ClientSession, cluster: string) {
    this.#session = session;
    this.#cluster = cluster;
  }

  /** Makes a table; it can be used when this has resolved. */
  async createTable(name: string, options: CreateTableOptions = {}): Promise<CreatedTable> {
    checkName(name, 'a table');
    const wanted = tableOptionsOf(options);
    const ifMissing = options.ifMissing === true;
    const command: AdminCommand = { command: 'create-table', name, options: wanted, ifMissing };
    const result = await this.#command(command, `create table ${name}`, options);
    const { created, notes } = (result ?? {}) as { readonly created?: unknown; readonly notes?: unknown };
    const description = await this.describeTable(name, { signal: options.signal, timeout: options.timeout });
    return { ...description, created: created !== false, notes: Array.isArray(notes) ? notes.map(String) : [] };
  }

  /** Deletes a table with everything in it. */
  async deleteTable(name: string, options?: CallOptions): Promise<void> {
    checkOptions(options, callOptionNames, 'deleteTable');
    checkName(name, 'a table');
    await this.#command({ command: 'delete-table', name }, `delete table ${name}`, options);
  }

  /** All tables, by name. */
  async listTables(options?: CallOptions): Promise<TableDescription[]> {
    checkOptions(options, callOptionNames, 'listTables');
    const map = await this.#map(undefined, options);
    return map.tables.map((table) => descriptionOf(table, map));
  }

  /** @throws NotFoundError */
  async describeTable(name: string, options?: CallOptions): Promise<TableDescription> {
    checkOptions(options, callOptionNames, 'describeTable');
    checkName(name, 'a table');
    const map = await this.#map(name, options);
    const table = map.tables[0];
    if (table === undefined) throw new NotFoundError(`there is no table ${name}`);
    return descriptionOf(table, map);
  }

  /** The hosts that were not removed for good, by name. */
  async listHosts(options?: CallOptions): Promise<HostInfo[]> {
    checkOptions(options, callOptionNames, 'listHosts');
    const map = await this.#map(undefined, options);
    return map.hosts.filter((host) => host.state !== 'removed');
  }

  /** The partition of a key, its leader and its replicas. The key need not exist. */
  async locate(table: string, key: Key, options?: CallOptions): Promise<KeyLocation> {
    checkOptions(options, callOptionNames, 'locate');
    checkName(table, 'a table');
    const bytes = partitionKeyBytes(keyBytes(key));
    const map = await this.#map(table, options);
    const index = partitionOf(bytes, partitionRing(map.tables[0]?.partitions.length ?? 1));
    const partition = map.partitions[index];
    if (partition === undefined) throw new NotFoundError(`there is no table ${table}`);
    return {
      table,
      partition: partition.id,
      leader: partition.leader,
      epoch: partition.leaderEpoch,
      replicas: partition.replicas.map((replica) => replica.host),
      inSync: partition.inSync,
    };
  }

  /** Everything that hosts, metadata group and partitions say of themselves. Resolves also when some do not answer. */
  async status(options?: CallOptions): Promise<StatusReport> {
    checkOptions(options, callOptionNames, 'status');
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const done = await this.#session.run(
      'status',
      { kind: 'status', timeoutMs },
      () => 'the status',
      signalOf(options),
    );
    return statusReportOf(this.#cluster, done.status);
  }

  async metadataStatus(options?: CallOptions): Promise<MetadataStatus> {
    checkOptions(options, callOptionNames, 'metadataStatus');
    return (await this.#command({ command: 'metadata-status' }, 'the metadata status', options)) as MetadataStatus;
  }

  /** Moves leaderships and replicas away from a host; `drain: false` takes that back. */
  async drainHost(host: string, drain = true, options?: CallOptions): Promise<void> {
    checkOptions(options, callOptionNames, 'drainHost');
    checkName(host, 'a host');
    await this.#command({ command: 'drain-host', host, drain }, `drain host ${host}`, options);
  }

  /** Forgets a host for good. */
  async removeHost(host: string, options?: CallOptions): Promise<void> {
    checkOptions(options, callOptionNames, 'removeHost');
    checkName(host, 'a host');
    await this.#command({ command: 'remove-host', host }, `remove host ${host}`, options);
  }

  /** Sets a configuration entry; undefined removes it. */
  async setConfig(key: string, value: string | undefined, options?: CallOptions): Promise<void> {
    checkOptions(options, callOptionNames, 'setConfig');
    if (typeof key !== 'string') throw new TypeError('a configuration key is a string');
    if (value !== undefined && typeof value !== 'string') throw new TypeError('a configuration value is a string');
    await this.#command({ command: 'set-config', key, value }, `set ${key}`, options);
  }

  async #command(command: AdminCommand, what: string, options: CallOptions | undefined): Promise<unknown> {
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const asked = { kind: 'admin', command, timeoutMs } as const;
    return (await this.#session.run('commanded', asked, () => what, signalOf(options))).result;
  }

  async #map(table: string | undefined, options: CallOptions | undefined): Promise<MapView> {
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const what = table === undefined ? 'the map' : `table ${table}`;
    const asked = { kind: 'map', table, fresh: true, timeoutMs } as const;
    return (await this.#session.run('map', asked, () => what, signalOf(options))).map;
  }
}

/** @throws TypeError, TroupeError INVALID_ARGUMENT */
export function checkName(name: unknown, what: string): void {
  if (typeof name !== 'string') throw new TypeError(`${what} is named by a string`);
  if (!isName(name))
    throw new TroupeError(
      'INVALID_ARGUMENT',
      `${what} is called by letters, digits, _ and -, at most 64, the first a letter or digit: not ${JSON.stringify(name)}`,
    );
}

/** @throws TypeError, TroupeError INVALID_ARGUMENT */
export function tableOptionsOf(options: CreateTableOptions): TableOptions {
  for (const name of laterOptionNames)
    if ((options as Readonly<Record<string, unknown>>)[name] !== undefined)
      throw new TroupeError('INVALID_ARGUMENT', `createTable: ${name} is not supported by this version`);
  checkOptions(options, [...tableOptionNames, ...callOptionNames, 'ifMissing'], 'createTable');
  const { partitions, replicas, minInSync, partitioning, storage, durability, versions, reads } = options;
  return {
    ...(partitions === undefined
      ? {}
      : { partitions: countOf(partitions, limits.partitionsPerTableMax, 'partitions') }),
    ...(replicas === undefined ? {} : { replicas: countOf(replicas, limits.replicasMax, 'replicas') }),
    ...(minInSync === undefined ? {} : { minInSync: countOf(minInSync, limits.replicasMax, 'minInSync') }),
    ...(partitioning === undefined ? {} : { partitioning: oneOf(partitioning, partitionings, 'partitioning') }),
    ...(storage === undefined ? {} : { storage: oneOf(storage, storages, 'storage') }),
    ...(durability === undefined ? {} : { durability: oneOf(durability, durabilities, 'durability') }),
    ...(versions === undefined ? {} : { versions: countOf(versions, limits.versionsMax, 'versions') }),
    ...(reads === undefined ? {} : { reads: oneOf(reads, readModes, 'reads') }),
  };
}

function descriptionOf(table: TableInfo, map: MapView): TableDescription {
  const { name, replicas, minInSync, partitioning, storage, durability, versions, reads } = table;
  const report = tableReportsOf({ ...map, tables: [table] })[0];
  const partitions = report?.partitions ?? [];
  return { name, replicas, minInSync, partitioning, storage, durability, versions, reads, partitions };
}
