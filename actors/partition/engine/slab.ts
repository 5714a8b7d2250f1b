// Memory outside the JavaScript heap, in blocks
// =============================================================================
//
// Blocks are carved from arenas of up to 4 MiB. A freed block joins its free neighbours, so memory of one size serves others later, and an
// arena without blocks is given back. The collector never sees a block: five million items are a thousand objects.
//
//   block  │ size in units << 2 │ previous is free << 1 │ this is free │  payload …
//   free   │ header │ next free │ previous free │ … │ size in units │
//
// A unit is 8 bytes; a handle is arena << 19 | unit, so one slab holds 32 GiB. Unit 0 of an arena is never given out and its last one is
// a used block of size 0, so no neighbour needs a check.
//
// Invariants
//   L1. No two blocks overlap, and no free block has a free neighbour.
//   L2. Sizes are rounded to 16 classes per doubling (waste ≤ 1/16), so a hole is found by everyone of its size.
//   L3. At most one arena without blocks is kept.
//   L4. Handles depend only on the sequence of calls.
//
// Sources: Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems" (2004). We differ: one level of bitmap.

import { assert } from '../../../runtime/std/assert.js';

/** A block of a slab; 0 = none. */
export type Handle = number;

export const unitMask = 0x7_ffff;
export const arenaShift = 19;
const unitBytes = 8;
const arenaBytesMax = 4 * 1024 * 1024;
const arenaBytesMin = 64 * 1024;
const arenaCountMax = 1 << 13;
const headerBytes = 4;
const classCount = 16 + 16 * 16;
const none = -1;

/** Bytes of the largest block's payload: the block is the smallest of its class, so nothing is rounded beyond an arena. */
export const blockBytesMax: number = 3.5 * 1024 * 1024 - headerBytes;

export class Slab {
  /** Arenas by number, twice: as words and as bytes. A block's payload begins at word `(handle & unitMask) * 2 + 1`. */
  readonly words: Uint32Array[] = [];
  readonly bytes: Uint8Array[] = [];
  readonly #vacant: number[] = [];
  readonly #heads = new Uint32Array(classCount);
  readonly #bitmap = new Uint32Array(Math.ceil(classCount / 32));
  #spare = none;
  #usedUnits = 0;
  #reservedBytes = 0;

  /** Bytes in blocks, headers and rounding included. */
  get usedBytes(): number {
    return this.#usedUnits * unitBytes;
  }

  /** Bytes of all arenas. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** A block whose payload has at least `byteCount` bytes, with anything in them. */
  allocate(byteCount: number): Handle {
    const units = unitsFor(byteCount);
    let handle = this.#takeFrom(units);
    if (handle === 0) {
      this.#addArena(units);
      handle = this.#takeFrom(units);
    }
    assert(handle !== 0, 'L2: a new arena has room for what it was made for');
    const words = this.words[handle >>> arenaShift] as Uint32Array;
    this.#usedUnits += (words[(handle & unitMask) * 2] as number) >>> 2;
    return handle;
  }

  free(handle: Handle): void {
    const arena = handle >>> arenaShift;
    const words = this.words[arena] as Uint32Array;
    let unit = handle & unitMask;
    const head = words[unit * 2] as number;
    assert(handle !== 0 && (head & 1) === 0, 'L1: only a used block is freed');
    let size = head >>> 2;
    this.#usedUnits -= size;
    const next = words[(unit + size) * 2] as number;
    if ((next & 1) !== 0) {
      this.#unlink(arena, unit + size, next >>> 2);
      size += next >>> 2;
    }
    if ((head & 2) !== 0) {
      const previous = words[unit * 2 - 1] as number;
      unit -= previous;
      this.#unlink(arena, unit, previous);
      size += previous;
    }
    this.#link(arena, unit, size);
    if (unit === 1 && (size + 2) * unitBytes === words.byteLength) this.#onEmpty(arena);
  }

  /** Bytes of the block's payload. */
  capacityOf(handle: Handle): number {
    const words = this.words[handle >>> arenaShift] as Uint32Array;
    return ((words[(handle & unitMask) * 2] as number) >>> 2) * unitBytes - headerBytes;
  }

  /** Whether a payload of that size would get a block as large as this one. */
  fitsAgain(handle: Handle, byteCount: number): boolean {
    const words = this.words[handle >>> arenaShift] as Uint32Array;
    return (words[(handle & unitMask) * 2] as number) >>> 2 === unitsFor(byteCount);
  }

  clear(): void {
    this.words.length = 0;
    this.bytes.length = 0;
    this.#vacant.length = 0;
    this.#heads.fill(0);
    this.#bitmap.fill(0);
    this.#spare = none;
    this.#usedUnits = 0;
    this.#reservedBytes = 0;
  }

