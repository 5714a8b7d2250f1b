// The supervisor of a local mesh
// =============================================================================
//
// One process that keeps a nats-server and the hosts running: it starts them, starts again what ends, and, since it is the parent and reaps
// them, can swear that a host's process is gone. That oath (`host-died`) lets the mesh fail over without waiting for a lease (L5).
//
// Owns:     the child processes, mesh.json.
// Does not: know keys, tables or partitions. What systemd or Kubernetes does elsewhere, this does on a laptop.
//
// Invariants
//   J1. Only processes that it started are ended, by process id.
//   J2. A host is reported dead only after its exit was seen, under the start id that this very process was given.
//   J3. A child that ends is started again after a backoff of at most 5 s; a host that ended because it was refused its start (exit code 78) is not.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { CliError } from '../cli-error.js';
import { DeathNotice } from './death-notice.js';
import { type ClusterFile, type MeshPaths, removeMeshFile, writeJson } from './mesh-file.js';
import { findOrInstallNatsServer, freePort, spawnNatsServer, writeNatsConfig } from './nats-server.js';

export interface SupervisorOptions {
  readonly paths: MeshPaths;
  readonly cluster: ClusterFile;
  /** An existing NATS to use; absent: own one. */
  readonly nats: string | undefined;
  readonly onLine: (line: string) => void;
}

const defaultNatsPort = 4222;
const backoffMinMs = 100;
const backoffMaxMs = 5000;
/** A child that ran for so long starts with the least backoff again. */
const steadyMs = 10_000;
const stopDeadlineMs = 20_000;
const program = fileURLToPath(new URL('../../../cli/troupe.mjs', import.meta.url));

interface Child {
  readonly name: string;
  readonly start: () => ChildProcess;
  readonly onExit: (code: number | null, signal: string | null) => void;
  process: ChildProcess | undefined;
  startedAtMs: number;
  backoffMs: number;
  timer: NodeJS.Timeout | undefined;
}

export class MeshSupervisor {
  readonly #options: SupervisorOptions;
  readonly #log: WriteStream;
  readonly #children: Child[] = [];
  #natsUrl = '';
  #notice: DeathNotice | undefined;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    mkdirSync(options.paths.root, { recursive: true });
    this.#log = createWriteStream(options.paths.log, { flags: 'a' });
  }

  /** Starts everything and writes mesh.json; does not wait for the mesh to be healthy. @throws CliError */
  async start(): Promise<void> {
    const { paths, cluster, nats } = this.#options;
    this.#natsUrl = nats ?? (await this.#startNats());
    this.#notice = await DeathNotice.open(this.#natsUrl, cluster, (line) => this.#say('supervisor', line));
    for (const host of cluster.hosts) this.#superviseHost(host.name);
    writeJson(paths.mesh, {
      version: 1,
      cluster: cluster.cluster,
      clusterId: cluster.clusterId,
      nats: this.#natsUrl,
      pid: process.pid,
      ownNats: nats === undefined,
      startedAt: new Date().toISOString(),
      hosts: cluster.hosts.map((host) => host.name),
    });
  }

  get natsUrl(): string {
    return this.#natsUrl;
  }

  /** The process that runs now under that name: a host's, or `nats-server`. For drills. */
  pidOf(name: string): number | undefined {
    return this.#children.find((child) => child.name === name)?.process?.pid;
  }

  async #startNats(): Promise<string> {
    const { paths } = this.#options;
    const file = await findOrInstallNatsServer((line) => this.#say('supervisor', line));
    const port = await freePort(defaultNatsPort);
    if (port !== defaultNatsPort) this.#say('supervisor', `port ${defaultNatsPort} is taken; NATS listens on ${port}`);
    writeNatsConfig(paths.natsConfig, port);
    this.#supervise('nats-server', () =>
      spawnNatsServer(file, paths.natsConfig, (line) => this.#say('nats-server', line)),
    );
    return `nats://127.0.0.1:${port}`;
  }

  #superviseHost(name: string): void {
    const { paths, cluster } = this.#options;
    const members = cluster.hosts.flatMap((host) => (host.member === undefined ? [] : [`${host.name}=${host.member}`]));
    let startId = '';
    const start = (): ChildProcess => {
      startId = randomUUID();
      const words = [
        'serve',
        '--name',
        name,
        '--data',
        paths.host(name),
        '--nats',
        this.#natsUrl,
        '--cluster',
        cluster.cluster,
      ];
      words.push(
        '--cluster-id',
        cluster.clusterId,
        '--workers',
        String(cluster.workers),
        '--members',
        members.join(','),
        '--start-id',
        startId,
        '--local',
      );
      const child = spawn(process.execPath, ['--enable-source-maps', program, ...words], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr]) this.#follow(name, stream);
      return child;
    };
    const onExit = (): void => {
      if (!this.#stopping) this.#notice?.tell(name, startId); // J2
    };
    this.#supervise(name, start, onExit);
  }

  #follow(name: string, stream: NodeJS.ReadableStream): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-4096);
      for (const line of lines) this.#say(name, line);
    });
  }

  #say(who: string, line: string): void {
    this.#log.write(`${new Date().toISOString()} ${who} ${line}\n`);
    this.#options.onLine(`${who}: ${line}`);
  }

  #supervise(name: string, start: Child['start'], onExit: Child['onExit'] = () => undefined): void {
    const child: Child = {
      name,
      start,
      onExit,
      process: undefined,
      startedAtMs: 0,
      backoffMs: backoffMinMs,
      timer: undefined,
    };
    this.#children.push(child);
    this.#run(child);
  }

  #run(child: Child): void {
    child.timer = undefined;
    if (this.#stopping) return;
    child.startedAtMs = Date.now();
    const running = child.start();
    child.process = running;
    running.once('error', (error) => this.#say('supervisor', `${child.name} could not be started: ${error.message}`));
    running.once('close', (code, signal) => this.#ended(child, code, signal));
  }

  #ended(child: Child, code: number | null, signal: string | null): void {
    child.process = undefined;
    child.onExit(code, signal);
    if (this.#stopping) return;
    this.#say('supervisor', `${child.name} ended (${signal ?? `exit code ${code}`})`);
    if (code === hostExitCodes.refused) {
      this.#say('supervisor', `${child.name} is not started again: it was refused its start, see above`); // J3
      return;
    }
    if (Date.now() - child.startedAtMs > steadyMs) child.backoffMs = backoffMinMs;
    child.timer = setTimeout(() => this.#run(child), child.backoffMs);
    child.backoffMs = Math.min(backoffMaxMs, child.backoffMs * 2);
  }

  /** Ends the hosts in order, then NATS; what does not end in time is killed. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const child of this.#children) clearTimeout(child.timer);
    const hosts = this.#children.filter((child) => child.name !== 'nats-server');
    await Promise.all(hosts.map((child) => this.#end(child)));
    await this.#notice?.close();
    await Promise.all(this.#children.map((child) => this.#end(child)));
    removeMeshFile(this.#options.paths);
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #end(child: Child): Promise<void> {
    const running = child.process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(() => running.kill('SIGKILL'), stopDeadlineMs); // J1
      running.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      running.kill('SIGTERM');
    });
  }
}

/** @throws CliError when a mesh with that many hosts cannot be. */
export function checkHostCount(hosts: number): void {
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 16) {
    throw new CliError('USAGE', `a local mesh has 1 to 16 hosts, not ${hosts}`, 'give --hosts another number');
  }
}
