// How much is under way on one link between two threads
// =============================================================================
//
// MessagePorts have no backpressure: a receiver that does not yield lets the queue grow without bound (nodejs/node#41762). Each
// direction counts what its receiver has consumed in shared memory, so that the sender knows what is still in the queue.
//
// Normal cost: an acknowledging message per batch, with its wake-up of the other thread. Saving: one atomic store instead. Catch: the
// counts wrap at 32 bits, so only differences mean anything, and no more than 2 GiB may be under way.

export class LinkMeter {
  readonly buffer: SharedArrayBuffer;
  readonly #consumed: Int32Array;
  readonly #ownSide: 0 | 1;
  #sentBytes = 0;
  #takenBytes = 0;

  /** @param side 0 at one end of the link, 1 at the other. */
  constructor(side: 0 | 1, buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#ownSide = side;
    this.#consumed = new Int32Array(buffer);
  }

  /** Bytes that we sent and the other side has not taken yet. */
  get underWayBytes(): number {
    return (this.#sentBytes - Atomics.load(this.#consumed, this.#ownSide)) | 0;
  }

  sent(bytes: number): void {
    this.#sentBytes = (this.#sentBytes + bytes) | 0;
  }

  /** We took `bytes` that the other side had sent. */
  taken(bytes: number): void {
    this.#takenBytes = (this.#takenBytes + bytes) | 0;
    Atomics.store(this.#consumed, 1 - this.#ownSide, this.#takenBytes);
  }
}
