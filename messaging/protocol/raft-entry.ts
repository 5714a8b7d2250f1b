// Log entries and memberships of the metadata group, as they travel and as they are journaled
// =============================================================================
//
//   entry       = term varint, kind u8, bytes (length-prefixed)          its index follows from where it stands
//   membership  = voters, outgoing, learners: each a count and that many strings

import { assert } from '../../runtime/std/assert.js';
import { DecodeError, ByteReader } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { readWord, writeWord } from './message-codec.js';

/** Opaque to Raft. Contains the disk's identity, so that a host which lost its disk is another member (M8). */
export type MemberId = string;

export const memberIdLengthMax = 128;

/** Most members of any kind in one membership list. */
export const memberCountMax = 16;

/** Bytes of one entry (M15). */
export const raftEntryBytesMax = 1_048_576;

/** Entries of one message or record. */
export const raftEntryCountMax = 16_384;

/** `outgoing` is empty, except in the joint phase of a change, when it holds the old voters (C_old,new). Lists are sorted, without repetition. */
export interface Membership {
  readonly voters: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

/** `no-op` opens a leader's term; `membership` holds an encoded Membership; `command` is the state machine's. */
export const raftEntryKinds = ['no-op', 'command', 'membership'] as const;
export type RaftEntryKind = (typeof raftEntryKinds)[number];

export interface RaftEntry {
  /** From 1. */
  readonly index: number;
  readonly term: number;
  readonly kind: RaftEntryKind;
  readonly bytes: Uint8Array;
}

/** The place of an entry: equal places hold equal logs (M3). */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** Writes entries that follow each other from `after` on. */
export function writeEntries(writer: ByteWriter, entries: readonly RaftEntry[], after: number): void {
  writer.varint(entries.length);
  let index = after;
  for (const entry of entries) {
    assert(entry.index === ++index, 'M3: entries are written without a gap');
    writer.varint(entry.term);
    writeWord(writer, raftEntryKinds, entry.kind);
    writer.bytes(entry.bytes);
  }
}

/** The entries' bytes are copies, since a log keeps them. @throws DecodeError */
export function readEntries(reader: ByteReader, after: number): RaftEntry[] {
  const count = reader.count(3, raftEntryCountMax);
  const entries: RaftEntry[] = [];
  let term = 0;
  for (let i = 1; i <= count; i++) {
    const entryTerm = reader.varint();
    if (entryTerm < term) throw new DecodeError('terms that fall along the log');
    term = entryTerm;
    const kind = readWord(reader, raftEntryKinds);
    const bytes = reader.bytes(raftEntryBytesMax).slice();
    if (kind === 'membership') decodeMembership(bytes); // a log must never hold one that cannot be read
    entries.push({ index: after + i, term, kind, bytes });
  }
  return entries;
}

export function writeMembership(writer: ByteWriter, membership: Membership): void {
  for (const list of [membership.voters, membership.outgoing, membership.learners]) {
    writer.varint(list.length);
    for (const member of list) writer.string(member);
  }
}

/** @throws DecodeError */
export function readMembership(reader: ByteReader): Membership {
  return { voters: readMembers(reader), outgoing: readMembers(reader), learners: readMembers(reader) };
}

export function encodeMembership(membership: Membership): Uint8Array {
  const writer = new ByteWriter();
  writeMembership(writer, membership);
  return writer.finish();
}

/** @throws DecodeError */
export function decodeMembership(bytes: Uint8Array): Membership {
  const reader = new ByteReader(bytes);
  const membership = readMembership(reader);
  reader.end();
  return membership;
}

/** @throws DecodeError for an empty name. */
export function readMember(reader: ByteReader): MemberId {
  const member = reader.string(memberIdLengthMax);
  if (member.length === 0) throw new DecodeError('an empty member id');
  return member;
}

function readMembers(reader: ByteReader): MemberId[] {
  const count = reader.count(2, memberCountMax);
  const members: MemberId[] = [];
  for (let i = 0; i < count; i++) {
    const member = readMember(reader);
    const previous = members.at(-1);
    if (previous !== undefined && member <= previous) throw new DecodeError('members out of order');
    members.push(member);
  }
  return members;
}
