// Ranges of encoded keys
// =============================================================================

import { compareBytes, emptyBytes } from '../../runtime/std/bytes.js';
import { encodePrefix, type Key, type KeyRange, partitionKeyBytes } from '../protocol/key.js';
import { limits } from '../protocol/limits.js';
import { keyBytes } from './item-bytes.js';

export interface RangeBounds {
  /** First key, included. */
  readonly start?: Key | undefined;
  /** End, excluded. */
  readonly end?: Key | undefined;
  /** Only keys that begin so: a string with that text, or a tuple with these elements. */
  readonly prefix?: Key | undefined;
}

/** @throws TypeError, TroupeError TOO_LARGE */
export function keyRangeOf({ start, end, prefix }: RangeBounds): KeyRange {
  const whole = prefix === undefined ? { start: emptyBytes, end: emptyBytes } : encodePrefix(prefix);
  const from = start === undefined ? emptyBytes : keyBytes(start);
  const to = end === undefined ? emptyBytes : keyBytes(end);
  return {
    start: compareBytes(from, whole.start) > 0 ? from : whole.start,
    end: whole.end.length === 0 || (to.length > 0 && compareBytes(to, whole.end) < 0) ? to : whole.end,
  };
}

/** @returns whether no key can be in it. */
export function isEmptyRange({ start, end }: KeyRange): boolean {
  return end.length > 0 && compareBytes(start, end) >= 0;
}

/** The smallest bytes above `key` that may be a key; undefined when there are none. */
export function successorOf(key: Uint8Array): Uint8Array | undefined {
  if (key.length < limits.keyBytesMax) {
    const next = new Uint8Array(key.length + 1);
    next.set(key);
    return next;
  }
  let count = key.length;
  while (count > 0 && key[count - 1] === 0xff) count--;
  if (count === 0) return undefined;
  const next = key.slice(0, count);
  next[count - 1] = (next[count - 1] as number) + 1;
  return next;
}

/** The encoded first element that all keys of a tuple prefix share: such a range is in one partition of a hash table. */
export function partitionKeyOfPrefix(prefix: Key | undefined): Uint8Array | undefined {
  if (prefix === undefined || typeof prefix === 'string' || prefix.length === 0) return undefined;
  return partitionKeyBytes(encodePrefix(prefix).start);
}
