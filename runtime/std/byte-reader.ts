// Reads what ByteWriter wrote, and survives anything else
// =============================================================================
//
// Invariants
//   B1. No read goes past the end: a short or lying buffer throws DecodeError, never a RangeError and never garbage.
//   B2. A declared count is checked against the bytes that remain before anything is allocated for it.

import { equalBytes } from './bytes.js';

/** The bytes are not what the format says. An operating error: the frame, record or file is refused. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Shorter texts are names, of actors and hosts mostly: few, and read with every message. */
const nameBytesMax = 64;
const nameSlots = 256;
/** The last name that fell on each slot, with its bytes. A memory of results: what is read does not depend on it. */
const names: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = Array.from({ length: nameSlots });

function knownName(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length === 0) return '';
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  const slot = hash & (nameSlots - 1);
  const known = names[slot];
  if (known !== undefined && equalBytes(known.bytes, bytes)) return known.text;
  const text = decodeText(bytes);
  names[slot] = { bytes: bytes.slice(), text };
  return text;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DecodeError('string is not UTF-8', { cause });
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || start > end || end > bytes.length) throw new DecodeError(`no bytes ${start} to ${end}`); // B1
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  #take(count: number): number {
    if (count > this.#end - this.#at) throw new DecodeError(`truncated: ${count} bytes wanted, ${this.remaining} left`); // B1
    const at = this.#at;
    this.#at = at + count;
    return at;
  }

  /** From bytes: a DataView for each of the many short-lived readers costs more than all that they read. */
  #word(at: number): number {
    const bytes = this.#bytes;
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
    return (low | ((bytes[at + 3] as number) << 24)) >>> 0;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    const bytes = this.#bytes;
    return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  }

  u32(): number {
    return this.#word(this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#word(at) + this.#word(at + 4) * 0x1_0000_0000;
    if (!Number.isSafeInteger(value)) throw new DecodeError('integer beyond 2^53');
    return value;
  }

  f64(): number {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return new DataView(buffer, byteOffset, byteLength).getFloat64(this.#take(8), true);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) throw new DecodeError('integer beyond 2^53');
        return value;
      }
      scale *= 0x80;
    }
    throw new DecodeError('integer of more than eight bytes');
  }

  bool(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new DecodeError(`no boolean: ${byte}`);
    return byte === 1;
  }

  /** How many elements follow; each takes at least `bytesEach`. (B2) */
  count(bytesEach = 1, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.varint();
    if (value > max) throw new DecodeError(`${value} elements, ${max} allowed`);
    if (value * bytesEach > this.remaining)
      throw new DecodeError(`${value} elements do not fit ${this.remaining} bytes`);
    return value;
  }

  /** A view of `count` bytes of the source: copy it to keep it beyond the source's life. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A view of length-prefixed bytes; see `raw`. */
  bytes(max = Number.MAX_SAFE_INTEGER): Uint8Array {
    const count = this.varint();
    if (count > max) throw new DecodeError(`${count} bytes, ${max} allowed`);
    return this.raw(count);
  }

  string(max = 1024): string {
    const bytes = this.bytes(max);
    return bytes.length < nameBytesMax ? knownName(bytes) : decodeText(bytes);
  }

  /** Refuses bytes left over. */
  end(): void {
    if (this.#at !== this.#end) throw new DecodeError(`${this.remaining} bytes left over`);
  }
}
