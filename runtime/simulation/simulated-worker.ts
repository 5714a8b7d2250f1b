// A worker thread that is not one
// =============================================================================
//
// Runs the production loop on virtual time: a wake-up is an event, a run of turns takes as long as the world says, a pause
// lets everything pile up, a death loses the loop and what had not left it.
//
// Owns:     the loop, its ports, its clock; boots it, stops it, restarts it by the production policy.
// Does not: decide when a host lives or dies.
//
// Invariants
//   W1. Nothing of a dead life is heard again: its wake-ups, its disk completions, its journal.
//   W2. A worker runs in one place of time: while it is paused or busy, it takes no turn.
//   W3. What a run sends leaves when the run has ended by the worker's own clock.

import type { Actor, ActorDefinition } from '../contract/actor.js';
import { mainWorker } from '../contract/address.js';
import { setSpaceLevel } from '../contract/cells.js';
import { DiskError } from '../contract/disk.js';
import type { Journal, JournalListener } from '../contract/journal.js';
import type { Envelope, Transport, TransportReceiver } from '../contract/transport.js';
import { ActorLoop } from '../kernel/actor-loop.js';
import { assert } from '../std/assert.js';
import { DecodeError } from '../std/byte-reader.js';
import type { Random } from '../std/random.js';
import { onFailure, workerRestartPolicy } from '../supervision/restart-policy.js';
import { SimulatedEvent } from './scheduler.js';
import { sealMessage } from './seal.js';
import { WorkerClock } from './simulated-clock.js';
import type { SimulatedHost } from './simulated-host.js';
import { type Boot, type JournalSession, OtherDisk, type World } from './world.js';

/** What dies when the worker dies. */
interface Life {
  readonly boot: Boot;
  readonly random: Random;
  /** How many threads of this number the process has had before. */
  readonly generation: number;
  readonly actors: Map<string, Actor<never>>;
  session: JournalSession | undefined;
  loop: ActorLoop | undefined;
  transport: Transport | undefined;
  /** The loop or the journal asked for the end. */
  fatal: Error | undefined;
}

/** How long a thread takes to start, ms; its journal's recovery comes in addition. */
const startMs = 5;

/** As in the real world: an actor's incarnation in a restarted thread differs from all that died with the one before (R17). */
const incarnationsPerGeneration = 2 ** 20;

/** How long a thread sleeps on after something arrived, ms. */
const wakeMs = 0.01;

export class SimulatedWorker implements TransportReceiver {
  readonly host: SimulatedHost;
  /** From 0, or `mainWorker`. */
  readonly number: number;
  readonly clock: WorkerClock;
  readonly #world: World;
  readonly #failures: number[] = [];
  #life: Life | undefined;
  #boots = 0;
  #generation = 0;
  #wake: WakeEvent | undefined;
  #busyUntilMs = 0;
  #pausedUntilMs = 0;
  #pausedSinceMs = 0;
  #busySinceMs = 0;

  constructor(host: SimulatedHost, number: number, world: World) {
    this.host = host;
    this.number = number;
    this.#world = world;
    this.clock = new WorkerClock(world.scheduler, host.clock);
  }

  get alive(): boolean {
    return this.#life !== undefined;
  }

  /** Has recovered and takes turns. */
  get running(): boolean {
    return this.#life?.loop !== undefined;
  }

  /** The production loop, for what tests want to ask it. */
  get loop(): ActorLoop | undefined {
    return this.#life?.loop;
  }

  /** God view: the actor object itself, while it runs. */
  actor(name: string): Actor<never> | undefined {
    const life = this.#life;
    return life?.loop?.runs(name) === true ? life.actors.get(name) : undefined;
  }

