// Frames: what one worker sends to another at one flush
// =============================================================================
//
// A frame is a batch of messages from one worker (or client) to one worker (or client), with what the link between them needs (T1, T3, T5).
// Little endian:
//
//     0  u32  magic "TRPF"             32  u64  host epoch of the sender         80  u32  link epoch
//     4  u8   major version            40  u64  sequence number                  84  u32  granted link epoch
//     5  u8   minor version            48  u64  position: bytes sent before      88  u32  message count
//     6  u8   kind                     56  u64  granted instance                 92  u8   sender's worker
//     7  u8   flags                    64  u64  granted limit                    93  u8   receiver's worker
//     8  16   cluster id               72  u64  settled position                 94  u16  zero
//    24  u64  instance of the sender                                             96  …    sender's host, receiver's host
//
//   then each message: to actor, from actor (length-prefixed), u32 length, code and body; at the end u32 CRC-32 of all before it.
//
// The fixed part comes first so that a batch can be written while its link's fields are not known yet: `stampFrame` fills them in.
//
// Ownership: `decodeFrame` gives views on `bytes`; whoever hands out messages beyond the life of `bytes` copies the frame first, once.
//
// Invariants
//   F1. A frame with any byte changed is refused: the checksum covers everything but itself, and nothing is read before it was checked.
//   F2. Any bytes at all give a frame or a DecodeError, in time and memory proportional to their length.
//   F3. A message that this version does not know is skipped and counted; its neighbours in the frame are delivered.

import type { Message } from '../../runtime/contract/actor.js';
import type { MessageCodec } from '../../runtime/contract/transport.js';
import { assert } from '../../runtime/std/assert.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import type { Crc32 } from '../../runtime/std/crc32.js';
import { limits } from './limits.js';
import type { Place } from './subject.js';

/** Raised when a peer of another major version cannot be understood any more. */
export const frameMajor = 1;
export const frameMinor = 0;

export const clusterIdBytes = 16;
/** Header with both host names at their longest, and the checksum: what a frame has beside its messages. */
export const frameOverheadBytesMax: number = 96 + 2 * 66 + 4;

const magic = 0x46505254; // "TRPF"
const headerBytes = 96;
const messageCountMax = 65_536;
const actorBytesMax = 128;
const anyClusterFlag = 1;
const answerFlag = 2;

/** `messages`: in sequence. `control`: carries only link fields, outside the sequence. `datagram`: outside any link, to whichever host. */
export const frameKinds = ['messages', 'control', 'datagram'] as const;
export type FrameKind = (typeof frameKinds)[number];

/** What the receiver of a link tells its sender, for one epoch of that link (T5). */
export interface Grant {
  readonly instance: number;
  readonly epoch: number;
  /** The sender may send up to this position. */
  readonly limit: number;
  /** Everything below this position was taken up or is known to be lost. */
  readonly settled: number;
}

/** Grants nothing: no instance has this number. */
export const noGrant: Grant = { instance: 0, epoch: 0, limit: 0, settled: 0 };

/** What is known only when a frame leaves. */
export interface FrameStamp {
  readonly kind: FrameKind;
  /** Undefined: a client that does not know its cluster yet. */
  readonly clusterId: Uint8Array | undefined;
  /** Chosen at random by each transport at its start, so a restart is never taken for the past. */
  readonly instance: number;
  /** Rises at each reconnect, within an instance (T3). */
  readonly epoch: number;
  readonly hostEpoch: number;
  /** Of a control frame: the number that the next frame in sequence will have. */
  readonly sequence: number;
  /** Bytes sent on this link in this epoch before this frame. */
  readonly position: number;
  /** For the link in the other direction. */
  readonly grant: Grant;
  /** The receiver should answer with its grant. */
  readonly answer: boolean;
}

export interface Frame extends FrameStamp {
  readonly minor: number;
  readonly from: Place;
  readonly to: Place;
  readonly messageCount: number;
  /** The messages' bytes, framing checked by nobody yet. */
  readonly body: Uint8Array;
  /** Length of the whole frame. */
  readonly length: number;
}

/** A batch being written: header with the link's fields left empty, then messages. */
export class FrameWriter {
  readonly #writer = new ByteWriter(1024);
  readonly #from: Place;
  readonly #to: Place;
  #count = 0;

