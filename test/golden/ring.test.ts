// Golden: where the ring puts things, for ever
// =============================================================================
//
// If one of these changes, every table's keys move and every deployed cluster loses its data's way. Never edit the numbers.

import { expect } from 'chai';
import { HashRing, partitionOf, partitionRing, xxHash32 } from '../../messaging/hashing/index.js';
import { encodeKey, partitionKeyBytes } from '../../messaging/protocol/key.js';

const utf8 = new TextEncoder();

describe('golden: ring', () => {
  it('xxHash32 gives the published vectors', () => {
    // doc/xxhash_spec.md and the vectors of the reference implementation's sanity tests
    const vectors: [string, number, number][] = [
      ['', 0, 0x02cc5d05],
      ['', 0x9e3779b1, 0x36b78ae7],
      ['a', 0, 0x550d7456],
      ['as', 0, 0x9d5a0464],
      ['asd', 0, 0x3d83552b],
      ['asdf', 0, 0x5e702c32],
      ['abc', 0, 0x32d153ff],
      ['Nobody inspects the spammish repetition', 0, 0xe2293b2f],
      ['Call me Ishmael. Some years ago--never mind how long precisely-', 0, 0x6f320359],
    ];
    for (const [text, seed, hash] of vectors) expect(xxHash32(utf8.encode(text), seed), text).to.equal(hash);
  });

  it('hash-ring H1: three hosts and fixed hashes', () => {
    const ring = new HashRing(['h1', 'h2', 'h3']);
    const placed = [0, 1, 0x1000_0000, 0x4000_0000, 0x8000_0000, 0xc000_0000, 0xffff_ffff].map((hash) =>
      ring.replicasFor(hash, 3).join(' '),
    );
    expect(placed).to.deep.equal(['h2 h3 h1', 'h2 h3 h1', 'h1 h3 h2', 'h3 h2 h1', 'h3 h1 h2', 'h1 h2 h3', 'h2 h3 h1']);
  });

  it('partitions of some keys in tables of 4, 16 and 64', () => {
    const keys = [
      'a',
      'name',
      'user:1',
      'user:2',
      'ключ',
      ['c1', 'order', 7],
      [42, 'x'],
      [true],
      [Uint8Array.of(0, 1)],
    ];
    const rings = [4, 16, 64].map(partitionRing);
    const placed = keys.map((key) => rings.map((ring) => partitionOf(partitionKeyBytes(encodeKey(key)), ring)));
    expect(placed).to.deep.equal([
      [0, 5, 62],
      [0, 13, 61],
      [2, 13, 59],
      [2, 2, 21],
      [3, 8, 8],
      [2, 10, 10],
      [1, 15, 40],
      [1, 8, 48],
      [0, 6, 62],
    ]);
  });
});
