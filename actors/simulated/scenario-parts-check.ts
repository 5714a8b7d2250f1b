// What several checks of scenarios share
// =============================================================================

import { durabilities, partitionings, readModes, storages } from '../../messaging/protocol/cluster-map.js';
import type { TableOptions } from '../../messaging/protocol/host-messages.js';
import { number, optional, record, text, whole, word } from './checked-data.js';

export const dayMs = 86_400_000;

export const milliseconds = number(0, dayMs);

export const name = text(/^[\w.~-]{1,64}$/, 'a name of letters, digits, dots and dashes');

export const tableOptions = record<TableOptions>({
  partitions: optional(whole(1, 64)),
  replicas: optional(whole(1, 16)),
  minInSync: optional(whole(1, 16)),
  partitioning: optional(word('partitioning', partitionings)),
  storage: optional(word('storage', storages)),
  durability: optional(word('durability', durabilities)),
  versions: optional(whole(1, 1_000_000)),
  reads: optional(word('read mode', readModes)),
});
