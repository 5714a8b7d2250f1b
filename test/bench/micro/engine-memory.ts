// What an item costs in memory
// =============================================================================
//
// Two engines' worth of difference: everything is collected before and after, so what is counted is what is kept. On the heap there should be next to nothing
// (PERFORMANCE 6); off the heap are slab and indexes, with what is free inside of them.

import assert from 'node:assert/strict';
import { MemoryEngine } from '../../../actors/partition/engine/memory-engine.js';
import { exposedCollector } from './collector.js';
import { processorMs } from './processor-clock.js';
import { randomBytes, shuffledKeys, valueBytes } from './samples.js';
import { meta } from './stocked-engine.js';

export interface EngineMemory {
  readonly items: number;
  /** JavaScript heap. */
  readonly heapBytesPerItem: number;
  /** Array buffers, taken from the system. */
  readonly externalBytesPerItem: number;
  /** What the engine says is in use by items and indexes. */
  readonly usedBytesPerItem: number;
  readonly nsPerPut: number;
  /** All of the heap, afterwards. */
  readonly heapBytes: number;
}

export function measureEngineMemory(items: number): EngineMemory {
  const keys = shuffledKeys(items);
  const value = randomBytes(valueBytes);
  const collect = exposedCollector();
  collect({ type: 'major' });
  const before = process.memoryUsage();
  const engine = new MemoryEngine({ hashSeed: 1 });
  const startMs = processorMs();
  for (const key of keys) engine.put(key, value, meta, 'force');
  const durationMs = processorMs() - startMs;
  collect({ type: 'major' });
  const after = process.memoryUsage();
  assert.equal(engine.itemCount, items);
  assert.deepEqual(engine.get(keys[items >> 1] as Uint8Array)?.value, value);
  return {
    items,
    heapBytesPerItem: (after.heapUsed - before.heapUsed) / items,
    externalBytesPerItem: (after.arrayBuffers - before.arrayBuffers) / items,
    usedBytesPerItem: engine.byteCount / items,
    nsPerPut: (durationMs * 1e6) / items,
    heapBytes: after.heapUsed,
  };
}
