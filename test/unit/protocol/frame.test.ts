import { expect } from 'chai';
import { crc32 as nativeCrc32 } from 'node:zlib';
import { AssertionError } from '../../../runtime/std/assert.js';
import { DecodeError } from '../../../runtime/std/byte-reader.js';
import { toHex } from '../../../runtime/std/bytes.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import {
  decodeFrame,
  type FrameStamp,
  FrameWriter,
  frameOverheadBytesMax,
  noGrant,
  readMessages,
  stampFrame,
} from '../../../messaging/protocol/frame.js';
import { textCodec } from '../../support/text-codec.js';

const stamp: FrameStamp = {
  kind: 'messages',
  clusterId: Uint8Array.from({ length: 16 }, (_, i) => i),
  instance: 0x010203040506,
  epoch: 7,
  hostEpoch: 8,
  sequence: 9,
  position: 2 ** 40,
  grant: { instance: 11, epoch: 12, limit: 13, settled: 14 },
  answer: true,
};

function frameOf(messages: readonly unknown[], change: Partial<FrameStamp> = {}): Uint8Array {
  const writer = new FrameWriter({ host: 'h1', worker: 2 }, { host: 'h2', worker: 255 });
  for (const message of messages) writer.add('to', 'from', textCodec.encode(message as { readonly kind: string }));
  const bytes = writer.finish();
  stampFrame(bytes, { ...stamp, ...change }, crc32);
  return bytes;
}

describe('frame', () => {
  it('has the bytes that its header says, little endian', () => {
    const bytes = frameOf([{ kind: 'x' }]);
    expect(toHex(bytes)).to.equal(
      [
        '54525046', // TRPF
        '01000002', // version 1.0, messages, answer wanted
        '000102030405060708090a0b0c0d0e0f',
        '0605040302010000', // instance
        '0800000000000000', // host epoch
        '0900000000000000', // sequence
        '0000000000010000', // position
        '0b00000000000000', // granted instance
        '0d00000000000000', // limit
        '0e00000000000000', // settled
        '07000000', // epoch
        '0c000000', // granted epoch
        '01000000', // messages
        '02ff0000', // workers
        '026831', // from
        '026832', // to
        '02746f', // to actor
        '0466726f6d', // from actor
        '0c0000007b226b696e64223a2278227d', // length and {"kind":"x"}
        toHex(bytes.subarray(-4)),
      ].join(''),
    );
  });

  it('F1: the native checksum and the table give the same frame', () => {
    const bytes = frameOf([{ kind: 'x' }, { kind: 'y' }]);
    expect(decodeFrame(bytes, nativeCrc32)).to.deep.equal(decodeFrame(bytes, crc32));
    const again = bytes.slice();
    stampFrame(again, stamp, nativeCrc32);
    expect(again).to.deep.equal(bytes);
  });

  it('F1: every single flipped bit is refused', () => {
    const bytes = frameOf([{ kind: 'x' }]);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        expect(() => decodeFrame(changed, crc32), `byte ${at} bit ${bit}`).to.throw(DecodeError);
      }
    }
  });

  it('F2: every prefix is refused', () => {
    const bytes = frameOf([{ kind: 'x' }]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeFrame(bytes.subarray(0, length), crc32), `${length} bytes`).to.throw(DecodeError);
  });

  it('F2: a count that the bytes cannot hold is refused before anything is read', () => {
    const bytes = frameOf([{ kind: 'x' }]);
    for (const count of [2 ** 32 - 1, 65_537, 1000]) {
      const view = new DataView(bytes.buffer);
      view.setUint32(88, count, true);
      view.setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
      expect(() => decodeFrame(bytes, crc32), String(count)).to.throw(DecodeError);
    }
  });

  it('F3: a message that the codec does not know is skipped, and its neighbours are delivered', () => {
    const writer = new FrameWriter({ host: 'h1', worker: 0 }, { host: 'h2', worker: 0 });
    writer.add('a', 'b', textCodec.encode({ kind: 'first' }));
    writer.add('a', 'b', new Uint8Array([0xff, 0xfe]));
    writer.add('a', 'b', textCodec.encode({ kind: 'last' }));
    const bytes = writer.finish();
    stampFrame(bytes, stamp, crc32);
    const { messages, skipped } = readMessages(decodeFrame(bytes, crc32), textCodec);
    expect(messages.map(({ message }) => message.kind)).to.deep.equal(['first', 'last']);
    expect(skipped).to.equal(1);
  });

  it('an assertion inside a codec is not taken for a bad message', () => {
    const codec = {
      ...textCodec,
      decode: () => {
        throw new AssertionError('a bug');
      },
    };
    expect(() => readMessages(decodeFrame(frameOf([{ kind: 'x' }]), crc32), codec)).to.throw(AssertionError);
  });

  it('without a cluster id says so, and carries none', () => {
    const bytes = frameOf([], { clusterId: undefined, grant: noGrant, answer: false });
    expect(decodeFrame(bytes, crc32).clusterId).to.equal(undefined);
    expect(bytes.subarray(8, 24).every((byte) => byte === 0)).to.equal(true);
  });

  it('may be stamped again, and nothing of the first stamp remains', () => {
    const bytes = frameOf([{ kind: 'x' }]);
    const change = { clusterId: undefined, instance: 1, sequence: 0, position: 0, answer: false };
    stampFrame(bytes, { ...stamp, ...change }, crc32);
    expect(bytes).to.deep.equal(frameOf([{ kind: 'x' }], change));
  });

  it('has no more beside its messages than it claims', () => {
    const long = 'h'.repeat(64);
    const bytes = new FrameWriter({ host: `@${long}`, worker: 0 }, { host: long, worker: 0 }).finish();
    expect(bytes.length).to.be.at.most(frameOverheadBytesMax);
  });
});
