// Between a client and the hosts
// =============================================================================
//
// A client asks the replica (or a manager, or the metadata group) directly; each request carries a number that the client never
// uses again, not even for a retry of the same operation, so a reply can be matched only by the attempt that asked (T2).
// A retried write keeps its session and sequence number instead: those make it apply once (S2).
//
// Keys and values are the client's own encoded bytes and pass through untouched.

import { DecodeError, type ByteReader } from '../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../runtime/std/byte-writer.js';
import type { Durability } from './cluster-map.js';
import { durabilities } from './cluster-map.js';
import { limits } from './limits.js';
import { entry, type MessageEntry, readOptional, readWord, writeOptional, writeWord } from './message-codec.js';

export const consistencies = ['linearizable', 'session', 'stale'] as const;
export type Consistency = (typeof consistencies)[number];

/** The newest thing a session saw of a partition (L8). */
export interface Mark {
  readonly lineage: number;
  readonly offset: number;
}

export const writeOperations = ['put', 'delete', 'increment'] as const;
export type WriteOperation = (typeof writeOperations)[number];

export interface WriteOp {
  /** Sequence number in the session, from 1. */
  readonly sequence: number;
  readonly operation: WriteOperation;
  readonly key: Uint8Array;
  /** `put`: the value. `increment`: the encoded number to add. `delete`: empty. */
  readonly value: Uint8Array;
  /** Apply only if the item has this version; 0 = only if there is no item (`ifAbsent`). */
  readonly ifVersion: number | undefined;
}

/** `applied`: took effect. `condition-failed`, `invalid`: had no effect; final, and stored like any result (S8). */
export const writeStatuses = ['applied', 'condition-failed', 'invalid'] as const;
export type WriteStatus = (typeof writeStatuses)[number];

export interface WriteResult {
  readonly sequence: number;
  readonly status: WriteStatus;
  readonly offset: number;
  /** The item's version after an applied put or increment; before a delete; the present one after `condition-failed`. 0 = absent. */
  readonly version: number;
  /** `increment`: the encoded new value. Else empty. */
  readonly value: Uint8Array;
}

/**
 * Why a request was not done. All of them but `outcome-unknown` and `session-stale` mean: no effect, now or ever.
 * `not-leader` this replica does not lead; refresh the map · `unavailable` fewer in-sync replicas than the table's minimum, or the
 * lease is not valid · `capacity` full: try later · `session-stale` the session is not known here (S5): for a write that was sent
 * before, the outcome is unknown · `outcome-unknown` appended, but this replica will not learn its fate · `behind` the replica has not reached the mark ·
 * `invalid` the request breaks a limit.
 */
export const refusals = [
  'not-leader',
  'unavailable',
  'capacity',
  'session-stale',
  'outcome-unknown',
  'behind',
  'invalid',
] as const;
export type Refusal = (typeof refusals)[number];

