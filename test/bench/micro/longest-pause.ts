// The longest pause while an engine is filled
// =============================================================================
//
// Items are put in turns, as a worker does, and the event loop runs in between. A turn is long when the engine grows or the collector steps in; the wait is
// what anybody else in the thread had to bear, a heartbeat for one: so it is a fault of liveness, too.
//
// Keys are made as they are needed: a list of millions of them would be what the collector is busy with.

import assert from 'node:assert/strict';
import { PerformanceObserver } from 'node:perf_hooks';
import { MemoryEngine } from '../../../actors/partition/engine/memory-engine.js';
import { exposedCollector } from './collector.js';
import { randomBytes, valueBytes } from './samples.js';
import { meta } from './stocked-engine.js';

export interface LongestPause {
  readonly items: number;
  readonly putsPerTurn: number;
  readonly durationMs: number;
  readonly longestTurnMs: number;
  /** From one turn of the event loop to the next. */
  readonly longestWaitMs: number;
  readonly longestCollectionMs: number;
  readonly collections: number;
  readonly rssBytesPerItem: number;
}

/** A worker's turn with a full batch. */
const putsPerTurn = 256;
const keyBytes = 16;

/** 16 bytes, different for each index, in no order. */
function writeKey(key: Uint8Array, view: DataView, index: number): void {
  key.fill(0x30);
  view.setUint32(4, Math.imul(index, 0x9e3779b1) >>> 0);
  view.setUint32(8, index);
}

export async function measureLongestPause(items: number): Promise<LongestPause> {
  exposedCollector()({ type: 'major' });
  const collections: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) collections.push(entry.duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const engine = new MemoryEngine({ hashSeed: 1 });
  const value = randomBytes(valueBytes);
  const key = new Uint8Array(keyBytes);
  const view = new DataView(key.buffer);
  const rssBefore = process.memoryUsage().rss;
  let longestTurnMs = 0;
  let longestWaitMs = 0;
  const begunMs = performance.now();
  let lastMs = begunMs;
  for (let put = 0; put < items; ) {
    const startMs = performance.now();
    longestWaitMs = Math.max(longestWaitMs, startMs - lastMs);
    lastMs = startMs;
    for (const end = Math.min(items, put + putsPerTurn); put < end; put++) {
      writeKey(key, view, put);
      engine.put(key, value, meta, 'force');
    }
    longestTurnMs = Math.max(longestTurnMs, performance.now() - startMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const durationMs = performance.now() - begunMs;
  longestWaitMs = Math.max(longestWaitMs, performance.now() - lastMs);
  for (const entry of observer.takeRecords()) collections.push(entry.duration);
  observer.disconnect();
  assert.equal(engine.itemCount, items);
  return {
    items,
    putsPerTurn,
    durationMs,
    longestTurnMs,
    longestWaitMs,
    longestCollectionMs: Math.max(0, ...collections),
    collections: collections.length,
    rssBytesPerItem: (process.memoryUsage().rss - rssBefore) / items,
  };
}
