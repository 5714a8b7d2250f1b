// The memory engine
// =============================================================================
//
// Items are records in a slab; a hash index finds them by key, an ordered index by order. Nothing of an item is on the JavaScript heap.
//
// Owns:     one replica's items and their older versions.
// Does not: decide versions and times (the replica does), or keep anything beyond the process (log and snapshots do).
//
// Invariants
//   E1. Both indexes hold exactly the live records, and itemCount is their number.
//   E2. The state hash is that of the live records and their older versions (R24).
//   E3. An item has at most versionsKept - 1 older versions.
//   E4. A put is refused before anything changed, or done whole; a delete is always done.
//   E5. The same calls give the same answers, whatever the hash seed.
//   E6. No call takes time in proportion to all items but `clear` and `release`.
//
// Sources: PERFORMANCE 6 (slab and open addressing against Map); DESIGN "Data model".

import { xxHash32 } from '../../../messaging/hashing/index.js';
import { assert, unreachable } from '../../../runtime/std/assert.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { BytePage } from '../../../runtime/std/byte-page.js';
import { compareBytes } from '../../../runtime/std/bytes.js';
import {
  type Engine,
  type EngineOptions,
  type ItemMeta,
  type ItemReader,
  type PutOutcome,
  readerCountMax,
  type ScanPage,
  type ScanRequest,
  type StateHash,
  type StoredItem,
  type StoredValue,
} from './engine.js';
import { HashIndex } from './hash-index.js';
import { OrderedIndex } from './ordered-index.js';
import { kindItem, kindOlder, recordBytes, recordContentMax, Records } from './records.js';
import type { Handle } from './slab.js';
import { type ChunkEntry, readChunk } from './snapshot-chunk.js';
import { SnapshotReader } from './snapshot-reader.js';
import { StateHasher } from './state-hash.js';

/** What an item costs beyond its record: its shares of the two indexes, about. */
const indexBytesPerItem = 36;

/** Where loading a snapshot stands. */
type Loading =
  | { readonly kind: 'none' }
  /** `item` is the record read last, `tail` the end of its chain, `versions` its length. */
  | { readonly kind: 'items'; readonly item: Handle; readonly tail: Handle; readonly versions: number }
  | { readonly kind: 'ended' };

export class MemoryEngine implements Engine {
  readonly #versionsKept: number;
  readonly #memoryBytesMax: number;
  readonly #hashSeed: number;
  readonly #records = new Records();
  readonly #byHash = new HashIndex(this.#records);
  readonly #byOrder = new OrderedIndex(this.#records);
  readonly #hasher = new StateHasher();
  readonly #page = new BytePage();
  readonly #readers: SnapshotReader[] = [];
  #itemCount = 0;
  #loading: Loading = { kind: 'none' };

