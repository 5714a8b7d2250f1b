// A snapshot of the memory engine, read while writes go on
// =============================================================================
//
// The reader goes through the items in key order. Before a write changes an item that it has not passed, it keeps a copy of the item as
// it was, older versions included, or a note that there was none. What it gives is the live items, but kept ones in their place.
//
// Invariants
//   P1. The entries given are exactly the items at the time of `beginSnapshot`, each once, in key order, then the end.
//   P2. What is kept is ahead of the position: it is freed as soon as it was passed, and all of it at `release`.
//
// Sources: copy-on-write snapshots as of a moving cursor: FoundationDB's and Redis's forkless proposals; "ahead of the cursor" is from
// incremental garbage collection (Yuasa's snapshot-at-the-beginning barrier).

import { ByteWriter } from '../../../runtime/std/byte-writer.js';
import { compareBytes, emptyBytes } from '../../../runtime/std/bytes.js';
import type { ItemMeta, ItemReader, StateHash } from './engine.js';
import { type Cursor, OrderedIndex } from './ordered-index.js';
import { kindAbsent, type Records } from './records.js';
import type { Handle } from './slab.js';
import { entryOverheadMax, writeChunkHead, writeEndEntry, writeItemEntry, writeOlderEntry } from './snapshot-chunk.js';

const noMeta: ItemMeta = { version: 0, createdAtMs: 0, updatedAtMs: 0, expiresAtMs: 0 };

export class SnapshotReader implements ItemReader {
  readonly #records: Records;
  readonly #live: OrderedIndex;
  /** Copies of what writes replaced, and notes of what they added. */
  readonly #kept: OrderedIndex;
  readonly #itemCount: number;
  readonly #hash: StateHash;
  readonly #onRelease: (reader: SnapshotReader) => void;
  /** Key of the item given last; empty = none yet. */
  #position: Uint8Array = emptyBytes;
  /** Older versions of that item that are still to be given: a copy, since the item may change meanwhile. */
  #older: Handle = 0;
  #passedAll = false;
  #ended = false;
  #released = false;
  readonly #writer = new ByteWriter(4096);

  constructor(
    records: Records,
    live: OrderedIndex,
    itemCount: number,
    hash: StateHash,
    onRelease: (reader: SnapshotReader) => void,
  ) {
    this.#records = records;
    this.#live = live;
    this.#kept = new OrderedIndex(records);
    this.#itemCount = itemCount;
    this.#hash = hash;
    this.#onRelease = onRelease;
  }

  get byteCount(): number {
    return this.#kept.byteCount;
  }

  /** A write is about to change the item of this key; `handle` 0 = there is none. */
  keep(key: Uint8Array, handle: Handle): void {
    if (this.#passedAll || compareBytes(key, this.#position) <= 0) return; // P2
    if (this.#kept.find(key) !== 0) return;
    const copy =
      handle === 0 ? this.#records.create(kindAbsent, key, emptyBytes, noMeta) : this.#records.copyChain(handle);
    this.#kept.insert(key, copy);
  }

  next(bytesMax: number): Uint8Array | undefined {
    if (this.#ended || this.#released) return undefined;
    const writer = this.#writer;
    writer.reset();
    writeChunkHead(writer);
    if (this.#writeOlder(bytesMax) && this.#writeItems(bytesMax)) {
      this.#passedAll = true;
      writeEndEntry(writer, this.#itemCount, this.#hash);
      this.#ended = true;
    }
    this.#forgetPassed();
    return writer.finish();
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#records.freeChain(this.#older);
    this.#older = 0;
    const cursor = this.#kept.first();
    for (let handle = this.#kept.handleAt(cursor); handle !== 0; handle = this.#kept.handleAt(cursor)) {
      this.#kept.advance(cursor);
      this.#records.freeChain(handle);
    }
    this.#kept.dispose();
    this.#onRelease(this);
  }

  /** True when all items are written. */
  #writeItems(bytesMax: number): boolean {
    const records = this.#records;
    const live = this.#position.length === 0 ? this.#live.first() : this.#live.seekAfter(this.#position);
    const kept = this.#position.length === 0 ? this.#kept.first() : this.#kept.seekAfter(this.#position);
    let last: Handle = 0;
    for (;;) {
      const handle = this.#nearest(live, kept);
      if (handle === 0) return true;
      if (records.kind(handle) !== kindAbsent) {
        const size = records.keyLength(handle) + records.valueLength(handle) + entryOverheadMax;
        if (this.#isFull(size, bytesMax)) break;
        writeItemEntry(this.#writer, records, handle);
      }
      last = handle;
      if (this.#live.handleAt(live) === handle) this.#live.advance(live);
      else this.#passKept(live, kept);
      const older = records.older(handle);
      if (older === 0) continue;
      this.#older = records.copyChain(older);
      this.#position = records.keyView(handle).slice();
      last = 0;
      if (!this.#writeOlder(bytesMax)) break;
    }
    if (last !== 0) this.#position = records.keyView(last).slice();
    return false;
  }

  /** The record that comes next: of two with one key, the kept one (P1). 0 at the end. */
  #nearest(live: Cursor, kept: Cursor): Handle {
    const liveHandle = this.#live.handleAt(live);
    const keptHandle = this.#kept.handleAt(kept);
    if (keptHandle === 0) return liveHandle;
    if (liveHandle === 0) return keptHandle;
    const order = compareBytes(this.#records.keyView(keptHandle), this.#records.keyView(liveHandle));
    return order <= 0 ? keptHandle : liveHandle;
  }

  /** Moves past a kept record, and past the live one that it stands for. */
  #passKept(live: Cursor, kept: Cursor): void {
    const liveHandle = this.#live.handleAt(live);
    const key = this.#records.keyView(this.#kept.handleAt(kept));
    this.#kept.advance(kept);
    if (liveHandle !== 0 && this.#records.keyEquals(liveHandle, key)) this.#live.advance(live);
  }

  /** True when no older versions are left to write. */
  #writeOlder(bytesMax: number): boolean {
    while (this.#older !== 0) {
      const handle = this.#older;
      if (this.#isFull(this.#records.valueLength(handle) + entryOverheadMax, bytesMax)) return false;
      writeOlderEntry(this.#writer, this.#records, handle);
      this.#older = this.#records.older(handle);
      this.#records.slab.free(handle);
    }
    return true;
  }

  #isFull(entryBytes: number, bytesMax: number): boolean {
    const length = this.#writer.length;
    return length > 1 && length + entryBytes > bytesMax;
  }

  /** Frees what was kept up to the position. (P2) */
  #forgetPassed(): void {
    for (;;) {
      const handle = this.#kept.handleAt(this.#kept.first());
      if (handle === 0) return;
      const key = this.#records.keyView(handle).slice();
      if (!this.#passedAll && compareBytes(key, this.#position) > 0) return;
      this.#kept.remove(key);
      this.#records.freeChain(handle);
    }
  }
}
