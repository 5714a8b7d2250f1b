// Which partition of a table a key belongs to
// =============================================================================
//
// A table of n partitions is a ring of n nodes called '0' to 'n-1'. Every client and every host makes the same one (H1), so nobody asks.

import { HashRing } from './hash-ring.js';
import { xxHash32 } from './xx-hash.js';

/** Making one takes about 20 µs a partition: keep it with the table. */
export function partitionRing(partitionCount: number): HashRing {
  return new HashRing(Array.from({ length: partitionCount }, (_, index) => String(index)));
}

/**
 * The partition's index in its table.
 * @param partitionKey the encoded first element of the key (protocol/key.ts, `partitionKeyBytes`)
 * @param ring from `partitionRing`
 */
export function partitionOf(partitionKey: Uint8Array, ring: HashRing): number {
  return Number(ring.nodeFor(xxHash32(partitionKey)));
}
