// A range over all partitions of a table, in key order
// =============================================================================
//
// Each partition is read page by page, and the pages are merged: the next entry is the smallest of the partitions' next ones. What
// is in memory is one page a partition at most, however long the range.
//
// Not a snapshot: each page is read at its own moment, so an item that is written meanwhile may or may not be seen; an item that is there
// throughout is seen exactly once.
//
// Invariants
//   Z1. Entries come in byte order of their keys, each once.
//   Z2. At most one page a partition is held, and `fetchCountMax` are asked for at a time.

import { compareBytes } from '../../runtime/std/bytes.js';
import { Heap } from '../../runtime/std/heap.js';
import type { Consistency, ScanItem } from '../protocol/client-messages.js';
import type { KeyRange } from '../protocol/key.js';
import type { ClientSession } from './client-session.js';
import { isEmptyRange, successorOf } from './key-range.js';

const fetchCountMax = 16;
/** Of all partitions' pages together. */
const heldBytesMax = 8 * 1024 * 1024;
const pageBytesMin = 16 * 1024;
const pageBytesMax = 256 * 1024;
const pageCountMax = 256;

export interface RangeQuery {
  readonly partitions: readonly number[];
  readonly range: KeyRange;
  readonly reverse: boolean;
  readonly consistency: Consistency;
  /** Entries that will be asked for at most; Infinity when that is not known. */
  readonly wanted: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One partition's part. */
interface Source {
  readonly partition: number;
  readonly index: number;
  /** What has not been read. */
  range: KeyRange;
  page: readonly ScanItem[];
  at: number;
  hasMore: boolean;
}

export class RangeReader {
  readonly #session: ClientSession;
  readonly #query: RangeQuery;
  readonly #heads: Heap<Source>;
  /** Sources whose page is used up, and that have more. */
  #dry: Source[];

  constructor(session: ClientSession, query: RangeQuery) {
    this.#session = session;
    this.#query = query;
    const sign = query.reverse ? -1 : 1;
    this.#heads = new Heap((a, b) => {
      const order = sign * compareBytes(headOf(a).key, headOf(b).key);
      return order === 0 ? a.index < b.index : order < 0;
    });
    this.#dry = isEmptyRange(query.range)
      ? []
      : query.partitions.map((partition, index) => ({
          partition,
          index,
          range: query.range,
          page: [],
          at: 0,
          hasMore: true,
        }));
  }

  /** The next entry, or undefined at the end. @throws TroupeError, or the signal's reason */
  async next(): Promise<ScanItem | undefined> {
    if (this.#dry.length > 0) await this.#fill();
    const source = this.#heads.pop();
    if (source === undefined) return undefined;
    const item = headOf(source); // Z1
    source.at++;
    if (source.at < source.page.length) this.#heads.push(source);
    else {
      source.page = [];
      if (source.hasMore) this.#dry.push(source);
    }
    return item;
  }

  /** Whether the next entry needs no waiting. */
  get isReady(): boolean {
    return this.#dry.length === 0;
  }

  async #fill(): Promise<void> {
    const dry = this.#dry;
    this.#dry = [];
    for (let from = 0; from < dry.length; from += fetchCountMax)
      await Promise.all(dry.slice(from, from + fetchCountMax).map((source) => this.#fetch(source))); // Z2
    for (const source of dry) if (source.page.length > 0) this.#heads.push(source);
  }

  async #fetch(source: Source): Promise<void> {
    const { partitions, wanted, consistency, reverse, timeoutMs, signal } = this.#query;
    const share = Math.ceil((wanted * 1.5) / partitions.length) + 8;
    const limit = Math.min(pageCountMax, wanted, share);
    const bytesMax = Math.max(pageBytesMin, Math.min(pageBytesMax, Math.floor(heldBytesMax / partitions.length)));
    const { start, end } = source.range;
    const { items, more } = await this.#session.run(
      'scanned',
      { kind: 'scan', partition: source.partition, consistency, start, end, reverse, limit, bytesMax, timeoutMs },
      () => 'the range',
      signal,
    );
    const last = items.at(-1);
    if (last === undefined && more) throw new Error('a page without entries cannot say that there are more');
    source.page = items;
    source.at = 0;
    const rest = last === undefined ? undefined : restAfter(source.range, last.key, reverse);
    source.hasMore = more && rest !== undefined;
    if (rest !== undefined) source.range = rest;
  }
}

function headOf(source: Source): ScanItem {
  const item = source.page[source.at];
  if (item === undefined) throw new Error('Z1: a source without an entry is not in the heap');
  return item;
}

/** What is left of a range after its entries up to `key`; undefined when nothing can be. */
export function restAfter(range: KeyRange, key: Uint8Array, reverse: boolean): KeyRange | undefined {
  if (reverse) return compareBytes(range.start, key) >= 0 ? undefined : { start: range.start, end: key };
  const start = successorOf(key);
  if (start === undefined) return undefined;
  const rest = { start, end: range.end };
  return isEmptyRange(rest) ? undefined : rest;
}