  constructor(options: EngineOptions = {}) {
    this.#versionsKept = options.versionsKept ?? 1;
    this.#memoryBytesMax = options.memoryBytesMax ?? 0;
    this.#hashSeed = options.hashSeed ?? 0;
    assert(Number.isInteger(this.#versionsKept) && this.#versionsKept >= 1, 'E3: at least one version is kept');
  }

  // --- reading ----------------------------------------------------------------------------------------------------------

  get itemCount(): number {
    return this.#itemCount;
  }

  get byteCount(): number {
    let bytes = this.#records.slab.usedBytes + this.#byHash.byteCount + this.#byOrder.byteCount;
    for (const reader of this.#readers) bytes += reader.byteCount;
    return bytes;
  }

  get reservedByteCount(): number {
    return this.#records.slab.reservedBytes + this.#byHash.byteCount + this.#byOrder.reservedBytes;
  }

  canonicalHash(): StateHash {
    return this.#hasher.value;
  }

  get(key: Uint8Array): StoredValue | undefined {
    const handle = this.#byHash.find(xxHash32(key, this.#hashSeed), key);
    return handle === 0 ? undefined : this.#records.readValue(handle, this.#page);
  }

  has(key: Uint8Array): boolean {
    return this.#byHash.find(xxHash32(key, this.#hashSeed), key) !== 0;
  }

  meta(key: Uint8Array): ItemMeta | undefined {
    const handle = this.#byHash.find(xxHash32(key, this.#hashSeed), key);
    return handle === 0 ? undefined : this.#records.readMeta(handle);
  }

  history(key: Uint8Array): readonly StoredValue[] {
    const handle = this.#byHash.find(xxHash32(key, this.#hashSeed), key);
    const versions: StoredValue[] = [];
    if (handle === 0) return versions;
    for (let older = this.#records.older(handle); older !== 0; older = this.#records.older(older)) {
      versions.push(this.#records.readValue(older, this.#page));
    }
    return versions;
  }

  scan(request: ScanRequest): ScanPage {
    return request.reverse === true ? this.#scanBack(request) : this.#scanForward(request);
  }

  #scanForward({ start, end, limit, bytesMax }: ScanRequest): ScanPage {
    const items: StoredItem[] = [];
    const cursor = this.#byOrder.seek(start);
    let bytes = 0;
    for (;;) {
      const handle = this.#byOrder.handleAt(cursor);
      if (handle === 0 || !this.#isBelow(handle, end)) return { items, more: false };
      bytes += this.#records.keyLength(handle) + this.#records.valueLength(handle);
      if (items.length >= limit || (bytes > bytesMax && items.length > 0)) return { items, more: true };
      items.push(this.#records.readItem(handle, this.#page));
      this.#byOrder.advance(cursor);
    }
  }

  #scanBack({ start, end, limit, bytesMax }: ScanRequest): ScanPage {
    const items: StoredItem[] = [];
    const cursor = end === undefined || end.length === 0 ? this.#byOrder.end() : this.#byOrder.seek(end);
    let bytes = 0;
    while (this.#byOrder.retreat(cursor)) {
      const handle = this.#byOrder.handleAt(cursor);
      if (compareBytes(this.#records.keyView(handle), start) < 0) break;
      bytes += this.#records.keyLength(handle) + this.#records.valueLength(handle);
      if (items.length >= limit || (bytes > bytesMax && items.length > 0)) return { items, more: true };
      items.push(this.#records.readItem(handle, this.#page));
    }
    return { items, more: false };
  }

  #isBelow(handle: Handle, end: Uint8Array | undefined): boolean {
    return end === undefined || end.length === 0 || compareBytes(this.#records.keyView(handle), end) < 0;
  }

  // --- writing ----------------------------------------------------------------------------------------------------------

  hasRoomFor(byteCount: number): boolean {
    if (this.#memoryBytesMax === 0) return true;
    return this.byteCount + recordBytes(0, byteCount) + indexBytesPerItem <= this.#memoryBytesMax;
  }

  put(key: Uint8Array, value: Uint8Array, meta: ItemMeta, limit: 'refuse' | 'force' = 'refuse'): PutOutcome {
    assert(key.length > 0 && key.length <= 0xffff, 'E4: a key has 1 to 65535 bytes');
    assert(key.length + value.length <= recordContentMax, 'E4: key and value fit an arena');
    const hash = xxHash32(key, this.#hashSeed);
    const old = this.#byHash.find(hash, key);
    if (limit === 'refuse' && this.#memoryBytesMax > 0 && !this.#fits(key, value, old)) return 'full'; // E4
    for (const reader of this.#readers) reader.keep(key, old);
    if (old === 0) {
      const handle = this.#records.create(kindItem, key, value, meta);
      this.#byOrder.insert(key, handle);
      this.#byHash.insert(hash, handle);
      this.#itemCount += 1;
      this.#records.hashInto(this.#hasher, handle, 1);
    } else {
      this.#overwrite(hash, old, key, value, meta);
    }
    return 'stored';
  }

  #overwrite(hash: number, old: Handle, key: Uint8Array, value: Uint8Array, meta: ItemMeta): void {
    const records = this.#records;
    records.hashInto(this.#hasher, old, -1);
    if (this.#versionsKept === 1 && records.canRewrite(old, key.length, value.length)) {
      records.rewrite(old, key, value, meta);
      records.hashInto(this.#hasher, old, 1);
      return;
    }
    const handle = records.create(kindItem, key, value, meta);
    this.#byHash.replace(hash, old, handle);
    this.#byOrder.replace(key, handle);
    records.hashInto(this.#hasher, handle, 1);
    if (this.#versionsKept === 1) {
      records.slab.free(old);
      return;
    }
    records.setKind(old, kindOlder);
    records.hashInto(this.#hasher, old, 1);
    records.setOlder(handle, old);
    this.#dropOldest(handle);
  }

  /** E3: walks to the last version that is kept; at most 100 steps. */
  #dropOldest(handle: Handle): void {
    const records = this.#records;
    let last = handle;
    for (let kept = 1; kept < this.#versionsKept; kept++) {
      last = records.older(last);
      if (last === 0) return;
    }
    const dropped = records.older(last);
    if (dropped === 0) return;
    records.setOlder(last, 0);
    this.#unhashChain(dropped);
    records.freeChain(dropped);
  }

  delete(key: Uint8Array): boolean {
    const hash = xxHash32(key, this.#hashSeed);
    const handle = this.#byHash.find(hash, key);
    if (handle === 0) return false;
    for (const reader of this.#readers) reader.keep(key, handle);
    this.#byHash.remove(hash, handle);
    this.#byOrder.remove(key);
    this.#unhashChain(handle);
    this.#records.freeChain(handle);
    this.#itemCount -= 1;
    return true;
  }

  #unhashChain(handle: Handle): void {
    for (let at = handle; at !== 0; at = this.#records.older(at)) this.#records.hashInto(this.#hasher, at, -1);
  }

  /** Whether a put stays within the limit; one that frees as much as it takes always does. */
  #fits(key: Uint8Array, value: Uint8Array, old: Handle): boolean {
    let growth = recordBytes(key.length, value.length);
    if (old === 0) growth += indexBytesPerItem;
    else if (this.#versionsKept === 1) {
      growth -= recordBytes(this.#records.keyLength(old), this.#records.valueLength(old));
    }
    return growth <= 0 || this.byteCount + growth <= this.#memoryBytesMax;
  }

  clear(): void {
    assert(this.#readers.length === 0, 'P1: no snapshot is being read while everything is dropped');
    this.#byOrder.clear();
    this.#byHash.clear();
    this.#records.slab.clear();
    this.#hasher.clear();
    this.#itemCount = 0;
    this.#loading = { kind: 'none' };
  }

  // --- snapshots --------------------------------------------------------------------------------------------------------

  beginSnapshot(): ItemReader {
    assert(this.#readers.length < readerCountMax, `at most ${readerCountMax} snapshots are read at a time`);
    const reader = new SnapshotReader(
      this.#records,
      this.#byOrder,
      this.#itemCount,
      this.canonicalHash(),
      (released) => {
        this.#readers.splice(this.#readers.indexOf(released), 1);
      },
    );
    this.#readers.push(reader);
    return reader;
  }

  loadChunk(chunk: Uint8Array): void {
    if (this.#loading.kind === 'none' && this.#itemCount > 0)
      throw new DecodeError('a snapshot into an engine with items');
    for (const entry of readChunk(chunk)) this.#loading = this.#load(this.#loading, entry);
  }

  #load(loading: Loading, entry: ChunkEntry): Loading {
    if (loading.kind === 'ended') throw new DecodeError('a snapshot entry after the end');
    switch (entry.kind) {
      case 'item':
        return this.#loadItem(loading, entry);
      case 'older':
        return this.#loadOlder(loading, entry);
      case 'end': {
        const { high, low } = this.canonicalHash();
        if (entry.itemCount !== this.#itemCount) {
          throw new DecodeError(`a snapshot of ${entry.itemCount} items, but ${this.#itemCount} came`);
        }
        if (entry.hash.high !== high || entry.hash.low !== low) throw new DecodeError('a snapshot with another hash'); // E2
        return { kind: 'ended' };
      }
      default:
        return unreachable(entry);
    }
  }

  #loadItem(loading: Loading, { key, value, meta }: Extract<ChunkEntry, { readonly kind: 'item' }>): Loading {
    if (loading.kind === 'items' && compareBytes(key, this.#records.keyView(loading.item)) <= 0) {
      throw new DecodeError('snapshot keys do not ascend');
    }
    const handle = this.#records.create(kindItem, key, value, meta);
    this.#byOrder.insert(key, handle);
    this.#byHash.insert(xxHash32(key, this.#hashSeed), handle);
    this.#itemCount += 1;
    this.#records.hashInto(this.#hasher, handle, 1);
    return { kind: 'items', item: handle, tail: handle, versions: 1 };
  }

  #loadOlder(loading: Loading, { value, meta }: Extract<ChunkEntry, { readonly kind: 'older' }>): Loading {
    if (loading.kind !== 'items') throw new DecodeError('an older version before any item');
    if (loading.versions >= this.#versionsKept) throw new DecodeError('more older versions than the table keeps'); // E3
    const key = this.#records.keyView(loading.item).slice();
    const handle = this.#records.create(kindOlder, key, value, meta);
    this.#records.setOlder(loading.tail, handle);
    this.#records.hashInto(this.#hasher, handle, 1);
    return { ...loading, tail: handle, versions: loading.versions + 1 };
  }
}
