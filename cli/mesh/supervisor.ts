// The supervisor of a local mesh
// =============================================================================
//
// One process that keeps a nats-server and the hosts running: it starts them, starts again what ends, and, since it is the parent and reaps
// them, can swear that a host's process is gone. That oath (`host-died`) lets the mesh fail over without waiting for a lease (L5).
//
// Owns:     the child processes, mesh.json, the lock of the mesh's folder.
// Does not: know keys, tables or partitions. What systemd or Kubernetes does elsewhere, this does on a laptop.
//
// Invariants
//   J1. Only processes that it, or the supervisor before it, started are ended, by process id and start time.
//   J2. A host is reported dead only after its exit was seen, under the start id that this very process was given.
//   J3. A child that ends is started again after a backoff of at most 5 s; a host that ended because it was refused its start (exit code 78) is not.
//   J4. One supervisor at a time keeps a folder, and no host outlives its supervisor for long: its standard input ends with it.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DirectoryLock, DirectoryLockedError, lockDirectory } from '../../runtime/storage/directory-lock.js';
import { identityOfProcess, thisProcess } from '../../runtime/storage/process-identity.js';
import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { CliError } from '../cli-error.js';
import { DeathNotice } from './death-notice.js';
import { endLeftovers } from './leftovers.js';
import { followLines } from './lines.js';
import { type ClusterFile, type MeshFile, type MeshPaths, removeMeshFile, writeJson } from './mesh-file.js';
import { defaultNatsPort, findOrInstallNatsServer, spawnNatsServer, startNatsServer } from './nats-server.js';

export interface SupervisorOptions {
  readonly paths: MeshPaths;
  /** Called when the folder is locked: its hosts, made or looked up. */
  readonly cluster: ClusterFile | (() => ClusterFile);
  /** An existing NATS to use, `URL,URL`; absent: own one. */
  readonly nats: string | undefined;
  /** Where a host is told that NATS is: a drill puts a proxy between them. */
  readonly hostNats?: ((host: string, natsUrl: string) => Promise<string>) | undefined;
  /** Set for every host, beside the supervisor's own environment: a drill's test disks. */
  readonly hostEnv?: Readonly<Record<string, string>> | undefined;
  readonly onLine: (line: string) => void;
}

const backoffMinMs = 100;
const backoffMaxMs = 5000;
/** A child that ran for so long starts with the least backoff again. */
const steadyMs = 1000;
const stopDeadlineMs = 25_000;
const natsServer = 'nats-server';
const program = fileURLToPath(new URL('../../../cli/troupe.mjs', import.meta.url));

interface Child {
  readonly name: string;
  readonly start: () => ChildProcess;
  readonly onExit: (code: number | null, signal: string | null) => void;
  process: ChildProcess | undefined;
  startedAtMs: number;
  backoffMs: number;
  timer: NodeJS.Timeout | undefined;
  /** Not started again before it is released. */
  isHeld: boolean;
}

export class MeshSupervisor {
  readonly #options: SupervisorOptions;
  readonly #children: Child[] = [];
  #log: WriteStream | undefined;
  #lock: DirectoryLock | undefined;
  #natsUrl = '';
  #notice: DeathNotice | undefined;
  #mesh: MeshFile | undefined;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts everything and writes mesh.json; does not wait for the mesh to be healthy. @throws CliError */
  async start(): Promise<void> {
    const { paths, nats } = this.#options;
    mkdirSync(paths.root, { recursive: true });
    this.#lock = lockMesh(paths.root);
    this.#log = createWriteStream(paths.log, { flags: 'a' });
    const cluster = typeof this.#options.cluster === 'function' ? this.#options.cluster() : this.#options.cluster;
    await endLeftovers(
      paths,
      cluster.hosts.map((host) => host.name),
    );
    this.#natsUrl = nats ?? (await this.#startNats());
    this.#notice = await DeathNotice.open(this.#natsUrl, cluster, (line) => this.#say('supervisor', line));
    if (this.#stopping) return;
    for (const { name } of cluster.hosts)
      this.#superviseHost(cluster, name, (await this.#options.hostNats?.(name, this.#natsUrl)) ?? this.#natsUrl);
    this.#mesh = {
      version: 1,
      cluster: cluster.cluster,
      clusterId: cluster.clusterId,
      nats: this.#natsUrl,
      pid: process.pid,
      supervisor: thisProcess(),
      ownNats: nats === undefined,
      startedAt: new Date().toISOString(),
      hosts: cluster.hosts.map((host) => host.name),
    };
    this.#writeMesh();
  }

