// Checks a snapshot file, and reads it back
// =============================================================================
//
// Checking comes first and gives nothing to anyone, because an owner that was fed half a snapshot could not be fed an older one.
//
// Invariants
//   N1. A chunk is handed on only from a file all of whose blocks, footer and length were verified.

import { type Disk, DiskError } from '../contract/disk.js';
import type { StreamConsumer } from '../contract/journal.js';
import { equalBytes } from '../std/bytes.js';
import { DecodeError } from '../std/byte-reader.js';
import type { Crc32 } from '../std/crc32.js';
import { FileWindow } from './file-window.js';
import {
  blockCrc,
  blockHeaderBytes,
  type ChunkCodec,
  chunkBytesMax,
  decodeBlockHeader,
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  isFooter,
  type Sha256,
  snapshotFooterBytes,
  snapshotHeaderBytes,
} from './snapshot-format.js';
import type { SnapshotEntry } from './stream-registry.js';

export interface SnapshotPlace {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly path: string;
  readonly seed: number;
  readonly stream: number;
  readonly sha256: (() => Sha256) | undefined;
}

interface Visitor {
  meta(meta: Uint8Array): void;
  block(chunkBytes: number, codec: number, stored: Uint8Array): void;
}

/** Whether the file is what `entry` says, in every byte. */
export function isSnapshotReadable(place: SnapshotPlace, entry: SnapshotEntry): boolean {
  return walk(place, entry, { meta: () => undefined, block: () => undefined }) === undefined;
}

/** Hands a checked snapshot to its owner. @throws DecodeError when it is not readable any more, or by a codec that is not given. */
export function readSnapshot(
  place: SnapshotPlace,
  entry: SnapshotEntry,
  codec: ChunkCodec | undefined,
  consumer: StreamConsumer,
): void {
  const problem = walk(place, entry, {
    meta: (meta) => consumer.snapshot(meta),
    block: (chunkBytes, id, stored) => {
      if (id === 0) return consumer.snapshotChunk(stored.slice());
      if (codec?.id !== id) throw new DecodeError(`${place.path} is compressed by codec ${id}, which is not given`);
      consumer.snapshotChunk(codec.decompress(stored, chunkBytes));
    },
  });
  if (problem !== undefined) throw new DecodeError(`${place.path}: ${problem}`);
}

/** @returns what is wrong, or undefined. Blocks are visited as far as they are good. */
function walk(place: SnapshotPlace, entry: SnapshotEntry, visitor: Visitor): string | undefined {
  const { crc32, seed } = place;
  const window = openWindow(place);
  if (window === undefined || window.sizeBytes !== entry.fileBytes) return 'missing or of another size';
  const headAt = window.need(0, snapshotHeaderBytes);
  if (headAt === undefined) return 'too short';
  const header = decodeSnapshotHeader(crc32, seed, window.bytes.subarray(headAt, headAt + snapshotHeaderBytes));
  if (header === undefined) return 'no snapshot header';
  if (header.id !== entry.id || header.stream !== place.stream || header.replayFromLsn !== entry.replayFromLsn)
    return 'another snapshot';
  const digest = place.sha256?.();
  const wholeAt = window.need(0, snapshotHeaderBytes + header.metaBytes);
  if (wholeAt === undefined) return 'meta is cut';
  const meta = window.bytes.slice(wholeAt + snapshotHeaderBytes, wholeAt + snapshotHeaderBytes + header.metaBytes);
  if (crc32(meta) !== header.metaCrc) return 'meta is bad';
  digest?.update(window.bytes.subarray(wholeAt, wholeAt + snapshotHeaderBytes + header.metaBytes));
  visitor.meta(meta);
  let position = snapshotHeaderBytes + header.metaBytes;
  let chain = header.crc;
  for (let blockCount = 0; ; blockCount++) {
    const at = window.need(position, blockHeaderBytes);
    if (at === undefined) return 'no footer';
    const block = decodeBlockHeader(window.bytes.subarray(at, at + blockHeaderBytes));
    if (isFooter(block)) return checkFooter(place, window, position, blockCount, chain, digest);
    if (block.chunkBytes > chunkBytesMax || block.storedBytes > chunkBytesMax) return `block ${blockCount} is bad`;
    const blockAt = window.need(position, blockHeaderBytes + block.storedBytes);
    if (blockAt === undefined) return `block ${blockCount} is cut`;
    const head = window.bytes.subarray(blockAt, blockAt + blockHeaderBytes);
    const stored = window.bytes.subarray(blockAt + blockHeaderBytes, blockAt + blockHeaderBytes + block.storedBytes);
    if (blockCrc(crc32, chain, head, stored) !== block.crc) return `block ${blockCount} is bad`;
    digest?.update(window.bytes.subarray(blockAt, blockAt + blockHeaderBytes + block.storedBytes));
    visitor.block(block.chunkBytes, block.codec, stored);
    chain = block.crc;
    position += blockHeaderBytes + block.storedBytes;
  }
}

function checkFooter(
  place: SnapshotPlace,
  window: FileWindow,
  position: number,
  blockCount: number,
  chain: number,
  digest: Sha256 | undefined,
): string | undefined {
  const at = window.need(position, snapshotFooterBytes);
  if (at === undefined) return 'footer is cut';
  const footer = decodeSnapshotFooter(place.crc32, place.seed, window.bytes.subarray(at, at + snapshotFooterBytes));
  if (footer === undefined) return 'footer is bad';
  if (footer.blockCount !== blockCount || footer.chain !== chain) return 'blocks are missing';
  if (footer.fileBytes !== position + snapshotFooterBytes || footer.fileBytes !== window.sizeBytes)
    return 'length is bad';
  if (footer.hasDigest && digest !== undefined && !equalBytes(digest.digest(), footer.sha256)) return 'digest is bad';
  return undefined;
}

function openWindow(place: SnapshotPlace): FileWindow | undefined {
  try {
    return new FileWindow(place.disk, place.path);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
