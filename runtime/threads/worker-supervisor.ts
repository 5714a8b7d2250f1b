// Keeps the workers of a host running
// =============================================================================
//
// Starts each worker's thread, links it with all others, and when it dies starts another in its place, which recovers the actors
// from disk. How often is for runtime/supervision to say; beyond that, and when a worker says that trying again is no use, the host ends.
//
// Owns:     threads, their links, their restarts.
// Does not: know what runs in them.
//
// Invariants
//   Z1. A worker number has at most one thread at a time: its successor begins after it has exited, so that one process never writes
//       a journal twice.
//   Z2. Each thread's generation is one more than its predecessor's, and 0 at first.
//   Z3. After `stop` was called no thread is started.

import { MessageChannel } from 'node:worker_threads';

import { mainWorker } from '../contract/address.js';
import type { Cells } from '../contract/cells.js';
import type { Clock } from '../contract/clock.js';
import type { SystemEvent } from '../contract/events.js';
import { assert } from '../std/assert.js';
import type { Random } from '../std/random.js';
import { type FailureHistory, onFailure, type RestartPolicy } from '../supervision/restart-policy.js';
import type { Caller, StartResult, WorkerControl } from './control.js';
import { HostError, type HostExitCode, hostExitCodes, OtherDiskError } from './exit-codes.js';
import { LinkMeter } from './link-meter.js';
import type { LinkEnd } from './port-transport.js';
import { markAbsent } from './stall-watch.js';
import type { ThreadEnd, WorkerThread } from './worker-thread.js';

export interface SupervisorOptions {
  readonly workers: number;
  readonly policy: RestartPolicy;
  readonly clock: Clock;
  readonly cells: Cells;
  readonly random: Random;
  startThread(worker: number, generation: number): WorkerThread;
  /** The main thread's own end of a link. */
  attachMain(worker: number, end: LinkEnd): void;
  emit(worker: number, event: SystemEvent): void;
  /** The host cannot go on. Called once. */
  giveUp(exitCode: HostExitCode, reason: string): void;
}

type Phase =
  | { readonly kind: 'starting'; readonly thread: WorkerThread }
  | { readonly kind: 'ready'; readonly thread: WorkerThread }
  | { readonly kind: 'waiting'; readonly timeout: NodeJS.Timeout }
  | { readonly kind: 'none' };

interface Slot {
  readonly worker: number;
  readonly failures: FailureHistory;
  generation: number;
  phase: Phase;
  /** Why the thread that is ending could not start. */
  startError: string | undefined;
}

