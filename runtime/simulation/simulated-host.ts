// A host, or a client, of the simulated world
// =============================================================================
//
// One process: N workers and the main thread, one set of clocks, shared cells, one disk. A client is the same with a
// single worker 0, no main thread and no disk.
//
// Owns:     starting and stopping all of it together.
// Does not: know what runs there.

import { isClient, mainWorker } from '../contract/address.js';
import type { Cells } from '../contract/cells.js';
import { assert, present } from '../std/assert.js';
import type { CrashStyle } from './disk-image.js';
import { HostCells } from './host-cells.js';
import { SimulatedClock } from './simulated-clock.js';
import { SimulatedWorker } from './simulated-worker.js';
import type { World } from './world.js';

export interface HostConfig {
  /** A host name, or `@<client id>`. */
  readonly name: string;
  /** Worker threads; the main thread comes in addition. */
  readonly workers: number;
  /** Monotonic milliseconds per true millisecond; 1 when absent. */
  readonly clockRate?: number;
}

export class SimulatedHost {
  readonly name: string;
  readonly config: HostConfig;
  readonly clock: SimulatedClock;
  /** Multiplies what a turn costs: a slow or a stolen CPU. */
  cpuSlowness = 1;
  /** Called when a sync of one of its journals has completed and before anybody has heard of it. For a process that dies at just that point. */
  afterSync: (() => void) | undefined;
  /** Called when the process ends, however it ends: for what runs beside its threads. */
  onEnd: (() => void) | undefined;
  readonly #world: World;
  readonly #workers: SimulatedWorker[] = [];
  #cells: Cells;
  #up = false;
  #lives = 0;

  constructor(config: HostConfig, world: World) {
    this.name = config.name;
    this.config = config;
    this.#world = world;
    // Machines have been up for different times, so that nobody can compare monotonic clocks and be right.
    const uptimeMs = 1000 + world.random.split(`uptime/${config.name}`).below(1_000_000);
    this.clock = new SimulatedClock(world.scheduler, uptimeMs, config.clockRate ?? 1);
    for (let number = 0; number < config.workers; number++)
      this.#workers.push(new SimulatedWorker(this, number, world));
    if (!this.client) this.#workers.push(new SimulatedWorker(this, mainWorker, world));
    this.#cells = this.#newCells();
  }

  #newCells(): Cells {
    return new HostCells((number) => {
      const worker = this.#workers[number];
      if (worker === undefined || !worker.running) return 0;
      return Math.floor(this.clock.monotonicAt(worker.stuckSinceMs ?? this.#world.scheduler.nowMs));
    });
  }

  get client(): boolean {
    return isClient({ host: this.name });
  }

  get up(): boolean {
    return this.#up;
  }

  /** Rises with every start and every end: an answer that comes late can see that it belongs to another life. */
  get lifeCount(): number {
    return this.#lives;
  }

  get cells(): Cells {
    return this.#cells;
  }

  /** All of them, the main thread last. */
  get workers(): readonly SimulatedWorker[] {
    return this.#workers;
  }

  worker(number: number): SimulatedWorker {
    return present(
      this.#workers.find((worker) => worker.number === number),
      `${this.name} has no worker ${number}`,
    );
  }

  /** Starts the process. REQUIRES that it is down. */
  start(): void {
    assert(!this.#up, `${this.name} runs already`);
    this.#up = true;
    const first = this.#lives === 0;
    this.#lives++;
    this.#cells = this.#newCells();
    this.#note('host-started', first ? 'first' : 'host-restart');
    for (const worker of this.#workers) {
      worker.forgetFailures();
      worker.start({ reason: first ? 'first' : 'host-restart', count: this.#lives - 1 });
    }
  }

  /**
   * Ends the process at once.
   * @param options.powerLost the machine went down: what was not synced may be lost or torn, clocks begin anew (default);
   *   otherwise it is a `kill -9`, and what had been written stays.
   * @param options.style which of the possible states the disk is left in.
   */
  kill(options: { readonly powerLost?: boolean; readonly style?: CrashStyle } = {}): void {
    const powerLost = options.powerLost ?? true;
    if (!this.#up && !powerLost) return; // a machine can lose power with no process on it
    if (this.#up) this.#end('host-killed', powerLost ? 'power-lost' : 'killed');
    else this.#note('power-lost', '');
    this.#world.journals.hostKilled(this, powerLost, options.style);
    if (powerLost) this.clock.reboot(1000 + this.#world.random.split(`boot/${this.name}/${this.#lives}`).below(60_000));
  }

  /** An orderly end: everybody is told to hand over, then journals are closed and the process exits. Takes `drainMs` and a little. */
  shutDown(drainMs = 100): void {
    if (!this.#up) return;
    this.#note('host-draining', drainMs);
    const life = this.#lives;
    for (const worker of this.#workers) worker.loop?.signal({ kind: 'draining' });
    this.#world.scheduler.call(drainMs, () => {
      let open = this.#workers.length;
      if (this.#lives !== life) return;
      for (const worker of this.#workers) {
        worker.close(() => {
          if (--open === 0 && this.#lives === life) this.#end('host-stopped', 'drained');
        });
      }
    });
  }

  /** The process ends by its own decision: a failed disk, too many restarts. */
  exit(why: string): void {
    if (!this.#up) return;
    this.#end('host-exited', why);
    this.#world.journals.hostKilled(this, false);
    this.#world.hostExited(this, why);
  }

  restart(options: { readonly powerLost?: boolean } = {}): void {
    this.kill(options);
    this.start();
  }

  /** The process begins again by itself, since its disk is another one than it thought (M8). */
  startOver(why: string): void {
    this.#end('host-starting-over', why);
    this.start();
  }

  /** No thread of it takes a turn for `durationMs`, clocks go on (SIGSTOP). */
  pause(durationMs: number): void {
    this.#note('host-paused', durationMs);
    for (const worker of this.#workers) worker.pauseUntil(this.#world.scheduler.nowMs + durationMs);
  }

  /** The machine sleeps: as `pause`, but the monotonic clock stands still (L3). */
  suspend(durationMs: number): void {
    this.#note('host-suspended', durationMs);
    this.clock.suspend(durationMs);
    for (const worker of this.#workers) worker.pauseUntil(this.#world.scheduler.nowMs + durationMs);
  }

  /** Ends pauses and suspends. */
  resume(): void {
    this.clock.wake();
    for (const worker of this.#workers) worker.resume();
  }

  #end(kind: string, why: string): void {
    this.#note(kind, why);
    this.#up = false;
    this.#lives++;
    for (const worker of this.#workers) worker.stop();
    this.onEnd?.();
    this.onEnd = undefined;
  }

  #note(kind: string, detail: string | number): void {
    this.#world.trace.record(this.#world.scheduler.nowMs, this.name, mainWorker, '', kind, detail);
  }
}
