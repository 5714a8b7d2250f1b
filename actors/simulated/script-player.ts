// Plays a script against a mesh that is under load
// =============================================================================
//
// Commands go through the production client, from a client that no fault is aimed at more than at others; what it is told does not matter, since
// refusals and time-outs are part of the game. What a trap needs of the network it takes directly, and gives back.
//
// Invariants
//   Y1. After `end` nothing of the script is in force: no cut, no filter, no drained host that is not to be removed.
//
// Sources: script.ts says what the steps are.

import { ringRouting } from '../../messaging/client/core/key-routing.js';
import type { AdminCommand } from '../../messaging/protocol/host-messages.js';
import { workerOfPartition } from '../../messaging/protocol/cluster-map.js';
import { encodeKey } from '../../messaging/protocol/key.js';
import type { Burst, LoadCommand } from '../../messaging/workload/load-actor.js';
import type { Message } from '../../runtime/contract/actor.js';
import type { Asker } from './asker.js';
import type { Scenario } from './scenario.js';
import type { ScriptStep } from './script.js';
import type { SimulatedMesh } from './simulated-mesh.js';

const commandTimeoutMs = 4000;
/** How long after the leader was cut off it is deposed. */
const deposeAfterMs = 30;
/** Silence that makes what is left of a lease, as its granter counts it, short. */
const silenceMs = 700;
/** A sync of a slow disk takes some hundred ms, and Raft's heartbeats go on meanwhile. */
const slowDiskFactor = 500;
/** What a trap waits for is looked for so often, and for so long. */
const pollMs = 2;
const waitMaxMs = 1200;
const hotKeyCount = 3;
const burstTimeoutMs = 400;

type StepOf<Name extends ScriptStep['step']> = Extract<ScriptStep, { readonly step: Name }>;
type Undo = () => void;

export class ScriptPlayer {
  readonly #mesh: SimulatedMesh;
  readonly #scenario: Scenario;
  readonly #asker: Asker;
  readonly #undos = new Set<Undo>();
  /** Hosts that an administrator drained and did not take back. */
  readonly #drained = new Set<string>();
  readonly #everDrained = new Set<string>();
  #settledMs = Number.NEGATIVE_INFINITY;
  /** Clients that are gone for good. */
  readonly vanished = new Set<string>();
  /** Steps played, by name; traps by kind. */
  readonly counts = new Map<string, number>();
  #over = false;

  constructor(mesh: SimulatedMesh, scenario: Scenario, asker: Asker) {
    this.#mesh = mesh;
    this.#scenario = scenario;
    this.#asker = asker;
  }

  /** The safety phase begins. */
  start(): void {
    for (const step of this.#scenario.script)
      this.#mesh.cluster.after(step.atMs, () => {
        if (!this.#over) this.#play(step);
      });
  }

  /** Y1. What was commanded last may still be under way. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const undo of this.#undos) undo();
    this.#undos.clear();
    this.settle();
  }

  /** To be called again and again after the end, since commands get lost: whoever was drained and not removed is taken back. */
  settle(): void {
    const { nowMs } = this.#mesh.cluster;
    this.end();
    if (nowMs < this.#settledMs + commandTimeoutMs) return;
    this.#settledMs = nowMs;
    for (const host of this.#everDrained) {
      if (this.#mesh.newestMap?.hosts.get(host)?.state !== 'removed') this.#drain(host, false);
    }
  }

  #play(step: ScriptStep): void {
    const { cluster } = this.#mesh;
    const name = step.step === 'trap' ? `trap ${step.trap}` : step.step;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    cluster.trace.record(cluster.nowMs, '', 0, '', 'script', name);
    switch (step.step) {
      case 'create-table':
        return this.#command({ command: 'create-table', name: step.table, options: step.options });
      case 'delete-table':
        return this.#command({ command: 'delete-table', name: step.table });
      case 'add-host':
        return this.#mesh.addHost(step.host);
      case 'drain-host':
        if (step.drain) this.#drained.add(step.host);
        else this.#drained.delete(step.host);
        return this.#drain(step.host, step.drain);
      case 'remove-host':
        return this.#command({ command: 'remove-host', host: step.host });
      case 'vanish-client':
        this.vanished.add(step.client);
        return cluster.node(`@${step.client}`)?.kill({ powerLost: false });
      case 'burst': {
        const { client, lastsMs, pauseMeanMs } = step;
        return this.#burst(client, { lastsMs, pauseMeanMs, slots: 2, timeoutMs: burstTimeoutMs });
      }
      case 'trap':
        return this.#trap(step);
    }
  }

  #command(command: AdminCommand): void {
    this.#asker.ask(this.#mesh.cluster, { kind: 'admin', timeoutMs: commandTimeoutMs, command });
  }

