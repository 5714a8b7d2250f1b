// A mesh of real processes that a curve is measured on
// =============================================================================
//
// In a folder of its own below TMPDIR, which should be on a real disk: a sync to memory costs nothing. It can be stopped and started again
// with its data; its folder is removed at the end. It ends only processes that it started.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatMesh } from '../../../cli/mesh/format-mesh.js';
import { type ClusterFile, type MeshPaths, meshPaths } from '../../../cli/mesh/mesh-file.js';
import { MeshSupervisor } from '../../../cli/mesh/supervisor.js';
import { waitUntilHealthy } from '../../../cli/wait-healthy.js';
import { connect, type Database } from '../../../messaging/client/index.js';
import { most, pause, type ProcessFigures, processFigures } from './processes.js';

export interface BenchMeshOptions {
  readonly hosts: number;
  readonly workers: number;
  readonly signal: AbortSignal;
  /** Of the hosts, beside this process's own environment. */
  readonly hostEnv?: Readonly<Record<string, string>> | undefined;
}

const natsServer = 'nats-server';
const healthyWithinMs = 180_000;
const endsWithinMs = 15_000;
const lookMs = 10;
/** Of calls that name none: a mesh that boots, or is busy with a thousand partitions, may take its time. */
const timeoutMs = 30_000;

interface Running {
  readonly supervisor: MeshSupervisor;
  readonly db: Database;
}

export class BenchMesh implements AsyncDisposable {
  readonly #options: BenchMeshOptions;
  readonly #paths: MeshPaths;
  readonly #cluster: ClusterFile;
  #running: Running | undefined;

  private constructor(options: BenchMeshOptions) {
    this.#options = options;
    this.#paths = meshPaths(mkdtempSync(join(tmpdir(), 'troupe-curves-')));
    this.#cluster = formatMesh(this.#paths, options.hosts, options.workers);
  }

  /** A new mesh, healthy. @throws Error when it does not become so */
  static async open(options: BenchMeshOptions): Promise<BenchMesh> {
    const mesh = new BenchMesh(options);
    try {
      await mesh.start();
      return mesh;
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
  }

  get hosts(): readonly string[] {
    return this.#cluster.hosts.map((host) => host.name);
  }

  get db(): Database {
    return this.#now.db;
  }

  get natsUrl(): string {
    return this.#now.supervisor.natsUrl;
  }

  get clusterName(): string {
    return this.#cluster.cluster;
  }

  get #now(): Running {
    if (this.#running === undefined) throw new Error('the mesh does not run');
    return this.#running;
  }

  /** Starts what is stopped, nats-server included. @returns ms until it was healthy */
  async start(): Promise<number> {
    const { signal, hostEnv } = this.#options;
    const startMs = performance.now();
    const supervisor = new MeshSupervisor({
      paths: this.#paths,
      cluster: this.#cluster,
      nats: undefined,
      hostEnv,
      onLine: () => undefined,
    });
    try {
      await supervisor.start();
      const db = await connect({
        servers: supervisor.natsUrl,
        cluster: this.#cluster.cluster,
        connectTimeout: healthyWithinMs,
        timeout: timeoutMs,
        signal,
      });
      this.#running = { supervisor, db };
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    await this.healthy();
    return performance.now() - startMs;
  }

  /** Waits until every host is up and every replica in sync. @throws Error that says why it is not */
  async healthy(): Promise<void> {
    const result = await waitUntilHealthy(
      this.db,
      Date.now() + healthyWithinMs,
      this.#options.signal,
      this.#cluster.hosts.map((host) => host.name),
    );
    if (!result.healthy)
      throw new Error(`not healthy within ${healthyWithinMs / 1000} s: ${result.reasons.slice(0, 3).join('; ')}`);
  }

  /** Ends everything in order and keeps the data. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.db.close();
    await running?.supervisor.stop();
  }

  /** Of a host, or `nats-server`; undefined while it does not run. */
  processOf(name: string): number | undefined {
    return this.#running?.supervisor.pidOf(name);
  }

  pidOf(host: string): number {
    const pid = this.processOf(host);
    if (pid === undefined) throw new Error(`${host} does not run`);
    return pid;
  }

  get hostPids(): readonly number[] {
    return this.hosts.map((host) => this.pidOf(host));
  }

  get natsPid(): number {
    return this.pidOf(natsServer);
  }

  /** kill -9; its supervisor starts it again, unless it is held. */
  kill(host: string): void {
    process.kill(this.pidOf(host), 'SIGKILL');
  }

  /** kill -9, and down until `release`. Resolves when the process is gone. */
  async fell(host: string): Promise<void> {
    const { supervisor } = this.#now;
    supervisor.hold(host);
    this.kill(host);
    const deadlineMs = performance.now() + endsWithinMs;
    while (supervisor.pidOf(host) !== undefined) {
      if (performance.now() > deadlineMs) throw new Error(`${host} was killed and does not end`);
      await pause(lookMs, this.#options.signal);
    }
  }

  release(host: string): void {
    this.#now.supervisor.release(host);
  }

  /** Of every host, in the order of their names; those that cannot be had are left out. */
  hostFigures(): ProcessFigures[] {
    return this.hostPids.map(processFigures).filter((figures) => figures !== undefined);
  }

  /** Of the host that has most, MiB. */
  get hostRssMib(): number | undefined {
    return most(this.hostFigures().map((figures) => figures.rssMib));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#paths.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