  /** Again whenever nats-server has another process: whoever comes after a killed supervisor ends it (J1). */
  #writeMesh(): void {
    if (this.#mesh === undefined) return;
    const pid = this.pidOf(natsServer);
    writeJson(this.#options.paths.mesh, {
      ...this.#mesh,
      ...(pid === undefined ? {} : { natsServer: identityOfProcess(pid) }),
    });
  }

  get natsUrl(): string {
    return this.#natsUrl;
  }

  /** The process that runs now under that name: a host's, or `nats-server`. For drills. */
  pidOf(name: string): number | undefined {
    return this.#children.find((child) => child.name === name)?.process?.pid;
  }

  /** From now on that child stays down when it ends. For drills, which change its files then. */
  hold(name: string): void {
    const child = this.#childOf(name);
    child.isHeld = true;
    clearTimeout(child.timer);
    child.timer = undefined;
  }

  /** Takes `hold` back, and starts the child at once when it is down. */
  release(name: string): void {
    const child = this.#childOf(name);
    if (!child.isHeld) return;
    child.isHeld = false;
    child.backoffMs = backoffMinMs;
    if (child.process === undefined) this.#run(child);
  }

  #childOf(name: string): Child {
    const child = this.#children.find((one) => one.name === name);
    if (child === undefined) throw new Error(`there is no ${name} here`);
    return child;
  }

  async #startNats(): Promise<string> {
    const { paths } = this.#options;
    const onLine = (line: string): void => this.#say(natsServer, line);
    const file = await findOrInstallNatsServer((line) => this.#say('supervisor', line));
    const { port, process: first } = await startNatsServer(file, paths.natsConfig, defaultNatsPort, onLine);
    if (port !== defaultNatsPort) this.#say('supervisor', `port ${defaultNatsPort} is taken; NATS listens on ${port}`);
    let running: ChildProcess | undefined = first;
    this.#supervise(natsServer, () => {
      const adopted = running ?? spawnNatsServer(file, paths.natsConfig, onLine);
      running = undefined;
      return adopted;
    });
    return `nats://127.0.0.1:${port}`;
  }

  #superviseHost(cluster: ClusterFile, name: string, natsUrl: string): void {
    const { paths } = this.#options;
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
        natsUrl,
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
      // A session of its own: an interrupt at the terminal is for the supervisor, which ends the hosts in order. J4: stdin is never written.
      const child = spawn(process.execPath, ['--enable-source-maps', program, ...words], {
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
        env: { ...process.env, ...this.#options.hostEnv },
      });
      for (const stream of [child.stdout, child.stderr]) followLines(stream, (line) => this.#say(name, line));
      return child;
    };
    const onExit = (): void => {
      if (!this.#stopping) this.#notice?.tell(name, startId); // J2
    };
    this.#supervise(name, start, onExit);
  }

  #say(who: string, line: string): void {
    this.#log?.write(`${new Date().toISOString()} ${who} ${line}\n`);
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
      isHeld: false,
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
    if (child.name === natsServer) this.#writeMesh();
    let over = false;
    const ended = (code: number | null, signal: string | null): void => {
      if (!over) this.#ended(child, code, signal);
      over = true;
    };
    running.once('error', (error) => {
      this.#say('supervisor', `${child.name} could not be started: ${error.message}`);
      if (running.pid === undefined) ended(null, null);
    });
    running.once('exit', ended);
  }

  #ended(child: Child, code: number | null, signal: string | null): void {
    child.process = undefined;
    child.onExit(code, signal);
    if (this.#stopping) return;
    this.#say('supervisor', `${child.name} ended (${signal ?? `exit code ${code ?? 'none'}`})`);
    if (code === hostExitCodes.refused) {
      this.#say('supervisor', `${child.name} is not started again: it was refused its start, see above`); // J3
      return;
    }
    if (Date.now() - child.startedAtMs > steadyMs) child.backoffMs = backoffMinMs;
    if (child.isHeld) return;
    child.timer = setTimeout(() => this.#run(child), child.backoffMs);
    child.backoffMs = Math.min(backoffMaxMs, child.backoffMs * 2);
  }

  /** Ends the hosts in order, then NATS; what does not end in time is killed. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const child of this.#children) clearTimeout(child.timer);
    const hosts = this.#children.filter((child) => child.name !== natsServer);
    await Promise.all(hosts.map((child) => this.#end(child)));
    await this.#notice?.close();
    await Promise.all(this.#children.map((child) => this.#end(child)));
    const log = this.#log;
    if (this.#lock === undefined || log === undefined) return;
    removeMeshFile(this.#options.paths);
    await new Promise<void>((resolve) => log.end(resolve));
    this.#lock.release();
  }

  #end(child: Child): Promise<void> {
    const running = child.process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(() => running.kill('SIGKILL'), stopDeadlineMs); // J1
      running.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      running.kill('SIGTERM');
    });
  }
}

/** @throws CliError IN_USE */
function lockMesh(root: string): DirectoryLock {
  try {
    return lockDirectory(root); // J4
  } catch (cause) {
    if (!(cause instanceof DirectoryLockedError)) throw cause;
    throw new CliError('IN_USE', cause.message, '`troupe down` stops a mesh, --data names another folder', { cause });
  }
}
