// Keys and values, as servers and clients read them back
// =============================================================================

import { decodeKey, encodeKey, formatKey, type Key, partitionKeyBytes } from '../../../messaging/protocol/key.js';
import { decodeValue, encodeValue } from '../../../messaging/protocol/value-codec.js';
import { incrementValue, isNumberValue } from '../../../messaging/protocol/value-number.js';
import { fromPrintable, toPrintable } from '../../../messaging/protocol/value-printable.js';
import { decodeReference } from '../reference-cbor.js';
import { accepted, checkSize, rule, same, type Target } from '../target.js';

const keys: readonly Key[] = [
  'name',
  'žluťoučký\0kůň',
  ['c1', 42, true],
  ['c1', -1.5, false, new Uint8Array([0, 255, 0])],
  [0, 1e300, -1e-300],
  [new Uint8Array([1, 2, 3])],
];

export const keyTarget: Target = {
  name: 'key',
  samples: () => keys.map((key) => encodeKey(key)),
  run(input) {
    const found = accepted(() => decodeKey(input));
    accepted(() => partitionKeyBytes(input));
    if (found === undefined) return false;
    rule(Buffer.compare(encodeKey(found.value), input) === 0, 'K2: a key has one encoding');
    rule(
      Buffer.compare(input.subarray(0, partitionKeyBytes(input).length), partitionKeyBytes(input)) === 0,
      'K1: the first element',
    );
    rule(!/[\n\r\0]/.test(formatKey(found.value)), 'a key prints on one line');
    return true;
  },
};

const values: readonly unknown[] = [
  null,
  true,
  -0,
  1e21,
  2 ** 53 - 1,
  12345678901234567890n,
  -(2n ** 200n),
  'text',
  new Date(1_700_000_000_123),
  new Uint8Array([1, 2, 3]),
  [1, [2, [3, []]]],
  { a: 1, b: { c: ['x', null, { d: 0.5 }] }, constructor: 'own' },
  JSON.parse('{"__proto__":{"x":1},"toString":2}'),
  Array.from({ length: 30 }, (_, i) => i),
];

export const valueTarget: Target = {
  name: 'value',
  samples: () => values.map((value) => encodeValue(value)),
  words: ['__proto__', 'constructor', 'toString', 'hasOwnProperty'],
  run(input) {
    const found = accepted(() => decodeValue(input));
    isNumberValue(input);
    const reference = accepted(
      () => decodeReference(input, { depthMax: 32, isValue: true }),
      (error) => error instanceof Error,
    );
    if (found === undefined) return false;
    rule(reference !== undefined, 'V5: the second decoder refuses it');
    rule(same(found.value, reference.value), 'V5: the two decoders disagree');
    checkSize(found.value, input.length);
    // What only a foreign encoder writes (NaN, an infinity, a big number too long) is given as it is, and never taken (V2).
    const encoded = accepted(
      () => encodeValue(found.value),
      (error) => error instanceof TypeError,
    );
    if (encoded !== undefined)
      rule(same(decodeValue(encoded.value), found.value), 'V1: encoded and decoded, it is another');
    if (encoded !== undefined)
      rule(same(fromPrintable(toPrintable(found.value)), found.value), 'printed and read back, it is another');
    return true;
  },
};

/** A stored value and what is to be added to it, the first half of the input and the second. */
export const incrementTarget: Target = {
  name: 'increment',
  samples: () => [1, -1, 2 ** 53, 10n].map((value) => Buffer.concat([encodeValue(value), encodeValue(value)])),
  run(input) {
    const half = input.length >> 1;
    const [current, delta] = [input.slice(0, half), input.slice(half)];
    const sum = incrementValue(current, delta);
    if (sum === undefined) return false;
    const [a, b, c] = [decodeValue(current), decodeValue(delta), decodeValue(sum)];
    rule(typeof a === typeof b && typeof b === typeof c, 'N1: a sum is of the kind of its parts');
    const added = typeof a === 'bigint' ? a + (b as bigint) : (a as number) + (b as number);
    rule(Object.is(added, c), 'N1: the sum is what JavaScript adds');
    return true;
  },
};
