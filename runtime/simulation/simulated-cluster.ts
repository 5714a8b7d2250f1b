// A whole cluster in one thread, on virtual time
// =============================================================================
//
// Hosts, their workers, clients, the network and the disks, all driven by one event queue and one seed. The actors, the loop
// and the journal are the production ones.
//
// Owns:     building hosts and clients, running the world, what is watched after each event.
// Does not: know any actor: the caller's composition says what runs where.
//
// Invariants
//   Z1. Two runs of one seed and one script give the same trace hash.
//   Z2. A failure (an assertion in an actor, an invariant of a watcher) ends the run at that event, with the seed in its text.
//
// Sources: CORRECTNESS §3.1; FoundationDB; TigerBeetle VOPR; STYLE §4.6.

import type { Actor, ActorDefinition, ActorSpec, Message } from '../contract/actor.js';
import { type Address, clientHost } from '../contract/address.js';
import type { EmittedEvent } from '../contract/events.js';
import type { MessageCodec } from '../contract/transport.js';
import { defaultLoopLimits, type LoopLimits } from '../kernel/ports.js';
import { assert, present } from '../std/assert.js';
import { type Random, seededRandom } from '../std/random.js';
import type { JournalLimits } from '../storage/write-ahead-journal.js';
import { DiskJournalKeeper } from './disk-journal-keeper.js';
import { ModelJournalKeeper } from './model-journal-keeper.js';
import { Scheduler } from './scheduler.js';
import { sealMessage } from './seal.js';
import type { DiskOptions, SimulatedDisk } from './simulated-disk.js';
import { type HostConfig, SimulatedHost } from './simulated-host.js';
import { type FrameCodec, type NetworkOptions, SimulatedNetwork } from './simulated-network.js';
import type { SimulatedWorker } from './simulated-worker.js';
import { Trace } from './trace.js';
import { withTripwires } from './tripwires.js';
import type { Boot, JournalKeeper, World } from './world.js';

/** What runs where. A composition of `runtime/threads` fits too. */
export interface SimulatedComposition {
  readonly definitions: ReadonlyMap<string, ActorDefinition>;
  /** Messages between hosts go through it; without one they are frozen and passed on. */
  readonly codec?: MessageCodec;
  /** With a codec: how messages travel together, so that damaged frames can be shown to be refused. */
  readonly frameCodec?: FrameCodec;
  /** The actors that run there from the first start; those that came back from the journal are not started twice. */
  rootActors(
    place: { readonly host: string; readonly worker: number; readonly workers: number; readonly diskId: string },
    boot: Boot,
  ): readonly ActorSpec[];
  /** A worker has recovered its actors, spawned its roots, and is about to take its first turn. */
  started?(worker: SimulatedWorker, boot: Boot): void;
}

/** Who leads and who decides, in terms of hosts; the simulator itself knows no roles. */
export interface ClusterRoles {
  /** The host whose member leads the control plane just now. */
  leader(): string | undefined;
  /** Hosts that have a member of the control plane. */
  members(): readonly string[];
  /** The name of a member's actor. */
  readonly actor: string;
}

export interface SimulatedClusterOptions {
  readonly seed: string | number;
  readonly composition: SimulatedComposition;
  readonly hosts: readonly HostConfig[];
  readonly network?: Partial<NetworkOptions>;
  readonly limits?: LoopLimits;
  /** Virtual time that one turn takes (default 0.002 ms). */
  readonly turnCostMs?: number;
  /**
   * `disk` (default): the production journal on simulated disks. `model`: the contract's meaning in memory, some times
   * quicker, for tests that need no disk faults.
   */
  readonly journal?: 'disk' | 'model';
  readonly disk?: Partial<DiskOptions>;
  readonly journalLimits?: Partial<JournalLimits>;
  /** What a crash of an actor means that nobody injected: the end of the run (default), or what supervision makes of it. */
  readonly crashes?: 'fail' | 'supervise';
  /** A host that ended by its own decision is started again after this time, as by systemd; never when absent. */
  readonly restartExitedHostMs?: number;
  /** Who plays which role, for faults that strike roles. */
  readonly roles?: ClusterRoles;
  /** Messages are frozen on their way (default); it costs a twentieth, so long campaigns do it in some of their runs. */
  readonly sealed?: boolean;
  /** Gets every line of the trace. */
  readonly onLine?: (line: string) => void;
  /** Gets every event that an actor emits. */
  readonly onEvent?: (event: EmittedEvent) => void;
}

/** The run is over: an invariant does not hold, an actor crashed, a bound was reached. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}

/** Called after each run of turns of a worker, with that worker. Throws when something is wrong. */
export type Watcher = (cluster: SimulatedCluster, worker: SimulatedWorker) => void;

