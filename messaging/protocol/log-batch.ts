// A batch: what one append adds to a partition's log
// =============================================================================
//
// The unit of journal, replication and truncation. A batch is made once, by the leader, and the same bytes are journaled and sent to the
// followers; each operation in it has its own offset, from `base` on.
//
//   version u8 │ body u8 │ base varint │ count varint │ lineage varint │ epoch varint │ timeMs varint │ partitionTimeMs varint │ body …
//
//   epoch-start      nothing                                                    count 1 (R9)
//   open-session     client string                                              count 1 (S1): its offset is the session's number
//   writes           session varint, answeredThrough varint, operations         count = operations (client-messages.ts)
//   expire-sessions  count varint, session varint …                             count 1 (S7)
//   check            offset varint, hash high u32, hash low u32                 count 1 (R19): the state hash at an earlier check's offset
//
// `timeMs` is the leader's wall clock, never less than in the batch before: it becomes `createdAt` and `updatedAt`. `partitionTimeMs` is the
// partition's own time, which only runs while somebody leads (E3): sessions expire by it.

import { BytePage } from '../../runtime/std/byte-page.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { unreachable } from '../../runtime/std/assert.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { readOp, type WriteOp, writeOp } from './client-messages.js';
import { limits } from './limits.js';

export interface BatchHeader {
  readonly base: number;
  readonly count: number;
  readonly lineage: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly partitionTimeMs: number;
}

export type BatchBody =
  | { readonly kind: 'epoch-start' }
  | { readonly kind: 'open-session'; readonly client: string }
  | {
      readonly kind: 'writes';
      readonly session: number;
      readonly answeredThrough: number;
      readonly ops: readonly WriteOp[];
    }
  | { readonly kind: 'expire-sessions'; readonly sessions: readonly number[] }
  | { readonly kind: 'check'; readonly offset: number; readonly hashHigh: number; readonly hashLow: number };

export interface Batch extends BatchHeader {
  readonly body: BatchBody;
}

const batchVersion = 1;
const bodyKinds = ['epoch-start', 'open-session', 'writes', 'expire-sessions', 'check'] as const;
const scratch = new ByteWriter(4096);
const page = new BytePage();

export function countOf(body: BatchBody): number {
  return body.kind === 'writes' ? body.ops.length : 1;
}

/** The bytes are the caller's own; those of a small batch share a page with others of that time. */
export function encodeBatch(batch: Batch): Uint8Array {
  const writer = scratch;
  writer.reset();
  writer.u8(batchVersion);
  writer.u8(bodyKinds.indexOf(batch.body.kind));
  writer.varint(batch.base);
  writer.varint(batch.count);
  writer.varint(batch.lineage);
  writer.varint(batch.epoch);
  writer.varint(batch.timeMs);
  writer.varint(batch.partitionTimeMs);
  const body = batch.body;
  switch (body.kind) {
    case 'epoch-start':
      break;
    case 'open-session':
      writer.string(body.client);
      break;
    case 'writes':
      writer.varint(body.session);
      writer.varint(body.answeredThrough);
      for (const op of body.ops) writeOp(writer, op);
      break;
    case 'expire-sessions':
      writer.varint(body.sessions.length);
      for (const session of body.sessions) writer.varint(session);
      break;
    case 'check':
      writer.varint(body.offset);
      writer.u32(body.hashHigh);
      writer.u32(body.hashLow);
      break;
  }
  return page.copy(writer.view());
}

function readHeader(reader: ByteReader): { readonly header: BatchHeader; readonly kind: (typeof bodyKinds)[number] } {
  const version = reader.u8();
  if (version !== batchVersion) throw new DecodeError(`batch version ${version}, ${batchVersion} known`);
  const kind = bodyKinds[reader.u8()];
  if (kind === undefined) throw new DecodeError('no such batch body');
  const base = reader.varint();
  const count = reader.varint();
  if (count < 1 || count > limits.batchCountMax) throw new DecodeError(`a batch of ${count}`);
  const header = {
    base,
    count,
    lineage: reader.varint(),
    epoch: reader.varint(),
    timeMs: reader.varint(),
    partitionTimeMs: reader.varint(),
  };
  return { header, kind };
}

/** Only the header: what log and replication need. @throws DecodeError */
export function decodeBatchHeader(bytes: Uint8Array): BatchHeader {
  return readHeader(new ByteReader(bytes)).header;
}

/** Keys and values are views on `bytes`. @throws DecodeError */
export function decodeBatch(bytes: Uint8Array): Batch {
  const reader = new ByteReader(bytes);
  const { header, kind } = readHeader(reader);
  const body = readBody(reader, kind, header.count);
  reader.end();
  if (countOf(body) !== header.count) throw new DecodeError('a batch whose count is not that of its body');
  // Named, not spread: a spread of an object costs a microsecond, and every batch passes here on every replica.
  const { base, count, lineage, epoch, timeMs, partitionTimeMs } = header;
  return { base, count, lineage, epoch, timeMs, partitionTimeMs, body };
}

function readBody(reader: ByteReader, kind: (typeof bodyKinds)[number], count: number): BatchBody {
  switch (kind) {
    case 'epoch-start':
      return { kind };
    case 'open-session':
      return { kind, client: reader.string(80) };
    case 'writes': {
      const session = reader.varint();
      const answeredThrough = reader.varint();
      const ops: WriteOp[] = [];
      for (let i = 0; i < count; i++) ops.push(readOp(reader));
      return { kind, session, answeredThrough, ops };
    }
    case 'expire-sessions': {
      const sessions: number[] = [];
      const size = reader.count(1, limits.sessionCountMax);
      for (let i = 0; i < size; i++) sessions.push(reader.varint());
      return { kind, sessions };
    }
    case 'check':
      return { kind, offset: reader.varint(), hashHigh: reader.u32(), hashLow: reader.u32() };
    default:
      return unreachable(kind);
  }
}
