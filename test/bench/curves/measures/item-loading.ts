// Items in one engine, measured in a process of its own
// =============================================================================
//
//   node dist/test/bench/curves/measures/item-loading.js <items>
//
// The process has just started and holds nothing else, so its memory is the items'. Each insert is timed: the longest is what a client would have waited
// for. Prints one line of JSON.

import { PerformanceObserver } from 'node:perf_hooks';
import { MemoryEngine } from '../../../../actors/partition/engine/memory-engine.js';
import type { ItemMeta } from '../../../../actors/partition/engine/engine.js';
import { seededRandom } from '../../../../runtime/std/random.js';
import { keyBytesOf, writeItemKey } from './item-key.js';

export const itemValueBytes = 256;

export interface ItemFigures {
  readonly insertsPerSecond: number;
  readonly getsPerSecond: number;
  readonly overwritesPerSecond: number;
  readonly rssBytesPerItem: number;
  /** Of one insert. */
  readonly longestInsertMs: number;
  /** Of the garbage collector, while loading. */
  readonly longestGcMs: number;
}

const meta: ItemMeta = { version: 1, createdAtMs: 1, updatedAtMs: 1, expiresAtMs: 0 };
/** Between turns of the event loop, which the collector's figures need to arrive. */
const chunk = 20_000;
const lookedUpMax = 1_000_000;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** REQUIRES a process that has done nothing else. */
export async function loadItems(items: number): Promise<ItemFigures> {
  const engine = new MemoryEngine({ hashSeed: 1 });
  const key = new Uint8Array(keyBytesOf);
  const value = new Uint8Array(itemValueBytes).fill(7);
  let longestGcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestGcMs = Math.max(longestGcMs, duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const rssBefore = process.memoryUsage.rss();
  let longestInsertMs = 0;
  let insertMs = 0;
  for (let from = 0; from < items; from += chunk) {
    const to = Math.min(items, from + chunk);
    let beforeMs = performance.now();
    const chunkMs = beforeMs;
    for (let i = from; i < to; i++) {
      writeItemKey(key, i);
      engine.put(key, value, meta);
      const nowMs = performance.now();
      if (nowMs - beforeMs > longestInsertMs) longestInsertMs = nowMs - beforeMs;
      beforeMs = nowMs;
    }
    insertMs += beforeMs - chunkMs;
    await turn();
  }
  await turn();
  observer.disconnect();
  const rssBytesPerItem = (process.memoryUsage.rss() - rssBefore) / items;
  if (engine.itemCount !== items) throw new Error(`${items} were put and ${engine.itemCount} are there`);
  const getsPerSecond = perSecond(items, (i) => {
    writeItemKey(key, i);
    if (engine.get(key)?.value.length !== itemValueBytes) throw new Error(`item ${i} is not as it was put`);
  });
  const overwritesPerSecond = perSecond(items, (i) => {
    writeItemKey(key, i);
    engine.put(key, value, meta);
  });
  return {
    insertsPerSecond: (items * 1000) / insertMs,
    getsPerSecond,
    overwritesPerSecond,
    rssBytesPerItem,
    longestInsertMs,
    longestGcMs,
  };
}

function perSecond(items: number, operation: (i: number) => void): number {
  const random = seededRandom('items');
  const lookedUp = Math.min(lookedUpMax, items * 100);
  const startMs = performance.now();
  for (let n = 0; n < lookedUp; n++) operation(random.below(items));
  return (lookedUp * 1000) / (performance.now() - startMs);
}

if (process.argv[1] === import.meta.filename) {
  const figures = await loadItems(Number(process.argv[2]));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
