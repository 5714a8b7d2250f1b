// Items as records in a slab
// =============================================================================
//
//   word 0  key length │ kind << 16       word 5  updatedAtMs, low 32 bits
//   word 1  older version, a handle       word 6  expiresAtMs, low 32 bits
//   word 2  value length                  word 7  version >> 32 << 16 │ createdAtMs >> 32
//   word 3  version, low 32 bits          word 8  updatedAtMs >> 32 << 16 │ expiresAtMs >> 32
//   word 4  createdAtMs, low 32 bits      then    key, value, zeros to a whole word
//
// Separators of the ordered index are shorter: word 0 is their length, then come the bytes.
//
// Invariants
//   O1. The state hash of a record is that of its canonical form (FORMAT.md), which is these words without word 1.

import { assert } from '../../../runtime/std/assert.js';
import type { BytePage } from '../../../runtime/std/byte-page.js';
import type { ItemMeta, StoredItem, StoredValue } from './engine.js';
import { arenaShift, blockBytesMax, type Handle, Slab, unitMask } from './slab.js';
import type { StateHasher } from './state-hash.js';

export const kindItem = 0;
export const kindOlder = 1;
/** Remembered by a snapshot: there was no item of that key. */
export const kindAbsent = 2;

export const recordHeaderBytes = 36;
export const separatorHeaderBytes = 4;
const highUnit = 0x1_0000_0000;
/** Versions and times have 48 bits. */
const numberMax = 2 ** 48 - 1;

/** Bytes of key and value that one record can hold. */
export const recordContentMax: number = blockBytesMax - recordHeaderBytes - 4;

export class Records {
  readonly slab = new Slab();

  create(kind: number, key: Uint8Array, value: Uint8Array, meta: ItemMeta): Handle {
    const handle = this.slab.allocate(recordBytes(key.length, value.length));
    this.#write(handle, kind, key, value, meta);
    return handle;
  }

  /** Whether `rewrite` can take the new value in place. */
  canRewrite(handle: Handle, keyLength: number, valueLength: number): boolean {
    return this.slab.fitsAgain(handle, recordBytes(keyLength, valueLength));
  }

  /** REQUIRES canRewrite. Word 1 becomes 0. */
  rewrite(handle: Handle, key: Uint8Array, value: Uint8Array, meta: ItemMeta): void {
    this.#write(handle, kindItem, key, value, meta);
  }

  /** A copy of a record and all its older versions, in blocks of their own. */
  copyChain(handle: Handle): Handle {
    const first = this.#copy(handle);
    let last = first;
    for (let older = this.older(handle); older !== 0; older = this.older(older)) {
      const twin = this.#copy(older);
      this.setOlder(last, twin);
      last = twin;
    }
    return first;
  }

