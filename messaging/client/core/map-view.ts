// The map as plain data
// =============================================================================

import type { MapCopy } from '../../protocol/map-copy.js';
import type { MapView } from './operations.js';

/** With a table's name, only that table and its partitions. */
export function mapViewOf(copy: MapCopy, table?: string): MapView {
  const tables = [...copy.tables.values()].filter((one) => table === undefined || one.name === table);
  const partitions =
    table === undefined ? [...copy.partitions.values()].sort((a, b) => a.id - b.id) : copy.partitionsOf(table);
  return {
    clusterId: copy.clusterId ?? '',
    revision: copy.revision,
    hosts: [...copy.hosts.values()].sort(byName),
    tables: tables.sort(byName),
    partitions,
    members: copy.members,
    metadataLeader: copy.metadataLeader,
    metadataTerm: copy.metadataTerm,
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
