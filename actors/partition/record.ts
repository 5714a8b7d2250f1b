// What a replica writes into its journal stream
// =============================================================================
//
//   batch     (1)  highWatermark varint, batch bytes …     the batch as replicated; the high watermark known when it was written (D6)
//   truncate  (2)  end varint                              records at or above `end` are void from here on (R12)
//   born      (3)  nothing                                 the replica is new: once this is durable, its stream is
//
// Snapshot meta:  version u8 │ lineage varint │ offset varint │ timeMs varint │ partitionTimeMs varint │ check offset varint, high u32, low u32 │
//                 epochs: count varint, (epoch varint, start varint) …
// Snapshot chunk: 0 │ sessions      or      1 │ engine chunk

import { BytePage } from '../../runtime/std/byte-page.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import type { EpochStart } from './replication/epoch-table.js';

export const recordBatch = 1;
export const recordTruncate = 2;
export const recordBorn = 3;

const metaVersion = 1;
const scratch = new ByteWriter(16);
const page = new BytePage();

export const chunkSessions = 0;
export const chunkItems = 1;

export function encodeBatchRecord(highWatermark: number, batch: Uint8Array): Uint8Array {
  scratch.reset();
  scratch.varint(highWatermark);
  const payload = page.take(scratch.length + batch.length);
  payload.set(scratch.view());
  payload.set(batch, scratch.length);
  return payload;
}

/** `batch` is a view. @throws DecodeError */
export function decodeBatchRecord(payload: Uint8Array): { readonly highWatermark: number; readonly batch: Uint8Array } {
  const reader = new ByteReader(payload);
  return { highWatermark: reader.varint(), batch: reader.raw(reader.remaining) };
}

export function encodeTruncateRecord(end: number): Uint8Array {
  const writer = new ByteWriter(8);
  writer.varint(end);
  return writer.view();
}

/** @throws DecodeError */
export function decodeTruncateRecord(payload: Uint8Array): number {
  return new ByteReader(payload).varint();
}

export interface SnapshotMeta {
  readonly lineage: number;
  /** The state is that after every record below it. */
  readonly offset: number;
  readonly timeMs: number;
  readonly partitionTimeMs: number;
  readonly check: StateCheck;
  readonly epochs: readonly EpochStart[];
}

/** State hash right after the check record at `offset` was applied; offset 0 = none yet. */
export interface StateCheck {
  readonly offset: number;
  readonly hashHigh: number;
  readonly hashLow: number;
}

export function encodeMeta(meta: SnapshotMeta): Uint8Array {
  const writer = new ByteWriter(128);
  writer.u8(metaVersion);
  writer.varint(meta.lineage);
  writer.varint(meta.offset);
  writer.varint(meta.timeMs);
  writer.varint(meta.partitionTimeMs);
  writer.varint(meta.check.offset);
  writer.u32(meta.check.hashHigh);
  writer.u32(meta.check.hashLow);
  writer.varint(meta.epochs.length);
  for (const { epoch, start } of meta.epochs) {
    writer.varint(epoch);
    writer.varint(start);
  }
  return writer.finish();
}

/** @throws DecodeError */
export function decodeMeta(bytes: Uint8Array): SnapshotMeta {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== metaVersion) throw new DecodeError(`partition snapshot version ${version}, ${metaVersion} known`);
  const lineage = reader.varint();
  const offset = reader.varint();
  const timeMs = reader.varint();
  const partitionTimeMs = reader.varint();
  const check = { offset: reader.varint(), hashHigh: reader.u32(), hashLow: reader.u32() };
  const epochs: EpochStart[] = [];
  const count = reader.count(2);
  for (let i = 0; i < count; i++) epochs.push({ epoch: reader.varint(), start: reader.varint() });
  return { lineage, offset, timeMs, partitionTimeMs, check, epochs };
}