export class WorkerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  #stopping = false;
  #gaveUp = false;
  #allReady: () => void = () => undefined;
  #notReady: (error: HostError) => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.workers }, (_, worker) => ({
      worker,
      failures: [],
      generation: 0,
      phase: { kind: 'none' },
      startError: undefined,
    }));
  }

  /** Resolves when all workers are ready. @throws HostError when that will not be. */
  start(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#allReady = resolve;
      this.#notReady = reject;
    });
    for (const slot of this.#slots) this.#begin(slot);
    return ready;
  }

  /** The control plane of a worker, or undefined while it has no thread. */
  control(worker: number): Caller<WorkerControl> | undefined {
    const phase = this.#slots[worker]?.phase;
    return phase?.kind === 'ready' ? phase.thread.control : undefined;
  }

  /** The generation of the worker's present or next thread. */
  generation(worker: number): number {
    return this.#slots[worker]?.generation ?? 0;
  }

  /** Ends the thread as if it had crashed: for drills and tests. */
  async kill(worker: number): Promise<void> {
    const phase = this.#slots[worker]?.phase;
    if (phase?.kind === 'ready' || phase?.kind === 'starting') await phase.thread.terminate();
  }

  /** Stops all workers, each in order if it does so by the deadline. @returns whether all did. Z3 */
  async stop(deadlineMs: number): Promise<boolean> {
    const outcomes = await Promise.all(this.#leave().map((thread) => thread.stop(deadlineMs)));
    return outcomes.every((outcome) => outcome === 'stopped');
  }

  /** Z3 */
  async terminate(): Promise<void> {
    await Promise.all(this.#leave().map((thread) => thread.terminate()));
  }

  #leave(): WorkerThread[] {
    this.#stopping = true;
    const threads: WorkerThread[] = [];
    for (const slot of this.#slots) {
      if (slot.phase.kind === 'waiting') clearTimeout(slot.phase.timeout);
      if (slot.phase.kind === 'ready' || slot.phase.kind === 'starting') threads.push(slot.phase.thread);
      else slot.phase = { kind: 'none' };
    }
    return threads;
  }

  #begin(slot: Slot): void {
    assert(slot.phase.kind === 'none' || slot.phase.kind === 'waiting', 'Z1: one thread at a time');
    const thread = this.#options.startThread(slot.worker, slot.generation);
    slot.phase = { kind: 'starting', thread };
    this.#link(slot.worker, thread);
    thread.start().then(
      (result) => this.#started(slot, thread, result),
      // It threw while starting, or its end settled the call; the first leaves a thread without actors, which must go.
      (error: unknown) => this.#startFailed(slot, thread, error),
    );
    void thread.ended.then((end) => this.#ended(slot, thread, end));
  }

  /** A link to the main thread and to each other thread; those drop what they had with its predecessor. */
  #link(worker: number, thread: WorkerThread): void {
    this.#connect(thread, mainWorker, (end) => this.#options.attachMain(worker, end));
    for (const other of this.#slots) {
      if (other.worker === worker) continue;
      const phase = other.phase;
      if (phase.kind !== 'ready' && phase.kind !== 'starting') continue;
      this.#connect(thread, other.worker, (end) => phase.thread.attach(worker, end));
    }
  }

  #connect(thread: WorkerThread, otherWorker: number, attachOther: (end: LinkEnd) => void): void {
    const { port1, port2 } = new MessageChannel();
    const meter = new LinkMeter(0).buffer;
    thread.attach(otherWorker, { port: port1, meter, side: 0 });
    attachOther({ port: port2, meter, side: 1 });
  }

  #started(slot: Slot, thread: WorkerThread, result: StartResult): void {
    if (slot.phase.kind !== 'starting' || slot.phase.thread !== thread || this.#stopping) return;
    if (result.kind === 'refused') return this.#giveUp(new HostError(result.exitCode, result.reason));
    if (result.kind === 'other-disk') return this.#giveUp(new OtherDiskError(result.diskId, result.reason));
    slot.phase = { kind: 'ready', thread };
    const { recovered, spawned } = result;
    this.#options.emit(slot.worker, {
      kind: 'worker-started',
      level: 'info',
      generation: slot.generation,
      recovered,
      spawned,
    });
    if (this.#slots.every((each) => each.phase.kind === 'ready')) this.#allReady();
  }

  #startFailed(slot: Slot, thread: WorkerThread, error: unknown): void {
    if (this.#stopping || slot.phase.kind !== 'starting' || slot.phase.thread !== thread) return;
    const message = error instanceof Error ? error.message : String(error);
    slot.startError = message;
    void thread.terminate(); // `ended` decides what comes next.
  }

  #ended(slot: Slot, thread: WorkerThread, end: ThreadEnd): void {
    if (slot.phase.kind === 'waiting' || slot.phase.kind === 'none' || slot.phase.thread !== thread) return;
    slot.phase = { kind: 'none' };
    if (this.#stopping || this.#gaveUp) return;
    const { clock, cells, policy, random } = this.#options;
    markAbsent(cells, slot.worker, clock);
    const decision = onFailure(policy, slot.failures, clock.monotonicMs(), random);
    const error = end.error?.message ?? slot.startError ?? `exit code ${end.exitCode}`;
    slot.startError = undefined;
    this.#options.emit(slot.worker, {
      kind: 'worker-died',
      level: 'error',
      generation: slot.generation,
      error,
      stack: end.error?.stack,
      decision: decision.kind,
    });
    if (decision.kind === 'escalate') {
      const count = slot.failures.length;
      const reason = `worker ${slot.worker} died ${count} times within ${policy.windowMs / 1000} s, the last time of: ${error}`;
      return this.#giveUp(new HostError(hostExitCodes.restartsExhausted, reason));
    }
    slot.generation++; // Z2
    slot.phase = { kind: 'waiting', timeout: setTimeout(() => this.#again(slot), decision.afterMs) };
  }

  #again(slot: Slot): void {
    if (!this.#stopping && !this.#gaveUp) this.#begin(slot); // Z3
  }

  #giveUp(error: HostError): void {
    if (this.#gaveUp) return;
    this.#gaveUp = true;
    this.#notReady(error);
    this.#options.giveUp(error.exitCode, error.message);
  }
}
