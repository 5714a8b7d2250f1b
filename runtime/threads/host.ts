// A host: one process, its main thread and its workers
// =============================================================================
//
// The main thread supervises and keeps the host alive in the cluster's eyes; it runs a loop of its own for the host agent and is on no
// data's path. What must be right about a host's end is here: one last line, one exit code, nothing waiting for ever.
//
// Owns:     the shared cells, the supervisor, the main loop, the pool, the lock of the data directory, the end.
// Does not: know what any actor does.
//
// Invariants
//   G1. `ended` resolves exactly once, with the first reason.
//   G2. `stop` takes bounded time: draining, closing and ending of threads each have a deadline; called again, it is now.
//   G3. A failed disk ends the process at once (D11): nobody is asked, nothing is flushed.

import { mainWorker, isName, workerCountMax } from '../contract/address.js';
import type { Cells } from '../contract/cells.js';
import type { EmittedEvent, SystemEvent } from '../contract/events.js';
import { processRandom } from './process-random.js';
import { plantedBugs } from '../probes/planted-bugs.js';
import { type RestartPolicy, workerRestartPolicy } from '../supervision/restart-policy.js';
import { machineClock } from './clock.js';
import { loadComposition } from './compose-loader.js';
import type { Composition, Place } from './composition.js';
import { ControlError, moved, type WorkerStats } from './control.js';
import { endProcess } from './end-process.js';
import { type HostEnd, HostError, type HostExitCode, hostExitCodes, OtherDiskError } from './exit-codes.js';
import { type HostDirectory, openHostDirectory } from './host-directory.js';
import { plantBugOfEnvironment } from './planted-bug.js';
import { poll } from './poll.js';
import { Pool } from './pool.js';
import { PortTransport } from './port-transport.js';
import { SharedCells } from './shared-cells.js';
import { StallWatch, stalledWorkers, tickMs } from './stall-watch.js';
import { testDiskEvent, testDiskOf } from './test-disk.js';
import { WorkerSupervisor } from './worker-supervisor.js';
import { WorkerThread } from './worker-thread.js';
import { openWorld, type World } from './world.js';

export interface HostOptions {
  readonly clusterId: string;
  /** Its name in the cluster. */
  readonly name: string;
  /** Worker threads, 1 to 64. Fixed once a directory is formatted. */
  readonly workers: number;
  /** Where its data are; absent keeps everything in memory. */
  readonly directory?: string;
  /** URL of a module that exports `compose` (composition.ts). The main thread and every worker import it. */
  readonly compositionUrl: string;
  /** Passed to `compose` in every thread: anything that can be cloned. */
  readonly config?: unknown;
  /**
   * Most megabytes of JavaScript heap a worker may use; 2048 when absent. Values are not in it. Beyond, the worker dies and is
   * restarted, or V8 aborts the whole process (nodejs/node#47224): a limit is no isolation.
   */
  readonly heapMbMax?: number;
  readonly onEvent?: (event: EmittedEvent) => void;
  /**
   * Called instead of ending the process when the host cannot go on. Whoever sets it must end the process, or be a test: after a
   * failed disk nothing of this host may be used.
   */
  readonly onFatal?: (end: HostEnd) => void;
  /** How long actors may take to hand over when the host stops. 10 s when absent. */
  readonly drainDeadlineMs?: number;
  /** workerRestartPolicy when absent. */
  readonly restartPolicy?: RestartPolicy;
}

export interface HostStats {
  readonly host: string;
  readonly rssBytes: number;
  /** A worker without a thread, or whose thread does not answer, is absent. */
  readonly workers: readonly WorkerStats[];
}

export interface Host extends AsyncDisposable {
  readonly name: string;
  readonly workers: number;
  readonly diskId: string;
  readonly cells: Cells;
  /** Resolves when the host is over: stopped, or failed and `onFatal` was set. (G1) */
  readonly ended: Promise<HostEnd>;
  /** Workers that have been in one run of turns for too long, or have no thread (L6). */
  stalledWorkers(nowMs: number): readonly number[];
  stats(): Promise<HostStats>;
  /** What the actor says of itself; undefined when it does not run. @throws ControlError */
  inspect(worker: number, actor: string): Promise<Record<string, unknown> | undefined>;
  /** Ends a worker's thread as if it had crashed, for drills and tests. */
  killWorker(worker: number): Promise<void>;
  /** Drains, closes in order and ends. Called again: now. (G2) */
  stop(): Promise<HostEnd>;
}

const drainDeadlineMsDefault = 10_000;
const drainPollMs = 20;
/** For a worker's last sync and its journal's marker. */
const closeDeadlineMs = 10_000;
const callDeadlineMs = 5000;
const heapMbDefault = 2048;
/** A disk is taken for another one once; what a crash left of a generation makes it twice. */
const startTriesMax = 3;

