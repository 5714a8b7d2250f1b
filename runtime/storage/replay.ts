// Reads one stream back out of the journal it shares
// =============================================================================
//
// The index says where the stream's records are, so a start reads each record once however many streams there are. Records that are
// close together are read in one go.

import type { Disk } from '../contract/disk.js';
import type { JournalRecord } from '../contract/journal.js';
import { assert } from '../std/assert.js';
import { DecodeError } from '../std/byte-reader.js';
import type { Crc32 } from '../std/crc32.js';
import { decodeHeader, recordBytes, recordHeaderBytes } from './record.js';
import type { RecordPositions, SegmentIndex } from './record-index.js';

/** Most bytes read at once, unless one record is larger. */
const runBytesMax = 1024 * 1024;
/** Bytes of other streams' records that are read rather than leapt over. */
const gapBytesMax = 4096;

export interface ReplaySegment {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly path: string;
  readonly seed: number;
  readonly index: SegmentIndex;
}

/** @returns how many. @throws DecodeError when a record that was good at the start is not any more. */
export function replayRecords(
  segment: ReplaySegment,
  stream: number,
  fromLsn: number,
  each: (record: JournalRecord) => void,
): number {
  const positions = segment.index.of(stream);
  if (positions === undefined) return 0;
  const first = positions.firstFrom(fromLsn - segment.index.baseLsn);
  for (let at = first; at < positions.count; ) {
    const end = runEnd(positions, at);
    const start = positions.position(at);
    const last = end - 1;
    const length = positions.position(last) + recordBytes(positions.payloadBytes(last)) - start;
    const bytes = segment.disk.read(segment.path, start, length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at < end; at++) each(recordAt(segment, stream, positions, at, bytes, view, start));
  }
  return positions.count - first;
}

function runEnd(positions: RecordPositions, first: number): number {
  const start = positions.position(first);
  let end = start + recordBytes(positions.payloadBytes(first));
  let at = first + 1;
  for (; at < positions.count; at++) {
    const position = positions.position(at);
    const next = position + recordBytes(positions.payloadBytes(at));
    if (position - end > gapBytesMax || next - start > runBytesMax) break;
    end = next;
  }
  return at;
}

function recordAt(
  segment: ReplaySegment,
  stream: number,
  positions: RecordPositions,
  at: number,
  bytes: Uint8Array,
  view: DataView,
  start: number,
): JournalRecord {
  const offset = positions.position(at) - start;
  const from = offset + recordHeaderBytes;
  const header = from <= bytes.length ? decodeHeader(segment.crc32, bytes, view, offset, segment.seed) : undefined;
  if (header === undefined) throw new DecodeError(`${segment.path}: the record at ${start + offset} went bad`);
  assert(header.stream === stream, 'the index points to a record of another stream');
  const payload = bytes.slice(from, from + header.payloadBytes);
  if (segment.crc32(payload) !== header.payloadCrc)
    throw new DecodeError(`${segment.path}: the record at ${start + offset} went bad`);
  return { lsn: header.lsn, type: header.type, payload };
}
