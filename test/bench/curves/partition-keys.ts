// A key of each partition
// =============================================================================

import { keyBytes } from '../../../messaging/client/item-bytes.js';
import { partitionOf, partitionRing } from '../../../messaging/hashing/partition-ring.js';
import { partitionKeyBytes } from '../../../messaging/protocol/key.js';

/** Of a table of so many partitions: the key at index i is one of its i-th partition. */
export function keyOfEachPartition(partitions: number): string[] {
  const ring = partitionRing(partitions);
  const keys = new Map<number, string>();
  const triesMax = partitions * 1000;
  for (let i = 0; keys.size < partitions; i++) {
    if (i > triesMax) throw new Error(`no key was found for ${partitions - keys.size} of ${partitions} partitions`);
    const key = `p${i}`;
    const index = partitionOf(partitionKeyBytes(keyBytes(key)), ring);
    if (!keys.has(index)) keys.set(index, key);
  }
  return Array.from({ length: partitions }, (_, index) => keys.get(index) as string);
}
