// Messages to bytes and back: one entry a message kind
// =============================================================================
//
// Each message file exports a table of `MessageEntry`, next to its types; codec.ts joins the tables. A message on the wire is its
// code (one byte) and its body. Codes are for ever: a number is never given to another message.

import { DecodeError } from '../../runtime/std/byte-reader.js';
import type { ByteReader } from '../../runtime/std/byte-reader.js';
import type { ByteWriter } from '../../runtime/std/byte-writer.js';

export interface MessageEntry<M extends { readonly kind: string } = never> {
  readonly kind: string;
  /** 1–255, unique over all tables. Raft 1–19, replication 20–39, client 40–79, metadata and hosts 80–119. */
  readonly code: number;
  encode(message: M, writer: ByteWriter): void;
  /** Byte strings may be views on the reader's source. @throws DecodeError for anything out of shape. */
  decode(reader: ByteReader): M;
}

/** Types an entry by its union arm, so that tables stay lists of plain objects. */
export function entry<Union extends { readonly kind: string }, Kind extends Union['kind']>(
  kind: Kind,
  code: number,
  encode: (message: Extract<Union, { readonly kind: Kind }>, writer: ByteWriter) => void,
  decode: (reader: ByteReader) => Extract<Union, { readonly kind: Kind }>,
): MessageEntry {
  return { kind, code, encode, decode: decode as MessageEntry['decode'] };
}

/** One of a closed list of words, as its position. */
export function writeWord<W extends string>(writer: ByteWriter, words: readonly W[], word: W): void {
  writer.u8(words.indexOf(word));
}

export function readWord<W extends string>(reader: ByteReader, words: readonly W[]): W {
  const word = words[reader.u8()];
  if (word === undefined) throw new DecodeError('a word beyond its list');
  return word;
}

/** A number that may be absent, as one more than it is. */
export function writeOptional(writer: ByteWriter, value: number | undefined): void {
  writer.varint(value === undefined ? 0 : value + 1);
}

export function readOptional(reader: ByteReader): number | undefined {
  const value = reader.varint();
  return value === 0 ? undefined : value - 1;
}
