// Between the peers of the metadata group
// =============================================================================
//
// Every message names both members and the sender's term: `from` and `to` are member ids, not hosts, so that what was meant for a
// member whose disk is gone does not reach its successor (M8). Any of them may be lost, repeated, late or out of order (T1).
//
// Sources: Ongaro's dissertation, figure 3.1 and chapters 3, 4, 6, 9.6; etcd-io/raft for PreVote, flow control and ReadIndex.
// We differ: a refusal carries the conflicting term and its first index; a snapshot is asked for chunk by chunk by its receiver.

import { DecodeError, type ByteReader } from '../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../runtime/std/byte-writer.js';
import { limits } from './limits.js';
import { entry, type MessageEntry } from './message-codec.js';
import {
  type LogPosition,
  type MemberId,
  type Membership,
  type RaftEntry,
  readEntries,
  readMember,
  readMembership,
  writeEntries,
  writeMembership,
} from './raft-entry.js';

interface Header {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: number;
}

/** `pre`: would you vote for me in `term`, which I have not entered? `transfer`: the leader asked me to, so hearing it is no reason to refuse (M9). */
export interface RaftVote extends Header {
  readonly kind: 'raft-vote';
  readonly pre: boolean;
  readonly transfer: boolean;
  readonly last: LogPosition;
}

/** A granted pre-vote carries the term asked for; everything else the sender's own. */
export interface RaftVoteReply extends Header {
  readonly kind: 'raft-vote-reply';
  readonly pre: boolean;
  readonly granted: boolean;
}

/** Entries that follow `previous`. None = commit news, or a probe. */
export interface RaftAppend extends Header {
  readonly kind: 'raft-append';
  readonly previous: LogPosition;
  readonly commit: number;
  readonly entries: readonly RaftEntry[];
}

/** The sender's log equals the leader's up to `match`, durably. */
export interface RaftAccepted extends Header {
  readonly kind: 'raft-accepted';
  readonly match: number;
}

/**
 * The sender has no entry equal to `previous`: it has `conflict.term` there, which begins at `conflict.index`; or its log ends before, and
 * then `conflict` is { term 0, index after its last }. From a newer term, it only says that the leader is deposed.
 */
export interface RaftRefused extends Header {
  readonly kind: 'raft-refused';
  readonly previous: number;
  readonly conflict: LogPosition;
}

/** A sign of life that asks for one. `round` is unique in the term; `commit` never passes what the receiver is known to hold. */
export interface RaftHeartbeat extends Header {
  readonly kind: 'raft-heartbeat';
  readonly commit: number;
  readonly round: number;
}

export interface RaftHeartbeatReply extends Header {
  readonly kind: 'raft-heartbeat-reply';
  readonly round: number;
}

