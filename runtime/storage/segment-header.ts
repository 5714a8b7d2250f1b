// The first 128 bytes of a segment (FORMAT.md, "Segment")
// =============================================================================

import { assert } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';
import { getU64, putU64 } from './record.js';

export const segmentHeaderBytes = 128;
const magic = [0x54, 0x52, 0x4f, 0x55, 0x50, 0x45, 0x57, 0x4c]; // TROUPEWL
const segmentVersion = 1;
const bootIdBytesMax = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface SegmentHeader {
  readonly segment: number;
  /** Size of the file. */
  readonly segmentBytes: number;
  /** 0 for the first of a generation. */
  readonly previous: number;
  /** The first record's sequence; everything below is durable. */
  readonly baseSequence: number;
  readonly baseLsn: number;
  /** The `headerCrc` of the last record before this segment. */
  readonly chain: number;
  readonly bootId: string;
  /** This header's own checksum: the chain of its first record. */
  readonly crc: number;
}

export function encodeSegmentHeader(crc32: Crc32, seed: number, header: Omit<SegmentHeader, 'crc'>): Uint8Array {
  const bytes = new Uint8Array(segmentHeaderBytes);
  const view = new DataView(bytes.buffer);
  const bootId = encoder.encode(header.bootId);
  assert(bootId.length <= bootIdBytesMax, 'a boot id has at most 64 bytes');
  bytes.set(magic, 0);
  view.setUint16(8, segmentVersion, true);
  view.setUint16(10, segmentHeaderBytes, true);
  view.setUint32(12, header.segmentBytes, true);
  putU64(view, 16, header.segment);
  putU64(view, 24, header.previous);
  putU64(view, 32, header.baseSequence);
  putU64(view, 40, header.baseLsn);
  view.setUint32(48, header.chain, true);
  bytes.set(bootId, 56);
  view.setUint32(124, crc32(bytes.subarray(0, 124), seed), true);
  return bytes;
}

/** The header, or undefined when these bytes are not the header of this very segment. */
export function decodeSegmentHeader(
  crc32: Crc32,
  seed: number,
  segment: number,
  bytes: Uint8Array,
): SegmentHeader | undefined {
  if (bytes.length < segmentHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const crc = view.getUint32(124, true);
  if (crc32(bytes.subarray(0, 124), seed) !== crc) return undefined;
  if (magic.some((byte, at) => bytes[at] !== byte)) return undefined;
  if (view.getUint16(8, true) !== segmentVersion || getU64(view, 16) !== segment) return undefined;
  let bootEnd = 56;
  while (bootEnd < 56 + bootIdBytesMax && bytes[bootEnd] !== 0) bootEnd++;
  return {
    segment,
    segmentBytes: view.getUint32(12, true),
    previous: getU64(view, 24),
    baseSequence: getU64(view, 32),
    baseLsn: getU64(view, 40),
    chain: view.getUint32(48, true),
    bootId: decoder.decode(bytes.subarray(56, bootEnd)),
    crc,
  };
}

/**
 * Whether bytes that are no valid header once were one, of this segment or of somebody else's, and have rotted or are foreign. A header lies within one sector,
 * so a crash leaves of its write nothing, all, or, when the write took its first bytes alone, those and zeros from there on.
 * @param bytes from the segment's first on; as many as there are of `segmentHeaderBytes` and the first 8 of the record behind it
 */
export function isDamagedSegmentHeader(bytes: Uint8Array): boolean {
  const looksLikeOne = magic.filter((byte, at) => bytes[at] === byte).length >= magic.length / 2;
  return looksLikeOne && !isCutShort(bytes);
}

/** The last byte of its checksum is not there, and neither is the beginning of the record that every segment begins with. */
function isCutShort(bytes: Uint8Array): boolean {
  for (let at = segmentHeaderBytes - 1; at < segmentHeaderBytes + 8; at++) if (bytes[at] !== 0) return false;
  return true;
}
