// Makes faults happen, from a plan or from a schedule, and takes all of them back
// =============================================================================
//
// From a plan: every kind of fault is a process of its own with a random stream of its own, so leaving one kind out of a plan does not move
// the episodes of the others. From a schedule: exactly those episodes. Either way the episodes that began are kept: given back as a schedule,
// they make the same run again.
//
//   start() ──▶ faults come and go ──▶ freeze(core) ──▶ what is broken outside of the core stays so ──▶ heal() ──▶ nothing is broken
//                                 └──────────────────────────────────────────────────────────────────────┘
//
// Owns:     when episodes begin and end.
// Does not: know what a kind of fault does (faults/).
//
// Invariants
//   I1. After `heal` no injected fault is in force: links as before, the broker and every host up, clocks at rate one, disks sound.
//   I2. Injected kills never have more than `downCountMax` hosts down at one time, but for the kinds that take down many on purpose.
//   I3. The episodes of a run, given as a schedule to a run of the same seed, give the same trace: no draw and no tie is shared with
//       the rest of the world.
//   I4. After `freeze` no fault touches a core host, a client, or a way between two of them; what had struck others ends only with `heal`.
//
// Sources: CORRECTNESS §3.3 (phases A, B, C), §3.8.

import type { Random } from '../std/random.js';
import { type FaultKind, faultKinds, type FaultPlan, noFaults } from './fault-plan.js';
import { type FaultEpisode, inOrder } from './fault-schedule.js';
import { faultTypes } from './faults/catalogue.js';
import { FaultBudget } from './faults/fault-budget.js';
import type { FaultArguments, Strike, Undo } from './faults/fault-type.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import { quietNetwork } from './simulated-network.js';

export interface InjectorOptions {
  /** What is drawn; with a schedule, only its network and its budget count. */
  readonly plan?: FaultPlan;
  /** Replaces drawing. */
  readonly schedule?: readonly FaultEpisode[];
}

interface Active {
  readonly episode: FaultEpisode;
  readonly strike: Strike;
  readonly undo: Undo;
}

/** Times are whole microseconds, so that a schedule in a file is short and says exactly what was. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** What may be done to a host that is outside of the core for good. Not a worker's death: it comes back. */
const permanentKinds = [
  'host-kill',
  'isolate',
  'one-way',
  'host-pause',
  'disk-hang',
  'disk-slow',
  'slow-link',
] as const;

/**
 * At one instant episodes end before others begin. Otherwise it would depend on when the beginning was scheduled, which a schedule does all at
 * once. I3
 */
const ends = 0;
const begins = 2;

/** Longer than any run: what is frozen stays. */
const foreverMs = 1e12;

export class FaultInjector {
  /** Episodes begun, by kind. */
  readonly counts = new Map<FaultKind, number>();
  /** How often a kind changed what happened: frames lost, processes killed, reads that gave other bytes. */
  readonly effects = new Map<FaultKind, number>();
  readonly budget: FaultBudget;
  readonly #cluster: SimulatedCluster;
  readonly #plan: FaultPlan;
  readonly #schedule: readonly FaultEpisode[] | undefined;
  readonly #random: Random;
  readonly #active = new Set<Active>();
  readonly #episodes: FaultEpisode[] = [];
  readonly #frozen: FaultEpisode[] = [];
  #core: ReadonlySet<string> = new Set();
  #state: 'idle' | 'running' | 'frozen' | 'healed' = 'idle';
  #startMs = 0;

