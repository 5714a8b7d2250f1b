// The records that are written and synced together (group commit)
// =============================================================================
//
// Invariants
//   C1. A batch is either open (records enter it) or given to the disk (nobody touches its bytes, D4), never both.
//   C2. A batch goes into one segment as a whole, so a record never spans two.

import { assert } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';
import { encodeRecord, recordBytes, recordHeaderBytes, sealRecord } from './record.js';

const initialBytes = 64 * 1024;
/** A buffer that grew beyond this is not kept for the next batch. */
const recycledBytesMax = 4 * 1024 * 1024;

export interface SealedEnd {
  readonly sequence: number;
  readonly chain: number;
}

export class Batch {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #count = 0;
  #isSealed = false;
  /** The lsn of the first record, and the one after the last. */
  readonly baseLsn: number;
  endLsn: number;
  /** Called when the batch is durable. */
  readonly whenDurable: (() => void)[] = [];

  constructor(baseLsn: number, recycled?: Batch) {
    this.baseLsn = baseLsn;
    this.endLsn = baseLsn;
    const keep = recycled !== undefined && recycled.#bytes.length <= recycledBytesMax;
    this.#bytes = keep ? recycled.#bytes : new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  get count(): number {
    return this.#count;
  }

  /** What the disk gets. */
  get bytes(): Uint8Array {
    assert(this.#isSealed, 'C1: only a sealed batch is written');
    return this.#bytes.subarray(0, this.#length);
  }

  /** Copies a record in. */
  add(crc32: Crc32, type: number, stream: number, lsn: number, payload: Uint8Array): void {
    assert(!this.#isSealed, 'C1: no record enters a batch that was given to the disk');
    const at = this.#length;
    const end = at + recordBytes(payload.length);
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.fill(0, at + recordHeaderBytes + payload.length, end);
    encodeRecord(crc32, this.#bytes, this.#view, at, type, stream, lsn, payload);
    this.#length = end;
    this.#count++;
    this.endLsn = stream === 0 ? lsn : lsn + 1;
  }

  /** Gives each record its place, from `start` on. `each` sees them in order; the payload is a view. */
  seal(
    crc32: Crc32,
    seed: number,
    start: SealedEnd,
    durableSequence: number,
    each: (type: number, stream: number, lsn: number, payload: Uint8Array, at: number) => void,
  ): SealedEnd {
    assert(!this.#isSealed, 'C1: a batch is sealed once');
    this.#isSealed = true;
    let { sequence, chain } = start;
    let lsn = this.baseLsn;
    for (let at = 0; at < this.#length; ) {
      const payloadBytes = this.#view.getUint32(at + 4, true);
      const stream = this.#view.getUint32(at + 12, true);
      chain = sealRecord(crc32, this.#bytes, this.#view, at, seed, sequence, durableSequence, chain);
      const from = at + recordHeaderBytes;
      each(this.#view.getUint8(at + 8), stream, lsn, this.#bytes.subarray(from, from + payloadBytes), at);
      sequence++;
      if (stream !== 0) lsn++;
      at += recordBytes(payloadBytes);
    }
    return { sequence, chain };
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