  #copy(handle: Handle): Handle {
    const byteCount = recordBytes(this.keyLength(handle), this.valueLength(handle));
    const twin = this.slab.allocate(byteCount);
    const from = (handle & unitMask) * 8 + 4;
    const source = this.slab.bytes[handle >>> arenaShift] as Uint8Array;
    const target = this.slab.bytes[twin >>> arenaShift] as Uint8Array;
    target.set(source.subarray(from, from + byteCount), (twin & unitMask) * 8 + 4);
    this.setOlder(twin, 0);
    return twin;
  }

  /** Frees a record and all its older versions. */
  freeChain(handle: Handle): void {
    for (let at = handle; at !== 0; ) {
      const older = this.older(at);
      this.slab.free(at);
      at = older;
    }
  }

  createSeparator(key: Uint8Array): Handle {
    const handle = this.slab.allocate(separatorHeaderBytes + key.length);
    const words = this.slab.words[handle >>> arenaShift] as Uint32Array;
    words[(handle & unitMask) * 2 + 1] = key.length;
    const bytes = this.slab.bytes[handle >>> arenaShift] as Uint8Array;
    bytes.set(key, (handle & unitMask) * 8 + 4 + separatorHeaderBytes);
    return handle;
  }

  // --- fields -----------------------------------------------------------------------------------------------------------

  #word(handle: Handle, index: number): number {
    return (this.slab.words[handle >>> arenaShift] as Uint32Array)[(handle & unitMask) * 2 + 1 + index] as number;
  }

  kind(handle: Handle): number {
    return this.#word(handle, 0) >>> 16;
  }

  setKind(handle: Handle, kind: number): void {
    const words = this.slab.words[handle >>> arenaShift] as Uint32Array;
    const at = (handle & unitMask) * 2 + 1;
    words[at] = ((words[at] as number) & 0xffff) | (kind << 16);
  }

  keyLength(handle: Handle): number {
    return this.#word(handle, 0) & 0xffff;
  }

  valueLength(handle: Handle): number {
    return this.#word(handle, 2);
  }

  older(handle: Handle): Handle {
    return this.#word(handle, 1);
  }

  setOlder(handle: Handle, older: Handle): void {
    (this.slab.words[handle >>> arenaShift] as Uint32Array)[(handle & unitMask) * 2 + 2] = older;
  }

  version(handle: Handle): number {
    return this.#word(handle, 3) + (this.#word(handle, 7) >>> 16) * highUnit;
  }

  createdAtMs(handle: Handle): number {
    return this.#word(handle, 4) + (this.#word(handle, 7) & 0xffff) * highUnit;
  }

  updatedAtMs(handle: Handle): number {
    return this.#word(handle, 5) + (this.#word(handle, 8) >>> 16) * highUnit;
  }

  expiresAtMs(handle: Handle): number {
    return this.#word(handle, 6) + (this.#word(handle, 8) & 0xffff) * highUnit;
  }

  /** A view, until the next change. */
  keyView(handle: Handle): Uint8Array {
    const at = (handle & unitMask) * 8 + 4 + recordHeaderBytes;
    return (this.slab.bytes[handle >>> arenaShift] as Uint8Array).subarray(at, at + this.keyLength(handle));
  }

  /** A view, until the next change. */
  valueView(handle: Handle): Uint8Array {
    const at = (handle & unitMask) * 8 + 4 + recordHeaderBytes + this.keyLength(handle);
    return (this.slab.bytes[handle >>> arenaShift] as Uint8Array).subarray(at, at + this.valueLength(handle));
  }

  // --- wholes -----------------------------------------------------------------------------------------------------------

  readMeta(handle: Handle): ItemMeta {
    return {
      version: this.version(handle),
      createdAtMs: this.createdAtMs(handle),
      updatedAtMs: this.updatedAtMs(handle),
      expiresAtMs: this.expiresAtMs(handle),
    };
  }

  readValue(handle: Handle, page: BytePage): StoredValue {
    return {
      value: page.copy(this.valueView(handle)),
      version: this.version(handle),
      createdAtMs: this.createdAtMs(handle),
      updatedAtMs: this.updatedAtMs(handle),
      expiresAtMs: this.expiresAtMs(handle),
    };
  }

  readItem(handle: Handle, page: BytePage): StoredItem {
    return {
      key: page.copy(this.keyView(handle)),
      value: page.copy(this.valueView(handle)),
      version: this.version(handle),
      createdAtMs: this.createdAtMs(handle),
      updatedAtMs: this.updatedAtMs(handle),
      expiresAtMs: this.expiresAtMs(handle),
    };
  }

  keyEquals(handle: Handle, key: Uint8Array): boolean {
    const length = key.length;
    if (this.keyLength(handle) !== length) return false;
    const bytes = this.slab.bytes[handle >>> arenaShift] as Uint8Array;
    const start = (handle & unitMask) * 8 + 4 + recordHeaderBytes;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== key[i]) return false;
    return true;
  }

  /** Adds the record to the state hash, or takes it out. (O1) */
  hashInto(hasher: StateHasher, handle: Handle, sign: 1 | -1): void {
    const words = this.slab.words[handle >>> arenaShift] as Uint32Array;
    const at = (handle & unitMask) * 2 + 1;
    const content = ((words[at] as number) & 0xffff) + (words[at + 2] as number);
    hasher.change(words, at, at + ((recordHeaderBytes + content + 3) >>> 2), sign);
  }

  #write(handle: Handle, kind: number, key: Uint8Array, value: Uint8Array, meta: ItemMeta): void {
    const arena = handle >>> arenaShift;
    const words = this.slab.words[arena] as Uint32Array;
    const at = (handle & unitMask) * 2 + 1;
    words[at] = key.length | (kind << 16);
    words[at + 1] = 0;
    words[at + 2] = value.length;
    words[at + 3] = low(meta.version);
    words[at + 4] = low(meta.createdAtMs);
    words[at + 5] = low(meta.updatedAtMs);
    words[at + 6] = low(meta.expiresAtMs);
    words[at + 7] = (high(meta.version) << 16) | high(meta.createdAtMs);
    words[at + 8] = (high(meta.updatedAtMs) << 16) | high(meta.expiresAtMs);
    const content = key.length + value.length;
    words[at + ((recordHeaderBytes + content - 1) >>> 2)] = 0; // O1: the last word's tail
    const bytes = this.slab.bytes[arena] as Uint8Array;
    const start = at * 4 + recordHeaderBytes;
    if (key.length < 48) for (let i = 0; i < key.length; i++) bytes[start + i] = key[i] as number;
    else bytes.set(key, start);
    bytes.set(value, start + key.length);
  }
}

/** Bytes of a record, up to a whole word. */
export function recordBytes(keyLength: number, valueLength: number): number {
  return (recordHeaderBytes + keyLength + valueLength + 3) & ~3;
}

function low(value: number): number {
  assert(
    Number.isInteger(value) && value >= 0 && value <= numberMax,
    'versions and times are whole numbers of 48 bits',
  );
  return value >>> 0;
}

function high(value: number): number {
  return Math.floor(value / highUnit);
}
