// A bad network between one host and NATS: a TCP proxy in this process
// =============================================================================
//
// Passes bytes on, each direction in one of three modes. Bytes of a connection that lost some are never passed on again: the connection ends, as
// one does whose packets were lost for too long, and what was in it is lost for good.
//
// Invariants
//   W1. What is passed on is a prefix of what came, in order, whatever the delays and modes were.
//   W2. It holds at most `heldBytesMax` and a chunk of each direction of a connection; beyond that the sender has to wait.

import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** `stall`: held back, and passed on later. `lose`: dropped, and the connection ends when the mode does. */
export type FlowMode = 'flow' | 'stall' | 'lose';
export type Towards = 'host' | 'nats';

const heldBytesMax = 8 * 1024 * 1024;

interface Held {
  readonly chunk: Buffer;
  readonly dueMs: number;
}

/** One direction of one connection. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #mode: FlowMode;
  #delayMs: number;
  #hasLost = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, mode: FlowMode, delayMs: number) {
    this.#from = from;
    this.#to = to;
    this.#mode = mode;
    this.#delayMs = delayMs;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    to.on('drain', () => this.#pass());
    from.on('end', () => this.end());
    from.on('close', () => this.end());
    from.on('error', () => this.end());
  }

  set(mode: FlowMode, delayMs: number): void {
    this.#mode = mode;
    this.#delayMs = delayMs;
    if (this.#hasLost && mode !== 'lose') return this.end(); // W1
    this.#pass();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#from.destroy();
    this.#to.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#mode === 'lose') {
      this.#hasLost = true;
      return;
    }
    this.#held.push({ chunk, dueMs: performance.now() + this.#delayMs });
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > heldBytesMax) this.#from.pause(); // W2
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#mode !== 'flow') return;
    const nowMs = performance.now();
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      if (first.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.#pass(), first.dueMs - nowMs);
        break;
      }
      if (this.#to.destroyed || this.#to.writableNeedDrain) break; // `drain` goes on, or nobody does
      this.#held.shift();
      this.#heldBytes -= first.chunk.length;
      this.#to.write(first.chunk);
    }
    if (this.#heldBytes <= heldBytesMax) this.#from.resume();
  }
}

interface Connection {
  readonly towards: Readonly<Record<Towards, Flow>>;
}

export class NatsProxy {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #modes: Record<Towards, FlowMode> = { host: 'flow', nats: 'flow' };
  #delayMs = 0;
  #isCut = false;

  private constructor(server: Server, natsPort: number) {
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket, natsPort));
  }

  /** Listens on a free port of the loopback interface. @param natsPort where NATS listens there */
  static open(natsPort: number): Promise<NatsProxy> {
    const server = createServer();
    const proxy = new NatsProxy(server, natsPort);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: 0 }, () => resolve(proxy));
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy is closed');
    return address.port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Ends all connections, and new ones at once, until `heal`. */
  cut(): void {
    this.#isCut = true;
    this.#endAll();
  }

  setMode(towards: Towards, mode: FlowMode): void {
    this.#modes[towards] = mode;
    this.#setAll();
  }

  /** Of each direction. */
  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
    this.#setAll();
  }

  heal(): void {
    this.#isCut = false;
    this.#delayMs = 0;
    this.#modes.host = 'flow';
    this.#modes.nats = 'flow';
    this.#setAll();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#endAll();
    await closed;
  }

  #setAll(): void {
    for (const { towards } of this.#connections)
      for (const way of ['host', 'nats'] as const) towards[way].set(this.#modes[way], this.#delayMs);
  }

  #endAll(): void {
    for (const { towards } of this.#connections) towards.nats.end();
  }

  #accept(host: Socket, natsPort: number): void {
    if (this.#isCut) {
      host.on('error', () => undefined); // it is unwelcome anyway
      host.destroy();
      return;
    }
    const nats = dial({ host: '127.0.0.1', port: natsPort });
    for (const socket of [host, nats]) socket.setNoDelay(true);
    const connection: Connection = {
      towards: {
        nats: new Flow(host, nats, this.#modes.nats, this.#delayMs),
        host: new Flow(nats, host, this.#modes.host, this.#delayMs),
      },
    };
    this.#connections.add(connection);
    host.once('close', () => this.#connections.delete(connection));
  }
}
