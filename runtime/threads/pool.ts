// The pool for processor work without state
// =============================================================================
//
// Compression of snapshot chunks, so far. Threads come with the first task and go when there is nothing to do, so an idle
// host pays nothing. Actors never run here (piscinajs/piscina#934).
//
// Invariants
//   O1. The queue is bounded. A task that finds it full, or whose thread died, is answered undefined, and its owner, who kept what it is about, does the work itself.

import { Piscina } from 'piscina';

/** A busy worker has a snapshot to write every ten seconds or so, and a thread takes a third of a second of processor time to begin. */
const idleMs = 30_000;
const queueCountMax = 64;

export class Pool {
  readonly #threadsMax: number;
  #piscina: Piscina | undefined;
  #closed = false;

  constructor(threadsMax = 1) {
    this.#threadsMax = threadsMax;
  }

  /** O1. `bytes`, the whole of its buffer, moves to the thread and is gone here; the result is the caller's. */
  async compress(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#closed) return undefined;
    this.#piscina ??= new Piscina({
      filename: new URL('./pool-tasks.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: this.#threadsMax,
      idleTimeout: idleMs,
      maxQueue: queueCountMax,
      // With Atomics an idle thread sleeps inside its event loop, deaf to everything else; without, tasks even run faster (§1.1).
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    if (this.#piscina.queueSize >= queueCountMax) return undefined;
    try {
      return (await this.#piscina.run(bytes, {
        name: 'compress',
        transferList: [bytes.buffer as ArrayBuffer],
      })) as Uint8Array;
    } catch {
      return undefined; // O1: the thread was lost with the task, or the pool is closing; whoever asked does it itself.
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#piscina?.destroy();
  }
}