export interface ReadItem {
  readonly value: Uint8Array;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface ScanItem extends ReadItem {
  readonly key: Uint8Array;
}

export type ClientRequest =
  /** Gives this client a session in this partition: a logged record whose offset is the session's number (S1). */
  | { readonly kind: 'open-session'; readonly request: number; readonly partition: number }
  | {
      readonly kind: 'write';
      readonly request: number;
      readonly partition: number;
      readonly session: number;
      /** Every sequence number up to this one has been answered to the client: its results may be forgotten (S6). */
      readonly answeredThrough: number;
      readonly ops: readonly WriteOp[];
    }
  | {
      readonly kind: 'read';
      readonly request: number;
      readonly partition: number;
      readonly consistency: Consistency;
      readonly mark: Mark;
      readonly keys: readonly Uint8Array[];
    }
  | {
      readonly kind: 'scan';
      readonly request: number;
      readonly partition: number;
      readonly consistency: Consistency;
      readonly mark: Mark;
      /** First key, included. */
      readonly start: Uint8Array;
      /** End, excluded; empty = to the end of the partition. */
      readonly end: Uint8Array;
      readonly reverse: boolean;
      readonly limit: number;
      readonly bytesMax: number;
    };

export type ClientReply =
  | { readonly kind: 'session-opened'; readonly request: number; readonly partition: number; readonly session: number }
  | {
      readonly kind: 'written';
      readonly request: number;
      readonly partition: number;
      readonly lineage: number;
      readonly epoch: number;
      readonly durability: Durability;
      /** Hosts that had it on disk when it was answered. */
      readonly replicas: readonly string[];
      /** One for each op, in the order asked. */
      readonly results: readonly WriteResult[];
    }
  | {
      readonly kind: 'read-done';
      readonly request: number;
      readonly partition: number;
      readonly mark: Mark;
      readonly items: readonly (ReadItem | undefined)[];
    }
  | {
      readonly kind: 'scan-done';
      readonly request: number;
      readonly partition: number;
      readonly mark: Mark;
      readonly items: readonly ScanItem[];
      readonly more: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly request: number;
      readonly partition: number;
      readonly reason: Refusal;
      readonly detail: string;
    };

export type ClientMessage = ClientRequest | ClientReply;

// --- bytes --------------------------------------------------------------------------------------------------------------

function writeMark(writer: ByteWriter, mark: Mark): void {
  writer.varint(mark.lineage);
  writer.varint(mark.offset);
}

function readMark(reader: ByteReader): Mark {
  return { lineage: reader.varint(), offset: reader.varint() };
}

function writeItem(writer: ByteWriter, item: ReadItem): void {
  writer.varint(item.version);
  writer.varint(item.createdAtMs);
  writer.varint(item.updatedAtMs);
  writer.bytes(item.value);
}

function readItem(reader: ByteReader): ReadItem {
  return {
    version: reader.varint(),
    createdAtMs: reader.varint(),
    updatedAtMs: reader.varint(),
    value: reader.bytes(limits.valueBytesMax),
  };
}

function readScanItem(reader: ByteReader): ScanItem {
  const key = reader.bytes(limits.keyBytesMax);
  const { version, createdAtMs, updatedAtMs, value } = readItem(reader);
  return { key, version, createdAtMs, updatedAtMs, value };
}

export function writeOp(writer: ByteWriter, op: WriteOp): void {
  writer.varint(op.sequence);
  writeWord(writer, writeOperations, op.operation);
  writer.bytes(op.key);
  writer.bytes(op.value);
  writeOptional(writer, op.ifVersion);
}

export function readOp(reader: ByteReader): WriteOp {
  const sequence = reader.varint();
  const operation = readWord(reader, writeOperations);
  const key = reader.bytes(limits.keyBytesMax);
  const value = reader.bytes(limits.valueBytesMax);
  if (key.length === 0) throw new DecodeError('an empty key');
  return { sequence, operation, key, value, ifVersion: readOptional(reader) };
}

function writeResult(writer: ByteWriter, result: WriteResult): void {
  writer.varint(result.sequence);
  writeWord(writer, writeStatuses, result.status);
  writer.varint(result.offset);
  writer.varint(result.version);
  writer.bytes(result.value);
}

function readResult(reader: ByteReader): WriteResult {
  return {
    sequence: reader.varint(),
    status: readWord(reader, writeStatuses),
    offset: reader.varint(),
    version: reader.varint(),
    value: reader.bytes(limits.valueBytesMax),
  };
}

function list<T>(reader: ByteReader, bytesEach: number, max: number, one: (reader: ByteReader) => T): T[] {
  const count = reader.count(bytesEach, max);
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(one(reader));
  return items;
}

export const clientMessageEntries: readonly MessageEntry[] = [
  entry<ClientMessage, 'open-session'>(
    'open-session',
    40,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
    },
    (r) => ({ kind: 'open-session', request: r.varint(), partition: r.varint() }),
  ),
  entry<ClientMessage, 'write'>(
    'write',
    41,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      w.varint(m.session);
      w.varint(m.answeredThrough);
      w.varint(m.ops.length);
      for (const op of m.ops) writeOp(w, op);
    },
    (r) => ({
      kind: 'write',
      request: r.varint(),
      partition: r.varint(),
      session: r.varint(),
      answeredThrough: r.varint(),
      ops: list(r, 5, limits.batchCountMax, readOp),
    }),
  ),
  entry<ClientMessage, 'read'>(
    'read',
    42,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      writeWord(w, consistencies, m.consistency);
      writeMark(w, m.mark);
      w.varint(m.keys.length);
      for (const key of m.keys) w.bytes(key);
    },
    (r) => ({
      kind: 'read',
      request: r.varint(),
      partition: r.varint(),
      consistency: readWord(r, consistencies),
      mark: readMark(r),
      keys: list(r, 1, limits.batchCountMax, (reader) => reader.bytes(limits.keyBytesMax)),
    }),
  ),
  entry<ClientMessage, 'scan'>(
    'scan',
    43,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      writeWord(w, consistencies, m.consistency);
      writeMark(w, m.mark);
      w.bytes(m.start);
      w.bytes(m.end);
      w.bool(m.reverse);
      w.varint(m.limit);
      w.varint(m.bytesMax);
    },
    (r) => ({
      kind: 'scan',
      request: r.varint(),
      partition: r.varint(),
      consistency: readWord(r, consistencies),
      mark: readMark(r),
      start: r.bytes(limits.keyBytesMax),
      end: r.bytes(limits.keyBytesMax),
      reverse: r.bool(),
      limit: r.varint(),
      bytesMax: r.varint(),
    }),
  ),
  entry<ClientMessage, 'session-opened'>(
    'session-opened',
    50,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      w.varint(m.session);
    },
    (r) => ({ kind: 'session-opened', request: r.varint(), partition: r.varint(), session: r.varint() }),
  ),
  entry<ClientMessage, 'written'>(
    'written',
    51,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      w.varint(m.lineage);
      w.varint(m.epoch);
      writeWord(w, durabilities, m.durability);
      w.varint(m.replicas.length);
      for (const host of m.replicas) w.string(host);
      w.varint(m.results.length);
      for (const result of m.results) writeResult(w, result);
    },
    (r) => ({
      kind: 'written',
      request: r.varint(),
      partition: r.varint(),
      lineage: r.varint(),
      epoch: r.varint(),
      durability: readWord(r, durabilities),
      replicas: list(r, 1, limits.replicasMax * 2, (reader) => reader.string(64)),
      results: list(r, 5, limits.batchCountMax, readResult),
    }),
  ),
  entry<ClientMessage, 'read-done'>(
    'read-done',
    52,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      writeMark(w, m.mark);
      w.varint(m.items.length);
      for (const item of m.items) {
        w.bool(item !== undefined);
        if (item !== undefined) writeItem(w, item);
      }
    },
    (r) => ({
      kind: 'read-done',
      request: r.varint(),
      partition: r.varint(),
      mark: readMark(r),
      items: list(r, 1, limits.batchCountMax, (reader) => (reader.bool() ? readItem(reader) : undefined)),
    }),
  ),
  entry<ClientMessage, 'scan-done'>(
    'scan-done',
    53,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      writeMark(w, m.mark);
      w.varint(m.items.length);
      for (const item of m.items) {
        w.bytes(item.key);
        writeItem(w, item);
      }
      w.bool(m.more);
    },
    (r) => ({
      kind: 'scan-done',
      request: r.varint(),
      partition: r.varint(),
      mark: readMark(r),
      items: list(r, 5, limits.pageCountMax, readScanItem),
      more: r.bool(),
    }),
  ),
  entry<ClientMessage, 'refused'>(
    'refused',
    54,
    (m, w) => {
      w.varint(m.request);
      w.varint(m.partition);
      writeWord(w, refusals, m.reason);
      w.string(m.detail.slice(0, 200));
    },
    (r) => ({
      kind: 'refused',
      request: r.varint(),
      partition: r.varint(),
      reason: readWord(r, refusals),
      detail: r.string(1024),
    }),
  ),
];
