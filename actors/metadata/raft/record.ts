// What a peer has on disk, beside its snapshot
// =============================================================================
//
// Each record says all there is to say: term, vote, and what the log is now (M6). The journal checks each record and their chain.
//
//   log        1, term, vote, base.index, base.term, entries    the log is: as it was up to base, then these entries
//   rebase     2, the same                                      the log holds at least these after base; if it has no base, ignore
//   bootstrap  3, membership                                    the group as it was founded: in effect at index 0
//   vote       4, like log, without entries                     term and vote changed, the log did not; base is its end
//
// A rebase stands at the place where a snapshot's replay starts. Before the snapshot is switched on it repeats what the log says anyway (or
// refers to a snapshot that was never finished, and is ignored); after it, it is all that is left of the log before it (M11). While a
// received snapshot is being stored nothing is appended, but votes are cast: a vote record must fit the log before and after the switch, so it
// leaves the log alone.
// `vote` is empty for none. Integers are varints. Codes are for ever.

import { ByteReader, DecodeError } from '../../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';
import {
  type LogPosition,
  memberIdLengthMax,
  type MemberId,
  type Membership,
  type RaftEntry,
  readEntries,
  readMembership,
  writeEntries,
  writeMembership,
} from '../../../messaging/protocol/raft-entry.js';

/** The journal record type of all of them. */
export const raftRecordType = 1;

export interface LogRecord {
  readonly kind: 'log' | 'rebase' | 'vote';
  readonly term: number;
  readonly vote: MemberId | undefined;
  readonly base: LogPosition;
  readonly entries: readonly RaftEntry[];
}

export interface BootstrapRecord {
  readonly kind: 'bootstrap';
  readonly membership: Membership;
}

export type RaftRecord = LogRecord | BootstrapRecord;

const codes = { log: 1, rebase: 2, bootstrap: 3, vote: 4 } as const;

export function encodeRecord(record: RaftRecord): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(codes[record.kind]);
  if (record.kind === 'bootstrap') {
    writeMembership(writer, record.membership);
  } else {
    writer.varint(record.term);
    writer.string(record.vote ?? '');
    writer.varint(record.base.index);
    writer.varint(record.base.term);
    writeEntries(writer, record.entries, record.base.index);
  }
  return writer.finish();
}

/** @throws DecodeError */
export function decodeRecord(bytes: Uint8Array): RaftRecord {
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const record = code === codes.bootstrap ? readBootstrap(reader) : readLog(reader, code);
  reader.end();
  return record;
}

const logKinds: readonly LogRecord['kind'][] = ['log', 'rebase', 'vote'];

function readBootstrap(reader: ByteReader): BootstrapRecord {
  return { kind: 'bootstrap', membership: readMembership(reader) };
}

function readLog(reader: ByteReader, code: number): LogRecord {
  const kind = logKinds.find((one) => codes[one] === code);
  if (kind === undefined) throw new DecodeError(`no record of this kind: ${code}`);
  const term = reader.varint();
  const vote = reader.string(memberIdLengthMax);
  const base = { index: reader.varint(), term: reader.varint() };
  const entries = readEntries(reader, base.index);
  if (kind === 'vote' && entries.length > 0) throw new DecodeError('a vote record with entries');
  return { kind, term, vote: vote === '' ? undefined : vote, base, entries };
}

/** The immutable facts of a snapshot; the state itself is the state machine's (M11). */
export interface SnapshotMeta {
  readonly last: LogPosition;
  readonly membership: Membership;
}

export function encodeSnapshotMeta(meta: SnapshotMeta): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(meta.last.index);
  writer.varint(meta.last.term);
  writeMembership(writer, meta.membership);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta {
  const reader = new ByteReader(bytes);
  const last = { index: reader.varint(), term: reader.varint() };
  const membership = readMembership(reader);
  reader.end();
  return { last, membership };
}
