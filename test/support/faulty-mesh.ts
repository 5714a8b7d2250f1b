// A mesh of real processes over a real nats-server, on disks that fail on demand
// =============================================================================

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memberIdOf } from '../../actors/metadata/member-id.js';
import { connect, type Database } from '../../messaging/client/index.js';
import { writeIdentity } from '../../runtime/storage/identity.js';
import { TestNatsServer } from '../system/nats-server.js';
import type { FaultyHostOptions } from './faulty-host.js';
import { until } from './until.js';

const program = fileURLToPath(new URL('./faulty-host.js', import.meta.url));
const workers = 2;

export interface HostProcess {
  readonly pid: number;
  /** What it said, oldest first. */
  readonly lines: string[];
  /** With its exit code, undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
  isOver: boolean;
}

export class FaultyMesh {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-faulty-'));
  readonly clusterId = randomUUID();
  readonly names: readonly string[];
  readonly #members: readonly { readonly id: string; readonly host: string }[];
  readonly #processes = new Map<string, HostProcess>();
  readonly #children = new Set<ChildProcess>();
  #nats: TestNatsServer | undefined;
  #db: Database | undefined;

  /** @param hostCount 1 or 3, all of them founders. */
  constructor(hostCount: number) {
    this.names = Array.from({ length: hostCount }, (_, i) => `h${i + 1}`);
    this.#members = this.names.map((host) => {
      const diskId = this.diskIdOf(host);
      const createdAt = new Date().toISOString();
      writeIdentity(this.directory(host), { clusterId: this.clusterId, host, diskId, workers, createdAt });
      mkdirSync(this.#faults(host));
      return { id: memberIdOf(host, diskId), host };
    });
  }

  /** As formatted. */
  diskIdOf(host: string): string {
    return `disk${host}`;
  }

  directory(host: string): string {
    return join(this.folder, host);
  }

  #faults(host: string): string {
    return join(this.folder, `faults-${host}`);
  }

  get db(): Database {
    if (this.#db === undefined) throw new Error('the mesh is not up');
    return this.#db;
  }

  process(host: string): HostProcess {
    const found = this.#processes.get(host);
    if (found === undefined) throw new Error(`${host} was never started`);
    return found;
  }

  async boot(): Promise<void> {
    this.#nats = await TestNatsServer.start();
    for (const name of this.names) this.start(name);
    this.#db = await connect({ servers: this.#nats.url, cluster: 'faulty', connectTimeout: 30_000, timeout: 15_000 });
    await this.untilHealthy();
  }

  start(name: string): HostProcess {
    const options: FaultyHostOptions = {
      name,
      workers,
      directory: this.directory(name),
      config: {
        clusterName: 'faulty',
        clusterId: this.clusterId,
        servers: [this.#nats?.url ?? ''],
        natsDeadlineMs: 20_000,
        startId: randomUUID(),
        rack: '',
        pid: 0,
        version: 'test',
        members: this.#members,
        faults: this.#faults(name),
      },
    };
    const child = spawn(process.execPath, ['--enable-source-maps', program, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => lines.push(...text.toString().split('\n').filter(Boolean)));
    const started: HostProcess = {
      pid: child.pid ?? 0,
      lines,
      isOver: false,
      ended: new Promise((resolve) => {
        child.once('close', (code) => {
          this.#children.delete(child);
          started.isOver = true;
          resolve(code ?? undefined);
        });
      }),
    };
    this.#processes.set(name, started);
    return started;
  }

  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.process(name);
    if (running.isOver) return;
    process.kill(running.pid, signal);
    await running.ended;
  }

  /** Every sync of that worker fails from now on. */
  failSyncs(host: string, worker: number): void {
    writeFileSync(join(this.#faults(host), 'sync'), String(worker));
  }

  fillDisk(host: string): void {
    writeFileSync(join(this.#faults(host), 'full'), '');
  }

  healDisk(host: string): void {
    rmSync(this.#faults(host), { recursive: true, force: true });
    mkdirSync(this.#faults(host));
  }

  /** All hosts are up, every replica is in sync. */
  async untilHealthy(deadlineMs = 40_000): Promise<void> {
    let why = '';
    const isHealthy = async (): Promise<boolean> => {
      for (const name of this.names) {
        const started = this.process(name);
        if (started.isOver) throw new Error(`${name} has ended:\n${started.lines.join('\n')}`);
      }
      try {
        const status = await this.db.admin.status({ timeout: 2000 });
        const up = status.hosts.filter((host) => host.state === 'up' && host.workers.length === workers);
        const pids = this.names.every((name) => status.hosts.some((host) => host.name === name));
        why = `${up.length} up; ${status.reasons.join('; ')}`;
        return (
          status.healthy &&
          pids &&
          up.length === this.names.length &&
          (await this.voters()).length === this.names.length
        );
      } catch (error) {
        why = String(error);
        return false;
      }
    };
    await until('the mesh is healthy', isHealthy, deadlineMs).catch((error: unknown) => {
      const said = this.names.map((name) => `${name}:\n${this.process(name).lines.slice(-15).join('\n')}`);
      throw new Error(`${String(error)}: ${why}\n${said.join('\n')}`);
    });
  }

  async voters(): Promise<readonly string[]> {
    const { members } = await this.db.admin.metadataStatus({ timeout: 2000 });
    return members.filter((member) => member.voter).map((member) => member.id);
  }

  async untilVoter(id: string): Promise<void> {
    await until(`${id} has a vote`, async () => (await this.voters()).includes(id), 20_000);
  }

  async stop(): Promise<void> {
    await this.#db?.close();
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all([...this.#processes.values()].map((each) => each.ended));
    await this.#nats?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