/** Chunk `number` of `count`; `snapshot` is unique among those of this sender and term (M11). */
export interface RaftSnapshot extends Header {
  readonly kind: 'raft-snapshot';
  readonly snapshot: number;
  readonly last: LogPosition;
  readonly membership: Membership;
  readonly number: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The next chunk wanted; `count` when all are here and are being stored. */
export interface RaftSnapshotReply extends Header {
  readonly kind: 'raft-snapshot-reply';
  readonly snapshot: number;
  readonly next: number;
}

/** Campaign at once (dissertation 3.10). */
export interface RaftTimeoutNow extends Header {
  readonly kind: 'raft-timeout-now';
}

export type RaftMessage =
  | RaftVote
  | RaftVoteReply
  | RaftAppend
  | RaftAccepted
  | RaftRefused
  | RaftHeartbeat
  | RaftHeartbeatReply
  | RaftSnapshot
  | RaftSnapshotReply
  | RaftTimeoutNow;

/** Chunks of one snapshot. */
export const raftSnapshotChunkCountMax = 4096;

function writeHeader(writer: ByteWriter, message: Header): void {
  writer.string(message.from);
  writer.string(message.to);
  writer.varint(message.term);
}

function readHeader(reader: ByteReader): Header {
  return { from: readMember(reader), to: readMember(reader), term: reader.varint() };
}

function writePosition(writer: ByteWriter, position: LogPosition): void {
  writer.varint(position.index);
  writer.varint(position.term);
}

function readPosition(reader: ByteReader): LogPosition {
  return { index: reader.varint(), term: reader.varint() };
}

export const raftMessageEntries: readonly MessageEntry[] = [
  entry<RaftMessage, 'raft-vote'>(
    'raft-vote',
    1,
    (m, w) => {
      writeHeader(w, m);
      w.bool(m.pre);
      w.bool(m.transfer);
      writePosition(w, m.last);
    },
    (r) => ({ kind: 'raft-vote', ...readHeader(r), pre: r.bool(), transfer: r.bool(), last: readPosition(r) }),
  ),
  entry<RaftMessage, 'raft-vote-reply'>(
    'raft-vote-reply',
    2,
    (m, w) => {
      writeHeader(w, m);
      w.bool(m.pre);
      w.bool(m.granted);
    },
    (r) => ({ kind: 'raft-vote-reply', ...readHeader(r), pre: r.bool(), granted: r.bool() }),
  ),
  entry<RaftMessage, 'raft-append'>(
    'raft-append',
    3,
    (m, w) => {
      writeHeader(w, m);
      writePosition(w, m.previous);
      w.varint(m.commit);
      writeEntries(w, m.entries, m.previous.index);
    },
    (r) => {
      const header = readHeader(r);
      const previous = readPosition(r);
      const commit = r.varint();
      const entries = readEntries(r, previous.index);
      const first = entries[0];
      const last = entries.at(-1);
      if (first !== undefined && first.term < previous.term) throw new DecodeError('terms that fall along the log');
      if (last !== undefined && last.term > header.term) throw new DecodeError('an entry of a later term');
      return { kind: 'raft-append', ...header, previous, commit, entries };
    },
  ),
  entry<RaftMessage, 'raft-accepted'>(
    'raft-accepted',
    4,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.match);
    },
    (r) => ({ kind: 'raft-accepted', ...readHeader(r), match: r.varint() }),
  ),
  entry<RaftMessage, 'raft-refused'>(
    'raft-refused',
    5,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.previous);
      writePosition(w, m.conflict);
    },
    (r) => ({ kind: 'raft-refused', ...readHeader(r), previous: r.varint(), conflict: readPosition(r) }),
  ),
  entry<RaftMessage, 'raft-heartbeat'>(
    'raft-heartbeat',
    6,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.commit);
      w.varint(m.round);
    },
    (r) => ({ kind: 'raft-heartbeat', ...readHeader(r), commit: r.varint(), round: r.varint() }),
  ),
  entry<RaftMessage, 'raft-heartbeat-reply'>(
    'raft-heartbeat-reply',
    7,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.round);
    },
    (r) => ({ kind: 'raft-heartbeat-reply', ...readHeader(r), round: r.varint() }),
  ),
  entry<RaftMessage, 'raft-snapshot'>(
    'raft-snapshot',
    8,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.snapshot);
      writePosition(w, m.last);
      writeMembership(w, m.membership);
      w.varint(m.number);
      w.varint(m.count);
      w.bytes(m.bytes);
    },
    (r) => {
      const header = readHeader(r);
      const snapshot = r.varint();
      const last = readPosition(r);
      const membership = readMembership(r);
      const number = r.varint();
      const count = r.varint();
      if (count < 1 || count > raftSnapshotChunkCountMax || number >= count)
        throw new DecodeError('a chunk beyond its snapshot');
      if (last.index === 0 || last.term > header.term) throw new DecodeError('a snapshot of nothing or of the future');
      const bytes = r.bytes(limits.frameBytesMax).slice(); // kept until the snapshot is whole
      return { kind: 'raft-snapshot', ...header, snapshot, last, membership, number, count, bytes };
    },
  ),
  entry<RaftMessage, 'raft-snapshot-reply'>(
    'raft-snapshot-reply',
    9,
    (m, w) => {
      writeHeader(w, m);
      w.varint(m.snapshot);
      w.varint(m.next);
    },
    (r) => ({ kind: 'raft-snapshot-reply', ...readHeader(r), snapshot: r.varint(), next: r.varint() }),
  ),
  entry<RaftMessage, 'raft-timeout-now'>(
    'raft-timeout-now',
    10,
    (m, w) => writeHeader(w, m),
    (r) => ({ kind: 'raft-timeout-now', ...readHeader(r) }),
  ),
];
