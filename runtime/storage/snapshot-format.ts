// The parts of a snapshot file (FORMAT.md, "Snapshot")
// =============================================================================

import type { Crc32 } from '../std/crc32.js';
import { getU64, putU64 } from './record.js';

export const snapshotHeaderBytes = 48;
export const blockHeaderBytes = 16;
export const snapshotFooterBytes = 72;
/** Most bytes of one chunk, and of meta. */
export const chunkBytesMax = 16 * 1024 * 1024;

const magic = [0x54, 0x52, 0x4f, 0x55, 0x50, 0x45, 0x53, 0x4e]; // TROUPESN
const snapshotVersion = 1;
const footerMark = 0xffff_ffff;

/** Turns a chunk into what is stored, off the turn, and back, blocking. */
export interface ChunkCodec {
  /** Stored in the file. 0 is "as it is" and needs no codec. */
  readonly id: number;
  /** Leaves `chunk` unchanged and owned by the caller; `done` gets bytes that nobody changes any more, or nothing when they stay as they are. */
  compress(chunk: Uint8Array, done: (stored: Uint8Array | undefined) => void): void;
  /** @throws DecodeError when `stored` is not exactly `chunkBytes` bytes compressed, before allocating for anything it claims. */
  decompress(stored: Uint8Array, chunkBytes: number): Uint8Array;
}

/** A digest under way. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export interface SnapshotHeader {
  readonly stream: number;
  readonly id: number;
  readonly replayFromLsn: number;
  readonly metaBytes: number;
  readonly metaCrc: number;
  readonly crc: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodeSnapshotHeader(
  crc32: Crc32,
  seed: number,
  stream: number,
  id: number,
  replayFromLsn: number,
  meta: Uint8Array,
): { readonly bytes: Uint8Array; readonly crc: number } {
  const bytes = new Uint8Array(snapshotHeaderBytes + meta.length);
  const view = viewOf(bytes);
  bytes.set(magic, 0);
  view.setUint16(8, snapshotVersion, true);
  view.setUint32(12, meta.length, true);
  putU64(view, 16, stream);
  putU64(view, 24, id);
  putU64(view, 32, replayFromLsn);
  view.setUint32(40, crc32(meta), true);
  const crc = crc32(bytes.subarray(0, 44), seed);
  view.setUint32(44, crc, true);
  bytes.set(meta, snapshotHeaderBytes);
  return { bytes, crc };
}

export function decodeSnapshotHeader(crc32: Crc32, seed: number, bytes: Uint8Array): SnapshotHeader | undefined {
  const view = viewOf(bytes);
  const crc = view.getUint32(44, true);
  if (crc32(bytes.subarray(0, 44), seed) !== crc) return undefined;
  if (magic.some((byte, at) => bytes[at] !== byte) || view.getUint16(8, true) !== snapshotVersion) return undefined;
  const metaBytes = view.getUint32(12, true);
  if (metaBytes > chunkBytesMax) return undefined;
  return {
    stream: getU64(view, 16),
    id: getU64(view, 24),
    replayFromLsn: getU64(view, 32),
    metaBytes,
    metaCrc: view.getUint32(40, true),
    crc,
  };
}

export interface BlockHeader {
  readonly chunkBytes: number;
  readonly storedBytes: number;
  readonly codec: number;
  readonly crc: number;
}

/** The header of a block and its checksum, the next block's `chain`. */
export function encodeBlockHeader(
  crc32: Crc32,
  chain: number,
  chunkBytes: number,
  codec: number,
  stored: Uint8Array,
): { readonly bytes: Uint8Array; readonly crc: number } {
  const bytes = new Uint8Array(blockHeaderBytes);
  const view = viewOf(bytes);
  view.setUint32(0, chunkBytes, true);
  view.setUint32(4, stored.length, true);
  view.setUint32(8, codec, true);
  const crc = crc32(stored, crc32(bytes.subarray(0, 12), chain));
  view.setUint32(12, crc, true);
  return { bytes, crc };
}

/** The fields as they stand: `blockCrc` decides whether they are true. */
export function decodeBlockHeader(bytes: Uint8Array): BlockHeader {
  const view = viewOf(bytes);
  return {
    chunkBytes: view.getUint32(0, true),
    storedBytes: view.getUint32(4, true),
    codec: view.getUint32(8, true),
    crc: view.getUint32(12, true),
  };
}

/** What stands where a block's header would is the footer. */
export function isFooter(header: BlockHeader): boolean {
  return header.chunkBytes === 0 && header.storedBytes === footerMark;
}

export function blockCrc(crc32: Crc32, chain: number, header: Uint8Array, stored: Uint8Array): number {
  return crc32(stored, crc32(header.subarray(0, 12), chain));
}

export interface SnapshotFooter {
  readonly hasDigest: boolean;
  readonly blockCount: number;
  readonly fileBytes: number;
  readonly sha256: Uint8Array;
  readonly chain: number;
}

export function encodeSnapshotFooter(
  crc32: Crc32,
  seed: number,
  footer: Omit<SnapshotFooter, 'hasDigest' | 'sha256'> & { readonly sha256: Uint8Array | undefined },
): Uint8Array {
  const bytes = new Uint8Array(snapshotFooterBytes);
  const view = viewOf(bytes);
  view.setUint32(4, footerMark, true);
  view.setUint32(8, footer.sha256 === undefined ? 0 : 1, true);
  putU64(view, 16, footer.blockCount);
  putU64(view, 24, footer.fileBytes);
  if (footer.sha256 !== undefined) bytes.set(footer.sha256, 32);
  view.setUint32(64, footer.chain, true);
  view.setUint32(68, crc32(bytes.subarray(0, 68), seed), true);
  return bytes;
}

export function decodeSnapshotFooter(crc32: Crc32, seed: number, bytes: Uint8Array): SnapshotFooter | undefined {
  const view = viewOf(bytes);
  if (crc32(bytes.subarray(0, 68), seed) !== view.getUint32(68, true)) return undefined;
  return {
    hasDigest: view.getUint32(8, true) === 1,
    blockCount: getU64(view, 16),
    fileBytes: getU64(view, 24),
    sha256: bytes.slice(32, 64),
    chain: view.getUint32(64, true),
  };
}
