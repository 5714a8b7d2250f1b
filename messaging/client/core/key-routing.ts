// From a key to the index of its partition
// =============================================================================

import { partitionKeyBytes } from '../../protocol/key.js';
import type { HashRing } from '../../hashing/hash-ring.js';
import { partitionOf, partitionRing } from '../../hashing/partition-ring.js';
import type { PartitionOf } from './data-desk.js';

/** Rings are made once a partition count; each client has its own. */
export function ringRouting(): PartitionOf {
  const rings = new Map<number, HashRing>();
  return (key, table) => {
    const count = table.partitions.length;
    let ring = rings.get(count);
    if (ring === undefined) {
      ring = partitionRing(count);
      rings.set(count, ring);
    }
    return partitionOf(partitionKeyBytes(key), ring);
  };
}
