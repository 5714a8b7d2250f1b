// A drill's mesh whose hosts reach NATS through a proxy each, and what can be done to it
// =============================================================================
//
// Invariants
//   B1. Only processes of its own mesh get signals, by the process id that their supervisor knows now.
//   B2. `heal` takes back all that lasts: no process is stopped, no host is held down, every proxy passes everything on, every disk is well.

import type { Database } from '../../messaging/client/index.js';
import { type DiskFaultName, FaultFolder } from '../../runtime/storage/fault-folder.js';
import { testDiskVariable } from '../../runtime/threads/test-disk.js';
import { meshPaths } from '../mesh/mesh-file.js';
import { type DrillMesh, openDrillMesh } from '../drill/drill-mesh.js';
import { HostWords } from './host-words.js';
import { NatsProxy } from './nats-proxy.js';

export const natsServer = 'nats-server';
const lookMs = 20;
const exitDeadlineMs = 10_000;
/** Disks that do as they are told, and segments small enough to be changed and trimmed within a cycle. */
const testDisk = 'faulty,small';

export class SoakMesh {
  readonly #mesh: DrillMesh;
  readonly #proxies: ReadonlyMap<string, NatsProxy>;
  readonly #stopped = new Map<string, number>();
  readonly #held = new Set<string>();
  readonly hosts: readonly string[];
  readonly words: HostWords;

  private constructor(mesh: DrillMesh, proxies: ReadonlyMap<string, NatsProxy>, words: HostWords) {
    this.#mesh = mesh;
    this.#proxies = proxies;
    this.words = words;
    this.hosts = mesh.hosts;
  }

  /** @param env of the hosts, beside what makes their disks obey */
  static async open(
    hosts: number,
    workers: number,
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SoakMesh> {
    const proxies = new Map<string, NatsProxy>();
    const words = new HostWords();
    try {
      const mesh = await openDrillMesh(hosts, workers, signal, {
        hostNats: async (host, natsUrl) => {
          const proxy = await NatsProxy.open(Number(new URL(natsUrl).port));
          proxies.set(host, proxy);
          return `nats://127.0.0.1:${proxy.port}`;
        },
        hostEnv: { [testDiskVariable]: testDisk, ...env },
        onLine: (line) => words.hear(line),
      });
      return new SoakMesh(mesh, proxies, words);
    } catch (error) {
      for (const proxy of proxies.values()) await proxy.close();
      throw error;
    }
  }

  get db(): Database {
    return this.#mesh.db;
  }

  get folder(): string {
    return this.#mesh.folder;
  }

  createTable(name: string, partitions: number): Promise<void> {
    return this.#mesh.createTable(name, partitions);
  }

  keep(): void {
    this.#mesh.keep = true;
  }

  proxy(host: string): NatsProxy {
    const proxy = this.#proxies.get(host);
    if (proxy === undefined) throw new Error(`there is no host ${host}`);
    return proxy;
  }

  directory(host: string): string {
    return meshPaths(this.#mesh.folder).host(host);
  }

  /** Of a host's disk, until `heal` or `clearDisk`. @param text see FaultFolder */
  setDisk(host: string, fault: DiskFaultName, text = ''): void {
    FaultFolder.of(this.directory(host)).set(fault, text);
  }

  clearDisk(host: string, fault: DiskFaultName): void {
    FaultFolder.of(this.directory(host)).clear(fault);
  }

  /** Un-synced writes of all hosts are lost when they are killed, until `heal`. */
  losePower(): void {
    for (const host of this.hosts) this.setDisk(host, 'lossy');
  }

  /** kill -9 of a host or of nats-server; its supervisor starts it again. Nothing happens when it is down already. */
  kill(name: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): void {
    const pid = this.#mesh.supervisor.pidOf(name);
    if (pid === undefined) return;
    if (signal === 'SIGKILL') this.#stopped.delete(name); // a stopped process hears SIGTERM when it goes on
    send(pid, signal);
  }

  /** SIGSTOP. */
  freeze(name: string): void {
    const pid = this.#mesh.supervisor.pidOf(name);
    if (pid === undefined) return;
    this.#stopped.set(name, pid);
    send(pid, 'SIGSTOP');
  }

  thaw(name: string): void {
    const pid = this.#stopped.get(name);
    this.#stopped.delete(name);
    if (pid !== undefined && this.#mesh.supervisor.pidOf(name) === pid) send(pid, 'SIGCONT'); // B1
  }

  /** Kills a host and keeps it down until `raise`. */
  async fell(host: string): Promise<void> {
    this.#mesh.supervisor.hold(host);
    this.#held.add(host);
    this.kill(host);
    const deadline = Date.now() + exitDeadlineMs;
    while (this.#mesh.supervisor.pidOf(host) !== undefined) {
      if (Date.now() > deadline) throw new Error(`${host} was killed and does not end`);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  raise(host: string): void {
    this.#held.delete(host);
    this.#mesh.supervisor.release(host);
  }

  /** B2 */
  heal(): void {
    for (const name of this.#stopped.keys()) this.thaw(name);
    for (const proxy of this.#proxies.values()) proxy.heal();
    for (const host of this.hosts) FaultFolder.of(this.directory(host)).clear();
    for (const host of this.#held) this.raise(host);
  }

  async close(): Promise<void> {
    this.heal();
    await this.#mesh[Symbol.asyncDispose]();
    for (const proxy of this.#proxies.values()) await proxy.close();
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended by itself meanwhile
  }
}
