// Keys to bytes and back, and the part that decides the partition
// =============================================================================

import assert from 'node:assert/strict';
import { decodeKey, encodeKey, type Key, partitionKeyBytes } from '../../../../messaging/protocol/key.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { textKey } from '../samples.js';

const count = 256;

const forms: readonly { readonly what: string; readonly keyOf: (index: number) => Key }[] = [
  { what: 'a short string', keyOf: textKey },
  { what: 'a tuple', keyOf: (index) => [textKey(index), index] },
];

export const keyBenches: readonly MicroBench[] = forms.flatMap(({ what, keyOf }) => [
  cpuBench(`key encode ${what}`, count, () => {
    const keys = Array.from({ length: count }, (_, i) => keyOf(i * 7919));
    return {
      check: () =>
        assert.deepEqual(
          keys.map((key) => decodeKey(encodeKey(key))),
          keys,
        ),
      run: () => {
        let sum = 0;
        for (const key of keys) sum += encodeKey(key).length;
        return sum;
      },
    };
  }),
  cpuBench(`key decode ${what}`, count, () => {
    const keys = Array.from({ length: count }, (_, i) => keyOf(i * 7919));
    const encoded = keys.map((key) => encodeKey(key));
    return {
      check: () =>
        assert.deepEqual(
          encoded.map((bytes) => decodeKey(bytes)),
          keys,
        ),
      run: () => {
        let sum = 0;
        for (const bytes of encoded) sum += decodeKey(bytes).length;
        return sum;
      },
    };
  }),
  cpuBench(`key partition part of ${what}`, count, () => {
    const encoded = Array.from({ length: count }, (_, i) => encodeKey(keyOf(i * 7919)));
    return {
      check: () => {
        const whole = encodeKey(textKey(7919));
        assert.deepEqual(partitionKeyBytes(encoded[1] as Uint8Array), whole);
      },
      run: () => {
        let sum = 0;
        for (const bytes of encoded) sum += partitionKeyBytes(bytes).length;
        return sum;
      },
    };
  }),
]);
