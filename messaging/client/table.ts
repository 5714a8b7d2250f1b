// A table: what a user reads and writes
// =============================================================================
//
// Checks and encodes what it is given, asks the client for it, and decodes what comes back. Everything rejects, nothing throws at once.

import { decodeKey, formatKey, type Key } from '../protocol/key.js';
import type { ReadItem, ScanItem } from '../protocol/client-messages.js';
import type { TableInfo } from '../protocol/cluster-map.js';
import { limits } from '../protocol/limits.js';
import { decodeValue, type Value } from '../protocol/value.js';
import { partitionOf, partitionRing } from '../hashing/partition-ring.js';
import {
  type CallOptions,
  callOptionNames,
  checkOptions,
  consistencyOf,
  countOf,
  durabilityOf,
  ifVersionOf,
  type PutOptions,
  putOptionNames,
  type ReadOptions,
  readOptionNames,
  signalOf,
  timeoutMsOf,
  type WriteOptions,
  writeOptionNames,
} from './call-options.js';
import { defaultTableName, type ClientSession } from './client-session.js';
import type { Asked } from './client-port.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { NotFoundError, TroupeError } from './errors.js';
import { keyBytes, valueBytes } from './item-bytes.js';
import { keyRangeOf, partitionKeyOfPrefix, type RangeBounds } from './key-range.js';
import { conditionFailed, type Done, errorOf, isDone, type NotDone } from './outcome-error.js';
import { RangeReader, restAfter } from './range-reader.js';
import type { DeleteReceipt, IncrementReceipt, Receipt } from './receipt.js';

export interface Entry<V = unknown> {
  readonly key: Key;
  readonly value: V;
  /** Counts the item's writes, from 1. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface RangeOptions extends RangeBounds, ReadOptions {
  /** From the last to the first. */
  readonly reverse?: boolean | undefined;
  /** Entries at most. */
  readonly limit?: number | undefined;
}

export interface PageOptions extends RangeOptions {
  /** Goes on where the page ended that it came with; the rest of the query must be the same. */
  readonly cursor?: string | undefined;
}

export interface Page<V = unknown> {
  /** At most `limit`, and about 1 MiB: fewer than `limit` does not mean the end. */
  readonly entries: readonly Entry<V>[];
  /** Absent at the end. */
  readonly cursor?: string;
}

/** One write of a batch. Exactly one of the three. */
export type BatchItem =
  | { readonly put: readonly [key: Key, value: Value]; readonly ifVersion?: number; readonly ifAbsent?: boolean }
  | { readonly delete: Key; readonly ifVersion?: number }
  | { readonly increment: readonly [key: Key, by: number | bigint]; readonly ifVersion?: number };

export type BatchResult =
  | { readonly ok: true; readonly receipt: Receipt | DeleteReceipt | IncrementReceipt }
  /** `error` is what the single call would have rejected with. */
  | { readonly ok: false; readonly error: unknown };

const rangeOptionNames = [...readOptionNames, 'start', 'end', 'prefix', 'reverse', 'limit'];
const pageOptionNames = [...rangeOptionNames, 'cursor'];
const pageLimitDefault = 100;

type Written = Extract<Done, { readonly kind: 'written' }>;
type WriteAsked = Extract<Asked, { readonly kind: 'write' }>;

export class Table<V = unknown> {
  readonly name: string;
  readonly #session: ClientSession;

  /** @internal Made by `db.table(name)`. */
  constructor(session: ClientSession, name: string) {
    this.#session = session;
    this.name = name;
  }