export class SimulatedCluster {
  readonly seed: string;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly trace: Trace;
  readonly random: Random;
  readonly #options: SimulatedClusterOptions;
  readonly #composition: SimulatedComposition;
  readonly #hosts = new Map<string, SimulatedHost>();
  /** In the order added; looked at after each run of turns, so not gathered anew each time. */
  #hostList: readonly SimulatedHost[] = [];
  #clientList: readonly SimulatedHost[] = [];
  readonly #clientRoots = new Map<string, readonly ActorSpec[]>();
  readonly #watchers: Watcher[] = [];
  readonly #world: ClusterWorld;
  #failure: Error | undefined;
  #crashes = 0;

  constructor(options: SimulatedClusterOptions) {
    this.seed = String(options.seed);
    this.#options = options;
    this.#composition = options.composition;
    this.random = seededRandom(this.seed);
    this.trace = new Trace(options.onLine);
    this.scheduler = new Scheduler(this.random.split('scheduler'));
    this.network = new SimulatedNetwork(
      this.scheduler,
      this.random.split('network'),
      this.trace,
      options.network,
      options.composition.codec,
    );
    this.network.frameCodec = options.composition.frameCodec;
    this.network.sealed = options.sealed ?? true;
    this.#world = {
      sealed: this.network.sealed,
      scheduler: this.scheduler,
      network: this.network,
      trace: this.trace,
      random: this.random.split('hosts'),
      definitions: options.composition.definitions,
      limits: options.limits ?? defaultLoopLimits,
      journals:
        options.journal === 'model'
          ? new ModelJournalKeeper(this.scheduler, options.disk?.syncMeanMs)
          : new DiskJournalKeeper(
              this.scheduler,
              this.random.split('disks'),
              this.trace,
              options.disk,
              options.journalLimits,
            ),
      turnCostMs: options.turnCostMs ?? 0.002,
      stallMs: undefined,
      rootActors: (host, worker, boot) => this.#rootActors(host, worker, boot),
      emitted: (event) => this.#emitted(event),
      crashed: (error) => this.#crashed(error),
      workerStarted: (worker, boot) => this.#composition.started?.(worker, boot),
      turnsTaken: (worker) => this.#watch(worker),
      hostExited: (host) => this.#hostExited(host),
    };
    for (const config of options.hosts) this.addHost(config);
  }

  // --- building -------------------------------------------------------------------------------------------------------

  /** A host that is not started yet. */
  addHost(config: HostConfig): SimulatedHost {
    assert(!this.#hosts.has(config.name), `there is a host ${config.name} already`);
    const host = new SimulatedHost(config, this.#world);
    this.#hosts.set(config.name, host);
    if (host.client) this.#clientList = [...this.#clientList, host];
    else this.#hostList = [...this.#hostList, host];
    this.network.addNode(config.name);
    return host;
  }

  /** Starts a client with these actors, at the address `@id`/0. */
  addClient(id: string, actors: readonly ActorSpec[]): SimulatedHost {
    const name = clientHost(id);
    this.#clientRoots.set(name, actors);
    const client = this.addHost({ name, workers: 1 });
    withTripwires(() => client.start());
    return client;
  }

  /** Starts every host that is down. */
  start(): void {
    withTripwires(() => {
      for (const host of this.hosts) if (!host.up) host.start();
    });
  }

  // --- looking --------------------------------------------------------------------------------------------------------

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  /** Hosts, not clients, in the order added. */
  get hosts(): readonly SimulatedHost[] {
    return this.#hostList;
  }

  get clients(): readonly SimulatedHost[] {
    return this.#clientList;
  }

  host(name: string): SimulatedHost {
    return present(this.#hosts.get(name), `there is no host ${name}`);
  }

  /** Host or client of that name, if there is one. */
  node(name: string): SimulatedHost | undefined {
    return this.#hosts.get(name);
  }

  /** God view: the actor object of that address while it runs; its class is the caller's to know. */
  actor(address: Address): Actor<never> | undefined {
    return this.#hosts.get(address.host)?.worker(address.worker).actor(address.actor);
  }

  inspect(address: Address): Record<string, unknown> | undefined {
    return this.#hosts.get(address.host)?.worker(address.worker).loop?.inspect(address.actor);
  }

  /** The host's disk, to break it or to look at it. REQUIRES the production journal. */
  disk(host: string): SimulatedDisk {
    const { journals } = this.#world;
    assert(journals instanceof DiskJournalKeeper, 'a model journal has no disk');
    return journals.disk(host);
  }

  get roles(): ClusterRoles | undefined {
    return this.#options.roles;
  }

  /** How many actors crashed that nobody had crash. */
  get crashCount(): number {
    return this.#crashes;
  }

  /** Where journals are, for faults of disks. */
  get journals(): JournalKeeper {
    return this.#world.journals;
  }

  // --- doing ----------------------------------------------------------------------------------------------------------

  /** Puts a message into a mailbox, past the network. */
  deliver(to: Address, message: Message, from: Address = { host: '@script', worker: 0, actor: 'script' }): void {
    this.host(to.host)
      .worker(to.worker)
      .deliver({ to, from, message: sealMessage(message) });
  }

  /** Does something at a later time: a line of a scenario. */
  after(delayMs: number, action: () => void): void {
    this.scheduler.call(delayMs, action);
  }

  /** Checked after each run of turns of any worker; throws when what it watches is wrong (Z2). */
  watch(watcher: Watcher): void {
    this.#watchers.push(watcher);
  }

  /**
   * From now on a thread may stall whenever it looks at a clock, also in the middle of a turn, as under garbage
   * collection: with this probability, for an exponential time of this mean. 0 ends it. `stalled` is called for each stall.
   */
  stallThreads(probability: number, meanMs: number, seed: string | number = 0, stalled?: () => void): void {
    const random = this.random.split(`stalls/${seed}`);
    const stallMs = (): number => {
      if (!random.chance(probability)) return 0;
      stalled?.();
      return -Math.log(1 - random.fraction()) * meanMs;
    };
    this.#world.stallMs = probability <= 0 ? undefined : stallMs;
  }

  /** Ends the run with this failure. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Runs the world for `durationMs` of virtual time. @throws SimulationError */
  runFor(durationMs: number, options: { readonly eventCountMax?: number } = {}): void {
    const untilMs = this.scheduler.nowMs + durationMs;
    this.#run(untilMs, options.eventCountMax, () => false);
    this.scheduler.advanceTo(untilMs);
  }

  /** Runs until `condition` holds, asking after each event. @throws SimulationError when it does not within `withinMs`. */
  runUntil(condition: () => boolean, withinMs: number, options: { readonly eventCountMax?: number } = {}): void {
    if (condition()) return;
    const untilMs = this.scheduler.nowMs + withinMs;
    if (!this.#run(untilMs, options.eventCountMax, condition))
      throw this.#error(new Error(`not within ${withinMs} ms: ${condition.toString().slice(0, 200)}`));
  }

  #run(untilMs: number, eventCountMax = Number.MAX_SAFE_INTEGER, condition: () => boolean): boolean {
    return withTripwires(() => {
      const { scheduler } = this;
      let budget = eventCountMax;
      try {
        while (scheduler.stepUntil(untilMs)) {
          if (this.#failure !== undefined) throw this.#failure;
          if (condition()) return true;
          if (--budget <= 0) throw new Error(`${eventCountMax} events, and no end`);
        }
      } catch (error) {
        this.fail(error instanceof Error ? error : new Error(String(error)));
        throw this.#error(this.#failure as Error); // Z2
      }
      return false;
    });
  }

  #error(cause: Error): SimulationError {
    const at = this.scheduler.nowMs.toFixed(3);
    return new SimulationError(`SEED=${this.seed} at ${at} ms: ${cause.message}\n${this.trace.tail(40).join('\n')}`, {
      cause,
    });
  }

  // --- what the world reports -----------------------------------------------------------------------------------------

  #rootActors(host: SimulatedHost, worker: number, boot: Boot): readonly ActorSpec[] {
    const ofClient = this.#clientRoots.get(host.name);
    if (ofClient !== undefined) return ofClient;
    const place = { host: host.name, worker, workers: host.config.workers, diskId: this.journals.diskId(host.name) };
    return this.#composition.rootActors(place, boot);
  }

  #emitted(emitted: EmittedEvent): void {
    const { host, worker, actor, event } = emitted;
    this.trace.event(this.scheduler.nowMs, host, worker, actor, event);
    this.#options.onEvent?.(emitted);
    if (event.kind === 'actor-crashed')
      this.#crashed(new Error(`${host}/${worker}/${actor} crashed: ${String(event['stack'] ?? event['error'])}`));
  }

  #crashed(error: Error): void {
    this.#crashes++;
    if ((this.#options.crashes ?? 'fail') === 'fail') this.fail(error);
  }

  #watch(worker: SimulatedWorker): void {
    for (const watcher of this.#watchers) watcher(this, worker);
  }

  #hostExited(host: SimulatedHost): void {
    const delayMs = this.#options.restartExitedHostMs;
    if (delayMs === undefined) return;
    const life = host.lifeCount;
    this.scheduler.call(delayMs, () => {
      if (!host.up && host.lifeCount === life) host.start();
    });
  }
}

/** The world with what faults may change. */
type ClusterWorld = { -readonly [Key in keyof World]: World[Key] };
