// The transport over NATS
// =============================================================================
//
// One connection for each worker, main thread or client; links (link-layer.ts) on top of it. NATS is a datagram network here: what
// must arrive is asked for again by whoever needs it (T1), and nothing is kept in the server.
//
// Invariants
//   V1. At most `unreadBytesMax` bytes are published that the server has not confirmed to have read, plus one frame: the client library buffers
//       without bound (T5).
//   V2. While disconnected nothing is handed to the client library: it would send or lose it at its own discretion (T4).

import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Envelope, MessageCodec, Transport, TransportReceiver } from '../../runtime/contract/transport.js';
import { formatAddress, isName } from '../../runtime/contract/address.js';
import type { WireCodec } from '../protocol/codec.js';
import { clusterIdBytes } from '../protocol/frame.js';
import { limits } from '../protocol/limits.js';
import { isPlace, type Place, senderOf, subjectOf, subjectsFor } from '../protocol/subject.js';
import { LinkLayer, type LinkStats } from './link-layer.js';
import { defaultLinkLimits, type LinkLimits } from './link-limits.js';
import { NatsConnection, openNats } from './nats-connection.js';
import { TransportError } from './transport-error.js';

export type TransportStatus =
  | { readonly kind: 'connected'; readonly server: string }
  | { readonly kind: 'disconnected'; readonly server: string }
  /** The server refused something, e.g. `PERMISSIONS_VIOLATION`. The connection goes on. */
  | { readonly kind: 'problem'; readonly code: string }
  /** For good, and not because `close` was called. */
  | { readonly kind: 'closed'; readonly error: Error | undefined };

export interface NatsTransportOptions {
  readonly servers: readonly string[];
  readonly clusterName: string;
  /** 16 bytes; undefined only for a client, which then keeps to the first cluster of that name that answers. */
  readonly clusterId: Uint8Array | undefined;
  readonly place: Place;
  readonly receiver: TransportReceiver;
  readonly codec: MessageCodec | WireCodec;
  /** Registration epoch of this host, 0 while it has none. */
  readonly hostEpoch?: () => number;
  readonly onStatus?: (status: TransportStatus) => void;
  /** How long to wait for a server at first, in milliseconds; default 0: each server is tried once. */
  readonly waitForFirstConnection?: number;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<LinkLimits>;
}

export interface NatsTransportStats extends LinkStats {
  readonly reconnects: number;
}

export interface NatsTransport extends Transport {
  readonly status: 'connected' | 'disconnected' | 'closed';
  /** Of the cluster this end belongs to; of a client, once a host has answered. */
  readonly clusterId: Uint8Array | undefined;
  stats(): NatsTransportStats;
  /** Resolves when the server has read everything flushed up to now, or after half a second. */
  settled(): Promise<void>;
}

const tickMs = 100;
const confirmBytes = 1024 * 1024;
const unreadBytesMax = 16 * 1024 * 1024;
const settleMs = 500;

/**
 * Resolves when the server has our subscriptions; messages may be delivered before that.
 * @throws TransportError CANNOT_CONNECT, INVALID_OPTION or ABORTED.
 */
export async function connectNats(options: NatsTransportOptions): Promise<NatsTransport> {
  check(options);
  const client = await openNats({
    servers: options.servers,
    name: `troupe ${options.clusterName} ${formatAddress({ ...options.place, actor: '' })}`,
    waitForFirstConnectionMs: options.waitForFirstConnection ?? 0,
    signal: options.signal,
  });
  const transport = new ConnectedNats(options, (listener) => new NatsConnection(client, listener));
  await transport.settled();
  return transport;
}

function check(options: NatsTransportOptions): void {
  if (!isName(options.clusterName))
    throw new TransportError(
      'INVALID_OPTION',
      `A cluster is called by letters, digits, _ and -: ${options.clusterName}`,
    );
  if (!isPlace(options.place))
    throw new TransportError(
      'INVALID_OPTION',
      `No host or client can be called ${options.place.host}/${options.place.worker}`,
    );
  const id = options.clusterId;
  if (id === undefined ? !options.place.host.startsWith('@') : id.length !== clusterIdBytes)
    throw new TransportError('INVALID_OPTION', 'A cluster id has 16 bytes, and only a client may do without');
}

