// Commands about tables and configuration entries
// =============================================================================

import type { PartitionInfo } from '../../../messaging/protocol/cluster-map.js';
import { limits } from '../../../messaging/protocol/limits.js';
import { isName } from '../../../runtime/contract/address.js';
import { assert, present } from '../../../runtime/std/assert.js';
import type { Change } from './change.js';
import type { MetadataCommand } from './command.js';
import type { MapStore } from './map-store.js';
import { failed, type Outcome, overtaken } from './outcome.js';
import { type HostLoads, placePartitions } from './placement.js';
import { chooseTableOptions } from './table-options.js';

type Of<Kind extends MetadataCommand['kind']> = Extract<MetadataCommand, { readonly kind: Kind }>;

export const configLimits = { entryCountMax: 1024, keyLengthMax: 256, valueLengthMax: 65_536 } as const;

/** Partitions over all tables: what one map, and one snapshot of it, can carry. */
export const partitionCountMax = 16_384;

export function createTable(change: Change, command: Of<'create-table'>): Outcome {
  const { store, index } = change;
  const { name, options, ifMissing } = command;
  if (!isName(name))
    return failed('INVALID_ARGUMENT', 'a table name has 1 to 64 letters, digits, "_" and "-", a letter or digit first');
  const known = store.tables.get(name);
  if (known !== undefined) {
    if (ifMissing) return { kind: 'done', result: { table: known.info, created: false, notes: [] } };
    return failed('CONDITION_FAILED', `table ${name} exists already`);
  }
  if (store.tables.size >= limits.tableCountMax)
    return failed('CAPACITY', `there are ${limits.tableCountMax} tables, and no more are allowed`);
  const up = [...store.hosts.values()].filter((host) => host.state === 'up');
  const choice = chooseTableOptions(options, up.length);
  if ('failure' in choice) return { kind: 'failed', failure: choice.failure };
  const { partitionCount, auto, notes, ...rest } = choice.chosen;
  if (store.partitions.size + partitionCount > partitionCountMax)
    return failed('CAPACITY', `all tables together have at most ${partitionCountMax} partitions`);

  const ids = Array.from({ length: partitionCount }, () => store.takePartitionId());
  const table = { name, revision: index, partitions: ids, ...rest };
  change.putTable({ info: table, auto });
  const placed = placePartitions(ids, up, rest.replicas, loadsOf(store));
  ids.forEach((id, position) => {
    const hosts = present(placed[position], 'V8: each partition is placed');
    change.putPartition({
      info: newPartition(id, name, position, hosts, index),
      move: undefined,
      deposed: [],
      reports: [],
    });
  });
  change.note({ kind: 'table-created', level: 'info', table: name, partitions: ids.length, replicas: rest.replicas });
  return { kind: 'done', result: { table, created: true, notes } };
}

/** Everybody is in sync with nothing; who leads is decided once the replicas run. */
function newPartition(
  id: number,
  table: string,
  position: number,
  hosts: readonly string[],
  index: number,
): PartitionInfo {
  return {
    id,
    revision: index,
    table,
    index: position,
    lineage: 1,
    leader: undefined,
    leaderEpoch: 0,
    partitionEpoch: 1,
    replicas: hosts.map((host) => ({ host, epoch: index, incarnation: 0 })),
    inSync: hosts,
    eligible: [],
    lastKnownEligible: [],
    holdMs: 0,
    reason: 'waiting for its replicas to start',
  };
}

export function deleteTable(change: Change, command: Of<'delete-table'>): Outcome {
  const table = change.store.tables.get(command.name);
  if (table === undefined) return failed('NOT_FOUND', `there is no table ${command.name}`);
  change.store.deleteTable(table.info, change.index);
  change.touch();
  change.note({ kind: 'table-deleted', level: 'info', table: command.name });
  return { kind: 'done', result: { deleted: true } };
}

/** More copies for a table whose number of copies was left to us. Never fewer: R5 counts on the minimum. */
export function growTable(change: Change, command: Of<'grow-table'>): Outcome {
  const { store, index } = change;
  const table = store.tables.get(command.name);
  if (table === undefined || !table.auto) return overtaken;
  const { replicas, minInSync } = command;
  if (replicas < table.info.replicas || minInSync < table.info.minInSync || minInSync > replicas) return overtaken;
  const partitions = table.info.partitions.map((id) =>
    present(store.partitions.get(id), 'V2: a table has its partitions'),
  );
  if (minInSync > table.info.minInSync) {
    // A higher minimum than there are in sync would stop writes.
    if (partitions.some(({ info }) => info.inSync.length < minInSync)) return overtaken;
    for (const record of partitions) {
      const { info } = record;
      // Replicas learn of it with a newer record only (R14).
      change.putPartition({ ...record, info: { ...info, revision: index, partitionEpoch: info.partitionEpoch + 1 } });
    }
  }
  assert(replicas <= limits.replicasMax, 'a table grows within the limits');
  change.putTable({ info: { ...table.info, replicas, minInSync, revision: index }, auto: true });
  change.note({ kind: 'table-grown', level: 'info', table: command.name, replicas, minInSync });
  return { kind: 'done', result: undefined };
}

export function setConfig(change: Change, command: Of<'set-config'>): Outcome {
  const { config } = change.store;
  const { key, value } = command;
  if (typeof key !== 'string' || key.length === 0 || key.length > configLimits.keyLengthMax)
    return failed('INVALID_ARGUMENT', `a configuration key has 1 to ${configLimits.keyLengthMax} characters`);
  if (value !== undefined && (typeof value !== 'string' || value.length > configLimits.valueLengthMax))
    return failed(
      'INVALID_ARGUMENT',
      `a configuration value is text of at most ${configLimits.valueLengthMax} characters`,
    );
  if (value !== undefined && !config.has(key) && config.size >= configLimits.entryCountMax)
    return failed('CAPACITY', `there are ${configLimits.entryCountMax} configuration entries, and no more are allowed`);
  if (config.get(key) === value) return { kind: 'done', result: { changed: false } };
  if (value === undefined) config.delete(key);
  else config.set(key, value);
  change.touch();
  return { kind: 'done', result: { changed: true } };
}

/** Replicas and preferred leaderships a host, over all tables. */
export function loadsOf(store: MapStore): HostLoads {
  const loads: HostLoads = { replicas: new Map(), leaders: new Map() };
  for (const { info } of store.partitions.values()) {
    info.replicas.forEach(({ host }, position) => {
      loads.replicas.set(host, (loads.replicas.get(host) ?? 0) + 1);
      if (position === 0) loads.leaders.set(host, (loads.leaders.get(host) ?? 0) + 1);
    });
  }
  return loads;
}
