// Cursors: where a page ended, in a string
// =============================================================================
//
// A cursor is the position itself, so it needs no memory anywhere, survives every failover, and works in another process. It also
// holds a fingerprint of the query, since a position in one query means nothing in another.
//
//   version (1) · crc32 of the rest (4) · fingerprint of the query (4) · key of the last entry          as base64url

import { crc32 } from '../../runtime/std/crc32.js';
import { limits } from '../protocol/limits.js';
import { TroupeError } from './errors.js';

const version = 1;
const headerBytes = 9;

/** Everything that decides which entries a query has, and in which order. */
export interface CursorQuery {
  readonly table: string;
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly reverse: boolean;
}

function fingerprintOf(query: CursorQuery): number {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const text = JSON.stringify([query.table, hex(query.start), hex(query.end), query.reverse]);
  return crc32(new TextEncoder().encode(text));
}

export function encodeCursor(query: CursorQuery, lastKey: Uint8Array): string {
  const bytes = Buffer.alloc(headerBytes + lastKey.length);
  bytes.writeUInt8(version, 0);
  bytes.writeUInt32LE(fingerprintOf(query), 5);
  bytes.set(lastKey, headerBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(5)), 1);
  return bytes.toString('base64url');
}

/** The key of the last entry before it. @throws TypeError when it is no string, TroupeError CURSOR_INVALID */
export function decodeCursor(query: CursorQuery, cursor: unknown): Uint8Array {
  if (typeof cursor !== 'string') throw new TypeError('a cursor is a string');
  const isPlausible = cursor.length <= 2 * (headerBytes + limits.keyBytesMax) && /^[A-Za-z0-9_-]+$/.test(cursor);
  const bytes = isPlausible ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  if (
    bytes.length <= headerBytes ||
    bytes.readUInt8(0) !== version ||
    bytes.readUInt32LE(1) !== crc32(bytes.subarray(5))
  )
    throw new TroupeError('CURSOR_INVALID', 'this is no cursor of this version; begin again without one');
  if (bytes.readUInt32LE(5) !== fingerprintOf(query))
    throw new TroupeError(
      'CURSOR_INVALID',
      'the cursor is of another query: table, start, end, prefix and reverse must stay the same',
    );
  return new Uint8Array(bytes.subarray(headerBytes));
}
