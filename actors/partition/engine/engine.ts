// What a partition's engine does, whichever it is
// =============================================================================
//
// An engine holds the items of one replica, ordered by key. It is synchronous, decides nothing that replicas must agree on, and
// forgets everything when the process ends: durability is the log's, and snapshots are how a log gets short.
//
// Keys and values are given as bytes and stay the caller's: the engine copies what it keeps. What it gives back is a copy too, so
// it may leave the turn; small copies share memory with others, so they must not be transferred to another thread.

export interface ItemMeta {
  /** Counts the item's writes from 1. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** 0 = never. */
  readonly expiresAtMs: number;
}

export interface StoredValue extends ItemMeta {
  readonly value: Uint8Array;
}

export interface StoredItem extends StoredValue {
  readonly key: Uint8Array;
}

export interface ScanRequest {
  /** First key, included; empty = from the first. */
  readonly start: Uint8Array;
  /** Excluded; undefined or empty = to the last. */
  readonly end?: Uint8Array | undefined;
  /** From the end of the range towards its start. */
  readonly reverse?: boolean;
  readonly limit: number;
  /** Of keys and values together; the first item is given whatever its size. */
  readonly bytesMax: number;
}

export interface ScanPage {
  readonly items: readonly StoredItem[];
  /** There is at least one more item in the range. */
  readonly more: boolean;
}

/** Two numbers of 32 bits. */
export interface StateHash {
  readonly high: number;
  readonly low: number;
}

/** `full`: nothing changed, the memory limit would have been passed. Deletes free memory and always work. */
export type PutOutcome = 'stored' | 'full';

export interface EngineOptions {
  /** Versions of an item that are kept, the newest included: 1 to 100. */
  readonly versionsKept?: number;
  /** Bytes that items and indexes may take; 0 = no limit. */
  readonly memoryBytesMax?: number;
  /** Seeds the hash index, so that nobody outside can choose keys that collide. Nothing that can be seen depends on it. */
  readonly hashSeed?: number;
}

export interface Engine {
  get(key: Uint8Array): StoredValue | undefined;
  has(key: Uint8Array): boolean;
  /** What `get` says without the value, which is not copied then. */
  meta(key: Uint8Array): ItemMeta | undefined;
  /**
   * Writes an item, new or not; the value it had becomes an older version when those are kept.
   * @param limit `force` stores it even above the memory limit. A replica applies what is committed with `force`, or replicas would
   *   differ by their limits; its leader asks `hasRoomFor` before it proposes.
   */
  put(key: Uint8Array, value: Uint8Array, meta: ItemMeta, limit?: 'refuse' | 'force'): PutOutcome;
  /** Removes an item and its older versions; false when there is none. */
  delete(key: Uint8Array): boolean;
  /** Whether a new item with that many bytes of key and value stays within the memory limit. */
  hasRoomFor(byteCount: number): boolean;
  /** Older versions, newest first. */
  history(key: Uint8Array): readonly StoredValue[];
  scan(request: ScanRequest): ScanPage;
  readonly itemCount: number;
  /** Memory in use by items and indexes. */
  readonly byteCount: number;
  /** Memory taken from the system: more than byteCount by what is free inside. */
  readonly reservedByteCount: number;
  /** The same for the same items, older versions included, whatever the order of writes, the process or the engine (R24). */
  canonicalHash(): StateHash;
  /** The items as they are now, to be read while writes go on. At most `readerCountMax` at a time. */
  beginSnapshot(): ItemReader;
  /**
   * Takes in one chunk of a snapshot; the first needs an empty engine, the last checks count and hash.
   * @throws DecodeError for a chunk that is damaged, out of order, or of another format; `clear` then.
   */
  loadChunk(chunk: Uint8Array): void;
  /** Drops all items. REQUIRES no open reader. */
  clear(): void;
}

export const readerCountMax = 8;

/** A consistent snapshot. It keeps what writes replace until it has passed it: always release it. */
export interface ItemReader {
  /** About `bytesMax` bytes, at least one entry, owned by the caller; undefined after the last chunk. */
  next(bytesMax: number): Uint8Array | undefined;
  /** Frees what it kept. May be called twice. */
  release(): void;
}
