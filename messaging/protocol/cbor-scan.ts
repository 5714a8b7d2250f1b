// A look over CBOR bytes before they are decoded
// =============================================================================
//
// The decoder has no depth limit, runs `new Function` for record tags, builds cyclic objects and regular expressions for others, and
// is quadratic in big numbers. So nothing reaches it that was not walked through here first, in one pass without allocation.
//
// Invariants
//   C1. Accepted bytes are exactly one data item, of definite lengths, nested at most `depthMax` deep.
//   C2. Every tag is in the caller's list; big numbers (tags 2 and 3) have at most 1 KiB.
//   C3. Every declared count fits the bytes that remain.
//
// Sources: RFC 8949 §3 for the encoding; DEPENDENCIES §1.4 for the traps.

import { DecodeError } from '../../runtime/std/byte-reader.js';

export interface CborLimits {
  readonly depthMax: number;
  /** Tags that may appear. */
  readonly tags: readonly number[];
}

/** @throws DecodeError */
export function scanCbor(bytes: Uint8Array, limits: CborLimits): void {
  const end = scanItem(bytes, 0, 0, limits);
  if (end !== bytes.length) throw new DecodeError('bytes after the data item'); // C1
}

function scanItem(bytes: Uint8Array, start: number, depth: number, limits: CborLimits): number {
  if (depth > limits.depthMax) throw new DecodeError(`nested more than ${limits.depthMax} deep`); // C1
  if (start >= bytes.length) throw new DecodeError('truncated');
  const first = bytes[start] as number;
  const major = first >> 5;
  const minor = first & 0x1f;
  let at = start + 1;
  let argument = minor;
  if (minor >= 24) {
    const width = minor === 24 ? 1 : minor === 25 ? 2 : minor === 26 ? 4 : minor === 27 ? 8 : 0;
    if (width === 0) throw new DecodeError('indefinite or reserved length'); // C1
    if (at + width > bytes.length) throw new DecodeError('truncated');
    argument = 0;
    for (let i = 0; i < width; i++) argument = argument * 256 + (bytes[at + i] as number);
    at += width;
  }
  const remaining = bytes.length - at;
  switch (major) {
    case 0:
    case 1:
    case 7:
      return at;
    case 2:
    case 3:
      if (argument > remaining) throw new DecodeError('a string longer than its bytes'); // C3
      return at + argument;
    case 4: {
      if (argument > remaining) throw new DecodeError('more elements than bytes'); // C3
      for (let i = 0; i < argument; i++) at = scanItem(bytes, at, depth + 1, limits);
      return at;
    }
    case 5: {
      if (argument * 2 > remaining) throw new DecodeError('more entries than bytes'); // C3
      for (let i = 0; i < argument * 2; i++) at = scanItem(bytes, at, depth + 1, limits);
      return at;
    }
    default: {
      if (!limits.tags.includes(argument)) throw new DecodeError(`tag ${argument} is not allowed`); // C2
      if (argument === 2 || argument === 3) {
        const end = scanItem(bytes, at, depth + 1, limits);
        if ((bytes[at] as number) >> 5 !== 2) throw new DecodeError('a big number that is no byte string');
        if (end - at > 1024 + 3) throw new DecodeError('a big number of more than 1 KiB'); // C2
        return end;
      }
      return scanItem(bytes, at, depth + 1, limits);
    }
  }
}
