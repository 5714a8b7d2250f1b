// Snapshot chunks as bytes (FORMAT.md)
// =============================================================================

import { ByteReader, DecodeError } from '../../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../../runtime/std/byte-writer.js';
import type { ItemMeta, StateHash } from './engine.js';
import { type Records, recordContentMax } from './records.js';
import type { Handle } from './slab.js';

const chunkFormat = 1;
const entryItem = 0;
const entryOlder = 1;
const entryEnd = 2;

/** Bytes that an entry takes beyond its key and value, at most. */
export const entryOverheadMax = 48;

export type ChunkEntry =
  | { readonly kind: 'item'; readonly key: Uint8Array; readonly value: Uint8Array; readonly meta: ItemMeta }
  | { readonly kind: 'older'; readonly value: Uint8Array; readonly meta: ItemMeta }
  | { readonly kind: 'end'; readonly itemCount: number; readonly hash: StateHash };

export function writeChunkHead(writer: ByteWriter): void {
  writer.u8(chunkFormat);
}

export function writeItemEntry(writer: ByteWriter, records: Records, handle: Handle): void {
  writer.u8(entryItem);
  writer.bytes(records.keyView(handle));
  writeStored(writer, records, handle);
}

export function writeOlderEntry(writer: ByteWriter, records: Records, handle: Handle): void {
  writer.u8(entryOlder);
  writeStored(writer, records, handle);
}

export function writeEndEntry(writer: ByteWriter, itemCount: number, hash: StateHash): void {
  writer.u8(entryEnd);
  writer.varint(itemCount);
  writer.u32(hash.high);
  writer.u32(hash.low);
}

/** Keys and values are views of the chunk. @throws DecodeError */
export function* readChunk(chunk: Uint8Array): Generator<ChunkEntry> {
  const reader = new ByteReader(chunk);
  const format = reader.u8();
  if (format !== chunkFormat) throw new DecodeError(`snapshot chunk of format ${format}, ${chunkFormat} is known here`);
  while (reader.remaining > 0) {
    const code = reader.u8();
    switch (code) {
      case entryItem: {
        const key = reader.bytes(0xffff);
        if (key.length === 0) throw new DecodeError('an empty key in a snapshot');
        yield { kind: 'item', key, meta: readMeta(reader), value: readValue(reader, key.length) };
        break;
      }
      case entryOlder:
        yield { kind: 'older', meta: readMeta(reader), value: readValue(reader, 0) };
        break;
      case entryEnd: {
        const itemCount = reader.varint();
        const high = reader.u32();
        yield { kind: 'end', itemCount, hash: { high, low: reader.u32() } };
        break;
      }
      default:
        throw new DecodeError(`no snapshot entry begins with ${code}`);
    }
  }
}

function writeStored(writer: ByteWriter, records: Records, handle: Handle): void {
  writer.varint(records.version(handle));
  writer.varint(records.createdAtMs(handle));
  writer.varint(records.updatedAtMs(handle));
  writer.varint(records.expiresAtMs(handle));
  writer.bytes(records.valueView(handle));
}

function readMeta(reader: ByteReader): ItemMeta {
  const version = readNumber(reader);
  const createdAtMs = readNumber(reader);
  const updatedAtMs = readNumber(reader);
  return { version, createdAtMs, updatedAtMs, expiresAtMs: readNumber(reader) };
}

function readNumber(reader: ByteReader): number {
  const value = reader.varint();
  if (value >= 2 ** 48) throw new DecodeError('a version or time of more than 48 bits');
  return value;
}

function readValue(reader: ByteReader, keyLength: number): Uint8Array {
  return reader.bytes(recordContentMax - keyLength);
}
