// The log of a replica: its tail in memory, the rest in snapshot and journal
// =============================================================================
//
// Batches from `start` to `end`, the bytes as journaled and replicated. What lies below `start` is in the snapshot.
//
// Invariants
//   G1. Batches follow one another without gap or overlap; `end` is where the next one begins.
//   G2. The log is cut at batch boundaries only: both replicas of an epoch have the same batches, so every end they can agree on is one.

import { assert, present } from '../../../runtime/std/assert.js';
import { decodeBatchHeader } from '../../../messaging/protocol/log-batch.js';
import { EpochTable, type EpochStart } from './epoch-table.js';

export interface LogEntry {
  readonly base: number;
  readonly end: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
  /** Where the journal has it: a snapshot replays from the first entry it does not cover. */
  readonly lsn: number;
  /** Bytes of all batches since the log was opened, this one included: differences are sizes. */
  readonly bytesThrough: number;
}

/** Stands where a trimmed entry was until the array is compacted, so that the entry's bytes are free at once. */
const trimmedEntry: LogEntry = { base: 0, end: 0, epoch: 0, bytes: new Uint8Array(0), lsn: 0, bytesThrough: 0 };

export class ReplicaLog {
  #entries: LogEntry[] = [];
  /** Entries before this index were trimmed; the array is compacted when they are many. */
  #first = 0;
  #start: number;
  #end: number;
  #bytesTrimmed = 0;
  #bytesThrough = 0;
  readonly epochs: EpochTable;

  /** A log that begins at `start`, with the epochs of what came before. */
  constructor(start = 0, epochs: readonly EpochStart[] = []) {
    this.#start = start;
    this.#end = start;
    this.epochs = new EpochTable(epochs);
  }

  /** Offset of the first record still in memory. */
  get start(): number {
    return this.#start;
  }

  /** Offset that the next record gets. */
  get end(): number {
    return this.#end;
  }

  get byteCount(): number {
    return this.#bytesThrough - this.#bytesTrimmed;
  }

  get bytesThrough(): number {
    return this.#bytesThrough;
  }

  get lastEpoch(): number {
    return this.epochs.lastEpoch();
  }

  /** Keeps `bytes`. */
  append(bytes: Uint8Array, lsn: number): LogEntry {
    const header = decodeBatchHeader(bytes);
    assert(header.base === this.#end, 'G1: a batch begins where the log ends');
    this.epochs.note(header.epoch, header.base);
    this.#bytesThrough += bytes.length;
    const entry: LogEntry = {
      base: header.base,
      end: header.base + header.count,
      epoch: header.epoch,
      bytes,
      lsn,
      bytesThrough: this.#bytesThrough,
    };
    this.#entries.push(entry);
    this.#end = entry.end;
    return entry;
  }

  /** The batch that holds `offset`; undefined at the end of the log. REQUIRES offset ≥ start. */
  entryAt(offset: number): LogEntry | undefined {
    assert(offset >= this.#start, 'G1: that part of the log was trimmed');
    if (offset >= this.#end) return undefined;
    let low = this.#first;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#entries[middle] as LogEntry).base <= offset) low = middle;
      else high = middle - 1;
    }
    return this.#entries[low];
  }

  /** Batches from the one that begins at `offset`, until `bytesMax` is passed or `countMax` is reached; at least one if there is one. */
  from(offset: number, bytesMax: number, countMax: number): LogEntry[] {
    const taken: LogEntry[] = [];
    if (offset >= this.#end) return taken;
    let index = this.#indexOf(offset);
    let bytes = 0;
    for (; index < this.#entries.length && taken.length < countMax; index++) {
      const entry = this.#entries[index] as LogEntry;
      if (taken.length > 0 && bytes + entry.bytes.length > bytesMax) break;
      bytes += entry.bytes.length;
      taken.push(entry);
    }
    return taken;
  }

  #indexOf(offset: number): number {
    const entry = present(this.entryAt(offset), 'G1: an offset inside the log');
    assert(entry.base === offset, 'G2: batches are never split');
    let low = this.#first;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as LogEntry).base < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Bytes of what lies at or above `offset`; 0 at the end. */
  bytesFrom(offset: number): number {
    if (offset >= this.#end) return 0;
    const entry = present(this.entryAt(offset), 'G1: an offset inside the log');
    return this.#bytesThrough - (entry.bytesThrough - entry.bytes.length);
  }

  /** Drops records at or above `end`. */
  truncateTo(end: number): void {
    assert(end >= this.#start, 'G1: truncation below what is in memory needs a snapshot');
    while (this.#entries.length > this.#first) {
      const last = this.#entries[this.#entries.length - 1] as LogEntry;
      if (last.base < end) {
        assert(last.end <= end, 'G2: batches are never split');
        break;
      }
      this.#entries.pop();
      this.#bytesThrough -= last.bytes.length;
    }
    this.#end = end;
    this.epochs.truncateTo(end);
  }

  /** Drops batches that end at or below `offset`, oldest first, while more than `bytesKept` remain. */
  trim(offset: number, bytesKept: number): void {
    while (this.#first < this.#entries.length) {
      const first = this.#entries[this.#first] as LogEntry;
      if (first.end > offset || this.byteCount - first.bytes.length < bytesKept) break;
      this.#bytesTrimmed += first.bytes.length;
      this.#start = first.end;
      this.#entries[this.#first++] = trimmedEntry;
    }
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}
