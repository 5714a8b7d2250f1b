// Engines and indexes that hold as much as misses every cache
// =============================================================================
//
// 100,000 items of a 16-byte key and a 256-byte value are 33 MB. Filling one takes a moment, so the benches share it and put back what they took. They visit the
// items in another order than that of their making, or the next record would always be the next one in memory; the keys themselves lie in the order of the
// visits, since those of a real request come fresh from its frame.

import { xxHash32 } from '../../../messaging/hashing/index.js';
import type { ItemMeta } from '../../../actors/partition/engine/engine.js';
import { HashIndex } from '../../../actors/partition/engine/hash-index.js';
import { MemoryEngine } from '../../../actors/partition/engine/memory-engine.js';
import { OrderedIndex } from '../../../actors/partition/engine/ordered-index.js';
import { kindItem, Records } from '../../../actors/partition/engine/records.js';
import { randomBytes, shuffledKeys, valueBytes, wallMs } from './samples.js';

export const stockCount = 100_000;
/** Items that are visited: enough to miss the caches, few enough that their keys are no work for the collector, since a replica has none on its heap. */
export const visitedCount = 20_000;
export const meta: ItemMeta = { version: 1, createdAtMs: wallMs, updatedAtMs: wallMs, expiresAtMs: 0 };

export interface StockedEngine {
  readonly engine: MemoryEngine;
  /** Of the items that are visited, in that order. */
  readonly keys: readonly Uint8Array[];
  /** Of no item. */
  readonly otherKeys: readonly Uint8Array[];
  readonly value: Uint8Array;
}

export interface StockedIndexes {
  readonly records: Records;
  readonly byHash: HashIndex;
  readonly byOrder: OrderedIndex;
  readonly keys: readonly Uint8Array[];
  readonly hashes: Uint32Array;
  readonly handles: Uint32Array;
}

/** What `make` gives, made when it is first asked for. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function visitedKeys(): Uint8Array[] {
  return shuffledKeys(stockCount).slice(0, visitedCount);
}

/** One more at each call, for those whose writes stay. */
export function newStockedEngine(): StockedEngine {
  const engine = new MemoryEngine({ hashSeed: 1 });
  const value = randomBytes(valueBytes);
  for (const key of shuffledKeys(stockCount, 0, 'filling')) engine.put(key, value, meta, 'force');
  return { engine, keys: visitedKeys(), otherKeys: shuffledKeys(visitedCount / 4, stockCount), value };
}

export const stockedEngine: () => StockedEngine = once(newStockedEngine);

export const stockedIndexes: () => StockedIndexes = once(() => {
  const records = new Records();
  const byHash = new HashIndex(records);
  const byOrder = new OrderedIndex(records);
  const value = randomBytes(valueBytes);
  for (const key of shuffledKeys(stockCount, 0, 'filling')) {
    const handle = records.create(kindItem, key, value, meta);
    byHash.insert(xxHash32(key, 1), handle);
    byOrder.insert(key, handle);
  }
  const keys = visitedKeys();
  const hashes = Uint32Array.from(keys, (key) => xxHash32(key, 1));
  const handles = Uint32Array.from(keys, (key, i) => byHash.find(hashes[i] as number, key));
  return { records, byHash, byOrder, keys, hashes, handles };
});

/** Position after position in the order of visits, without end; each call of a bench goes on where the last one ended. */
export function visits(count: number): () => number {
  let at = 0;
  return () => {
    at = at + 1 === count ? 0 : at + 1;
    return at;
  };
}