class ConnectedNats implements NatsTransport {
  readonly #options: NatsTransportOptions;
  readonly #connection: NatsConnection;
  readonly #links: LinkLayer;
  readonly #timer: NodeJS.Timeout;
  /** Subjects by host, for those that speak to few; rebuilt when it grows beyond what a client table holds. */
  readonly #subjects = new Map<string, string>();
  #unread = 0;
  #unasked = 0;
  #connectionNumber = 0;
  #closed = false;

  constructor(
    options: NatsTransportOptions,
    open: (listener: ConstructorParameters<typeof NatsConnection>[1]) => NatsConnection,
  ) {
    this.#options = options;
    const linkLimits: LinkLimits = { ...defaultLinkLimits, ...options.limits };
    this.#links = new LinkLayer(
      {
        place: options.place,
        clusterId: options.clusterId,
        instance: randomInt(1, 2 ** 48 - 1),
        chunkBytesMax: () => Math.min(limits.chunkBytesMax, this.#connection.payloadBytesMax),
        limits: linkLimits,
      },
      {
        receiver: options.receiver,
        codec: options.codec,
        crc32,
        publish: (to, bytes) => this.#publish(to, bytes),
        mayPublish: () => this.#unread < unreadBytesMax, // V1
        nowMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
        hostEpoch: options.hostEpoch ?? (() => 0),
        backlog: () => options.receiver.backlog?.() ?? 0,
      },
    );
    this.#connection = open({
      message: (subject, data) => this.#receive(subject, data),
      up: (server) => {
        this.#connectionNumber++;
        this.#unread = 0;
        this.#unasked = 0;
        this.#links.connected();
        options.onStatus?.({ kind: 'connected', server });
      },
      down: (server) => {
        this.#links.disconnected();
        options.onStatus?.({ kind: 'disconnected', server });
      },
      problem: (code) => options.onStatus?.({ kind: 'problem', code }),
      closed: (error) => {
        clearInterval(this.#timer);
        this.#closed = true;
        options.onStatus?.({ kind: 'closed', error });
      },
    });
    for (const subscribed of subjectsFor(options.clusterName, options.place)) this.#connection.subscribe(subscribed);
    this.#links.connected();
    this.#timer = setInterval(() => this.#links.tick(), tickMs);
    this.#timer.unref();
  }

  get status(): 'connected' | 'disconnected' | 'closed' {
    if (this.#closed) return 'closed';
    return this.#connection.isUp ? 'connected' : 'disconnected';
  }

  get clusterId(): Uint8Array | undefined {
    return this.#links.clusterId;
  }

  post(envelope: Envelope): void {
    if (!this.#closed) this.#links.post(envelope);
  }

  flush(): void {
    if (this.#closed) return;
    this.#links.flush();
    this.#connection.push();
  }

  stats(): NatsTransportStats {
    return { ...this.#links.stats(), reconnects: this.#connectionNumber };
  }

  /** What was flushed before still leaves, if the server reads it in time. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.settled();
    await this.#connection.close();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, settleMs);
      this.#connection.flush(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #publish(to: Place, bytes: Uint8Array): boolean {
    const subject = this.#subjectOf(to);
    if (subject === undefined) return false;
    if (!this.#connection.publish(subject, bytes)) return false; // V2
    this.#unread += bytes.length;
    this.#unasked += bytes.length;
    if (this.#unasked >= confirmBytes) this.#confirm();
    return true;
  }

  /** Asks the server to say when it has read what was published so far (V1). */
  #confirm(): void {
    const bytes = this.#unasked;
    const connection = this.#connectionNumber;
    this.#unasked = 0;
    this.#connection.flush(() => {
      if (connection !== this.#connectionNumber || this.#closed) return;
      const wasFull = this.#unread >= unreadBytesMax;
      this.#unread -= bytes;
      if (wasFull && this.#unread < unreadBytesMax) this.#links.resume();
    });
  }

  #receive(subject: string, data: Uint8Array): void {
    if (this.#closed) return;
    const sender = senderOf(subject);
    this.#links.receive(sender ?? { host: '', worker: undefined }, data);
  }

  #subjectOf(to: Place): string | undefined {
    const key = `${to.host}/${to.worker}`;
    let subject = this.#subjects.get(key);
    if (subject === undefined) {
      subject = subjectOf(this.#options.clusterName, this.#options.place, to);
      if (subject === undefined) return undefined;
      if (this.#subjects.size >= 65_536) this.#subjects.clear();
      this.#subjects.set(key, subject);
    }
    return subject;
  }
}
