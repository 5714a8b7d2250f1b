// Messages between the threads of one host
// =============================================================================
//
// One MessagePort to each other thread. What a run of turns posts becomes one frame a port, encoded into one buffer that is
// transferred: 2.2 M messages/s against 0.55 M for single objects (PERFORMANCE.md).
//
// Owns:     the ports, their frames and meters.
// Does not: retry. A frame that does not fit is dropped and its receiver told (T3); a thread that is gone is a network that is down.
//
// Invariants
//   P1. Messages of one link arrive in the order posted, and a receiver hears of a loss before what came after it (T3).
//   P2. At most `underWayBytesMax` are on their way on a link, except that a frame always fits an empty one.
//   P3. `from` carries the host and worker of the link it came on, whatever the bytes say (T1).
//   P4. A replaced link is a gap: its thread died with what it had sent.

import type { MessagePort } from 'node:worker_threads';

import type { Envelope, MessageCodec, Transport, TransportReceiver } from '../contract/transport.js';
import { assert } from '../std/assert.js';
import { FrameWriter, readFrame } from './link-frame.js';
import { LinkMeter } from './link-meter.js';

/** One end of a link, as handed to a thread. */
export interface LinkEnd {
  readonly port: MessagePort;
  readonly meter: SharedArrayBuffer;
  readonly side: 0 | 1;
}

export interface PortTransportOptions {
  readonly host: string;
  readonly worker: number;
  readonly codec: MessageCodec;
  readonly receiver: TransportReceiver;
  /** A message that cannot be encoded or decoded: a bug, since both ends are one program. The thread must end. */
  fail(error: Error): void;
  /** P2; 16 MiB when absent. */
  readonly underWayBytesMax?: number;
}

/** A frame is sent before the run ends once it is this long, so that no huge buffer is built. */
const frameBytesMax = 1024 * 1024;
const underWayBytesDefault = 16 * 1024 * 1024;

interface Link {
  readonly frame: FrameWriter;
  port: MessagePort | undefined;
  attachedBefore: boolean;
  meter: LinkMeter;
  /** Something was dropped since the receiver was last told. */
  lost: boolean;
}

export class PortTransport implements Transport {
  readonly #options: PortTransportOptions;
  readonly #underWayBytesMax: number;
  readonly #links = new Map<number, Link>();
  readonly #dirty = new Set<Link>();
  #dropped = 0;

  constructor(options: PortTransportOptions) {
    this.#options = options;
    this.#underWayBytesMax = options.underWayBytesMax ?? underWayBytesDefault;
  }

  /** Messages dropped: no such thread, or more under way than P2 allows. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Installs the link to `worker`, in place of an older one. */
  attach(worker: number, end: LinkEnd): void {
    assert(worker !== this.#options.worker, 'a thread has no link to itself');
    const link = this.#link(worker);
    const replaces = link.attachedBefore;
    link.attachedBefore = true;
    link.port?.close();
    link.port = end.port;
    link.meter = new LinkMeter(end.side, end.meter);
    const meter = link.meter;
    // Checked for identity: what the old port still had queued must not follow the gap.
    end.port.on('message', (frame: ArrayBuffer) => {
      if (link.port === end.port) this.#receive(worker, meter, frame);
    });
    end.port.on('close', () => {
      if (link.port === end.port) this.detach(worker);
    });
    if (replaces) {
      link.lost = true; // what its predecessor had not taken
      this.#options.receiver.gap(this.#options.host, worker); // P4
    }
    this.#dirty.add(link);
  }

  /** The thread is gone. Until another link is attached, what is for it is dropped. */
  detach(worker: number): void {
    const link = this.#links.get(worker);
    if (link?.port === undefined) return;
    link.port.close();
    link.port = undefined;
  }

  post(envelope: Envelope): void {
    const { to, from, message } = envelope;
    assert(to.host === this.#options.host, 'a port leads to a thread of this host');
    const link = this.#link(to.worker);
    if (link.port === undefined) return this.#drop(link, 1);
    try {
      link.frame.add(to.actor, from.actor, message);
    } catch (error) {
      this.#options.fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#dirty.add(link);
    if (link.frame.bytes >= frameBytesMax) this.#send(link);
  }

  flush(): void {
    for (const link of this.#dirty) this.#send(link);
  }

  close(): Promise<void> {
    for (const link of this.#links.values()) {
      const port = link.port;
      link.port = undefined;
      port?.close();
    }
    this.#links.clear();
    this.#dirty.clear();
    return Promise.resolve();
  }

  #link(worker: number): Link {
    let link = this.#links.get(worker);
    if (link === undefined) {
      link = {
        frame: new FrameWriter(this.#options.codec),
        port: undefined,
        attachedBefore: false,
        meter: new LinkMeter(0),
        lost: false,
      };
      this.#links.set(worker, link);
    }
    return link;
  }

  #send(link: Link): void {
    if (link.port === undefined) {
      this.#drop(link, link.frame.discard());
      this.#dirty.delete(link);
      return;
    }
    if (link.frame.envelopes === 0 && !link.lost) {
      this.#dirty.delete(link);
      return;
    }
    const underWay = link.meter.underWayBytes;
    if (underWay > 0 && underWay + link.frame.bytes > this.#underWayBytesMax) {
      // P2. The link stays dirty: the receiver hears of the loss as soon as there is room, even if nothing else is posted.
      this.#drop(link, link.frame.discard());
      return;
    }
    const frame = link.frame.finish(link.lost); // P1
    link.lost = false;
    link.meter.sent(frame.byteLength);
    link.port.postMessage(frame, [frame]);
    this.#dirty.delete(link);
  }

  #drop(link: Link, count: number): void {
    this.#dropped += count;
    if (count > 0) link.lost = true;
  }

  #receive(worker: number, meter: LinkMeter, frame: ArrayBuffer): void {
    const { host, worker: ownWorker, receiver } = this.#options;
    const length = frame.byteLength;
    try {
      readFrame(frame, this.#options.codec, {
        lost: () => receiver.gap(host, worker),
        message: (to, from, message) =>
          receiver.deliver({
            to: { host, worker: ownWorker, actor: to },
            from: { host, worker, actor: from }, // P3
            message,
          }),
      });
    } catch (error) {
      this.#options.fail(error instanceof Error ? error : new Error(String(error)));
    }
    meter.taken(length);
  }
}
