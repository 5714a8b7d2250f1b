// etcd's messages: bytes as protobuf has them

import { expect } from 'chai';
import { decodeLeads, decodeValues, encodeGet, encodePut, encodeScan } from '../../bench/peers/etcd-messages.js';
import { bytesField, fieldsOf, uintField } from '../../bench/peers/protobuf.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

function message(number: number, ...inner: Buffer[]): Buffer {
  return bytesField(number, Buffer.concat(inner).toString('latin1')); // below 0x80 only
}

describe('bench: peers: etcd messages', () => {
  it('a put is key 1 and value 2, a get is key 1', () => {
    expect(hex(encodePut('ab', 'xyz'))).to.equal('0a026162120378797a');
    expect(hex(encodeGet('ab'))).to.equal('0a026162');
  });

  it('a length above 127 takes two bytes', () => {
    const bytes = encodePut('k', 'v'.repeat(300));
    expect(hex(bytes.subarray(0, 6))).to.equal('0a016b12ac02');
    expect(bytes.length).to.equal(306);
  });

  it('a scan goes to the end of all keys and has a limit', () => {
    expect(hex(encodeScan('a', 100))).to.equal('0a01611201001864');
  });

  it('the values of a range come in its order, whatever else is said', () => {
    const header = message(1, uintField(1, 7), uintField(2, 8));
    const first = message(2, bytesField(1, 'a'), uintField(2, 3), uintField(3, 4), bytesField(5, 'one'));
    const second = message(2, bytesField(1, 'b'), bytesField(5, 'two'), uintField(6, 1));
    const response = Buffer.concat([header, first, second, uintField(3, 1), uintField(4, 2)]);
    expect(decodeValues(response)).to.deep.equal(['one', 'two']);
    expect(decodeValues(header)).to.deep.equal([]);
    expect(decodeValues(message(2, bytesField(1, 'a')))).to.deep.equal(['']);
  });

  it('numbers of 64 bits are kept exactly: who leads is who has that very id', () => {
    const id = Buffer.from('f4cbb8f0aabdfbd791', 'hex'); // 64 bits set apart from a neighbour by one
    const neighbour = Buffer.from('f5cbb8f0aabdfbd791', 'hex');
    const varint = (number: number, bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from([number << 3]), bytes, Buffer.from([0x01])]);
    const header = (bytes: Buffer): Buffer => {
      const inner = varint(2, bytes);
      return Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
    };
    expect(decodeLeads(Buffer.concat([header(id), varint(4, id)]))).to.equal(true);
    expect(decodeLeads(Buffer.concat([header(id), varint(4, neighbour)]))).to.equal(false);
    expect(decodeLeads(header(id)), 'nobody leads').to.equal(undefined);
  });

  it('refuses what is cut off or not known', () => {
    const whole = Buffer.concat([bytesField(1, 'abcdef'), uintField(3, 1_000_000)]);
    for (let end = 1; end < whole.length; end++) {
      if (end === bytesField(1, 'abcdef').length) continue; // whole by itself
      expect(() => [...fieldsOf(whole.subarray(0, end))], `${end} bytes`).to.throw(RangeError);
    }
    expect(() => [...fieldsOf(Buffer.from([0x0b, 0x00]))]).to.throw('type 3');
    expect(() => [...fieldsOf(Buffer.alloc(12, 0xff))]).to.throw('more than ten bytes');
  });

  it('passes over fixed 32 and 64 bit fields', () => {
    const fixed = Buffer.concat([Buffer.from([0x09]), Buffer.alloc(8), Buffer.from([0x15]), Buffer.alloc(4)]);
    const fields = [...fieldsOf(Buffer.concat([fixed, uintField(3, 5)]))];
    expect(fields.map(({ number, text }) => [number, text])).to.deep.equal([[3, '5']]);
  });
});
