// A second reader of segments, written from FORMAT.md and sharing nothing with the first
// =============================================================================
//
// Slow and plain: one DataView, no windows, zlib's CRC. It says what stands in one segment's bytes; judging is left to the tests, which
// hold production's verdict against it.

import { crc32 } from 'node:zlib';

export interface ReferenceRecord {
  readonly start: number;
  /** Behind the padding. */
  readonly end: number;
  readonly payloadBytes: number;
  readonly type: number;
  readonly stream: number;
  readonly sequence: number;
  readonly durable: number;
}

export interface ReferenceSegment {
  readonly number: number;
  readonly previous: number;
  readonly baseSequence: number;
  readonly records: readonly ReferenceRecord[];
  /** Nothing but zeros behind the last of them. */
  readonly isZeroBehind: boolean;
}

function u64(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(number));
  return bytes;
}

export function referenceSeed(
  binding: { readonly clusterId: string; readonly host: string; readonly diskId: string },
  directory: string,
  generation: number,
  segment: number,
): number {
  const journal = crc32(Buffer.from(`${binding.clusterId}\n${binding.host}\n${binding.diskId}\n${directory}`));
  return crc32(Buffer.concat([Buffer.from('segment'), u64(generation), u64(segment)]), journal);
}

/** The segment, or undefined when there is no header of `seed`. */
export function readReference(bytes: Uint8Array, seed: number): ReferenceSegment | undefined {
  if (bytes.length < 128) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (at: number): number => Number(view.getBigUint64(at, true));
  if (Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== 'TROUPEWL') return undefined;
  if (crc32(bytes.subarray(0, 124), seed) !== view.getUint32(124, true)) return undefined;
  const records: ReferenceRecord[] = [];
  let at = 128;
  let chain = view.getUint32(124, true);
  let sequence = wide(32);
  while (at + 48 <= bytes.length) {
    const header = view.getUint32(at, true);
    if (crc32(bytes.subarray(at + 4, at + 48), seed) !== header) break;
    const payloadBytes = view.getUint32(at + 4, true);
    if (at + 48 + payloadBytes > bytes.length) break;
    if (crc32(bytes.subarray(at + 48, at + 48 + payloadBytes)) !== view.getUint32(at + 44, true)) break;
    if (wide(at + 16) !== sequence || view.getUint32(at + 40, true) !== chain) break;
    const end = at + 48 + Math.ceil(payloadBytes / 8) * 8;
    records.push({
      start: at,
      end,
      payloadBytes,
      type: view.getUint8(at + 8),
      stream: view.getUint32(at + 12, true),
      sequence,
      durable: wide(at + 32),
    });
    chain = header;
    sequence++;
    at = end;
  }
  return {
    number: wide(16),
    previous: wide(24),
    baseSequence: wide(32),
    records,
    isZeroBehind: bytes.subarray(at).every((byte) => byte === 0),
  };
}
