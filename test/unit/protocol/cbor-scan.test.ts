import { expect } from 'chai';
import { fromHex } from '../../../runtime/std/bytes.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { scanCbor } from '../../../messaging/protocol/cbor-scan.js';
import { decodeControl, encodeControl } from '../../../messaging/protocol/control.js';

const scan = (hex: string, tags: readonly number[] = []): void => scanCbor(fromHex(hex), { depthMax: 4, tags });

describe('cbor-scan', () => {
  for (const [what, hex] of [
    ['a number', '18ff'],
    ['a string', '6161'],
    ['an empty map', 'a0'],
    ['four levels', '8181818100'.slice(0, 10)],
    ['a map of lists', 'a1616182f5f6'],
  ] as const)
    it(`takes ${what}`, () => scan(hex));

  for (const [rule, what, hex] of [
    ['C1', 'nothing', ''],
    ['C1', 'two items', '0000'],
    ['C1', 'eighteen levels', `${'81'.repeat(18)}00`],
    ['C1', 'an indefinite list', '9fff'],
    ['C1', 'an indefinite string', '7f6161ff'],
    ['C1', 'a reserved length', '1c'],
    ['C1', 'a break', 'ff'],
    ['C2', 'a date', 'c11a00000000'],
    ['C2', 'a record of the decoder’s own', 'd9e00000'],
    ['C2', 'a regular expression', 'd81b8100'],
    ['C2', 'a shared reference', 'd81d00'],
    ['C3', 'a string longer than its bytes', '62'],
    ['C3', 'a string of 2^63 bytes', '7b7fffffffffffffff61'],
    ['C3', 'a list of 2^32 elements', '9affffffff00'],
    ['C3', 'a map of 2^31 entries', 'ba7fffffff00'],
  ] as const)
    it(`${rule}: refuses ${what}`, () => {
      expect(() => scan(hex)).to.throw(DecodeError);
      expect(() => decodeControl(fromHex(hex))).to.throw(DecodeError);
    });

  it('C2: takes a big number of 1 KiB where they are allowed, and no longer one', () => {
    scanCbor(new Uint8Array([0xc2, 0x59, 0x04, 0x00, ...new Uint8Array(1024)]), { depthMax: 4, tags: [2] });
    const long = new Uint8Array([0xc2, 0x59, 0x08, 0x00, ...new Uint8Array(2048)]);
    expect(() => scanCbor(long, { depthMax: 4, tags: [2] })).to.throw(DecodeError);
    expect(() => scan('c26161', [2])).to.throw(DecodeError);
  });

  it('control messages are copies: the encoder’s buffer is not theirs', () => {
    const first = encodeControl({ a: 'x'.repeat(100) });
    const copy = first.slice();
    encodeControl({ b: 'y'.repeat(5000) });
    expect(first).to.deep.equal(copy);
    expect(first.buffer.byteLength).to.equal(first.length);
  });
});
