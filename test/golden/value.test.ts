// Golden: the bytes of values and of snapshot chunks, for ever
// =============================================================================
//
// Journals, snapshots and other versions' clients hold these bytes. Never edit them; add those of a new format beside them.

import { expect } from 'chai';
import { MemoryEngine } from '../../actors/partition/engine/memory-engine.js';
import { decodeValue, encodeValue } from '../../messaging/protocol/value.js';
import { fromHex, toHex } from '../../runtime/std/bytes.js';

describe('golden: value', () => {
  it('value-codec V1 V4: encoded values', () => {
    const golden: readonly [unknown, string][] = [
      [null, 'f6'],
      [[true, false], '82f5f4'],
      [0, '00'],
      [-1, '20'],
      [1000, '1903e8'],
      [2 ** 32, 'fb41f0000000000000'],
      [-0, 'fb8000000000000000'],
      [0.5, 'fb3fe0000000000000'],
      [5n, '1b0000000000000005'],
      [-5n, '3b0000000000000004'],
      [2n ** 64n, 'c249010000000000000000'],
      [-(2n ** 64n) - 1n, 'c349010000000000000000'],
      ['é', '62c3a9'],
      [new Date(1_700_000_000_000), 'c11a6553f100'],
      [new Date(1_700_000_000_123), 'c1fb41d954fc4007df3b'],
      [Uint8Array.of(1, 2), '420102'],
      [{ name: 'Ada', age: 36, tags: [] }, 'a3646e616d6563416461636167651824647461677380'],
      [JSON.parse('{"__proto__":{"constructor":1}}'), 'a1695f5f70726f746f5f5fa16b636f6e7374727563746f7201'],
    ];
    for (const [value, hex] of golden) {
      expect(toHex(encodeValue(value))).to.equal(hex);
      expect(toHex(encodeValue(decodeValue(fromHex(hex))))).to.equal(hex);
      if (!hex.includes('5f70726f')) expect(decodeValue(fromHex(hex))).to.deep.equal(value);
    }
  });

  it('a snapshot chunk of format 1, and the state hash of what it holds', () => {
    const chunk = fromHex(
      '0100030261000280d095ffbc31f4d395ffbc310004a1616e02010180d095ffbc3180d095ffbc310004a1616e01000c02' +
        '620021bff000000000000080808080802001020300020294d671a7f8f94463',
    );
    const engine = new MemoryEngine({ versionsKept: 2 });
    engine.loadChunk(chunk); // its end holds the hash, which is checked
    expect(engine.itemCount).to.equal(2);
    expect(engine.get(fromHex('026100'))).to.deep.equal({
      value: encodeValue({ n: 2 }),
      version: 2,
      createdAtMs: 1_700_000_000_000,
      updatedAtMs: 1_700_000_000_500,
      expiresAtMs: 0,
    });
    expect(engine.history(fromHex('026100')).map((older) => older.version)).to.deep.equal([1]);
    const reader = engine.beginSnapshot();
    expect(toHex(reader.next(1000) as Uint8Array)).to.equal(toHex(chunk));
    reader.release();
  });
});