/** Starts a host and resolves when every worker has recovered and is connected. @throws HostError, TypeError */
export async function startHost(options: HostOptions): Promise<Host> {
  checkOptions(options);
  sayTestDisk(options);
  const bug = plantBugOfEnvironment();
  if (bug !== undefined) {
    const event: SystemEvent = { kind: 'bug-planted', level: 'warn', bug, wrong: plantedBugs[bug].wrong };
    options.onEvent?.({ host: options.name, worker: mainWorker, actor: 'host', wallMs: machineClock.wallMs(), event });
  }
  for (let diskId: string | undefined, tries = 1; ; tries++) {
    try {
      return await tryToStart(options, diskId);
    } catch (error) {
      if (!(error instanceof OtherDiskError) || tries === startTriesMax) throw error;
      diskId = error.diskId;
      const event: SystemEvent = { kind: 'disk-replaced', level: 'error', reason: error.message, diskId };
      const wallMs = machineClock.wallMs();
      options.onEvent?.({ host: options.name, worker: mainWorker, actor: 'host', wallMs, event });
    }
  }
}

/** @throws HostError refused */
function sayTestDisk({ name, directory, onEvent }: HostOptions): void {
  const event = directory === undefined ? undefined : testDiskEvent(directory, testDiskOf(process.env));
  if (event !== undefined)
    onEvent?.({ host: name, worker: mainWorker, actor: 'host', wallMs: machineClock.wallMs(), event });
}

/** @param diskId who this disk is known to be, from an earlier try. */
async function tryToStart(options: HostOptions, diskId: string | undefined): Promise<Host> {
  const directory = openHostDirectory(options);
  const { name: host, workers } = options;
  const place: Place = { host, worker: mainWorker, workers, diskId: diskId ?? directory.diskId };
  try {
    const composition = await loadComposition(options.compositionUrl, options.config, place);
    const running = new RunningHost(options, directory, composition, place);
    await running.start();
    directory.markBegun();
    return running;
  } catch (error) {
    directory.release();
    throw error;
  }
}

function checkOptions(options: HostOptions): void {
  if (!isName(options.name)) throw new TypeError(`not a host name: ${options.name}`);
  if (!isName(options.clusterId)) throw new TypeError(`not a cluster name: ${options.clusterId}`);
  const { workers } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > workerCountMax)
    throw new TypeError(`workers must be 1 to ${workerCountMax}, not ${workers}`);
}

class RunningHost implements Host {
  readonly name: string;
  readonly workers: number;
  readonly diskId: string;
  readonly cells = new SharedCells();
  readonly ended: Promise<HostEnd>;
  readonly #options: HostOptions;
  readonly #directory: HostDirectory;
  readonly #composition: Composition;
  readonly #place: Place;
  readonly #pool = new Pool();
  readonly #supervisor: WorkerSupervisor;
  readonly #stallWatch: StallWatch;
  #ports: PortTransport | undefined;
  #world: World | undefined;
  #watchInterval: NodeJS.Timeout | undefined;
  /** A journal that a restarted worker does not find was there. */
  #begun: boolean;
  #phase: 'starting' | 'running' | 'draining' | 'ending' | 'over' = 'starting';
  #failure: HostEnd | undefined;
  #failStart: (error: HostError) => void = () => undefined;
  #skipDrain: () => void = () => undefined;
  #tellEnd: (end: HostEnd) => void = () => undefined;

