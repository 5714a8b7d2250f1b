// What may be asked of a new table, and what it gets when nothing is asked
// =============================================================================

import {
  durabilities,
  partitionings,
  readModes,
  storages,
  type TableInfo,
} from '../../../messaging/protocol/cluster-map.js';
import type { AdminFailure, TableOptions } from '../../../messaging/protocol/host-messages.js';
import { limits } from '../../../messaging/protocol/limits.js';

export const defaultPartitions = 8;
/** Copies that a table gets when nobody said how many, once there are as many hosts. */
export const defaultReplicas = 3;
export const defaultMinInSync = 2;

/** A table's options as they will be; `auto` = the number of copies was left to us and grows with the hosts. */
export interface ChosenOptions extends Omit<TableInfo, 'name' | 'revision' | 'partitions'> {
  readonly partitionCount: number;
  readonly auto: boolean;
  /** For whoever asked, in whole sentences. */
  readonly notes: readonly string[];
}

type Choice = { readonly chosen: ChosenOptions } | { readonly failure: AdminFailure };

const known: readonly string[] = [
  'partitions',
  'replicas',
  'minInSync',
  'partitioning',
  'storage',
  'durability',
  'versions',
  'reads',
] satisfies readonly (keyof TableOptions)[];

/** @param hostsUp how many hosts could hold a replica now. */
export function chooseTableOptions(options: TableOptions, hostsUp: number): Choice {
  for (const name of Object.keys(options))
    if (!known.includes(name)) return invalid(`there is no table option "${name}"; there are ${known.join(', ')}`);
  const partitionCount = options.partitions ?? defaultPartitions;
  if (!isCount(partitionCount, 1, limits.partitionsPerTableMax))
    return invalid(`partitions is a whole number from 1 to ${limits.partitionsPerTableMax}`);
  const versions = options.versions ?? 1;
  if (!isCount(versions, 1, limits.versionsMax))
    return invalid(`versions is a whole number from 1 to ${limits.versionsMax}`);
  const partitioning = options.partitioning ?? 'hash';
  if (!partitionings.includes(partitioning)) return invalid(`partitioning is one of ${partitionings.join(', ')}`);
  if (partitioning !== 'hash')
    return invalid('this version has hash tables only: partitioning "range" is not available');
  const storage = options.storage ?? 'memory';
  if (!storages.includes(storage)) return invalid(`storage is one of ${storages.join(', ')}`);
  if (storage !== 'memory') return invalid('this version has one storage engine: storage "lsm" is not available');
  const durability = options.durability ?? 'sync';
  if (!durabilities.includes(durability)) return invalid(`durability is one of ${durabilities.join(', ')}`);
  const reads = options.reads ?? 'lease';
  if (!readModes.includes(reads)) return invalid(`reads is one of ${readModes.join(', ')}`);

  if (hostsUp === 0) return unavailable('no host is up to hold the table');
  const auto = options.replicas === undefined;
  const replicas = options.replicas ?? Math.min(defaultReplicas, hostsUp);
  if (!isCount(replicas, 1, limits.replicasMax))
    return invalid(`replicas is a whole number from 1 to ${limits.replicasMax}`);
  if (replicas > hostsUp)
    return unavailable(
      `${replicas} replicas need ${replicas} hosts, and ${hostsUp} ${hostsUp === 1 ? 'is' : 'are'} up`,
    );
  const minInSync = options.minInSync ?? Math.min(defaultMinInSync, replicas);
  if (!isCount(minInSync, 1, limits.replicasMax))
    return invalid(`minInSync is a whole number from 1 to ${limits.replicasMax}`);
  if (minInSync > replicas)
    return invalid(`minInSync ${minInSync} is more than the ${replicas} replicas there would be`);

  const notes: string[] = [];
  if (auto && replicas < defaultReplicas)
    notes.push(
      `${hostsUp} ${hostsUp === 1 ? 'host is' : 'hosts are'} up, so it begins with ${replicas} ` +
        `${replicas === 1 ? 'replica' : 'replicas'} and grows to ${defaultReplicas} as hosts join.`,
    );
  if (replicas > 1 && minInSync === replicas)
    notes.push(`With minInSync ${minInSync} of ${replicas} replicas, writes stop while any one of its hosts is away.`);
  const chosen = {
    replicas,
    minInSync,
    partitioning,
    storage,
    durability,
    versions,
    reads,
    partitionCount,
    auto,
    notes,
  };
  return { chosen };
}

function isCount(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}

function invalid(message: string): Choice {
  return { failure: { code: 'INVALID_ARGUMENT', message } };
}

function unavailable(message: string): Choice {
  return { failure: { code: 'UNAVAILABLE', message } };
}
