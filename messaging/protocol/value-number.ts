// The one thing that servers do with values: add to a number
// =============================================================================
//
// Every replica computes it by itself, so equal bytes in must give equal bytes out (R24), and no bytes at all may crash it.
//
// Invariants
//   N1. Number + number is a number, BigInt + BigInt is a BigInt, exactly as JavaScript adds; anything else is no sum.
//   N2. A sum beyond the finite numbers, or a BigInt beyond 1 KiB, is no sum: the item stays as it was.

import { DecodeError } from '../../runtime/std/byte-reader.js';
import { decodeValue, encodeValue } from './value-codec.js';

/**
 * @param current the item's encoded value, undefined when there is no item (then the sum is the delta)
 * @returns the encoded sum, or undefined when one of the two is no number, or they are of two kinds
 */
export function incrementValue(current: Uint8Array | undefined, delta: Uint8Array): Uint8Array | undefined {
  const addend = decodeNumber(delta);
  if (addend === undefined) return undefined;
  if (current === undefined) return encodeValue(addend);
  const base = decodeNumber(current);
  if (base === undefined) return undefined;
  if (typeof base === 'number' && typeof addend === 'number') {
    const sum = base + addend;
    return Number.isFinite(sum) ? encodeValue(sum) : undefined; // N2
  }
  if (typeof base !== 'bigint' || typeof addend !== 'bigint') return undefined; // N1
  try {
    return encodeValue(base + addend);
  } catch (error) {
    if (error instanceof TypeError) return undefined; // N2
    throw error;
  }
}

/** Whether these bytes are an encoded number or BigInt. */
export function isNumberValue(bytes: Uint8Array): boolean {
  return decodeNumber(bytes) !== undefined;
}

function decodeNumber(bytes: Uint8Array): number | bigint | undefined {
  // A look at the first byte spares decoding a large object only to find that it is none.
  const first = bytes[0];
  if (first === undefined || bytes.length > 1100) return undefined;
  if (!(first < 0x40 || first === 0xc2 || first === 0xc3 || first >= 0xf9)) return undefined;
  try {
    const value = decodeValue(bytes);
    if (typeof value === 'bigint') return value;
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