  constructor(options: HostOptions, directory: HostDirectory, composition: Composition, place: Place) {
    this.name = options.name;
    this.workers = options.workers;
    this.diskId = place.diskId;
    this.#options = options;
    this.#directory = directory;
    this.#composition = composition;
    this.#place = place;
    this.#begun = directory.begun;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    this.#stallWatch = new StallWatch(this.cells, machineClock, options.workers);
    this.#supervisor = new WorkerSupervisor({
      workers: options.workers,
      policy: options.restartPolicy ?? workerRestartPolicy,
      clock: machineClock,
      cells: this.cells,
      random: processRandom(),
      startThread: (worker, generation) => this.#startThread(worker, generation),
      attachMain: (worker, end) => this.#ports?.attach(worker, end),
      emit: (worker, event) => this.#emit(worker, event),
      giveUp: (exitCode, reason) => this.#fail(exitCode, reason),
    });
  }

  /** The main loop first, so that its agent hears what the workers' actors say as soon as they are back. */
  async start(): Promise<void> {
    this.#world = await openWorld({
      place: this.#place,
      composition: this.#composition,
      cells: this.cells,
      clock: machineClock,
      random: processRandom(),
      generation: 0,
      local: (receiver) => {
        this.#ports = new PortTransport({
          host: this.name,
          worker: mainWorker,
          codec: this.#composition.codec,
          receiver,
          fail: (error) => this.#fail(hostExitCodes.failed, `the main thread: ${error.message}`),
        });
        return this.#ports;
      },
      emit: (event) => this.#options.onEvent?.(event),
      escalate: (reason) => this.#fail(hostExitCodes.restartsExhausted, reason.message),
      fatal: (error) => this.#fail(hostExitCodes.storageFailed, error.message),
    });
    this.#watchInterval = setInterval(() => this.#stallWatch.check(), tickMs);
    const failed = new Promise<never>((_, reject) => {
      this.#failStart = reject;
    });
    try {
      await Promise.race([this.#supervisor.start(), failed]);
      this.#phase = 'running';
      this.#begun = this.#options.directory !== undefined;
    } catch (error) {
      await this.#end(undefined, true);
      throw error;
    }
  }

  stalledWorkers(nowMs: number): readonly number[] {
    return stalledWorkers(this.cells, this.workers, nowMs);
  }

  async stats(): Promise<HostStats> {
    const asked = Array.from({ length: this.workers }, async (_, worker) => {
      try {
        return await this.#supervisor.control(worker)?.call('stats', callDeadlineMs, (remote) => remote.stats());
      } catch (error) {
        if (error instanceof ControlError) return undefined;
        throw error;
      }
    });
    const workers = (await Promise.all(asked)).filter((stats) => stats !== undefined);
    return { host: this.name, rssBytes: process.memoryUsage.rss(), workers };
  }

  async inspect(worker: number, actor: string): Promise<Record<string, unknown> | undefined> {
    if (worker === mainWorker) return this.#world?.loop.inspect(actor);
    const control = this.#supervisor.control(worker);
    if (control === undefined) throw new ControlError('thread-ended', 'inspect');
    return control.call('inspect', callDeadlineMs, (remote) => remote.inspect(actor));
  }

  killWorker(worker: number): Promise<void> {
    return this.#supervisor.kill(worker);
  }

  async stop(): Promise<HostEnd> {
    if (this.#phase === 'draining') this.#skipDrain(); // G2: the second call
    if (this.#phase !== 'running') return this.ended;
    this.#phase = 'draining';
    await this.#drain();
    if (this.#failure === undefined) await this.#end({ exitCode: hostExitCodes.stopped, reason: 'stopped' }, false);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Tells every actor, and waits until all is handed over, the deadline or the second `stop`. */
  async #drain(): Promise<void> {
    let skipped = false;
    const skip = new Promise<void>((resolve) => {
      this.#skipDrain = () => {
        skipped = true;
        resolve();
      };
    });
    this.#world?.loop.signal({ kind: 'draining' });
    const told = Array.from({ length: this.workers }, async (_, worker) => {
      try {
        await this.#supervisor.control(worker)?.call('drain', callDeadlineMs, (remote) => remote.drain());
      } catch (error) {
        if (!(error instanceof ControlError)) throw error; // A worker that is gone or stuck has nothing to hand over.
      }
    });
    await Promise.race([Promise.all(told), skip]);
    const composition = this.#composition;
    const done = (): boolean => skipped || composition.drained?.(this.cells) !== false;
    await poll(done, drainPollMs, this.#options.drainDeadlineMs ?? drainDeadlineMsDefault);
  }

  /** Ends threads, loop, pool and directory. The workers go first: the agent keeps the host's lease until they are closed. */
  async #end(end: HostEnd | undefined, now: boolean): Promise<void> {
    this.#phase = 'ending';
    if (now) await this.#supervisor.terminate();
    else if (!(await this.#supervisor.stop(closeDeadlineMs)))
      this.#emit(mainWorker, { kind: 'worker-terminated', level: 'warn', reason: 'it did not close in time' });
    clearInterval(this.#watchInterval);
    await this.#world?.close();
    await this.#pool.close();
    this.#directory.release();
    this.#phase = 'over';
    const told = this.#failure ?? end;
    if (told !== undefined) this.#tellEnd(told); // G1
  }

  #startThread(worker: number, generation: number): WorkerThread {
    const { clusterId, compositionUrl, config, directory, heapMbMax } = this.#options;
    return new WorkerThread({
      boot: {
        place: { ...this.#place, worker },
        clusterId,
        generation,
        compositionUrl,
        config,
        directory,
        boundTo: this.#directory.boundTo,
        begun: this.#begun,
        cells: this.cells.buffer,
      },
      services: { compress: async (bytes) => moved(await this.#pool.compress(bytes)) },
      heapMbMax: heapMbMax ?? heapMbDefault,
      output: (output) => {
        if (output.kind === 'fatal') return this.#fail(output.exitCode, output.reason); // G3
        for (const event of output.events) this.#options.onEvent?.(event);
      },
    });
  }

  #emit(worker: number, event: SystemEvent): void {
    const wallMs = machineClock.wallMs();
    this.#options.onEvent?.({ host: this.name, worker, actor: 'host', wallMs, event });
  }

  /** The host cannot go on. G1, G3 */
  #fail(exitCode: HostExitCode, reason: string): void {
    if (this.#phase === 'over' || this.#failure !== undefined) return;
    const phase = this.#phase;
    const end: HostEnd = { exitCode, reason };
    this.#failure = end;
    // Whoever starts the host hears of it, and ends the process or not.
    if (phase === 'starting') return this.#failStart(new HostError(exitCode, reason));
    const { onFatal } = this.#options;
    if (onFatal === undefined) return endProcess(this.name, end);
    onFatal(end);
    // Reached by those who go on without this host: its threads must not. While it is closing, that goes on to its deadlines.
    if (phase !== 'ending') void this.#end(undefined, true);
  }
}