  /** Since when the thread takes no turn and could not: paused, or stalled within a run. Undefined: it could. */
  get stuckSinceMs(): number | undefined {
    const { nowMs } = this.#world.scheduler;
    const paused = nowMs < this.#pausedUntilMs ? this.#pausedSinceMs : undefined;
    const busy = nowMs < this.#busyUntilMs ? this.#busySinceMs : undefined;
    return paused === undefined || busy === undefined ? (paused ?? busy) : Math.min(paused, busy);
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  // --- life -----------------------------------------------------------------------------------------------------------

  start(boot: Boot): void {
    assert(this.#life === undefined, 'W1: one life at a time');
    this.#busyUntilMs = 0;
    if (boot.reason !== 'worker-restart') this.#generation = 0;
    const life: Life = {
      boot,
      generation: this.#generation++,
      random: this.#world.random.split(`worker/${this.host.name}/${this.number}/${this.#boots++}`),
      actors: new Map(),
      session: undefined,
      loop: undefined,
      transport: undefined,
      fatal: undefined,
    };
    this.#life = life;
    if (this.host.client || this.number === mainWorker) {
      // Nothing durable runs there, but a thread takes a moment to start.
      this.#world.scheduler.call(startMs, () => {
        if (this.#life === life) this.#ready(life, undefined);
      });
      return;
    }
    setSpaceLevel(this.host.cells, this.number, 'enough'); // what it was to the thread before
    const listener: JournalListener = {
      durable: (lsnEnd) => {
        if (this.#life !== life) return;
        this.host.afterSync?.();
        life.loop?.durable(lsnEnd);
      },
      pressure: (stream) => {
        if (this.#life === life) life.loop?.signalActor(stream, { kind: 'journal-pressure' });
      },
      space: (level) => {
        if (this.#life !== life) return;
        setSpaceLevel(this.host.cells, this.number, level);
        this.#world.trace.record(this.#world.scheduler.nowMs, this.host.name, this.number, '', 'space', level);
      },
      fatal: (error) => {
        if (this.#life === life) this.host.exit(`storage-failed: ${error.message}`); // D11
      },
    };
    const isVital = ({ kind }: { readonly kind: string }): boolean => this.#world.definitions.get(kind)?.vital === true;
    life.session = this.#world.journals.open(this.host, this.number, life.random, listener, isVital, (error) => {
      if (this.#life !== life) return; // W1
      if (error instanceof OtherDisk && boot.reason !== 'worker-restart') return this.host.startOver(error.message);
      if (error !== undefined) return this.host.exit(`cannot open the journal: ${error.message}`);
      this.#ready(life, life.session?.journal());
    });
  }

  /** Recovery is over: every actor that has a stream comes back, then those that always run. */
  #ready(life: Life, journal: Journal | undefined): void {
    const world = this.#world;
    const { host, number } = this;
    const transport = world.network.attach(host.name, number, this, this.clock);
    life.transport = transport;
    const loop = new ActorLoop(
      {
        host: host.name,
        worker: number,
        clock: this.clock,
        cells: host.cells,
        random: life.random,
        transport,
        firstIncarnation: life.generation * incarnationsPerGeneration,
        ...(journal === undefined ? {} : { journal }),
        emit: (event) => world.emitted(event),
        wake: () => {
          if (this.#life === life) this.#wakeAt(world.scheduler.nowMs + wakeMs); // W1
        },
        escalate: (reason) => {
          life.fatal ??= reason;
          // Outside of a run nobody looks: do it as soon as this event is over.
          world.scheduler.call(0, () => this.#maybeDie(life));
        },
        ...(world.sealed ? { seal: sealMessage } : {}),
      },
      watched(world.definitions, life.actors),
      world.limits,
    );
    life.loop = loop;
    try {
      for (const stream of life.session?.streams() ?? []) loop.recover(stream, stream.report);
      const known = new Set(loop.actors().map((status) => status.name));
      for (const spec of world.rootActors(host, number, life.boot)) if (!known.has(spec.name)) loop.spawn(spec);
    } catch (error) {
      life.fatal ??= error instanceof Error ? error : new Error(String(error));
    }
    world.trace.record(world.scheduler.nowMs, host.name, number, '', 'worker-started', life.boot.reason);
    if (life.fatal !== undefined) return this.#maybeDie(life);
    this.#wakeAt(world.scheduler.nowMs);
    world.workerStarted(this, life.boot);
  }

  /** The thread is gone; the process lives, so what it had written stays in the page cache. */
  stop(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined; // W1
    if (this.#wake !== undefined) this.#wake.cancelled = true;
    this.#wake = undefined;
    this.clock.aheadMs = 0;
    life.loop?.close();
    if (life.transport !== undefined) {
      void life.transport.close();
      this.#world.network.detach(this.host.name, this.number);
    }
    life.session?.abandon();
  }

  /** Closes the journal in order, without another turn, and then stops. */
  close(done: () => void): void {
    const life = this.#life;
    if (life?.loop === undefined || life.session === undefined) {
      this.stop();
      return done();
    }
    life.loop.close();
    life.session.close(() => {
      if (this.#life === life) this.stop();
      done();
    });
  }

  /** The thread dies and comes back as the production policy says; too often, and the host ends. */
  die(why: string): void {
    if (this.#life === undefined) return;
    const world = this.#world;
    world.trace.record(world.scheduler.nowMs, this.host.name, this.number, '', 'worker-died', why);
    this.stop();
    const nowMs = this.host.clock.monotonicAt(world.scheduler.nowMs);
    const decision = onFailure(workerRestartPolicy, this.#failures, nowMs, world.random.split(`restart/${nowMs}`));
    if (decision.kind === 'escalate') return this.host.exit(`worker ${this.number} died too often: ${why}`);
    const hostLife = this.host.lifeCount;
    world.scheduler.call(decision.afterMs, () => {
      if (this.host.up && this.host.lifeCount === hostLife && this.#life === undefined)
        this.start({ reason: 'worker-restart', count: this.#boots });
    });
  }

  forgetFailures(): void {
    this.#failures.length = 0;
  }

  #maybeDie(life: Life): void {
    if (this.#life !== life || life.fatal === undefined) return;
    // A disk that gives an error, or other bytes than it was given, ends a thread, and it is started again: that is no bug.
    const unread = life.fatal instanceof DecodeError && this.#world.journals.diskOf(this.host.name)?.misreads === true;
    if (!unread && !(life.fatal instanceof DiskError)) this.#world.crashed(life.fatal);
    this.die(life.fatal.message);
  }

  /** Takes no turn before `untilMs` of virtual time: garbage collection, SIGSTOP, a stolen CPU. */
  pauseUntil(untilMs: number): void {
    const { nowMs } = this.#world.scheduler;
    if (this.#pausedUntilMs <= nowMs) this.#pausedSinceMs = nowMs;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
  }

  resume(): void {
    this.#pausedUntilMs = 0;
    this.#wakeAt(this.#world.scheduler.nowMs);
  }

  // --- running --------------------------------------------------------------------------------------------------------

  deliver(envelope: Envelope): void {
    this.#life?.loop?.deliver(envelope);
  }

  gap(host: string, worker: number): void {
    this.#life?.loop?.signal({ kind: 'link-gap', host, worker });
  }

  #wakeAt(atMs: number): void {
    const dueMs = Math.max(atMs, this.#busyUntilMs, this.#pausedUntilMs); // W2
    if (this.#wake !== undefined) {
      if (this.#wake.atMs <= dueMs) return;
      this.#wake.cancelled = true;
    }
    this.#wake = new WakeEvent(this);
    this.#world.scheduler.at(dueMs, this.#wake);
  }

  /** Called by the wake-up. */
  woken(event: WakeEvent): void {
    if (this.#wake !== event) return;
    this.#wake = undefined;
    const life = this.#life;
    if (life?.loop === undefined) return;
    const { scheduler, trace } = this.#world;
    const nowMs = scheduler.nowMs;
    if (nowMs < this.#pausedUntilMs || nowMs < this.#busyUntilMs) return this.#wakeAt(nowMs); // W2
    const before = life.loop.turnCount;
    this.clock.stallMs = this.#world.stallMs;
    let more = false;
    try {
      more = life.loop.run();
    } catch (error) {
      // An effect that cannot be carried out ends the thread, as an uncaught exception would.
      life.fatal ??= error instanceof Error ? error : new Error(String(error));
    }
    this.clock.stallMs = undefined;
    const turns = life.loop.turnCount - before;
    trace.mix(turns);
    this.#busySinceMs = nowMs;
    this.#busyUntilMs = nowMs + this.clock.aheadMs + turns * this.#world.turnCostMs * this.host.cpuSlowness; // W3
    this.clock.aheadMs = 0;
    if (turns > 0) this.#world.turnsTaken(this, turns);
    if (this.#life !== life) return; // a watcher killed it
    if (life.fatal !== undefined) return this.#maybeDie(life);
    if (more) return this.#wakeAt(nowMs);
    const nextMs = life.loop.nextWakeMs();
    if (nextMs !== undefined) this.#wakeAt(this.host.clock.virtualAt(nextMs));
  }
}

class WakeEvent extends SimulatedEvent {
  readonly #worker: SimulatedWorker;

  constructor(worker: SimulatedWorker) {
    super();
    this.#worker = worker;
  }

  fire(): void {
    this.#worker.woken(this);
  }
}

/** The same definitions, remembering what they created: the god view. */
function watched(
  definitions: ReadonlyMap<string, ActorDefinition>,
  actors: Map<string, Actor<never>>,
): ReadonlyMap<string, ActorDefinition> {
  const all = new Map<string, ActorDefinition>();
  for (const [kind, definition] of definitions) {
    all.set(kind, {
      kind: definition.kind,
      durable: definition.durable,
      create: (args, self, random): Actor<never> => {
        const actor: Actor = definition.create(args, self, random);
        actors.set(self.actor, actor);
        return actor;
      },
    });
  }
  return all;
}