  #takeFrom(units: number): Handle {
    const found = this.#classAtLeast(classOf(units));
    if (found === none) return 0;
    const handle = this.#heads[found] as number;
    const arena = handle >>> arenaShift;
    const unit = handle & unitMask;
    const words = this.words[arena] as Uint32Array;
    const size = (words[unit * 2] as number) >>> 2;
    this.#unlink(arena, unit, size);
    if (arena === this.#spare) this.#spare = none;
    const rest = size - units;
    if (rest >= 2) {
      words[unit * 2] = units << 2;
      this.#link(arena, unit + units, rest);
    } else {
      words[unit * 2] = size << 2;
      const after = (unit + size) * 2;
      words[after] = (words[after] as number) & ~2;
    }
    return handle;
  }

  /** Makes [unit, unit + size) a free block; the block before it is in use (L1). */
  #link(arena: number, unit: number, size: number): void {
    const words = this.words[arena] as Uint32Array;
    const handle = ((arena << arenaShift) | unit) >>> 0;
    const slot = classOf(size);
    const first = this.#heads[slot] as number;
    const at = unit * 2;
    words[at] = (size << 2) | 1;
    words[at + 1] = first;
    words[at + 2] = 0;
    words[at + size * 2 - 1] = size;
    const after = at + size * 2;
    words[after] = (words[after] as number) | 2;
    if (first !== 0) (this.words[first >>> arenaShift] as Uint32Array)[(first & unitMask) * 2 + 2] = handle;
    this.#heads[slot] = handle;
    this.#bitmap[slot >>> 5] = (this.#bitmap[slot >>> 5] as number) | (1 << (slot & 31));
  }

  #unlink(arena: number, unit: number, size: number): void {
    const words = this.words[arena] as Uint32Array;
    const next = words[unit * 2 + 1] as number;
    const previous = words[unit * 2 + 2] as number;
    if (next !== 0) (this.words[next >>> arenaShift] as Uint32Array)[(next & unitMask) * 2 + 2] = previous;
    if (previous !== 0) {
      (this.words[previous >>> arenaShift] as Uint32Array)[(previous & unitMask) * 2 + 1] = next;
      return;
    }
    const slot = classOf(size);
    this.#heads[slot] = next;
    if (next === 0) this.#bitmap[slot >>> 5] = (this.#bitmap[slot >>> 5] as number) & ~(1 << (slot & 31));
  }

  /** The first class from `slot` on that has a free block. */
  #classAtLeast(slot: number): number {
    let at = slot >>> 5;
    let bits = (this.#bitmap[at] as number) & (-1 << (slot & 31));
    while (bits === 0) {
      at += 1;
      if (at === this.#bitmap.length) return none;
      bits = this.#bitmap[at] as number;
    }
    return at * 32 + 31 - Math.clz32(bits & -bits);
  }

  #addArena(units: number): void {
    const arena = this.#vacant.pop() ?? this.words.length;
    assert(arena < arenaCountMax, 'a slab holds at most 32 GiB');
    // A small partition shall not take 4 MiB, a large one shall not have thousands of arenas.
    const grown = Math.min(arenaBytesMax, Math.max(arenaBytesMin, 2 ** Math.ceil(Math.log2(this.#reservedBytes + 1))));
    const byteLength = Math.max(grown, (units + 2) * unitBytes);
    assert(byteLength <= arenaBytesMax, 'L1: a unit number has 19 bits');
    const buffer = new ArrayBuffer(byteLength);
    this.words[arena] = new Uint32Array(buffer);
    this.bytes[arena] = new Uint8Array(buffer);
    this.#reservedBytes += byteLength;
    this.#link(arena, 1, byteLength / unitBytes - 2);
  }

  #onEmpty(arena: number): void {
    if (this.#spare === none) {
      this.#spare = arena;
      return;
    }
    // L3: the one with more room stays, so that a small arena does not come and go under large blocks.
    const words = this.words[arena] as Uint32Array;
    const spareWords = this.words[this.#spare] as Uint32Array;
    const dropped = words.length > spareWords.length ? this.#spare : arena;
    if (dropped !== arena) this.#spare = arena;
    const length = (this.words[dropped] as Uint32Array).byteLength;
    this.#unlink(dropped, 1, length / unitBytes - 2);
    this.#reservedBytes -= length;
    this.words[dropped] = emptyWords;
    this.bytes[dropped] = emptyArenaBytes;
    this.#vacant.push(dropped);
  }
}

const emptyWords = new Uint32Array(0);
const emptyArenaBytes = new Uint8Array(0);

/** Units of the block for a payload, rounded up to its class's smallest size (L2). */
function unitsFor(byteCount: number): number {
  assert(byteCount >= 0 && byteCount <= blockBytesMax, 'a block fits an arena');
  const units = Math.max(2, (byteCount + headerBytes + unitBytes - 1) >>> 3);
  if (units < 16) return units;
  const step = 1 << (27 - Math.clz32(units));
  return (units + step - 1) & -step;
}

/** The class of free blocks of that size: sizes below 16 one each, then 16 per doubling. */
function classOf(units: number): number {
  if (units < 16) return units;
  const exponent = 31 - Math.clz32(units);
  return 16 + (exponent - 4) * 16 + ((units >>> (exponent - 4)) & 15);
}
