// Keys and values as they go over the wire, within the limits
// =============================================================================

import { encodeKey, isKeyTooLarge, type Key } from '../protocol/key.js';
import { limits } from '../protocol/limits.js';
import { encodeValue } from '../protocol/value.js';
import { TroupeError } from './errors.js';

/** @throws TypeError for what is no key, TroupeError TOO_LARGE */
export function keyBytes(key: Key): Uint8Array {
  const bytes = encodeKey(key);
  if (isKeyTooLarge(bytes))
    throw new TroupeError(
      'TOO_LARGE',
      `the key takes ${bytes.length} bytes; at most ${limits.keyBytesMax} are allowed`,
    );
  return bytes;
}

/** @throws TypeError naming the path of what cannot be stored, TroupeError TOO_LARGE */
export function valueBytes(value: unknown): Uint8Array {
  if (value === undefined) throw new TypeError('a value cannot be undefined; delete removes an item');
  const bytes = encodeValue(value);
  if (bytes.length > limits.valueBytesMax)
    throw new TroupeError(
      'TOO_LARGE',
      `the value takes ${bytes.length} bytes; at most ${limits.valueBytesMax} are allowed`,
    );
  return bytes;
}
