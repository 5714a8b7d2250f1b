// A growing buffer that numbers, strings and byte strings are written into
// =============================================================================
//
// All integers are little endian. Nothing here allocates per field: the writer owns one buffer,
// doubles it when it is full, and hands out a copy at `finish`.
//
// Sources: LEB128 as in DWARF and Protocol Buffers for the variable-length unsigned integers.

import { assert } from './assert.js';

const encoder = new TextEncoder();

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return start;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** A safe integer in eight bytes. */
  u64(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'u64 takes a non-negative safe integer');
    const at = this.#reserve(8);
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }

  /** An unsigned safe integer in one to eight bytes, seven bits each, low bits first. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'varint takes a non-negative safe integer');
    let rest = value;
    if (value >= 0x1000_0000) {
      // Four bytes by shifts, and the rest is small: division of numbers beyond 32 bits is slow, and times are such.
      const low = value % 0x1000_0000;
      rest = (value - low) / 0x1000_0000;
      const at = this.#reserve(4);
      const bytes = this.#bytes;
      bytes[at] = (low & 0x7f) | 0x80;
      bytes[at + 1] = ((low >>> 7) & 0x7f) | 0x80;
      bytes[at + 2] = ((low >>> 14) & 0x7f) | 0x80;
      bytes[at + 3] = (low >>> 21) | 0x80;
    }
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** Raw bytes, no length. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Length-prefixed bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Length-prefixed UTF-8. */
  string(text: string): void {
    // Names are short and ASCII almost always; one pass without the encoder is then faster.
    const count = text.length;
    if (count < 64) {
      let ascii = true;
      for (let i = 0; i < count; i++) {
        if (text.charCodeAt(i) > 0x7f) {
          ascii = false;
          break;
        }
      }
      if (ascii) {
        this.varint(count);
        const at = this.#reserve(count);
        for (let i = 0; i < count; i++) this.#bytes[at + i] = text.charCodeAt(i);
        return;
      }
    }
    this.bytes(encoder.encode(text));
  }

  /** Overwrites four bytes written earlier, for a length or checksum known only at the end. */
  patchU32(at: number, value: number): void {
    assert(at + 4 <= this.#length, 'patchU32 writes inside what was written');
    this.#view.setUint32(at, value, true);
  }

  /** What was written, as a view that the next write or `reset` may change: copy it or be done with it first. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written, owned by the caller; the writer is empty afterwards. */
  finish(): Uint8Array {
    const copy = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return copy;
  }

  reset(): void {
    this.#length = 0;
  }
}
