// What comes over NATS and between workers
// =============================================================================

import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import type { Message } from '../../../runtime/contract/actor.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';
import { FrameWriter as WorkerFrameWriter, readFrame } from '../../../runtime/threads/link-frame.js';
import { cutFrame, decodeChunk } from '../../../messaging/protocol/chunk.js';
import { protocolCodec } from '../../../messaging/protocol/codec.js';
import { decodeControl, encodeControl } from '../../../messaging/protocol/control.js';
import {
  decodeFrame,
  type FrameStamp,
  FrameWriter,
  readMessages,
  stampFrame,
} from '../../../messaging/protocol/frame.js';
import { limits } from '../../../messaging/protocol/limits.js';
import { senderOf } from '../../../messaging/protocol/subject.js';
import { handWrittenMessages, hostMessages } from '../../property/protocol-arbitraries.js';
import { decodeReference } from '../reference-cbor.js';
import { accepted, checkRoundTrip, checkSize, rule, same, type Target } from '../target.js';

const clientMessages = (count: number): readonly Message[] =>
  fc.sample(handWrittenMessages, { seed: 1, numRuns: count });
const controlMessages = (count: number): readonly Message[] => fc.sample(hostMessages, { seed: 2, numRuns: count });

const stamp: FrameStamp = {
  kind: 'messages',
  clusterId: new Uint8Array(16).fill(7),
  instance: 12345,
  epoch: 3,
  hostEpoch: 17,
  sequence: 42,
  position: 9000,
  grant: { instance: 99, epoch: 2, limit: 1_000_000, settled: 8000 },
  answer: true,
};

function frames(): Uint8Array[] {
  return [clientMessages(3), controlMessages(2), []].map((messages, i) => {
    const writer = new FrameWriter({ host: 'h1', worker: 0 }, { host: 'h2', worker: i });
    for (const message of messages) writer.add('partition-1', 'manager', protocolCodec.encode(message));
    const frame = writer.finish();
    stampFrame(frame, { ...stamp, kind: (['messages', 'datagram', 'control'] as const)[i] ?? 'messages' }, nativeCrc32);
    return frame;
  });
}

/** The last four bytes are the checksum of the others. */
function withTrailer(input: Uint8Array): Uint8Array {
  if (input.length < 4) return input;
  const bytes = input.slice();
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
  return bytes;
}

function checkTrailer(input: Uint8Array): void {
  rule(
    Buffer.from(input).readUInt32LE(input.length - 4) === crc32(input.subarray(0, -4)),
    'Z5: a wrong checksum was accepted',
  );
}

export const frameTarget: Target = {
  name: 'frame',
  samples: frames,
  repair: withTrailer,
  run(input) {
    const found = accepted(() => decodeFrame(input, nativeCrc32));
    if (found === undefined) return false;
    const frame = found.value;
    checkTrailer(input); // Z5
    rule(frame.body.length <= input.length, 'Z3: a body longer than its frame');
    const read = accepted(() => readMessages(frame, protocolCodec));
    if (read === undefined) return true;
    rule(
      read.value.messages.length + read.value.skipped === frame.messageCount,
      'F3: each message is delivered or counted',
    );
    checkSize(read.value.messages, input.length, 3);
    return true;
  },
};

export const chunkTarget: Target = {
  name: 'chunk',
  samples: () =>
    cutFrame(
      Uint8Array.from({ length: 300 }, (_, i) => i & 0xff),
      140,
      77,
      5,
      nativeCrc32,
    ),
  repair: withTrailer,
  run(input) {
    const found = accepted(() => decodeChunk(input, nativeCrc32));
    if (found === undefined) return false;
    const { index, count, frameBytes, piece } = found.value;
    checkTrailer(input); // Z5
    rule(index < count && piece.length <= frameBytes && frameBytes <= limits.frameBytesMax, 'H2: the lengths agree');
    return true;
  },
};

function runMessage(input: Uint8Array): boolean {
  const found = accepted(() => protocolCodec.decode(input));
  if (found === undefined) return false;
  checkSize(found.value, input.length, 8);
  checkRoundTrip(
    found.value,
    (message) => protocolCodec.encode(message),
    (bytes) => protocolCodec.decode(bytes),
  );
  return true;
}

export const clientMessageTarget: Target = {
  name: 'message',
  samples: () => clientMessages(60).map((message) => protocolCodec.encode(message)),
  run: runMessage,
};

export const hostMessageTarget: Target = {
  name: 'host-message',
  samples: () => controlMessages(30).map((message) => protocolCodec.encode(message)),
  words: ['kind', 'host', 'partition', 'revision', '__proto__', 'constructor', 'toString'],
  run: runMessage,
};

/** CBOR as control messages have it, against the second decoder. */
export const controlTarget: Target = {
  name: 'control',
  samples: () => controlMessages(12).map((message) => encodeControl(message)),
  words: ['__proto__', 'constructor'],
  run(input) {
    const found = accepted(() => decodeControl(input));
    if (found === undefined) return false;
    checkSize(found.value, input.length);
    const reference = accepted(
      () => decodeReference(input, { depthMax: 16, isValue: false }),
      (error) => error instanceof Error,
    );
    if (reference !== undefined) rule(same(found.value, reference.value), 'Z2: the two decoders disagree');
    return true;
  },
};

/** Between the workers of a host. */
export const workerFrameTarget: Target = {
  name: 'worker-frame',
  samples() {
    const writer = new WorkerFrameWriter(protocolCodec);
    for (const message of clientMessages(4)) writer.add('partition-1', 'manager', message);
    return [new Uint8Array(writer.finish(true)), new Uint8Array(writer.finish(false))];
  },
  run(input) {
    let count = 0;
    const buffer = input.slice().buffer;
    const consumer = { lost: () => undefined, message: () => count++ };
    const found = accepted(() => readFrame(buffer, protocolCodec, consumer));
    rule(count * 4 <= input.length, 'Z3: more messages than bytes');
    return found !== undefined;
  },
};

export const subjectTarget: Target = {
  name: 'subject',
  samples: () =>
    [
      'troupe.mesh.h1.0.h2.1',
      'troupe.mesh.client.to.h1.0.c1',
      'troupe.mesh.client.any.c1',
      'troupe.mesh.client.at.c1.h2',
    ].map((subject) => Buffer.from(subject)),
  words: ['troupe', '.', 'client', 'any', 'to', 'at', '*', '>', '@', 'main'],
  run(input) {
    const sender = senderOf(Buffer.from(input).toString());
    if (sender === undefined) return false;
    rule(/^@?[A-Za-z0-9_-]+$/.test(sender.host), 'a sender has a name');
    return true;
  },
};

/** How a byte writer is filled by hand, for targets that have no encoder of their own. */
export function bytesOf(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64);
  write(writer);
  return writer.finish();
}
