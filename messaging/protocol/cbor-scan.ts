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
//   C4. Asked for `plain`, map keys are text, text is UTF-8, simple values are false, true and null, and tag 1 holds a number.
//
// Sources: RFC 8949 §3 for the encoding; DEPENDENCIES §1.4 for the traps.

import { DecodeError } from '../../runtime/std/byte-reader.js';

export interface CborLimits {
  readonly depthMax: number;
  /** Tags that may appear. */
  readonly tags: readonly number[];
  /** Only what a value may hold (C4). */
  readonly plain?: boolean;
  /** Set when there is what decoders handle badly; the caller clears it. */
  readonly found?: CborFindings;
}

export interface CborFindings {
  /** A text that may be `__proto__`. */
  proto: boolean;
  /** Tag 1. */
  date: boolean;
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
      return at;
    case 7:
      if (limits.plain === true && (minor < 20 || minor === 23 || minor === 24)) {
        throw new DecodeError('a simple value that is not false, true or null'); // C4
      }
      return at;
    case 2:
      if (argument > remaining) throw new DecodeError('a string longer than its bytes'); // C3
      return at + argument;
    case 3:
      if (argument > remaining) throw new DecodeError('a string longer than its bytes'); // C3
      if (limits.plain === true && !isUtf8(bytes, at, at + argument)) throw new DecodeError('text is not UTF-8'); // C4
      if (argument === 9 && bytes[at] === 0x5f && limits.found !== undefined) limits.found.proto = true;
      return at + argument;
    case 4: {
      if (argument > remaining) throw new DecodeError('more elements than bytes'); // C3
      for (let i = 0; i < argument; i++) at = scanItem(bytes, at, depth + 1, limits);
      return at;
    }
    case 5: {
      if (argument * 2 > remaining) throw new DecodeError('more entries than bytes'); // C3
      for (let i = 0; i < argument; i++) {
        if (limits.plain === true && at < bytes.length && (bytes[at] as number) >> 5 !== 3) {
          throw new DecodeError('a key that is no text'); // C4
        }
        at = scanItem(bytes, at, depth + 1, limits);
        at = scanItem(bytes, at, depth + 1, limits);
      }
      return at;
    }
    default: {
      if (!limits.tags.includes(argument)) throw new DecodeError(`tag ${argument} is not allowed`); // C2
      if (argument === 1 && limits.plain === true) {
        if (limits.found !== undefined) limits.found.date = true;
        if (!isNumberHead(bytes[at])) throw new DecodeError('a date that is no number'); // C4
        return scanItem(bytes, at, depth, limits); // a number has nothing inside: no level
      }
      if (argument === 2 || argument === 3) {
        const end = scanItem(bytes, at, limits.plain === true ? depth : depth + 1, limits);
        if ((bytes[at] as number) >> 5 !== 2) throw new DecodeError('a big number that is no byte string');
        if (end - at > 1024 + 3) throw new DecodeError('a big number of more than 1 KiB'); // C2
        return end;
      }
      return scanItem(bytes, at, depth + 1, limits);
    }
  }
}

/** Begins an integer of at most 32 bits, or a float. */
function isNumberHead(head: number | undefined): boolean {
  if (head === undefined) return false;
  return (head < 0x40 && (head & 0x1f) <= 26) || (head >= 0xf9 && head <= 0xfb);
}

/** No overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629 §4). */
function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at] as number;
    at += 1;
    if (lead < 0x80) continue;
    const more =
      lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    if (more === 0 || at + more > end) return false;
    const second = bytes[at] as number;
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let i = 1; i < more; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}