  /** Stores a value. Unawaited writes to one key may take effect in any order. */
  async put(key: Key, value: V, options?: PutOptions): Promise<Receipt> {
    checkOptions(options, putOptionNames, 'put');
    const asked = this.#write('put', keyBytes(key), valueBytes(value), ifVersionOf(options), options);
    const what = (): string => `put ${formatKey(key)}`;
    return receiptOf(key, await this.#written(asked, what, signalOf(options)));
  }

  /** Removes an item; an absent one is no error. */
  async delete(key: Key, options?: WriteOptions): Promise<DeleteReceipt> {
    checkOptions(options, writeOptionNames, 'delete');
    const asked = this.#write('delete', keyBytes(key), new Uint8Array(0), ifVersionOf(options), options);
    return deleteReceiptOf(key, await this.#written(asked, () => `delete ${formatKey(key)}`, signalOf(options)));
  }

  /** Adds to a number, which counts as 0 while there is no item. @returns a receipt with the new `value`. */
  async increment(key: Key, by: number | bigint = 1, options?: WriteOptions): Promise<IncrementReceipt> {
    checkOptions(options, writeOptionNames, 'increment');
    const asked = this.#write('increment', keyBytes(key), addendBytes(by), ifVersionOf(options), options);
    return incrementReceiptOf(key, await this.#written(asked, () => `increment ${formatKey(key)}`, signalOf(options)));
  }

  /** The value, or undefined when there is no such item. */
  async get(key: Key, options?: ReadOptions): Promise<V | undefined> {
    checkOptions(options, readOptionNames, 'get');
    const item = await this.#read(keyBytes(key), key, options);
    return item === undefined ? undefined : (decodeValue(item.value) as V);
  }

  /** The item with its version and times, or undefined. */
  async entry(key: Key, options?: ReadOptions): Promise<Entry<V> | undefined> {
    checkOptions(options, readOptionNames, 'entry');
    const item = await this.#read(keyBytes(key), key, options);
    return item === undefined ? undefined : entryOf(key, item);
  }

  async has(key: Key, options?: ReadOptions): Promise<boolean> {
    checkOptions(options, readOptionNames, 'has');
    return (await this.#read(keyBytes(key), key, options)) !== undefined;
  }

  /** The values in the order asked, undefined for those absent. Each is read by itself, not all at one moment. */
  async getMany(keys: readonly Key[], options?: ReadOptions): Promise<(V | undefined)[]> {
    checkOptions(options, readOptionNames, 'getMany');
    if (!Array.isArray(keys)) throw new TypeError('getMany takes a list of keys');
    checkBatchCount(keys.length, 'getMany');
    const encoded = keys.map((key) => keyBytes(key));
    const items = await Promise.all(encoded.map((bytes, i) => this.#read(bytes, keys[i] as Key, options)));
    return items.map((item) => (item === undefined ? undefined : (decodeValue(item.value) as V)));
  }

  /**
   * Many writes in few messages, each with a result of its own, in the order given. Not atomic: some may be done and others not.
   * Rejects only for what is wrong with the call itself, and then nothing was sent.
   */
  async batch(items: readonly BatchItem[], options?: CallOptions): Promise<BatchResult[]> {
    checkOptions(options, callOptionNames, 'batch');
    if (!Array.isArray(items)) throw new TypeError('batch takes a list of writes');
    checkBatchCount(items.length, 'batch');
    const writes = items.map((item: BatchItem, i) => this.#batchWrite(item, i, options));
    const signal = signalOf(options);
    return Promise.all(
      writes.map(async ({ asked, what, receipt }): Promise<BatchResult> => {
        try {
          return { ok: true, receipt: receipt(await this.#written(asked, what, signal)) };
        } catch (error) {
          return { ok: false, error };
        }
      }),
    );
  }

  /** The items of a range in key order, page by page as they are used. Stops cleanly when the loop does. */
  async *range(options: RangeOptions = {}): AsyncGenerator<Entry<V>, void, undefined> {
    checkOptions(options, rangeOptionNames, 'range');
    const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : countOf(options.limit, 2 ** 48, 'limit');
    const range = keyRangeOf(options);
    const reader = await this.#reader(options, range, limit);
    for (let count = 0; count < limit; count++) {
      const item = await reader?.next();
      if (item === undefined) return;
      yield entryOf<V>(decodeKey(item.key), item);
    }
  }

  /** One page of a range, and where to go on. */
  async page(options: PageOptions = {}): Promise<Page<V>> {
    checkOptions(options, pageOptionNames, 'page');
    const limit = options.limit === undefined ? pageLimitDefault : countOf(options.limit, limits.pageCountMax, 'limit');
    const whole = keyRangeOf(options);
    const query = { table: this.name, ...whole, reverse: options.reverse === true };
    const range =
      options.cursor === undefined
        ? whole
        : restAfter(whole, decodeCursor(query, options.cursor), options.reverse === true);
    if (range === undefined) return { entries: [] };
    const reader = await this.#reader(options, range, limit + 1); // one more says whether there is more
    const items: ScanItem[] = [];
    let bytes = 0;
    let hasMore = false;
    for (;;) {
      const item = await reader?.next();
      if (item === undefined) break;
      bytes += item.key.length + item.value.length;
      hasMore = items.length === limit || (items.length > 0 && bytes > limits.pageBytesMax);
      if (hasMore) break;
      items.push(item);
    }
    const entries = items.map((item) => entryOf<V>(decodeKey(item.key), item));
    const last = items.at(-1);
    return hasMore && last !== undefined ? { entries, cursor: encodeCursor(query, last.key) } : { entries };
  }

  // --- asking -----------------------------------------------------------------------------------------------------------

  #write(
    operation: WriteAsked['operation'],
    key: Uint8Array,
    value: Uint8Array,
    ifVersion: number | undefined,
    options: WriteOptions | undefined,
  ): WriteAsked {
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const durability = durabilityOf(options);
    return { kind: 'write', table: this.name, operation, key, value, ifVersion, durability, timeoutMs };
  }

  async #written(asked: WriteAsked, what: () => string, signal: AbortSignal | undefined): Promise<Written> {
    const written = await this.#session.attempt(asked, signal);
    const requestId = (): string => this.#session.port.requestIdOf(written.id);
    if (!isDone(written)) throw errorOf(written, what(), requestId(), signal);
    if (written.kind !== 'written') throw new Error(`a write came to ${written.kind}`);
    if (written.status === 'condition-failed') throw conditionFailed(what(), written.version, requestId());
    if (written.status === 'invalid') {
      const why = asked.operation === 'increment' ? 'the value there is no number of that kind' : 'it is not valid';
      throw new TroupeError('INVALID_ARGUMENT', `${what()} was not done: ${why}`, { requestId: requestId() });
    }
    return written;
  }

  #batchWrite(
    item: BatchItem,
    index: number,
    options: CallOptions | undefined,
  ): { readonly asked: WriteAsked; readonly what: () => string; readonly receipt: (written: Written) => Receipt } {
    const where = `batch item ${index}`;
    if (typeof item !== 'object' || item === null) throw new TypeError(`${where} is no object`);
    const names = Object.keys(item).filter((name) => ['put', 'delete', 'increment'].includes(name));
    if (names.length !== 1) throw new TypeError(`${where} has one of put, delete and increment`);
    const known = 'put' in item ? ['put', 'ifVersion', 'ifAbsent'] : [...names, 'ifVersion'];
    checkOptions(item, known, where);
    const ifVersion = ifVersionOf(item);
    if ('delete' in item) {
      const key = item.delete;
      const asked = this.#write('delete', keyBytes(key), new Uint8Array(0), ifVersion, options);
      return { asked, what: () => `delete ${formatKey(key)}`, receipt: (written) => deleteReceiptOf(key, written) };
    }
    const pair: unknown = 'put' in item ? item.put : item.increment;
    if (!Array.isArray(pair) || pair.length !== 2) throw new TypeError(`${where} takes [key, value]`);
    if ('put' in item) {
      const [key, value] = item.put;
      const asked = this.#write('put', keyBytes(key), valueBytes(value), ifVersion, options);
      return { asked, what: () => `put ${formatKey(key)}`, receipt: (written) => receiptOf(key, written) };
    }
    const [key, by] = item.increment;
    const asked = this.#write('increment', keyBytes(key), addendBytes(by), ifVersion, options);
    return { asked, what: () => `increment ${formatKey(key)}`, receipt: (written) => incrementReceiptOf(key, written) };
  }

  async #read(bytes: Uint8Array, key: Key, options: ReadOptions | undefined): Promise<ReadItem | undefined> {
    const signal = signalOf(options);
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const consistency = consistencyOf(options);
    const asked: Asked = { kind: 'read', table: this.name, key: bytes, consistency, timeoutMs };
    const outcome = await this.#session.attempt(asked, signal);
    if (outcome.kind === 'read') return outcome.item;
    if (this.#session.isEmptyDefault(this.name, outcome)) return undefined;
    throw errorOf(outcome as NotDone, `get ${formatKey(key)}`, this.#session.port.requestIdOf(outcome.id), signal);
  }

  /** Undefined when the default table will only be made by its first write. */
  async #reader(
    options: RangeOptions,
    range: { readonly start: Uint8Array; readonly end: Uint8Array },
    wanted: number,
  ): Promise<RangeReader | undefined> {
    const signal = signalOf(options);
    const timeoutMs = timeoutMsOf(options, this.#session.timeoutMs);
    const consistency = consistencyOf(options);
    const { reverse } = options;
    if (reverse !== undefined && typeof reverse !== 'boolean') throw new TypeError('reverse is true or false');
    const asked: Asked = { kind: 'map', table: this.name, fresh: false, timeoutMs };
    const outcome = await this.#session.attempt(asked, signal);
    if (this.#session.isEmptyDefault(this.name, outcome)) return undefined;
    if (!isDone(outcome)) throw errorOf(outcome, 'the range', this.#session.port.requestIdOf(outcome.id), signal);
    const table = outcome.kind === 'map' ? outcome.map.tables[0] : undefined;
    if (table === undefined) throw new NotFoundError(`there is no table ${this.name}`);
    const partitions = partitionsOfRange(table, partitionKeyOfPrefix(options.prefix));
    return new RangeReader(this.#session, {
      partitions,
      range,
      reverse: reverse === true,
      consistency,
      wanted,
      timeoutMs,
      signal,
    });
  }
}

/** All partitions of the table, or the one that holds that partition key. */
function partitionsOfRange(table: TableInfo, partitionKey: Uint8Array | undefined): readonly number[] {
  if (partitionKey === undefined || table.partitioning !== 'hash') return table.partitions;
  const id = table.partitions[partitionOf(partitionKey, partitionRing(table.partitions.length))];
  return id === undefined ? table.partitions : [id];
}

function checkBatchCount(count: number, call: string): void {
  if (count > limits.batchCountMax)
    throw new TroupeError('TOO_LARGE', `${call} takes at most ${limits.batchCountMax} items, not ${count}`);
}

function addendBytes(by: unknown): Uint8Array {
  if (typeof by !== 'number' && typeof by !== 'bigint') throw new TypeError('increment adds a number or a BigInt');
  return valueBytes(by);
}

function entryOf<V>(key: Key, item: ReadItem): Entry<V> {
  return {
    key,
    value: decodeValue(item.value) as V,
    version: item.version,
    createdAt: new Date(item.createdAtMs),
    updatedAt: new Date(item.updatedAtMs),
  };
}

function receiptOf(key: Key, written: Written): Receipt {
  const { version, partition, epoch, offset, durability, replicas } = written;
  return { key, version, partition, epoch, offset, durability, replicas };
}

function deleteReceiptOf(key: Key, written: Written): DeleteReceipt {
  return { ...receiptOf(key, written), existed: written.version > 0 };
}

function incrementReceiptOf(key: Key, written: Written): IncrementReceipt {
  return { ...receiptOf(key, written), value: decodeValue(written.value) as number | bigint };
}

/** For those who name no table. */
export const defaultTable = defaultTableName;
