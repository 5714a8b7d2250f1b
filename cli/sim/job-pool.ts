// Many seeds at a time, their results in the order of the seeds
// =============================================================================
//
// Owns:     the processes, and which seed is where.
// Does not: know what a result means.
//
// Invariants
//   B1. Results come out in the order of their index, one for each order, whatever happened to the process that had it.
//   B2. At most `aheadCountMax` results a job wait for an earlier one.
//   B3. However it ends, no process is left.

import { type ChildProcess, fork } from 'node:child_process';
import type { JobAnswer, JobOrder } from './job-messages.js';
import type { RunOrder, RunReport } from './run-seed.js';

export type JobResult =
  | { readonly kind: 'ran'; readonly report: RunReport }
  /** The process died, hung, or threw outside of the run. */
  | { readonly kind: 'lost'; readonly seed: string; readonly why: string };

export interface JobPoolOptions {
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** The module of a job; for tests. */
  readonly entry?: URL;
  /** A seed that takes longer is given up, ms. */
  readonly seedMsMax?: number;
}

const aheadCountMax = 64;
const defaultSeedMsMax = 10 * 60_000;
const jobEntry = new URL('./job.js', import.meta.url);

interface Job {
  readonly child: ChildProcess;
  order: RunOrder | undefined;
  watchdog: NodeJS.Timeout | undefined;
  /** Why the batch ended it. */
  ended: string | undefined;
}

/** REQUIRES that the indexes of the orders count up from 0. @throws what `signal` was aborted with */
export async function* runInJobs(orders: Iterator<RunOrder>, options: JobPoolOptions): AsyncGenerator<JobResult> {
  const pool = new JobPool(orders, options);
  try {
    for (;;) {
      const result = await pool.next();
      if (result === undefined) return;
      yield result;
    }
  } finally {
    pool.close(); // B3
  }
}

class JobPool {
  readonly #orders: Iterator<RunOrder>;
  readonly #options: JobPoolOptions;
  readonly #jobs = new Set<Job>();
  /** Results that wait for an earlier one, by index. */
  readonly #done = new Map<number, JobResult>();
  #handedOut = 0;
  #yielded = 0;
  #exhausted = false;
  #closed = false;
  #wake: () => void = () => undefined;
  readonly #onAbort = (): void => this.#wake();

  constructor(orders: Iterator<RunOrder>, options: JobPoolOptions) {
    this.#orders = orders;
    this.#options = options;
    options.signal.addEventListener('abort', this.#onAbort);
    for (let i = 0; i < options.jobs; i++) this.#start();
  }

  /** The next result in order (B1); undefined when there is none. */
  async next(): Promise<JobResult | undefined> {
    for (;;) {
      this.#options.signal.throwIfAborted();
      const result = this.#done.get(this.#yielded);
      if (result !== undefined) {
        this.#done.delete(this.#yielded++);
        for (const job of this.#jobs) if (job.order === undefined) this.#give(job);
        return result;
      }
      if (this.#exhausted && this.#yielded === this.#handedOut) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    for (const job of this.#jobs) {
      clearTimeout(job.watchdog);
      job.child.kill('SIGKILL');
    }
    this.#jobs.clear();
  }

  #start(): void {
    const child = fork(this.#options.entry ?? jobEntry, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const job: Job = { child, order: undefined, watchdog: undefined, ended: undefined };
    this.#jobs.add(job);
    child.on('message', (answer: JobAnswer) => this.#onAnswer(job, answer));
    child.on('error', (error) => this.#onGone(job, error.message));
    child.on('exit', (code, signal) => this.#onGone(job, signal ?? `exit code ${code}`));
    this.#give(job);
  }

  #give(job: Job): void {
    if (this.#exhausted || this.#handedOut - this.#yielded >= aheadCountMax * this.#options.jobs) return; // B2
    const next = this.#orders.next();
    if (next.done === true) {
      this.#exhausted = true;
      this.#wake();
      return;
    }
    this.#handedOut++;
    job.order = next.value;
    const seedMsMax = this.#options.seedMsMax ?? defaultSeedMsMax;
    job.watchdog = setTimeout(() => {
      job.ended = `no end within ${seedMsMax / 1000} s`;
      job.child.kill('SIGKILL');
    }, seedMsMax);
    const order: JobOrder = { kind: 'run', order: next.value };
    job.child.send(order, (error) => {
      if (error !== null) this.#onGone(job, error.message);
    });
  }

  #onAnswer(job: Job, answer: JobAnswer): void {
    const { order } = job;
    if (this.#closed || order === undefined || order.index !== answer.index) return;
    this.#settle(
      job,
      order,
      answer.kind === 'ran'
        ? { kind: 'ran', report: answer.report }
        : { kind: 'lost', seed: order.seed, why: answer.message },
    );
    this.#give(job);
  }

  /** The process is gone; its seed is reported, and another process takes its place. */
  #onGone(job: Job, how: string): void {
    if (this.#closed || !this.#jobs.delete(job)) return;
    const { order } = job;
    if (order !== undefined) this.#settle(job, order, { kind: 'lost', seed: order.seed, why: job.ended ?? how });
    job.child.kill('SIGKILL');
    if (!this.#exhausted) this.#start();
    this.#wake();
  }

  #settle(job: Job, order: RunOrder, result: JobResult): void {
    clearTimeout(job.watchdog);
    job.order = undefined;
    this.#done.set(order.index, result);
    this.#wake();
  }
}
