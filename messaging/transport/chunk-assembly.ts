// Putting chunked frames together again
// =============================================================================
//
// Invariants
//   J1. Only bytes that arrived are held, within a bound over all senders; beyond it the oldest unfinished frame is dropped.
//   J2. A frame comes out only complete; pieces that do not fit those before them, or come out of order, end it. What came of the loss
//       is for the link to see.

import { DecodeError } from '../../runtime/std/byte-reader.js';
import type { Chunk } from '../protocol/chunk.js';
import type { LinkLimits } from './link-limits.js';

interface Unfinished {
  readonly number: number;
  readonly count: number;
  readonly frameBytes: number;
  readonly pieces: Uint8Array[];
  bytes: number;
}

export class ChunkAssembly {
  readonly #limits: LinkLimits;
  /** By sender; oldest first. */
  readonly #unfinished = new Map<string, Unfinished>();
  #bytes = 0;
  #dropped = 0;

  constructor(limits: LinkLimits) {
    this.#limits = limits;
  }

  /** Unfinished frames that were given up. */
  get droppedCount(): number {
    return this.#dropped;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param sender whom NATS says it is from
   * @param chunk its piece is copied
   * @returns the frame's bytes, the caller's own, when this was its last chunk.
   * @throws DecodeError for a chunk that does not fit those before it.
   */
  accept(sender: string, chunk: Chunk): Uint8Array | undefined {
    const key = `${sender} ${chunk.instance}`; // two workers of a host share one subject to a client
    let frame = this.#unfinished.get(key);
    if (chunk.index === 0) {
      if (frame !== undefined) this.#drop(key, frame);
      frame = { number: chunk.number, count: chunk.count, frameBytes: chunk.frameBytes, pieces: [], bytes: 0 };
      this.#unfinished.set(key, frame);
    } else if (frame === undefined) {
      throw new DecodeError('a chunk without its first');
    } else if (
      frame.number !== chunk.number ||
      frame.count !== chunk.count ||
      frame.frameBytes !== chunk.frameBytes ||
      frame.pieces.length !== chunk.index ||
      frame.bytes + chunk.piece.length > frame.frameBytes
    ) {
      this.#drop(key, frame); // J2
      throw new DecodeError('a chunk that does not follow the one before');
    }
    frame.pieces.push(chunk.piece.slice());
    frame.bytes += chunk.piece.length;
    this.#bytes += chunk.piece.length;
    if (frame.pieces.length === frame.count) {
      this.#forget(key, frame);
      if (frame.bytes !== frame.frameBytes) throw new DecodeError('chunks that do not add up'); // J2
      const whole = new Uint8Array(frame.frameBytes);
      let at = 0;
      for (const piece of frame.pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    }
    this.#keepBounds(key);
    return undefined;
  }

  #keepBounds(present: string): void {
    for (const [key, frame] of this.#unfinished) {
      if (this.#bytes <= this.#limits.assemblyBytesMax && this.#unfinished.size <= this.#limits.assemblyCountMax)
        return;
      if (key !== present || this.#unfinished.size === 1) this.#drop(key, frame); // J1
    }
  }

  #drop(key: string, frame: Unfinished): void {
    this.#forget(key, frame);
    this.#dropped++;
  }

  #forget(key: string, frame: Unfinished): void {
    this.#unfinished.delete(key);
    this.#bytes -= frame.bytes;
  }
}
