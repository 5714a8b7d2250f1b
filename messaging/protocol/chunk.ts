// Chunks: a frame too long for one NATS message, in pieces
// =============================================================================
//
// nats-server takes 1 MiB by default; a frame above `chunkBytesMax` is cut (T5). Little endian:
//
//     0  u32  magic "TRPC"       8  u64  instance of the sender      24  u32  index      32  u32  length of the frame
//     4  u8   major version     16  u64  number of the frame         28  u32  count      36  …    piece, u32 CRC-32
//     5  u8   minor, u16 zero
//
// Every piece but the last has the same length, so what is missing or too much is known from the first one.
//
// Invariants
//   H1. As frames: any byte changed is refused, any bytes give a chunk or a DecodeError.
//   H2. Index, count and lengths agree with each other before anything is kept.

import { assert } from '../../runtime/std/assert.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import type { Crc32 } from '../../runtime/std/crc32.js';
import { frameMajor, frameMinor } from './frame.js';
import { limits } from './limits.js';

const magic = 0x43505254; // "TRPC"
const headerBytes = 36;
/** Pieces of a frame: enough for the longest one in the smallest pieces that a server's `max_payload` may force. */
const chunkCountMax = 1024;

export interface Chunk {
  readonly instance: number;
  /** Counts the sender's chunked frames; never used twice by one instance. */
  readonly number: number;
  readonly index: number;
  readonly count: number;
  readonly frameBytes: number;
  /** A view on the source. */
  readonly piece: Uint8Array;
}

/** @returns whether the bytes start like a chunk of ours. */
export function isChunk(bytes: Uint8Array): boolean {
  return bytes[0] === 0x54 && bytes[1] === 0x52 && bytes[2] === 0x50 && bytes[3] === 0x43;
}

/** Cuts a frame; each chunk has at most `chunkBytes` bytes and is the caller's own. */
export function cutFrame(
  frame: Uint8Array,
  chunkBytes: number,
  instance: number,
  number: number,
  crc32: Crc32,
): Uint8Array[] {
  const pieceBytes = chunkBytes - headerBytes - 4;
  assert(pieceBytes > 0, 'a chunk has room for a piece');
  const count = Math.ceil(frame.length / pieceBytes);
  assert(count <= chunkCountMax, 'a frame has a bounded number of chunks');
  const writer = new ByteWriter(Math.min(chunkBytes, frame.length + headerBytes + 4));
  const chunks: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    writer.u32(magic);
    writer.u8(frameMajor);
    writer.u8(frameMinor);
    writer.u16(0);
    writer.u64(instance);
    writer.u64(number);
    writer.u32(index);
    writer.u32(count);
    writer.u32(frame.length);
    writer.raw(frame.subarray(index * pieceBytes, (index + 1) * pieceBytes));
    writer.u32(crc32(writer.view()));
    chunks.push(writer.finish());
  }
  return chunks;
}

/** @throws DecodeError */
export function decodeChunk(bytes: Uint8Array, crc32: Crc32): Chunk {
  if (bytes.length < headerBytes + 5) throw new DecodeError('too short for a chunk');
  if (!isChunk(bytes)) throw new DecodeError('no chunk');
  if (bytes[4] !== frameMajor) throw new DecodeError(`a chunk of version ${bytes[4]}`);
  const end = bytes.length - 4;
  if (new ByteReader(bytes, end).u32() !== crc32(bytes.subarray(0, end))) throw new DecodeError('checksum mismatch'); // H1
  const reader = new ByteReader(bytes, 8, end);
  const instance = reader.u64();
  const number = reader.u64();
  const index = reader.u32();
  const count = reader.u32();
  const frameBytes = reader.u32();
  const piece = reader.raw(reader.remaining);
  if (frameBytes > limits.frameBytesMax) throw new DecodeError('a frame beyond the limit'); // H2
  if (count === 0 || count > chunkCountMax) throw new DecodeError(`a frame of ${count} chunks`); // H2
  if (index >= count) throw new DecodeError('a chunk beyond its count'); // H2
  const isLast = index === count - 1;
  // All pieces but the last are equally long: then the last one's length follows from theirs.
  const others = isLast ? (frameBytes - piece.length) / Math.max(1, count - 1) : piece.length;
  const lastBytes = frameBytes - others * (count - 1);
  const agrees =
    count === 1 ? piece.length === frameBytes : Number.isInteger(others) && lastBytes > 0 && lastBytes <= others;
  if (!agrees) throw new DecodeError('the lengths of a chunk do not agree'); // H2
  return { instance, number, index, count, frameBytes, piece };
}
