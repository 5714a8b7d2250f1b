// One worker thread, seen from the main thread
// =============================================================================
//
// From `new Worker` to its exit; a restarted worker is another of these.
//
// Invariants
//   H1. `ended` resolves exactly once, after every message that the thread had posted was handled.
//   H2. Calls to it settle (control W1): the end of the thread ends them.

import { MessageChannel, Worker } from 'node:worker_threads';

import { Caller, type HostServices, serveCalls, type StartResult, type WorkerControl } from './control.js';
import type { Input, WorkerBoot } from './input.js';
import type { Output } from './output.js';
import type { LinkEnd } from './port-transport.js';

export interface ThreadEnd {
  readonly exitCode: number;
  /** What was thrown, or that memory ran out; undefined for an exit without. */
  readonly error: Error | undefined;
}

export interface ThreadOptions {
  readonly boot: Omit<WorkerBoot, 'control' | 'services'>;
  readonly services: HostServices;
  readonly heapMbMax: number;
  output(output: Output): void;
}

/** Recovery reads the whole journal; a thread that takes longer is taken for stuck. */
const startDeadlineMs = 10 * 60_000;
/**
 * Near V8's default. Not more: when the heap is full, survivors of the young generation that no longer fit make V8 abort the whole process
 * instead of ending the thread (nodejs/node#47224).
 */
const youngGenerationMb = 32;

export class WorkerThread {
  readonly #worker: Worker;
  readonly control: Caller<WorkerControl>;
  readonly ended: Promise<ThreadEnd>;

  constructor(options: ThreadOptions) {
    const control = new MessageChannel();
    const services = new MessageChannel();
    const { place, generation } = options.boot;
    const boot: WorkerBoot = { ...options.boot, control: control.port2, services: services.port2 };
    this.#worker = new Worker(new URL('./worker-entry.js', import.meta.url), {
      name: `worker-${place.worker}${generation === 0 ? '' : `#${generation}`}`,
      workerData: boot,
      transferList: [control.port2, services.port2],
      resourceLimits: { maxOldGenerationSizeMb: options.heapMbMax, maxYoungGenerationSizeMb: youngGenerationMb },
    });
    serveCalls(options.services, services.port1);
    this.control = new Caller<WorkerControl>(control.port1);
    this.#worker.on('message', (output: Output) => options.output(output));
    let thrown: Error | undefined;
    this.#worker.on('error', (error) => {
      thrown = error instanceof Error ? error : new Error(String(error));
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (exitCode) => {
        this.control.end(); // H2
        services.port1.close();
        resolve({ exitCode, error: thrown }); // H1
      });
    });
  }

  start(): Promise<StartResult> {
    return this.control.call('start', startDeadlineMs, (remote) => remote.start() as Promise<StartResult>);
  }

  attach(worker: number, end: LinkEnd): void {
    const input: Input = { kind: 'link', worker, port: end.port, meter: end.meter, side: end.side };
    this.#worker.postMessage(input, [end.port]);
  }

  /** In order when the thread answers by the deadline, and in any case. */
  async stop(deadlineMs: number): Promise<'stopped' | 'terminated'> {
    let outcome: 'stopped' | 'terminated' = 'stopped';
    try {
      await this.control.call('stop', deadlineMs, (remote) => remote.stop());
    } catch {
      outcome = 'terminated'; // No answer, or it could not: its journal then has no clean marker, and recovery knows.
      await this.#worker.terminate();
    }
    await this.ended;
    return outcome;
  }

  /** Now, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.ended;
  }
}
