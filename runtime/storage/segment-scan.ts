// Reads one segment: the longest valid chain, and what stands behind it
// =============================================================================
//
// Owns: what a segment says. What that means for the journal is recovery's to judge.

import type { Disk } from '../contract/disk.js';
import type { Crc32 } from '../std/crc32.js';
import { decodeHeader, type RecordHeader, recordBytes, recordHeaderBytes } from './record.js';
import {
  decodeSegmentHeader,
  isDamagedSegmentHeader,
  type SegmentHeader,
  segmentHeaderBytes,
} from './segment-header.js';
import { FileWindow } from './file-window.js';

export interface SegmentPlace {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly path: string;
  readonly segment: number;
  readonly seed: number;
}

/** What the chain has reached: the next record must fit all three. */
export interface ChainEnd {
  readonly sequence: number;
  readonly lsn: number;
  readonly chain: number;
}

export interface ScanResult extends ChainEnd {
  /** Position behind the last good record. */
  readonly position: number;
  /** Highest `durable` of the good records. */
  readonly durableSequence: number;
}

/** Called for each good record, in order. The payload is a view that the next call may change. */
export type OnRecord = (header: RecordHeader, payload: Uint8Array, position: number) => void;

/** `bad` is a header that rotted or belongs to somebody else, `none` the zeros of a spare or what a crash left of a first write. */
export function readSegmentHeader(place: SegmentPlace): SegmentHeader | 'bad' | 'none' {
  const window = new FileWindow(place.disk, place.path);
  const length = Math.min(segmentHeaderBytes + 8, window.sizeBytes);
  const at = window.need(0, length);
  if (at === undefined) return 'none';
  const bytes = window.bytes.subarray(at, at + length);
  const header = decodeSegmentHeader(place.crc32, place.seed, place.segment, bytes);
  return header ?? (window.unreadableCount > 0 || isDamagedSegmentHeader(bytes) ? 'bad' : 'none');
}

/** Follows the chain from the first record on, up to `endSequence` or the first record that does not fit. */
export function scanChain(
  place: SegmentPlace,
  header: SegmentHeader,
  endSequence: number,
  onRecord: OnRecord,
): ScanResult {
  const { crc32, seed } = place;
  const window = new FileWindow(place.disk, place.path);
  let position = segmentHeaderBytes;
  let sequence = header.baseSequence;
  let lsn = header.baseLsn;
  let chain = header.crc;
  let durableSequence = header.baseSequence;
  while (sequence < endSequence) {
    const at = window.need(position, recordHeaderBytes);
    if (at === undefined) break;
    const record = decodeHeader(crc32, window.bytes, window.view, at, seed);
    if (record === undefined) break;
    // J2: the right place in the sequence.
    if (record.sequence !== sequence || record.chain !== chain || record.lsn !== lsn) break;
    const whole = window.need(position, recordHeaderBytes + record.payloadBytes);
    if (whole === undefined) break;
    const from = whole + recordHeaderBytes;
    const payload = window.bytes.subarray(from, from + record.payloadBytes);
    if (crc32(payload) !== record.payloadCrc) break;
    onRecord(record, payload, position);
    position += recordBytes(record.payloadBytes);
    sequence++;
    if (record.stream !== 0) lsn++;
    chain = record.headerCrc;
    if (record.durableSequence > durableSequence) durableSequence = record.durableSequence;
  }
  return { position, sequence, lsn, chain, durableSequence };
}

export interface Beyond {
  readonly isZero: boolean;
  /** Highest `durable` of any valid record there, 0 when there is none. */
  readonly durableSequence: number;
}

/**
 * Looks at everything from `position` to the end of the file (D7). Records of this segment are believed when their numbers can be true: a
 * payload that happens to hold a record's bytes is passed over with its record, and one in a torn record claims at most what this file could hold.
 */
export function scanBeyond(
  place: SegmentPlace,
  position: number,
  sequence: number,
  onRecord?: OnRecord,
  sequenceMax = sequence + Math.ceil((place.disk.sizeOf(place.path) ?? 0) / recordHeaderBytes),
): Beyond {
  const { crc32, seed } = place;
  const window = new FileWindow(place.disk, place.path);
  let isZero = true;
  let durableSequence = 0;
  let at = (position + 7) & ~7;
  while (at < window.sizeBytes) {
    const here = window.need(at, Math.min(recordHeaderBytes, window.sizeBytes - at));
    if (here === undefined) break;
    // Most of a segment's rest is zero: pass over it within the window.
    const { bytes, view, words } = window;
    let word = here >> 2;
    while (word < words.length && words[word] === 0) word++;
    const zeros = (word & ~1) << 2;
    if (zeros > here) {
      at += zeros - here;
      continue;
    }
    if (here + 8 > bytes.length) {
      for (let i = here; i < bytes.length; i++) if (bytes[i] !== 0) isZero = false;
      break;
    }
    isZero = false;
    const start = at;
    at += 8;
    if (here + recordHeaderBytes > bytes.length) continue;
    const record = decodeHeader(crc32, bytes, view, here, seed);
    if (record === undefined || record.sequence < sequence || record.sequence > sequenceMax) continue;
    if (record.durableSequence > durableSequence) durableSequence = record.durableSequence;
    const whole = window.need(start, recordHeaderBytes + record.payloadBytes);
    if (whole === undefined) continue;
    const from = whole + recordHeaderBytes;
    const payload = window.bytes.subarray(from, from + record.payloadBytes);
    if (crc32(payload) !== record.payloadCrc) continue;
    onRecord?.(record, payload, start);
    at = start + recordBytes(record.payloadBytes);
  }
  return { isZero, durableSequence };
}
