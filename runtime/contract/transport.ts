// How messages leave a worker
// =============================================================================
//
// An unreliable datagram service between workers (T1): a message may be lost, repeated, delayed or reordered; nothing is
// ever garbled (a damaged frame is dropped and counted). Order within one link is kept as long as nothing is lost, and a
// loss that the receiver can see is told to it as a gap (T3).

import type { Address } from './address.js';
import type { Message } from './actor.js';

export interface Envelope {
  readonly to: Address;
  readonly from: Address;
  readonly message: Message;
}

export interface Transport {
  /** Takes a message for another worker, host or client. Never throws and never blocks; past its bounds it drops and counts. */
  post(envelope: Envelope): void;
  /** Sends what was posted since the last flush, one batch a destination. */
  flush(): void;
  /** Stops. What was not sent is dropped. */
  close(): Promise<void>;
}

export interface TransportReceiver {
  /** `from` has been checked against whoever sent it. Arrival order is the order of calls. */
  deliver(envelope: Envelope): void;
  /** Something that this worker of that host sent us was lost (T3). */
  gap(host: string, worker: number): void;
  /** Delivered messages that still wait in mailboxes: what peers may send follows from it (T5). Absent: none ever wait. */
  backlog?(): number;
}

/** Turns messages into bytes and back. The protocol's codec is one; the runtime knows none of the messages. */
export interface MessageCodec {
  /** @throws AssertionError for a message that has no encoding. */
  encode(message: Message): Uint8Array;
  /** @throws DecodeError */
  decode(bytes: Uint8Array): Message;
}
