// From key to record: extendible hashing with open addressing
// =============================================================================
//
// A directory, by the hash's first bits, of segments of at most 4096 slots. A full segment splits in two; nothing else moves. So the
// index grows without a pause however large it is: the longest step moves one segment's entries.
//
// Invariants
//   I1. A record is in the segment of its hash, at the first free slot after its home or before that.
//   I2. A segment that is an eighth full or less is halved, so memory follows what is stored; segments are never joined again.
//   I3. One operation moves the entries of one segment at most. Only the directory, a few thousand references, doubles as a whole.
//
// Sources: Fagin et al., "Extendible hashing" (1979); Knuth, TAOCP 3, 6.4, algorithm R for deletion without tombstones.

import { assert } from '../../../runtime/std/assert.js';
import type { Records } from './records.js';
import type { Handle } from './slab.js';

const slotsMin = 16;
const slotsMax = 4096;
const directoryBitsMax = 20;

interface Segment {
  /** Pairs of hash and handle; handle 0 = empty. */
  slots: Uint32Array;
  count: number;
  /** How many of the hash's first bits its entries share. */
  readonly bits: number;
}

export class HashIndex {
  readonly #records: Records;
  #directory: Segment[] = [emptySegment(0)];
  #bits = 0;
  #byteCount = slotsMin * 8;

  constructor(records: Records) {
    this.#records = records;
  }

  get byteCount(): number {
    return this.#byteCount + this.#directory.length * 8;
  }

  /** The record of the key, or 0. */
  find(hash: number, key: Uint8Array): Handle {
    const slots = this.#segmentOf(hash).slots;
    const mask = slots.length - 1;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const handle = slots[at + 1] as number;
      if (handle === 0) return 0;
      if (slots[at] === hash && this.#records.keyEquals(handle, key)) return handle;
    }
  }

  /** REQUIRES that the key is not there. */
  insert(hash: number, handle: Handle): void {
    let segment = this.#segmentOf(hash);
    while ((segment.count + 1) * 10 > (segment.slots.length >>> 1) * 8) {
      this.#enlarge(segment, hash);
      segment = this.#segmentOf(hash);
    }
    place(segment.slots, hash, handle);
    segment.count += 1;
  }

  /** REQUIRES that `from` is there. */
  replace(hash: number, from: Handle, to: Handle): void {
    const slots = this.#segmentOf(hash).slots;
    slots[slotOf(slots, hash, from) + 1] = to;
  }

  /** REQUIRES that it is there. */
  remove(hash: number, handle: Handle): void {
    const segment = this.#segmentOf(hash);
    const slots = segment.slots;
    const mask = slots.length - 1;
    let hole = slotOf(slots, hash, handle);
    // I1: whatever could stand in the hole moves there.
    for (let at = (hole + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
      const home = ((slots[at] as number) << 1) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = slots[at] as number;
      slots[hole + 1] = slots[at + 1] as number;
      hole = at;
    }
    slots[hole + 1] = 0;
    segment.count -= 1;
    if (slots.length > slotsMin * 2 && segment.count * 16 < slots.length) this.#resize(segment, slots.length >>> 2);
  }

  clear(): void {
    this.#directory = [emptySegment(0)];
    this.#bits = 0;
    this.#byteCount = slotsMin * 8;
  }

  #segmentOf(hash: number): Segment {
    return this.#directory[(hash >>> 1) >>> (31 - this.#bits)] as Segment;
  }

  #enlarge(segment: Segment, hash: number): void {
    const slotCount = segment.slots.length >>> 1;
    // Hashes that agree in 20 bits are no accident: then the segment grows, and their owner waits for it.
    if (slotCount < slotsMax || segment.bits >= directoryBitsMax) {
      this.#resize(segment, slotCount * 2);
    } else {
      this.#split(segment, hash);
    }
  }

  #resize(segment: Segment, slotCount: number): void {
    const old = segment.slots;
    segment.slots = new Uint32Array(slotCount * 2);
    this.#byteCount += segment.slots.byteLength - old.byteLength;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) place(segment.slots, old[at] as number, old[at + 1] as number);
    }
  }

  #split(segment: Segment, hash: number): void {
    if (segment.bits === this.#bits) {
      const doubled: Segment[] = [];
      for (const each of this.#directory) doubled.push(each, each);
      this.#directory = doubled;
      this.#bits += 1;
    }
    const bits = segment.bits + 1;
    const halves: readonly [Segment, Segment] = [emptySegment(bits, slotsMax), emptySegment(bits, slotsMax)];
    const old = segment.slots;
    for (let at = 0; at < old.length; at += 2) {
      const handle = old[at + 1] as number;
      if (handle === 0) continue;
      const each = old[at] as number;
      const half = halves[((each >>> (32 - bits)) & 1) as 0 | 1];
      place(half.slots, each, handle);
      half.count += 1;
    }
    this.#byteCount += old.byteLength;
    const span = 1 << (this.#bits - segment.bits);
    const first = ((hash >>> 1) >>> (31 - this.#bits)) & -span;
    for (let i = 0; i < span; i++) this.#directory[first + i] = halves[i < span >> 1 ? 0 : 1];
  }
}

function emptySegment(bits: number, slotCount = slotsMin): Segment {
  return { slots: new Uint32Array(slotCount * 2), count: 0, bits };
}

function place(slots: Uint32Array, hash: number, handle: Handle): void {
  const mask = slots.length - 1;
  let at = (hash << 1) & mask;
  while (slots[at + 1] !== 0) at = (at + 2) & mask;
  slots[at] = hash;
  slots[at + 1] = handle;
}

function slotOf(slots: Uint32Array, hash: number, handle: Handle): number {
  const mask = slots.length - 1;
  let at = (hash << 1) & mask;
  while (slots[at + 1] !== handle) {
    assert(slots[at + 1] !== 0, 'I1: the record is in the index');
    at = (at + 2) & mask;
  }
  return at;
}
