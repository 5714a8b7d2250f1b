// From a key to its partition: hash, ring, index
// =============================================================================
//
// As a client does for each operation (key-routing.ts), on tables of 8 and of 1024 partitions.

import assert from 'node:assert/strict';
import { partitionOf, partitionRing } from '../../../../messaging/hashing/partition-ring.js';
import { xxHash32 } from '../../../../messaging/hashing/xx-hash.js';
import { partitionKeyBytes } from '../../../../messaging/protocol/key.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { shuffledKeys } from '../samples.js';

const count = 1024;

export const ringBenches: readonly MicroBench[] = [
  cpuBench('ring hash of a key', count, () => {
    const keys = shuffledKeys(count);
    return {
      check: () => assert.equal(xxHash32(new TextEncoder().encode('abc')), 0x32d153ff),
      run: () => {
        let sum = 0;
        for (const key of keys) sum = (sum + xxHash32(key)) | 0;
        return sum;
      },
    };
  }),
  ...[8, 1024].map((partitions) =>
    cpuBench(`ring lookup, ${partitions} partitions`, count, () => {
      const keys = shuffledKeys(count);
      const ring = partitionRing(partitions);
      return {
        check: () => {
          const found = new Set<number>();
          for (const key of keys) {
            const index = partitionOf(partitionKeyBytes(key), ring);
            assert.equal(String(index), ring.replicasFor(xxHash32(key), 1)[0]);
            found.add(index);
          }
          assert.ok(found.size > partitions / 4, 'the keys spread over the partitions');
        },
        run: () => {
          let sum = 0;
          for (const key of keys) sum += partitionOf(partitionKeyBytes(key), ring);
          return sum;
        },
      };
    }),
  ),
];