  constructor(from: Place, to: Place) {
    this.#from = from;
    this.#to = to;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes so far, the checksum not included. */
  get length(): number {
    return this.#writer.length;
  }

  /** @param encoded code and body; copied. REQUIRES room for one more message (`isFull`). */
  add(toActor: string, fromActor: string, encoded: Uint8Array): void {
    assert(!this.isFull, 'a frame has a bounded number of messages');
    if (this.#writer.length === 0) this.#begin();
    this.#writer.string(toActor);
    this.#writer.string(fromActor);
    this.#writer.u32(encoded.length);
    this.#writer.raw(encoded);
    this.#count++;
  }

  get isFull(): boolean {
    return this.#count >= messageCountMax;
  }

  /** A frame that still has to be stamped, owned by the caller; the writer is empty afterwards. */
  finish(): Uint8Array {
    if (this.#writer.length === 0) this.#begin();
    this.#writer.patchU32(88, this.#count);
    this.#writer.u32(0);
    this.#count = 0;
    return this.#writer.finish();
  }

  #begin(): void {
    this.#writer.u32(magic);
    this.#writer.u8(frameMajor);
    this.#writer.u8(frameMinor);
    for (let i = 6; i < 92; i += 2) this.#writer.u16(0);
    this.#writer.u8(this.#from.worker);
    this.#writer.u8(this.#to.worker);
    this.#writer.u16(0);
    this.#writer.string(this.#from.host);
    this.#writer.string(this.#to.host);
  }
}

/** Fills in what the link decides, and the checksum. May be done again: nothing of an earlier stamp remains. */
export function stampFrame(frame: Uint8Array, stamp: FrameStamp, crc32: Crc32): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  frame[6] = frameKinds.indexOf(stamp.kind);
  frame[7] = (stamp.clusterId === undefined ? anyClusterFlag : 0) | (stamp.answer ? answerFlag : 0);
  if (stamp.clusterId === undefined) frame.fill(0, 8, 24);
  else {
    assert(stamp.clusterId.length === clusterIdBytes, 'a cluster id has sixteen bytes');
    frame.set(stamp.clusterId, 8);
  }
  setCount(view, 24, stamp.instance);
  setCount(view, 32, stamp.hostEpoch);
  setCount(view, 40, stamp.sequence);
  setCount(view, 48, stamp.position);
  setCount(view, 56, stamp.grant.instance);
  setCount(view, 64, stamp.grant.limit);
  setCount(view, 72, stamp.grant.settled);
  view.setUint32(80, stamp.epoch, true);
  view.setUint32(84, stamp.grant.epoch, true);
  const end = frame.length - 4;
  view.setUint32(end, crc32(frame.subarray(0, end)), true);
}

function setCount(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value), 'a link field is a safe integer');
  assert(value >= 0, 'a link field is not negative');
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** @returns whether the bytes start like a frame of ours. */
export function isFrame(bytes: Uint8Array): boolean {
  return bytes[0] === 0x54 && bytes[1] === 0x52 && bytes[2] === 0x50 && bytes[3] === 0x46;
}

/** @throws DecodeError: no frame, damaged, or of another major version. */
export function decodeFrame(bytes: Uint8Array, crc32: Crc32): Frame {
  if (bytes.length > limits.frameBytesMax) throw new DecodeError('a frame beyond the limit');
  if (bytes.length < headerBytes + 4) throw new DecodeError('too short for a frame');
  if (!isFrame(bytes)) throw new DecodeError('no frame');
  if (bytes[4] !== frameMajor) throw new DecodeError(`a frame of version ${bytes[4]}`);
  const end = bytes.length - 4;
  const trailer = new ByteReader(bytes, end);
  if (trailer.u32() !== crc32(bytes.subarray(0, end))) throw new DecodeError('checksum mismatch'); // F1

  const reader = new ByteReader(bytes, 5, end);
  const minor = reader.u8();
  const kind = frameKinds[reader.u8()];
  if (kind === undefined) throw new DecodeError('no such kind of frame');
  const flags = reader.u8();
  const clusterId = reader.raw(clusterIdBytes);
  const instance = reader.u64();
  const hostEpoch = reader.u64();
  const sequence = reader.u64();
  const position = reader.u64();
  const grantInstance = reader.u64();
  const grantLimit = reader.u64();
  const settled = reader.u64();
  const epoch = reader.u32();
  const grantEpoch = reader.u32();
  const messageCount = reader.u32();
  const fromWorker = reader.u8();
  const toWorker = reader.u8();
  reader.u16();
  const fromHost = reader.string(65);
  const toHost = reader.string(65);
  if (messageCount > messageCountMax) throw new DecodeError(`${messageCount} messages in one frame`);
  if (messageCount * 7 > reader.remaining) throw new DecodeError('more messages than bytes'); // F2
  return {
    kind,
    minor,
    clusterId: (flags & anyClusterFlag) !== 0 ? undefined : clusterId,
    instance,
    epoch,
    hostEpoch,
    sequence,
    position,
    grant: { instance: grantInstance, epoch: grantEpoch, limit: grantLimit, settled },
    answer: (flags & answerFlag) !== 0,
    from: { host: fromHost, worker: fromWorker },
    to: { host: toHost, worker: toWorker },
    messageCount,
    body: reader.raw(reader.remaining),
    length: bytes.length,
  };
}

export interface FramedMessage {
  readonly toActor: string;
  readonly fromActor: string;
  readonly message: Message;
}

/**
 * The messages of a frame, in order. `skipped` counts those that this version's codec does not know or that are out of shape (F3).
 * @throws DecodeError when the framing itself is wrong; then nothing of the frame may be used.
 */
export function readMessages(
  frame: Frame,
  codec: MessageCodec,
): { readonly messages: readonly FramedMessage[]; readonly skipped: number } {
  const reader = new ByteReader(frame.body);
  const messages: FramedMessage[] = [];
  let skipped = 0;
  for (let i = 0; i < frame.messageCount; i++) {
    const toActor = reader.string(actorBytesMax);
    const fromActor = reader.string(actorBytesMax);
    const encoded = reader.raw(reader.u32());
    try {
      messages.push({ toActor, fromActor, message: codec.decode(encoded) });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      skipped++; // F3
    }
  }
  reader.end();
  return { messages, skipped };
}
