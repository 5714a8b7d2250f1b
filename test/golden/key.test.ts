// Golden: the bytes of keys, for ever
// =============================================================================
//
// Journals, snapshots and other versions' clients hold these bytes. Never edit them.

import { expect } from 'chai';
import { decodeKey, encodeKey, encodePrefix, type Key } from '../../messaging/protocol/key.js';
import { fromHex, toHex } from '../../runtime/std/bytes.js';

const golden: readonly [Key, string][] = [
  ['a', '026100'],
  ['user:1', '02757365723a3100'],
  ['a\0b', '026100ff6200'],
  ['é😀', '02c3a9f09f988000'],
  [['c1', 'order', 7], '02633100026f726465720021c01c000000000000'],
  [['c1', ''], '026331000200'],
  [[0], '218000000000000000'],
  [[1], '21bff0000000000000'],
  [[-1], '21400fffffffffffff'],
  [[1.5, false], '21bff800000000000026'],
  [[true], '27'],
  [[Uint8Array.of(0, 1, 255)], '0100ff01ff00'],
];

describe('golden: key', () => {
  it('key K1 K2: encoded keys', () => {
    for (const [key, hex] of golden) {
      expect(toHex(encodeKey(key))).to.equal(hex);
      expect(decodeKey(fromHex(hex))).to.deep.equal(key);
    }
  });

  it('key K4: encoded prefixes', () => {
    const range = (prefix: Key): string => {
      const { start, end } = encodePrefix(prefix);
      return `${toHex(start)}-${toHex(end)}`;
    };
    expect(range('user:')).to.equal('02757365723a-02757365723b');
    expect(range('a\0')).to.equal('026100ff-026101');
    expect(range('')).to.equal('02-03');
    expect(range(['c1'])).to.equal('02633100-02633100ff');
    expect(range([])).to.equal('-');
  });
});
