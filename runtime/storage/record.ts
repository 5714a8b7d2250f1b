// A record's header: encoding, sealing, and refusing what is not one (FORMAT.md, "Record")
// =============================================================================
//
// Encoding has two steps. A record enters a batch with what is known then; when the batch is written, it gets its
// sequence, the durable mark, its place in the chain and its header checksum, since only then its segment is known.
//
// Invariants
//   J1. The length of a record is believed only after the header's checksum was verified (D2).
//   J2. A record belongs to exactly one place: cluster, host, disk, worker, generation and segment by the seed, position in the
//       sequence by number and chain.

import { planted } from '../probes/probes.js';
import { assert } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';

export const recordHeaderBytes = 48;
/** Most bytes of one payload; more is a programmer's error. */
export const payloadBytesMax = 16 * 1024 * 1024;
export const recordVersion = 1;

/** Types from here on are the journal's own. */
export const firstJournalType = 128;
export const checkpointType = 128;
export const streamType = 129;
export const closeType = 130;
export const switchType = 131;
export const trimType = 132;
export const closedType = 133;

export interface RecordHeader {
  readonly headerCrc: number;
  readonly payloadBytes: number;
  readonly type: number;
  readonly stream: number;
  readonly sequence: number;
  readonly lsn: number;
  readonly durableSequence: number;
  readonly chain: number;
  readonly payloadCrc: number;
}

/** Bytes that a record with such a payload takes, padding included. */
export function recordBytes(payloadBytes: number): number {
  return (recordHeaderBytes + payloadBytes + 7) & ~7;
}

export function putU64(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, 'a u64 field takes a non-negative safe integer');
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** May exceed the safe integers when the bytes are garbage: compare, never compute, before the checksum was verified. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}

/** First step. The bytes at `at` must be zero up to the end of the record's padding. */
export function encodeRecord(
  crc32: Crc32,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  type: number,
  stream: number,
  lsn: number,
  payload: Uint8Array,
): void {
  view.setUint32(at + 4, payload.length, true);
  view.setUint8(at + 8, type);
  view.setUint8(at + 9, 0);
  view.setUint16(at + 10, recordVersion, true);
  view.setUint32(at + 12, stream, true);
  putU64(view, at + 24, lsn);
  view.setUint32(at + 44, crc32(payload), true);
  bytes.set(payload, at + recordHeaderBytes);
}

/** Second step. @returns the header's checksum, the next record's chain. */
export function sealRecord(
  crc32: Crc32,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  seed: number,
  sequence: number,
  durableSequence: number,
  chain: number,
): number {
  putU64(view, at + 16, sequence);
  putU64(view, at + 32, durableSequence);
  view.setUint32(at + 40, chain, true);
  const headerCrc = crc32(bytes.subarray(at + 4, at + recordHeaderBytes), seed);
  view.setUint32(at, headerCrc, true);
  return headerCrc;
}

/** The header at `at`, or undefined when there is none of this seed. J1. REQUIRES `recordHeaderBytes` bytes there. */
export function decodeHeader(
  crc32: Crc32,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  seed: number,
): RecordHeader | undefined {
  if (view.getUint16(at + 10, true) !== recordVersion || view.getUint8(at + 9) !== 0) return undefined;
  const headerCrc = view.getUint32(at, true);
  if (crc32(bytes.subarray(at + 4, at + recordHeaderBytes), seed) !== headerCrc && !planted('PB13')) return undefined;
  const payloadBytes = view.getUint32(at + 4, true);
  const sequence = getU64(view, at + 16);
  const lsn = getU64(view, at + 24);
  const durableSequence = getU64(view, at + 32);
  if (payloadBytes > payloadBytesMax) return undefined;
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(lsn) || durableSequence > sequence) return undefined;
  return {
    headerCrc,
    payloadBytes,
    type: view.getUint8(at + 8),
    stream: view.getUint32(at + 12, true),
    sequence,
    lsn,
    durableSequence,
    chain: view.getUint32(at + 40, true),
    payloadCrc: view.getUint32(at + 44, true),
  };
}
