// Messages between loops of one thread
// =============================================================================
//
// For hosts and clients that live in the caller's thread. A message is handed over as it is, frozen: it never changes after it was
// sent, and the simulator, which freezes all of it, holds everyone to that. What is flushed arrives in a microtask: after the sender's
// run, before the event loop turns.

import type { Envelope, Transport, TransportReceiver } from '../contract/transport.js';
import { assert } from '../std/assert.js';

/** Posted and not flushed, by one transport. Beyond it messages are dropped and counted. */
const outboxCountMax = 100_000;

function nameOf(host: string, worker: number): string {
  return `${host}/${worker}`;
}

export class InlineNetwork {
  readonly #receivers = new Map<string, TransportReceiver>();
  #dropped = 0;

  /** Messages to nobody, or beyond an outbox's bound. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Joins as that worker of that host, or of that client (`clientHost`). Closing the transport leaves. */
  join(host: string, worker: number, receiver: TransportReceiver): Transport {
    const name = nameOf(host, worker);
    assert(!this.#receivers.has(name), `${name} has joined already`);
    this.#receivers.set(name, receiver);
    let outbox: Envelope[] = [];
    let closed = false;
    return {
      post: (envelope) => {
        assert(envelope.from.host === host && envelope.from.worker === worker, 'T1: nobody speaks as another');
        Object.freeze(envelope.message);
        if (!closed && outbox.length < outboxCountMax) outbox.push(envelope);
        else this.#dropped++;
      },
      flush: () => {
        if (outbox.length === 0) return;
        const batch = outbox;
        outbox = [];
        queueMicrotask(() => {
          for (const envelope of batch) this.#deliver(envelope);
        });
      },
      close: () => {
        if (!closed) this.#receivers.delete(name);
        closed = true;
        outbox = [];
        return Promise.resolve();
      },
    };
  }

  #deliver(envelope: Envelope): void {
    const receiver = this.#receivers.get(nameOf(envelope.to.host, envelope.to.worker));
    if (receiver === undefined) this.#dropped++;
    else receiver.deliver(envelope);
  }
}
