// Injects what a plan says, and takes all of it back
// =============================================================================
//
// Every kind of fault is a process of its own with a random stream of its own: leaving one kind out of a plan does not move
// the episodes of the others, so a failing plan can be made smaller.
//
// Invariants
//   I1. After `heal` no injected fault is in force: links as before, the broker and every host up, clocks at rate one.
//   I2. Injected kills never have more than `downCountMax` hosts down at one time, but for `all-hosts-kill`.

import { mainWorker } from '../contract/address.js';
import { unreachable } from '../std/assert.js';
import type { Random } from '../std/random.js';
import { type FaultKind, type FaultPlan, faultKinds } from './fault-plan.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import type { SimulatedHost } from './simulated-host.js';
import { quietNetwork } from './simulated-network.js';

/** Ends an episode; nothing when it ended by itself. */
type Undo = () => void;

export class FaultInjector {
  /** Episodes begun, by kind. */
  readonly counts = new Map<FaultKind, number>();
  readonly #cluster: SimulatedCluster;
  readonly #plan: FaultPlan;
  readonly #random: Random;
  readonly #active = new Set<Undo>();
  #running = false;

  constructor(cluster: SimulatedCluster, plan: FaultPlan, random: Random) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = random;
  }

  start(): void {
    this.#running = true;
    Object.assign(this.#cluster.network.options, this.#plan.network);
    for (const kind of faultKinds) {
      const everyMs = this.#plan.everyMs[kind];
      if (everyMs !== undefined) this.#schedule(kind, everyMs, this.#random.split(kind));
    }
  }

  /** Ends every fault. What is down comes up again. I1 */
  heal(): void {
    this.#running = false;
    for (const undo of this.#active) undo();
    this.#active.clear();
    const { network } = this.#cluster;
    network.heal();
    Object.assign(network.options, quietNetwork);
    this.#cluster.stallThreads(0, 0);
    for (const host of this.#cluster.hosts) {
      host.clock.setRate(1);
      host.resume();
      this.#cluster.journals.slow(host.name, 1);
      this.#cluster.journals.hang(host.name, 0);
      if (!host.up) host.start();
    }
  }

  #schedule(kind: FaultKind, everyMs: number, random: Random): void {
    this.#cluster.after(-Math.log(1 - random.fraction()) * everyMs, () => {
      if (!this.#running) return;
      this.#begin(kind, random);
      this.#schedule(kind, everyMs, random);
    });
  }

  #begin(kind: FaultKind, random: Random): void {
    const lastsMs = Math.min(this.#plan.lastsMaxMs, 1 - Math.log(1 - random.fraction()) * this.#plan.lastsMeanMs);
    const undo = this.#inject(kind, random, lastsMs);
    if (undo === undefined) return;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    const { trace, scheduler } = this.#cluster;
    trace.record(scheduler.nowMs, '', 0, '', 'fault', kind, lastsMs);
    const end = (): void => {
      if (!this.#active.delete(end)) return;
      trace.record(scheduler.nowMs, '', 0, '', 'fault-ended', kind);
      undo();
    };
    this.#active.add(end);
    this.#cluster.after(lastsMs, end);
  }

  /** @returns undefined when the fault is not possible just now. */
  #inject(kind: FaultKind, random: Random, lastsMs: number): Undo | undefined {
    const cluster = this.#cluster;
    const { network, journals } = cluster;
    const names = [...cluster.hosts, ...cluster.clients].map((host) => host.name);
    const living = cluster.hosts.filter((host) => host.up);
    const nothing: Undo = () => undefined;
    switch (kind) {
      case 'partition': {
        const left = names.filter(() => random.chance(0.5));
        return network.partition(
          left,
          names.filter((name) => !left.includes(name)),
        );
      }
      case 'one-way':
        return network.cutOneWay([random.pick(names)], [random.pick(names)]);
      case 'isolate':
        return network.isolate(random.pick(names));
      case 'clog':
        network.clog(random.pick(names), random.pick(names), lastsMs);
        return nothing;
      case 'slow-link': {
        const [from, to] = [random.pick(names), random.pick(names)];
        network.slow(from, to, 1 + random.below(50));
        return () => network.slow(from, to, 1);
      }
      case 'drop-kind': {
        // All messages of whatever kind passes next, as when only acknowledgements get lost.
        let dropped: string | undefined;
        // Not within a host: its threads speak over ports, which lose nothing.
        const [from, to] = [random.pick(names), random.pick(names)];
        return network.filter((envelope) => {
          if (from === to) return 'pass';
          if (envelope.from.host !== from || envelope.to.host !== to) return 'pass';
          dropped ??= envelope.message.kind;
          return envelope.message.kind === dropped ? 'drop' : 'pass';
        });
      }
      case 'broker-down':
        network.stopBroker();
        return () => network.startBroker();
      case 'host-kill':
      case 'host-power-loss':
        if (living.length === 0 || cluster.hosts.length - living.length >= this.#plan.downCountMax) return undefined; // I2
        return this.#kill([random.pick(living)], kind === 'host-power-loss');
      case 'all-hosts-kill':
        return this.#kill(living, random.chance(0.5));
      case 'worker-kill': {
        // Not the main thread: it does not end without its process.
        const threads = living.flatMap((host) => host.workers.filter((worker) => worker.running));
        const workers = threads.filter((worker) => worker.number !== mainWorker);
        if (workers.length === 0) return undefined;
        random.pick(workers).die('injected');
        return nothing;
      }
      case 'host-pause': {
        if (living.length === 0) return undefined;
        const host = random.pick(living);
        host.pause(lastsMs);
        return () => host.resume();
      }
      case 'worker-pause': {
        const workers = living.flatMap((host) => host.workers);
        if (workers.length === 0) return undefined;
        const worker = random.pick(workers);
        worker.pauseUntil(cluster.nowMs + lastsMs);
        return () => worker.resume();
      }
      case 'suspend': {
        if (living.length === 0) return undefined;
        random.pick(living).suspend(lastsMs);
        return nothing;
      }
      case 'stalls':
        cluster.stallThreads(0.001, 5 + random.below(500));
        return () => cluster.stallThreads(0, 0);
      case 'disk-slow': {
        const host = random.pick(cluster.hosts).name;
        journals.slow(host, 2 + random.below(200));
        return () => journals.slow(host, 1);
      }
      case 'disk-hang':
        journals.hang(random.pick(cluster.hosts).name, lastsMs);
        return nothing;
      case 'sync-error': {
        const host = this.#lossyVictim(living);
        if (host === undefined) return undefined;
        journals.failNextSync(host.name);
        return () => {
          if (!host.up) host.start();
        };
      }
      case 'bit-rot': {
        const host = this.#lossyVictim(living);
        if (host === undefined) return undefined;
        const undo = this.#kill([host], false);
        journals.rot(host.name);
        return undo;
      }
      case 'clock-drift': {
        const host = random.pick(cluster.hosts);
        host.clock.setRate(1 + this.#plan.driftMax * (2 * random.fraction() - 1));
        return nothing;
      }
      case 'wall-jump':
        random.pick(cluster.hosts).clock.jumpWall((random.fraction() - 0.5) * random.pick([1000, 60_000, 3e11]));
        return nothing;
      default:
        return unreachable(kind);
    }
  }

  /** Always the last host: so no partition has more than one lossy replica, however often it strikes (the fault atlas, CORRECTNESS §3.2). */
  #lossyVictim(living: readonly SimulatedHost[]): SimulatedHost | undefined {
    const host = this.#cluster.hosts.at(-1);
    if (host?.up !== true || this.#cluster.hosts.length - living.length >= this.#plan.downCountMax) return undefined; // I2
    return host;
  }

  #kill(hosts: readonly SimulatedHost[], powerLost: boolean): Undo | undefined {
    if (hosts.length === 0) return undefined;
    for (const host of hosts) host.kill({ powerLost });
    return () => {
      for (const host of hosts) if (!host.up) host.start();
    };
  }
}
