// Calls between the main thread and a worker
// =============================================================================
//
// Comlink over a MessagePort of its own: some 28,000 calls a second, plenty for control and far too little for data. Only between
// threads of one program: Comlink lets its peer call anything.
//
// Invariants
//   W1. Every call settles: with its answer, with the end of the thread, or at its deadline. Comlink alone waits for ever.
//   W2. The root proxy lives as long as the thread: when it is collected, calls under way are lost (GoogleChromeLabs/comlink#692).
//   W3. Ports are closed by us: Comlink's release leaves them open.
//
// Errors lose everything but their message on the way, so whatever a caller must tell apart comes as a value.

import { expose, type Remote, transfer, wrap } from 'comlink';
import type { MessagePort } from 'node:worker_threads';

import type { HostExitCode } from './exit-codes.js';

/** What a worker answers. All arguments and results are structured clones, but for what goes through `moved`. */
export interface WorkerControl {
  /** Opens the journal, brings its actors back, spawns the others, connects. Called once; answered when all that is done. */
  start(): Promise<StartResult>;
  stats(): WorkerStats;
  inspect(actor: string): Record<string, unknown> | undefined;
  /** Tells the actors that the host is about to stop. */
  drain(): void;
  /** Takes no more turns, makes durable what is staged, closes the journal with the clean marker. The thread then ends by itself. */
  stop(): Promise<void>;
}

export type StartResult =
  /** READY. */
  | { readonly kind: 'ready'; readonly recovered: number; readonly spawned: number }
  /** Trying again would end in the same way: the host must end. */
  | { readonly kind: 'refused'; readonly exitCode: HostExitCode; readonly reason: string }
  /** The whole host must start again, as one with that disk. */
  | { readonly kind: 'other-disk'; readonly diskId: string; readonly reason: string };

export interface WorkerStats {
  readonly worker: number;
  readonly generation: number;
  readonly turns: number;
  readonly queued: number;
  /** Messages dropped: mailbox full, no such actor, no link, or no room on one. */
  readonly dropped: number;
  readonly actors: readonly { readonly name: string; readonly kind: string; readonly incarnation: number }[];
  readonly heapBytes: number;
  /** Typed arrays and buffers, where values live. */
  readonly externalBytes: number;
}

/** What the main thread answers. */
export interface HostServices {
  /** Compresses in the pool. The bytes and the result are `moved`. Undefined when the pool is full: the caller does it itself. */
  compress(bytes: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A call that got no answer. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  override readonly cause: 'thread-ended' | 'deadline';

  constructor(cause: 'thread-ended' | 'deadline', call: string) {
    super(cause === 'deadline' ? `${call}: no answer in time` : `${call}: the thread has ended`);
    this.cause = cause;
  }
}

// Comlink's types name the DOM's MessagePort and Endpoint; Node's port is an event target too and needs no adapter (DEPENDENCIES §1.2).
type ComlinkEndpoint = Parameters<typeof wrap>[0];

function endpointOf(port: MessagePort): ComlinkEndpoint {
  return port;
}

/** Lets an argument or a result move to the other thread, with the whole of its buffer, instead of being copied twice on the way. REQUIRES a buffer of its own. */
export function moved<Bytes extends Uint8Array | undefined>(bytes: Bytes): Bytes {
  return bytes === undefined ? bytes : transfer(bytes, [bytes.buffer as ArrayBuffer]);
}

/** Moves a copy. A view keeps what it is a view on: a chunk that came over the network lies in a frame with other messages. */
export function movedCopy(bytes: Uint8Array): Uint8Array {
  return moved(new Uint8Array(bytes)); // `slice` of a Buffer would be a view
}

/** Answers calls that come in on `port`. */
export function serveCalls(api: WorkerControl | HostServices, port: MessagePort): void {
  expose(api, endpointOf(port));
}

/** Calls whoever serves the other end of `port`. */
export class Caller<Api> {
  readonly #root: Remote<Api>; // W2
  readonly #port: MessagePort;
  readonly #ended: Promise<never>;
  #reject: (error: ControlError) => void = () => {
    // Replaced in the constructor, before anyone can end this caller.
  };

  constructor(port: MessagePort) {
    this.#port = port;
    this.#root = wrap<Api>(endpointOf(port));
    this.#ended = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    // With no call under way nobody listens to the end; that is no unhandled rejection.
    this.#ended.catch(() => undefined);
  }

  /** @throws ControlError, or an Error with the message of what the other side threw. (W1) */
  async call<Result>(
    name: string,
    deadlineMs: number,
    use: (remote: Remote<Api>) => PromiseLike<Result> | Result,
  ): Promise<Result> {
    let timeout: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timeout = setTimeout(() => reject(new ControlError('deadline', name)), deadlineMs);
    });
    try {
      return await Promise.race([Promise.resolve(use(this.#root)), this.#ended, late]);
    } finally {
      clearTimeout(timeout);
    }
  }

  /** The other side is gone, or is to be heard no more: calls under way and later ones fail. */
  end(): void {
    this.#reject(new ControlError('thread-ended', 'control call'));
    this.#port.close(); // W3
  }
}
