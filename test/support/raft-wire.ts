// Raft messages through their real bytes
// =============================================================================

import { raftMessageEntries, type RaftMessage } from '../../messaging/protocol/raft-messages.js';
import { DecodeError, ByteReader } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';

export function messageBytes(message: RaftMessage): Uint8Array {
  const entry = raftMessageEntries.find((one) => one.kind === message.kind);
  if (entry === undefined) throw new Error(`no entry for ${message.kind}`);
  const writer = new ByteWriter();
  writer.u8(entry.code);
  entry.encode(message as never, writer);
  return writer.finish();
}

/** @throws DecodeError */
export function messageFromBytes(bytes: Uint8Array): RaftMessage {
  const reader = new ByteReader(bytes);
  const code = reader.u8();
  const entry = raftMessageEntries.find((one) => one.code === code);
  if (entry === undefined) throw new DecodeError(`no message of code ${code}`);
  const message: unknown = entry.decode(reader);
  reader.end();
  return message as RaftMessage;
}
