// The one file that knows the NATS client
// =============================================================================
//
// Wraps a connection of nats.js 2.29 so that what is surprising about it stays here:
//
//   * Publishing while disconnected is silently lost: we do not publish then.
//   * It has no backpressure: whoever publishes a lot asks `flush`, which answers when the server has read what came before.
//   * A subject is not checked by it: subjects come from messaging/protocol/subject.ts only, which lets no stray byte in.
//   * `msg.data` is a Buffer on the socket's chunk, and what we publish is read until it was written: neither may be kept or changed.
//   * An exception in a callback would end its reader without a word: ours are thrown outside of it, where they end the process.
//   * Defaults of it that we cannot live with (10 reconnects, 2 s between them, 2 min between pings) are all set (T6).
//   * Its promises reject on disconnection: each has a handler.
//   * It writes to its socket in a microtask, which runs behind whatever the same turn of the event loop began: `push` asks its inside not to wait.
//
// Invariants
//   U1. No rejection goes unhandled, whatever the server does.
//   U2. `onDown` and `onUp` alternate.

import { connect, Events, type NatsConnection as Client, NatsError } from 'nats';
import type { Subscribed } from '../protocol/subject.js';
import { TransportError } from './transport-error.js';

export interface NatsConnectionOptions {
  /** `nats://[user:password@]host:port`, `tls://…`, or `host:port`. */
  readonly servers: readonly string[];
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** How long to try before giving up; 0 = each server once. */
  readonly waitForFirstConnectionMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface NatsListener {
  /** `data` is valid during the call only. */
  message(subject: string, data: Uint8Array): void;
  up(server: string): void;
  down(server: string): void;
  /** The server said no to something, e.g. `PERMISSIONS_VIOLATION`. */
  problem(code: string): void;
  /** It will not come back by itself. */
  closed(error: Error | undefined): void;
}

const reconnectTimeWaitMs = 100;
const reconnectJitterMs = 100;
/** A connection that is dead without having been closed is noticed after three of these (T6 allows 2 s). */
const pingIntervalMs = 1_000;
const dialTimeoutMs = 2_000;

/** What `push` uses of the client that is not in its types; without it everything leaves a little later. */
interface Inside {
  readonly protocol: { readonly flushPending?: () => void };
}

export class NatsConnection {
  readonly #client: Client;
  readonly #listener: NatsListener;
  #up = true;
  #closing = false;

  constructor(client: Client, listener: NatsListener) {
    this.#client = client;
    this.#listener = listener;
    void this.#follow();
    client.closed().then(
      (error) => this.#closed(error ?? undefined),
      (error: unknown) => this.#closed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  get isUp(): boolean {
    return this.#up;
  }

  get server(): string {
    return this.#client.getServer();
  }

  /** Bytes that the server takes in one message. */
  get payloadBytesMax(): number {
    return this.#client.info?.max_payload ?? 1_048_576;
  }

  subscribe(to: Subscribed): void {
    this.#client.subscribe(to.subject, {
      ...(to.queue === undefined ? {} : { queue: to.queue }),
      callback: (error, message) => {
        if (error !== null) {
          this.#listener.problem(error.code);
          return;
        }
        try {
          // A Buffer in fact, whose `slice` would not copy: it must not get any further.
          const { buffer, byteOffset, byteLength } = message.data;
          this.#listener.message(message.subject, new Uint8Array(buffer, byteOffset, byteLength));
        } catch (failure) {
          throwOutside(failure);
        }
      },
    });
  }

  /** @param bytes must not change any more. @returns false when there is no connection, or the server would not take it. */
  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#up) return false;
    try {
      this.#client.publish(subject, bytes);
      return true;
    } catch (error) {
      this.#listener.problem(error instanceof NatsError ? error.code : String(error));
      return false;
    }
  }

  /** Hands what was published to the system now; by itself it leaves after the code that runs, and all that this one started. */
  push(): void {
    if (this.#up) (this.#client as Client & Partial<Inside>).protocol?.flushPending?.();
  }

  /** Calls back when the server has read everything published before, or the connection was lost. */
  flush(done: () => void): void {
    if (!this.#up) {
      queueMicrotask(done);
      return;
    }
    this.#client.flush().then(done, done); // U1: a lost connection is told by the status
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#up = false;
    try {
      await this.#client.close();
    } catch (error) {
      // U1: closing what is already broken; there is nothing left to do about it.
      this.#listener.problem(error instanceof NatsError ? error.code : String(error));
    }
  }

  async #follow(): Promise<void> {
    try {
      for await (const status of this.#client.status()) {
        if (this.#closing) return;
        const said = typeof status.data === 'string' ? status.data : '';
        if (status.type === Events.Disconnect && this.#up) {
          this.#up = false;
          this.#listener.down(said); // U2: each failed attempt to dial says it again
        } else if (status.type === Events.Reconnect && !this.#up) {
          this.#up = true;
          this.#listener.up(said); // U2
        } else if (status.type === Events.Error) this.#listener.problem(said);
      }
    } catch (failure) {
      throwOutside(failure);
    }
  }

  #closed(error: Error | undefined): void {
    if (this.#closing) return;
    if (this.#up) {
      this.#up = false;
      this.#listener.down(this.#client.getServer());
    }
    this.#closing = true;
    this.#listener.closed(error);
  }
}

