// What one MessagePort message between two workers holds
// =============================================================================
//
//   frame    = flags:u8 envelope*
//   envelope = to:string from:string message:bytes        actor names, and the message as its codec has it
//
// Host and worker of both ends are those of the link. `flags` bit 0: something before this frame was dropped (T3).

import type { MessageCodec } from '../contract/transport.js';
import type { Message } from '../contract/actor.js';
import { ByteReader, DecodeError } from '../std/byte-reader.js';
import { ByteWriter } from '../std/byte-writer.js';

const flagLost = 1;
const nameBytesMax = 1024;

/** One open batch towards one worker. */
export class FrameWriter {
  readonly #codec: MessageCodec;
  readonly #writer = new ByteWriter(1024);
  #envelopes = 0;

  constructor(codec: MessageCodec) {
    this.#codec = codec;
    this.#begin();
  }

  get envelopes(): number {
    return this.#envelopes;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  /** @throws AssertionError for a message that has no encoding; the frame is as it was. */
  add(to: string, from: string, message: Message): void {
    const bytes = this.#codec.encode(message);
    this.#writer.string(to);
    this.#writer.string(from);
    this.#writer.bytes(bytes);
    this.#envelopes++;
  }

  /** The frame, in a buffer of its own that may be transferred; the next one is begun. */
  finish(lost: boolean): ArrayBuffer {
    const frame = this.#writer.finish();
    if (lost) frame[0] = flagLost;
    this.#begin();
    return frame.buffer as ArrayBuffer;
  }

  /** Forgets what was added. @returns how many messages that were. */
  discard(): number {
    const dropped = this.#envelopes;
    this.#begin();
    return dropped;
  }

  #begin(): void {
    this.#writer.reset();
    this.#writer.u8(0);
    this.#envelopes = 0;
  }
}

export interface FrameConsumer {
  /** Something before this frame was dropped. Called before its messages. */
  lost(): void;
  message(to: string, from: string, message: Message): void;
}

/** @throws DecodeError */
export function readFrame(frame: ArrayBuffer, codec: MessageCodec, consumer: FrameConsumer): void {
  const reader = new ByteReader(new Uint8Array(frame));
  const flags = reader.u8();
  if (flags > flagLost) throw new DecodeError(`no flags of a link frame: ${flags}`);
  if (flags === flagLost) consumer.lost();
  while (reader.remaining > 0) {
    const to = reader.string(nameBytesMax);
    const from = reader.string(nameBytesMax);
    consumer.message(to, from, codec.decode(reader.bytes()));
  }
}
