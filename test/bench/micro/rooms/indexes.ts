// The parts of the memory engine: slab, hash index, ordered index
// =============================================================================
//
// On 100,000 records, in an order that no cache foresees. Hashes are computed before: ring.ts has what they cost.

import assert from 'node:assert/strict';
import { recordBytes } from '../../../../actors/partition/engine/records.js';
import { type Handle, Slab } from '../../../../actors/partition/engine/slab.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { valueBytes } from '../samples.js';
import { stockCount, stockedIndexes, visitedCount, visits } from '../stocked-engine.js';

const calls = 1024;

const slabBench = cpuBench('slab allocate and free', calls, () => {
  const slab = new Slab();
  const live: Handle[] = [];
  const sizes = [recordBytes(16, valueBytes), recordBytes(16, valueBytes / 2), recordBytes(16, valueBytes * 2)];
  for (let i = 0; i < calls * 8; i++) live.push(slab.allocate(sizes[i % 3] as number));
  let at = 0;
  return {
    check: () => {
      const used = slab.usedBytes;
      const block = slab.allocate(sizes[0] as number);
      assert.ok(slab.capacityOf(block) >= (sizes[0] as number));
      slab.free(block);
      assert.equal(slab.usedBytes, used);
    },
    run: () => {
      let sum = 0;
      for (let i = 0; i < calls; i++) {
        at = (at + 5) % live.length;
        slab.free(live[at] as Handle);
        const block = slab.allocate(sizes[i % 3] as number);
        live[at] = block;
        sum = (sum + block) | 0;
      }
      return sum;
    },
  };
});

export const indexBenches: readonly MicroBench[] = [
  slabBench,
  cpuBench('hash index find', calls, () => {
    const { byHash, byOrder, keys, hashes } = stockedIndexes();
    const next = visits(visitedCount);
    return {
      check: () => {
        for (let i = 0; i < visitedCount; i += 97)
          assert.equal(byHash.find(hashes[i] as number, keys[i] as Uint8Array), byOrder.find(keys[i] as Uint8Array));
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) {
          const at = next();
          sum = (sum + byHash.find(hashes[at] as number, keys[at] as Uint8Array)) | 0;
        }
        return sum;
      },
    };
  }),
  cpuBench('hash index remove and insert', calls, () => {
    const { byHash, keys, hashes, handles } = stockedIndexes();
    const next = visits(visitedCount);
    return {
      check: () => {
        byHash.remove(hashes[0] as number, handles[0] as Handle);
        assert.equal(byHash.find(hashes[0] as number, keys[0] as Uint8Array), 0);
        byHash.insert(hashes[0] as number, handles[0] as Handle);
        assert.equal(byHash.find(hashes[0] as number, keys[0] as Uint8Array), handles[0]);
      },
      run: () => {
        for (let i = 0; i < calls; i++) {
          const at = next();
          byHash.remove(hashes[at] as number, handles[at] as Handle);
          byHash.insert(hashes[at] as number, handles[at] as Handle);
        }
        return byHash.byteCount;
      },
    };
  }),
  cpuBench('ordered index find', calls, () => {
    const { byOrder, keys, handles } = stockedIndexes();
    const next = visits(visitedCount);
    return {
      check: () => {
        for (let i = 0; i < visitedCount; i += 97) assert.equal(byOrder.find(keys[i] as Uint8Array), handles[i]);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) sum = (sum + byOrder.find(keys[next()] as Uint8Array)) | 0;
        return sum;
      },
    };
  }),
  cpuBench('ordered index remove and insert', calls, () => {
    const { byOrder, keys, handles } = stockedIndexes();
    const next = visits(visitedCount);
    return {
      check: () => {
        byOrder.remove(keys[0] as Uint8Array);
        assert.equal(byOrder.find(keys[0] as Uint8Array), 0);
        byOrder.insert(keys[0] as Uint8Array, handles[0] as Handle);
        assert.equal(byOrder.find(keys[0] as Uint8Array), handles[0]);
      },
      run: () => {
        for (let i = 0; i < calls; i++) {
          const at = next();
          byOrder.remove(keys[at] as Uint8Array);
          byOrder.insert(keys[at] as Uint8Array, handles[at] as Handle);
        }
        return byOrder.byteCount;
      },
    };
  }),
  cpuBench('ordered index step of a cursor', calls, () => {
    const { byOrder, keys } = stockedIndexes();
    const next = visits(visitedCount);
    return {
      check: () => {
        let count = 0;
        for (const cursor = byOrder.first(); byOrder.handleAt(cursor) !== 0; byOrder.advance(cursor)) count++;
        assert.equal(count, stockCount);
      },
      run: () => {
        let sum = 0;
        let cursor = byOrder.seek(keys[next()] as Uint8Array);
        for (let i = 0; i < calls; i++) {
          const handle = byOrder.handleAt(cursor);
          if (handle === 0) cursor = byOrder.first();
          else byOrder.advance(cursor);
          sum = (sum + handle) | 0;
        }
        return sum;
      },
    };
  }),
];