/** An error in our own code must not drown in the client's promises: it ends the process, as an assertion should. */
function throwOutside(failure: unknown): void {
  queueMicrotask(() => {
    throw failure;
  });
}

interface Server {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
}

/** @throws TransportError INVALID_OPTION; the message never shows a password. */
function parseServer(text: string): Server {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`);
  } catch (cause) {
    throw new TransportError('INVALID_OPTION', 'A NATS server is written nats://host:port', { cause });
  }
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:')
    throw new TransportError('INVALID_OPTION', `A NATS server is written nats://host:port, not ${url.protocol}//…`);
  if (url.hostname === '') throw new TransportError('INVALID_OPTION', 'A NATS server is written nats://host:port');
  return {
    address: `${url.hostname}:${url.port === '' ? 4222 : url.port}`,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    tls: url.protocol === 'tls:',
  };
}

/** @throws TransportError */
export async function openNats(options: NatsConnectionOptions): Promise<Client> {
  const servers = options.servers.map(parseServer);
  const first = servers[0];
  if (first === undefined) throw new TransportError('INVALID_OPTION', 'No NATS server was given');
  const addresses = servers.map((server) => server.address);
  const deadlineMs = performance.now() + options.waitForFirstConnectionMs;
  for (;;) {
    throwIfAborted(options.signal);
    try {
      return await unlessAborted(
        connect({
          servers: addresses,
          name: options.name,
          maxReconnectAttempts: -1,
          reconnectTimeWait: reconnectTimeWaitMs,
          reconnectJitter: reconnectJitterMs,
          reconnectJitterTLS: reconnectJitterMs,
          pingInterval: pingIntervalMs,
          maxPingOut: 2,
          timeout: dialTimeoutMs,
          noAsyncTraces: true,
          noEcho: true,
          ignoreAuthErrorAbort: true,
          waitOnFirstConnect: false, // it cannot be stopped: we try again ourselves
          ...(first.user === '' ? {} : { user: first.user, pass: first.password }),
          ...(first.tls ? { tls: {} } : {}),
        }),
        options.signal,
      );
    } catch (cause) {
      if (cause instanceof TransportError) throw cause;
      const refused = cause instanceof NatsError && cause.isAuthError();
      if (refused || performance.now() >= deadlineMs) throw cannotConnect(addresses, refused, cause);
      await pause(Math.min(reconnectTimeWaitMs, Math.max(1, deadlineMs - performance.now())), options.signal);
    }
  }
}

function cannotConnect(addresses: readonly string[], refused: boolean, cause: unknown): TransportError {
  const where = addresses.join(', ');
  const message = refused
    ? `The NATS server at ${where} refused the credentials. Check the user and password in its URL.`
    : `No NATS server answers at ${where}. Is it running? \`troupe up\` starts a local mesh with one.`;
  return new TransportError('CANNOT_CONNECT', message, { cause });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new TransportError('ABORTED', 'Connecting to NATS was aborted', { cause: signal.reason });
}

/** The connection; or ABORTED at once, and the connection is closed should it come yet. */
async function unlessAborted(connecting: Promise<Client>, signal: AbortSignal | undefined): Promise<Client> {
  if (signal === undefined) return connecting;
  let abort = (): void => undefined;
  const aborted = new Promise<'aborted'>((resolve) => {
    abort = () => resolve('aborted');
    signal.addEventListener('abort', abort);
  });
  const first = await Promise.race([connecting, aborted]).finally(() => signal.removeEventListener('abort', abort));
  if (first !== 'aborted') return first;
  connecting.then(
    (client) => client.close(),
    () => undefined, // U1: it failed, and nobody wants it any more
  );
  throw new TransportError('ABORTED', 'Connecting to NATS was aborted', { cause: signal.reason });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