  /** By a step or a trap. */
  wasDrained(host: string): boolean {
    return this.#everDrained.has(host);
  }

  #drain(host: string, drain: boolean): void {
    this.#everDrained.add(host);
    this.#command({ command: 'drain-host', host, drain });
  }

  #burst(client: string, burst: Burst): void {
    if (this.vanished.has(client)) return;
    const command: LoadCommand & Message = { kind: 'load-burst', ...burst };
    this.#mesh.cluster.deliver({ host: `@${client}`, worker: 0, actor: 'load' }, command);
  }

  // --- traps ----------------------------------------------------------------------------------------------------------

  #trap({ trap, table: named, partition, lastsMs }: StepOf<'trap'>): void {
    const { cluster } = this.#mesh;
    const map = this.#mesh.newestMap;
    const controller = trap === 'lost-controller' ? cluster.roles?.leader() : undefined;
    const its = [...(map?.partitions.values() ?? [])].find(
      (info) => info.leader === controller && controller !== undefined,
    );
    const table = its?.table ?? named;
    const id = its?.id ?? map?.tables.get(table)?.partitions[partition];
    const leader = id === undefined ? undefined : map?.partitions.get(id)?.leader;
    if (id === undefined || leader === undefined || !cluster.host(leader).up) return;
    // Half of the clients know only the old leader, the others all but it.
    const clients = cluster.clients.map(({ name }) => name).filter((name) => name !== '@mesh-asker');
    const inside = clients.filter((_, i) => i % 2 === 0);
    const outside = [...cluster.hosts.map(({ name }) => name), '@mesh-asker', ...clients].filter(
      (name) => name !== leader && !inside.includes(name),
    );
    const keys = this.#keysOf(table, id);
    for (const client of clients) {
      const putShare = inside.includes(client) ? 0.05 : 0.4;
      const focus = { table, keys, putShare };
      const burst = { lastsMs: lastsMs + 500, pauseMeanMs: 15, slots: 3, timeoutMs: burstTimeoutMs, focus };
      this.#burst(client.slice(1), burst);
    }
    const cutOff = (): void => this.#until(lastsMs, cluster.network.partition([leader, ...inside], outside));
    const depose = (): void => {
      this.#drain(leader, true);
      this.#until(lastsMs, () => {
        if (!this.#drained.has(leader)) this.#drain(leader, false);
      });
    };
    const isDrained = (): boolean => this.#mesh.newestMap?.hosts.get(leader)?.state === 'draining';
    /** It hears grants and its own clients, and else nothing, as long as that is so. */
    const deafen = (when: () => boolean): void =>
      this.#until(
        lastsMs,
        cluster.network.filter(({ from, to, message }) => {
          if (to.host !== leader || from.host === leader) return 'pass';
          if (inside.includes(from.host) || message.kind === 'lease') return 'pass';
          return when() ? 'drop' : 'pass';
        }),
      );
    switch (trap) {
      case 'cut-off':
        cutOff();
        return this.#later(deposeAfterMs, depose);
      case 'late-lease': {
        for (const host of cluster.hosts) {
          if (host.name === leader) continue;
          cluster.network.slow(host.name, leader, 1000);
          this.#until(lastsMs, () => cluster.network.slow(host.name, leader, 1));
        }
        // What it says is not heard from now on, so that nothing more is granted; what was granted before is under way.
        return this.#later(Math.min(1000, lastsMs / 2), () => {
          this.#until(lastsMs, cluster.network.cutOneWay([leader], outside));
          this.#until(lastsMs, cluster.network.partition(inside, outside));
          deafen(() => true);
          depose();
        });
      }
      case 'deaf':
        deafen(() => true);
        return depose();
      case 'slow-group': {
        deafen(() => this.#mesh.newestMap?.partitions.get(id)?.leader !== leader);
        const unheard = cluster.network.filter(({ from, message }) =>
          from.host === leader && message.kind === 'heartbeat' && !isDrained() ? 'drop' : 'pass',
        );
        this.#until(lastsMs, unheard);
        return this.#later(silenceMs, () => {
          const members = cluster.roles?.members() ?? [];
          for (const member of members) cluster.journals.slow(member, slowDiskFactor);
          this.#until(lastsMs, () => {
            for (const member of members) cluster.journals.slow(member, 1);
          });
          depose();
        });
      }
      case 'lost-successor':
        deafen(() => true);
        depose();
        // A process that dies takes what an asynchronous table has not synced with it (R17).
        if (this.#scenario.tables.some(({ options }) => options.durability === 'async')) return;
        return this.#killSuccessor(id, leader, lastsMs);
      case 'lost-controller':
        // The group has it that the host is drained, and what follows from it is left to the next that leads it.
        depose();
        return this.#when(isDrained, cutOff);
      case 'stuck': {
        const host = cluster.host(leader);
        const worker = host.worker(workerOfPartition(id, host.config.workers));
        worker.pauseUntil(cluster.nowMs + Math.min(lastsMs, 2000));
        return this.#until(lastsMs, () => worker.resume());
      }
    }
  }

  /** Whoever leads next dies at once, and is started again at the end. */
  #killSuccessor(partition: number, leader: string, lastsMs: number): void {
    const { cluster } = this.#mesh;
    const successor = (): string | undefined => {
      const next = this.#mesh.newestMap?.partitions.get(partition)?.leader;
      return next === leader ? undefined : next;
    };
    this.#when(
      () => successor() !== undefined,
      () => {
        const next = successor();
        const host = next === undefined ? undefined : cluster.host(next);
        if (host?.up !== true) return;
        host.kill({ powerLost: false });
        this.#until(lastsMs, () => {
          if (!host.up) host.start();
        });
      },
    );
  }

  /** As soon as that is so; never, when it is not so soon. */
  #when(condition: () => boolean, action: () => void, leftMs: number = waitMaxMs): void {
    if (condition()) return action();
    if (leftMs > 0) this.#later(pollMs, () => this.#when(condition, action, leftMs - pollMs));
  }

  /** Registers of the partition; any, when it has none. */
  #keysOf(table: string, partition: number): readonly string[] {
    const info = this.#mesh.newestMap?.tables.get(table);
    const index = ringRouting();
    const all = Array.from({ length: 64 }, (_, i) => `register-${i}`);
    const own = all.filter((key) => info !== undefined && info.partitions[index(encodeKey(key), info)] === partition);
    return (own.length === 0 ? all : own).slice(0, hotKeyCount);
  }

  #later(delayMs: number, action: () => void): void {
    this.#mesh.cluster.after(delayMs, () => {
      if (!this.#over) action();
    });
  }

  /** Undone then, or at the end. */
  #until(delayMs: number, undo: Undo): void {
    this.#undos.add(undo);
    this.#mesh.cluster.after(delayMs, () => {
      if (this.#undos.delete(undo)) undo();
    });
  }
}
