// Frames: what one worker sends to another at one flush
// =============================================================================
//
// Write: adds messages that are encoded already, and stamps the frame with zlib's checksum. Read: checks the frame and decodes its messages. Each
// message is a put of one item; an operation is one message.

import assert from 'node:assert/strict';
import { protocolCodec } from '../../../../messaging/protocol/codec.js';
import {
  decodeFrame,
  type FrameStamp,
  FrameWriter,
  readMessages,
  stampFrame,
} from '../../../../messaging/protocol/frame.js';
import { nativeCrc32 } from '../../../../runtime/storage/native-crc.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, clientAddress, counted, replicaAddress, writeRequest } from '../samples.js';

const stamp: FrameStamp = {
  kind: 'messages',
  clusterId: new Uint8Array(16).fill(9),
  instance: 81_985_529_216_486,
  epoch: 1,
  hostEpoch: 0,
  sequence: 123_456,
  position: 40_000_000,
  grant: { instance: 71_985_529_216_486, epoch: 2, limit: 41_000_000, settled: 39_000_000 },
  answer: false,
};
const framesEach = 16;

function writeFrame(writer: FrameWriter, encoded: Uint8Array, count: number): Uint8Array {
  for (let i = 0; i < count; i++) writer.add(replicaAddress.actor, clientAddress.actor, encoded);
  const bytes = writer.finish();
  stampFrame(bytes, stamp, nativeCrc32);
  return bytes;
}

function read(bytes: Uint8Array): ReturnType<typeof readMessages> {
  return readMessages(decodeFrame(bytes, nativeCrc32), protocolCodec);
}

export const frameBenches: readonly MicroBench[] = batchSizes.flatMap((count) => [
  cpuBench(`frame write, ${counted(count, 'message')}`, count * framesEach, () => {
    const writer = new FrameWriter(clientAddress, replicaAddress);
    const message = writeRequest(1);
    const encoded = protocolCodec.encode(message);
    return {
      check: () => {
        const frame = decodeFrame(writeFrame(writer, encoded, count), nativeCrc32);
        assert.equal(frame.sequence, stamp.sequence);
        assert.deepEqual(frame.grant, stamp.grant);
        const { messages } = readMessages(frame, protocolCodec);
        assert.equal(messages.length, count);
        assert.deepEqual(messages.at(-1)?.message, message);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < framesEach; i++) {
          const bytes = writeFrame(writer, encoded, count);
          sum += bytes[bytes.length - 1] as number;
        }
        return sum;
      },
    };
  }),
  cpuBench(`frame read, ${counted(count, 'message')}`, count * framesEach, () => {
    const message = writeRequest(1);
    const bytes = writeFrame(new FrameWriter(clientAddress, replicaAddress), protocolCodec.encode(message), count);
    return {
      check: () => {
        const { messages, skipped } = read(bytes);
        assert.equal(skipped, 0);
        assert.equal(messages.length, count);
        assert.deepEqual(messages[0], {
          toActor: replicaAddress.actor,
          fromActor: clientAddress.actor,
          message,
        });
        const damaged = bytes.slice();
        damaged[200] = (damaged[200] as number) ^ 1;
        assert.throws(() => read(damaged), /checksum/);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < framesEach; i++) for (const { toActor } of read(bytes).messages) sum += toActor.length;
        return sum;
      },
    };
  }),
]);