  constructor(cluster: SimulatedCluster, options: InjectorOptions, random: Random) {
    this.#cluster = cluster;
    this.#plan = options.plan ?? noFaults;
    this.#schedule = options.schedule;
    this.#random = random;
    this.budget = new FaultBudget(cluster, this.#plan);
  }

  /** What began, in order: a schedule. */
  get episodes(): readonly FaultEpisode[] {
    return this.#episodes;
  }

  /** What `freeze` did to hosts outside of the core that were healthy. Drawn from the seed again when a schedule runs. */
  get frozenEpisodes(): readonly FaultEpisode[] {
    return this.#frozen;
  }

  /** The safety phase begins. */
  start(): void {
    this.#state = 'running';
    this.#startMs = this.#cluster.nowMs;
    Object.assign(this.#cluster.network.options, this.#plan.network);
    if (this.#schedule !== undefined) {
      for (const episode of inOrder(this.#schedule))
        this.#at(episode.atMs, () => {
          if (this.#state === 'running') this.#begin(episode);
        });
      return;
    }
    for (const kind of faultKinds) {
      const everyMs = this.#plan.everyMs[kind];
      if (everyMs !== undefined) this.#draw(kind, 0, everyMs, this.#random.split(kind));
    }
  }

  /**
   * The liveness phase begins: nothing new happens; core hosts, clients and the ways between them are healed; whatever else is broken stays
   * so, dead, paused, cut or slow, until `heal`; and hosts outside of the core that are healthy may get a fault that stays, drawn from
   * the seed. I4
   * @param core names of hosts. Clients are always in it.
   */
  freeze(core: ReadonlySet<string>): void {
    this.#state = 'frozen';
    this.#core = core;
    const cluster = this.#cluster;
    const kept = [...core, ...cluster.clients.map((client) => client.name)];
    for (const active of this.#active) {
      // What has no other target than the core is over; what has both goes on where it may (`Strike.target`).
      const targets = targetsOf(active.episode);
      if (targets.every((name) => kept.includes(name))) this.#end(active);
      else faultTypes[active.episode.kind].frozen?.({ ...active.strike, lastsMs: foreverMs }, active.episode.args);
    }
    cluster.network.protect(kept);
    cluster.stallThreads(0, 0);
    const outside: string[] = [];
    for (const host of cluster.hosts) {
      if (core.has(host.name)) this.#healHost(host.name);
      else outside.push(host.name);
    }
    cluster.trace.record(cluster.nowMs, '', 0, '', 'frozen', kept.join(' '), outside.join(' '));
    const random = this.#random.split('frozen');
    for (const name of outside) {
      const draw = random.split(name);
      // Hosts that stay as they are matter too: healthy ones that nobody needs, and sick ones.
      if (draw.chance(0.7)) this.#freezeHost(name, draw);
    }
  }

  #freezeHost(name: string, random: Random): void {
    const host = this.#cluster.host(name);
    if (!host.up) return;
    const kind = random.pick(permanentKinds);
    const other = random.pick([...this.#core]);
    const args: FaultArguments =
      kind === 'isolate'
        ? { node: name }
        : kind === 'one-way'
          ? random.chance(0.5)
            ? { from: name, to: other }
            : { from: other, to: name }
          : kind === 'slow-link'
            ? { from: name, to: other, factor: 50 }
            : kind === 'disk-slow'
              ? { host: name, factor: 1000 }
              : { host: name };
    const episode = { atMs: this.#sinceStartMs, kind, lastsMs: foreverMs, args };
    if (this.#apply(episode)) this.#frozen.push(episode);
  }

  /** Ends every fault. What is down comes up again. I1 */
  heal(): void {
    this.#state = 'healed';
    for (const active of this.#active) this.#end(active);
    const { network } = this.#cluster;
    network.heal();
    Object.assign(network.options, quietNetwork);
    this.#cluster.stallThreads(0, 0);
    for (const host of this.#cluster.hosts) this.#healHost(host.name);
  }

  #healHost(name: string): void {
    const host = this.#cluster.host(name);
    host.clock.setRate(1);
    host.resume();
    host.cpuSlowness = 1;
    host.afterSync = undefined;
    this.#cluster.journals.heal(name);
    if (!host.up) host.start();
  }

  // --- drawing --------------------------------------------------------------------------------------------------------

  /** The next episode of the kind, some time after `fromMs`. */
  #draw(kind: FaultKind, fromMs: number, everyMs: number, random: Random): void {
    const atMs = rounded(fromMs - Math.log(1 - random.fraction()) * everyMs);
    this.#at(atMs, () => {
      if (this.#state !== 'running') return;
      const { lastsMaxMs, lastsMeanMs } = this.#plan;
      const lastsMs = rounded(Math.min(lastsMaxMs, 1 - Math.log(1 - random.fraction()) * lastsMeanMs));
      const args = faultTypes[kind].choose({ cluster: this.#cluster, random, lastsMs, budget: this.budget });
      if (args !== undefined) this.#begin({ atMs, kind, lastsMs, args });
      this.#draw(kind, atMs, everyMs, random);
    });
  }

  // --- episodes -------------------------------------------------------------------------------------------------------

  #begin(episode: FaultEpisode): void {
    if (!this.#apply(episode)) return;
    this.#episodes.push(episode);
    this.counts.set(episode.kind, (this.counts.get(episode.kind) ?? 0) + 1);
  }

  #apply(episode: FaultEpisode): boolean {
    const { kind, lastsMs, args } = episode;
    const cluster = this.#cluster;
    let over = false;
    const strike: Strike = {
      cluster,
      lastsMs,
      budget: this.budget,
      effect: () => void this.effects.set(kind, (this.effects.get(kind) ?? 0) + 1),
      after: (delayMs, action) =>
        void cluster.scheduler.callFirst(cluster.nowMs + delayMs, () => {
          if (!over) action();
        }),
      target: (name) => {
        if (this.#state === 'frozen' && this.#core.has(name)) return undefined; // I4
        const host = cluster.node(name);
        return host === undefined || host.client ? undefined : host;
      },
    };
    const undo = faultTypes[kind].apply(strike, args);
    if (undo === undefined) return false;
    cluster.trace.record(cluster.nowMs, '', 0, '', 'fault', kind, lastsMs);
    const active: Active = {
      episode,
      strike,
      undo: () => {
        over = true;
        undo();
      },
    };
    this.#active.add(active);
    this.#at(
      episode.atMs + lastsMs,
      () => {
        if (this.#state === 'running') this.#end(active);
      },
      ends,
    );
    return true;
  }

  #end(active: Active): void {
    if (!this.#active.delete(active)) return;
    this.#cluster.trace.record(this.#cluster.nowMs, '', 0, '', 'fault-ended', active.episode.kind);
    active.undo();
  }

  get #sinceStartMs(): number {
    return rounded(this.#cluster.nowMs - this.#startMs);
  }

  /** The same sum whether the time was drawn or read, so the same instant. I3 */
  #at(atMs: number, action: () => void, rank: typeof ends | typeof begins = begins): void {
    this.#cluster.scheduler.callFirst(this.#startMs + atMs, action, rank);
  }
}

/** Every host and client that the arguments name. */
function targetsOf({ kind, args }: FaultEpisode): string[] {
  const targets: string[] = [];
  for (const [name, type] of Object.entries(faultTypes[kind].shape)) {
    const value = args[name];
    if (type === 'host' || type === 'node') targets.push(String(value));
    if ((type === 'hosts' || type === 'nodes') && Array.isArray(value)) targets.push(...value.map(String));
  }
  return targets;
}
