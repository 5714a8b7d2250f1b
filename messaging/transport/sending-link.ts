// The sending end of a link
// =============================================================================
//
// Numbers frames, keeps them back while the receiver has not granted room for them, and finds out when what it sent was lost.
//
// Owns:     sequence number and position of its epoch, the granted limit, frames that wait.
// Does not: publish, stamp, or read a clock.
//
// Invariants
//   E1. Within an epoch each frame has the next sequence number, and its position is the sum of the lengths of those sent before it.
//   E2. A frame leaves only if it ends within the granted limit, or nothing is outstanding (a frame may be longer than a window).
//   E3. A frame that is dropped uses up its sequence number, so that the receiver sees a gap; it uses no window.
//   E4. Lost grants never block for ever: while anything is outstanding the link asks again, at growing intervals; when nobody answers, an
//       idle link rests, and a blocked one drops what waits and asks on at the longest interval.
//   E5. A grant for another epoch, or one below the known limit, changes nothing.
//   E6. After a loss an epoch begins with number 1: a receiver that never heard of an earlier epoch sees a gap all the same.
//
// Sources: TCP's sliding window and tail loss probe (RFC 8985 §7); HTTP/2 flow control (RFC 9113 §5.2). We differ: nothing is sent
// twice here; who needs a message again asks for it at its own level (T1).

import { assert } from '../../runtime/std/assert.js';
import { Queue } from '../../runtime/std/queue.js';
import type { LinkLimits } from './link-limits.js';

export interface OutgoingFrame {
  /** Not stamped yet. */
  readonly bytes: Uint8Array;
  readonly sequence: number;
  readonly position: number;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly sequence: number;
}

export class SendingLink {
  readonly #limits: LinkLimits;
  readonly #windowInitialBytes: number;
  readonly #waiting = new Queue<Waiting>();
  #waitingBytes = 0;
  #epoch: number;
  #sequence = 0;
  #position = 0;
  #limit: number;
  /** Everything below this position is known to have been taken up by the receiver, or to be lost. */
  #settled = 0;
  /** Questions since the last answer. */
  #probes = 0;
  #probeAtMs = Number.POSITIVE_INFINITY;
  #stalled = false;

  /**
   * @param epoch above every epoch that a link of this transport had
   * @param afterLoss messages for this receiver may have been lost before: its first frame is then not the first
   */
  constructor(epoch: number, afterLoss: boolean, windowInitialBytes: number, limits: LinkLimits) {
    this.#epoch = epoch;
    if (afterLoss) this.#sequence = 1; // E6
    this.#windowInitialBytes = windowInitialBytes;
    this.#limit = windowInitialBytes;
    this.#limits = limits;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Number that the next frame in sequence gets: what a control frame says. */
  get nextSequence(): number {
    return this.#waiting.peek()?.sequence ?? this.#sequence;
  }

  get position(): number {
    return this.#position;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Nobody answers and the window is used up: what cannot leave at once is dropped (E4). */
  get isStalled(): boolean {
    return this.#stalled;
  }

  /** Starts a new epoch: all that was outstanding counts as lost. @returns how many waiting frames were dropped. */
  reopen(epoch: number): number {
    assert(epoch > this.#epoch, 'E1: a link epoch only rises');
    const dropped = this.#waiting.size;
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#epoch = epoch;
    this.#sequence = 1; // E6
    this.#position = 0;
    this.#settled = 0;
    this.#limit = this.#windowInitialBytes;
    this.#rest();
    return dropped;
  }

  /**
   * Takes a frame to be sent; it belongs to the link from now on.
   * @param room bytes that all links together may still keep waiting
   * @returns false when it had to be dropped (E3).
   */
  push(bytes: Uint8Array, room: number): boolean {
    const sequence = this.#sequence++;
    assert(Number.isSafeInteger(this.#sequence), 'E1: sequence numbers are safe integers');
    const leavesAtOnce = this.#waiting.size === 0 && this.#mayLeave(bytes.length); // then it needs no room
    const fits = this.#waitingBytes + bytes.length <= this.#limits.outboxBytesMax && bytes.length <= room;
    if (!leavesAtOnce && (this.#stalled || !fits)) return false; // E3, E4
    this.#waiting.push({ bytes, sequence });
    this.#waitingBytes += bytes.length;
    return true;
  }

  /** The next frame that may leave now, if any. */
  take(nowMs: number): OutgoingFrame | undefined {
    const first = this.#waiting.peek();
    if (first === undefined) return undefined;
    if (!this.#mayLeave(first.bytes.length)) {
      this.#askBy(nowMs); // blocked: do not wait for a tail probe
      return undefined;
    }
    this.#waiting.shift();
    this.#waitingBytes -= first.bytes.length;
    const position = this.#position;
    this.#position += first.bytes.length;
    if (this.#probes === 0) this.#probeAtMs = nowMs + this.#limits.probeMs;
    return { bytes: first.bytes, sequence: first.sequence, position };
  }

  /** The receiver lets us send up to `limit`, and has taken up or given up everything below `settled`. */
  granted(epoch: number, limit: number, settled: number): void {
    if (epoch !== this.#epoch) return; // E5
    if (settled > this.#position) return; // E5: no receiver of ours says this
    if (limit > this.#limit) this.#limit = limit; // E5
    if (settled > this.#settled) this.#settled = settled;
    if (this.#settled === this.#position && this.#waiting.size === 0) this.#rest();
    else {
      this.#probes = 0;
      this.#stalled = false;
    }
  }

  /** @returns whether to send a control frame that asks for an answer, now. `dropped` frames were given up (E4). */
  tick(nowMs: number): { readonly probe: boolean; readonly dropped: number } {
    if (nowMs < this.#probeAtMs) return { probe: false, dropped: 0 };
    let dropped = 0;
    if (this.#probes >= this.#limits.probeCountMax) {
      if (this.#waiting.size === 0 && !this.#stalled) {
        this.#rest(); // E4: an idle link asks again when it is used again
        return { probe: false, dropped: 0 };
      }
      this.#stalled = true;
      dropped = this.#waiting.size;
      this.#waiting.clear(); // E3
      this.#waitingBytes = 0;
    }
    this.#probeAtMs = nowMs + Math.min(this.#limits.probeMs * 2 ** Math.min(this.#probes, 16), this.#limits.probeMaxMs);
    this.#probes++;
    return { probe: true, dropped };
  }

  #rest(): void {
    this.#probes = 0;
    this.#probeAtMs = Number.POSITIVE_INFINITY;
    this.#stalled = false;
  }

  #askBy(nowMs: number): void {
    if (this.#probes === 0 && nowMs < this.#probeAtMs) this.#probeAtMs = nowMs;
  }

  #mayLeave(bytes: number): boolean {
    return this.#position + bytes <= this.#limit || this.#position === this.#settled; // E2
  }
}
