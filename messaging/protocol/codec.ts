// The protocol's codec: every message kind that crosses a boundary
// =============================================================================
//
// Joins the tables of the message files. A message is its code (one byte) and its body; what follows the body is an error.
//
// Invariants
//   Q1. No two kinds share a code and no two entries share a kind: checked when this module is loaded.
//   Q2. An unknown code, a short body or a long one is a DecodeError, nothing else.

import type { Message } from '../../runtime/contract/actor.js';
import type { MessageCodec } from '../../runtime/contract/transport.js';
import { assert } from '../../runtime/std/assert.js';
import { ByteReader, DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { clientMessageEntries } from './client-messages.js';
import { hostMessageEntries } from './host-message-codec.js';
import type { MessageEntry } from './message-codec.js';
import { raftMessageEntries } from './raft-messages.js';
import { replicationMessageEntries } from './replication-messages.js';

/** A codec that can also write into a buffer that is already there, which saves a copy a message. */
export interface WireCodec extends MessageCodec {
  /** @throws AssertionError for a message that has no encoding. */
  write(message: Message, writer: ByteWriter): void;
}

/** REQUIRES unique codes and kinds (Q1). */
export function codecOf(tables: readonly (readonly MessageEntry[])[]): WireCodec {
  const byKind = new Map<string, MessageEntry<Message>>();
  const byCode: (MessageEntry<Message> | undefined)[] = [];
  for (const table of tables) {
    for (const entry of table as readonly unknown[] as readonly MessageEntry<Message>[]) {
      assert(Number.isInteger(entry.code), `Q1: the code of ${entry.kind} is no whole number`);
      assert(entry.code >= 1 && entry.code <= 255, `Q1: the code of ${entry.kind} is no byte`);
      assert(byCode[entry.code] === undefined, `Q1: code ${entry.code} is given twice`);
      assert(!byKind.has(entry.kind), `Q1: kind ${entry.kind} is given twice`);
      byCode[entry.code] = entry;
      byKind.set(entry.kind, entry);
    }
  }

  function write(message: Message, writer: ByteWriter): void {
    const entry = byKind.get(message.kind);
    assert(entry !== undefined, `${message.kind} has no encoding`);
    writer.u8(entry.code);
    entry.encode(message, writer);
  }

  return {
    write,
    encode(message) {
      const writer = new ByteWriter(64);
      write(message, writer);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const code = reader.u8();
      const entry = byCode[code];
      if (entry === undefined) throw new DecodeError(`no message has code ${code}`); // Q2
      const message = entry.decode(reader);
      reader.end(); // Q2
      return message;
    },
  };
}

/** All messages of Troupe. Byte strings of a decoded message are views on the bytes it was decoded from. */
export const protocolCodec: WireCodec = codecOf([
  raftMessageEntries,
  replicationMessageEntries,
  clientMessageEntries,
  hostMessageEntries,
]);
