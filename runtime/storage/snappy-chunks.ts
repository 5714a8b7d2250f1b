// Snapshot chunks in snappy's raw format
// =============================================================================
//
// Snappy allocates what the length at the front claims, and a claim of 4 GiB that cannot be had ends the process: so that length is
// read here first, and must be the one that our own block header declares (DEPENDENCIES §1.5).

import { compressSync, uncompressSync } from 'snappy';
import { ByteReader, DecodeError } from '../std/byte-reader.js';
import { type ChunkCodec, chunkBytesMax } from './snapshot-format.js';

export const snappyCodecId = 1;

/** A chunk that becomes no smaller than this share of itself is not worth the work. */
const worthShare = 0.9;
/** What is tried of a chunk first, from its middle: some 10 µs. Sending a whole one to another thread and back takes longer than compressing it. */
const sampleBytes = 8 * 1024;

/** @param compress to raw snappy in another thread: snappy's own pool or a Piscina task. Undefined or a rejection leaves the chunk as it is. */
export function snappyChunks(compress: (chunk: Uint8Array) => Promise<Uint8Array | undefined>): ChunkCodec {
  return {
    id: snappyCodecId,
    compress: (chunk, done) => {
      if (!isWorthCompressing(chunk)) return queueMicrotask(() => done(undefined));
      void compress(chunk).then(done, () => done(undefined));
    },
    decompress: decompressSnappy,
  };
}

function isWorthCompressing(chunk: Uint8Array): boolean {
  const from = Math.max(0, (chunk.length - sampleBytes) >> 1);
  const sample = chunk.subarray(from, from + sampleBytes);
  return compressSync(sample).length <= sample.length * worthShare;
}

/** @throws DecodeError unless `stored` is `chunkBytes` bytes compressed. */
export function decompressSnappy(stored: Uint8Array, chunkBytes: number): Uint8Array {
  const declared = new ByteReader(stored).varint();
  if (declared !== chunkBytes || declared > chunkBytesMax)
    throw new DecodeError(`a compressed chunk declares ${declared} bytes, its block ${chunkBytes}`);
  let chunk: Uint8Array;
  try {
    chunk = uncompressSync(stored, { asBuffer: true }) as Uint8Array;
  } catch (cause) {
    throw new DecodeError('a chunk is not in snappy’s format', { cause });
  }
  if (chunk.length !== chunkBytes) throw new DecodeError(`a chunk has ${chunk.length} bytes, its block ${chunkBytes}`);
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
}
