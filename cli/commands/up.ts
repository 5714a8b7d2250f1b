// troupe up: boots a local mesh
// =============================================================================
//
// Without `--foreground` it starts itself again in the background as the mesh's supervisor, waits until the mesh is healthy, and says where it is.
// Running it again is harmless.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { connect } from '../../messaging/client/index.js';
import { DirectoryLockedError, lockDirectory } from '../../runtime/storage/directory-lock.js';
import { parseCount } from '../argument.js';
import { CliError, usage } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { defaultHosts, defaultWorkers, type MeshWish, prepareMesh } from '../mesh/format-mesh.js';
import { isRunning, type MeshFile, type MeshPaths, meshPaths, readMeshFile } from '../mesh/mesh-file.js';
import { defaultNatsPort, findOrInstallNatsServer } from '../mesh/nats-server.js';
import { MeshSupervisor } from '../mesh/supervisor.js';
import { waitUntilHealthy } from '../wait-healthy.js';

interface UpOptions {
  readonly hosts?: string;
  readonly workers?: string;
  readonly data: string;
  readonly foreground?: boolean;
}

const program = fileURLToPath(new URL('../../../cli/troupe.mjs', import.meta.url));
const bootDeadlineMs = 120_000;
const lookMs = 50;

export function registerUp(commander: Command, keep: Keep): void {
  commander
    .command('up')
    .description('boot a local mesh and wait until it is healthy')
    .option('--hosts <count>', `hosts, each a process (${defaultHosts}); more than before adds some`)
    .option('--workers <count>', `worker threads of a host (${defaultWorkers})`)
    .option('--data <folder>', 'where its data and its state are', '.troupe')
    .option('--foreground', 'stay, and show what the hosts say')
    .action((options: UpOptions) => {
      const hosts = options.hosts === undefined ? undefined : parseCount('--hosts', options.hosts, 1, 16);
      const workers = options.workers === undefined ? undefined : parseCount('--workers', options.workers, 1, 64);
      keep(async (invocation) => {
        const paths = meshPaths(options.data);
        const wish = { hosts, workers, cluster: invocation.options.cluster };
        const running = runningMesh(paths);
        if (running !== undefined) return again(running, paths, wish, invocation);
        return options.foreground ? foreground(paths, wish, invocation) : background(paths, wish, invocation);
      });
    });
}

function runningMesh(paths: MeshPaths): MeshFile | undefined {
  const mesh = readMeshFile(paths);
  return mesh !== undefined && isRunning(mesh) ? mesh : undefined;
}

async function again(mesh: MeshFile, paths: MeshPaths, wish: MeshWish, invocation: Invocation): Promise<number> {
  if (wish.hosts !== undefined && wish.hosts !== mesh.hosts.length)
    throw usage(
      `the mesh is running with ${mesh.hosts.length} hosts`,
      wish.hosts > mesh.hosts.length
        ? `\`troupe down\`, then \`troupe up --hosts ${wish.hosts}\` adds hosts`
        : 'it can grow, not shrink; `troupe down --wipe` begins anew',
    );
  invocation.output.note('the mesh is running already');
  return sayWhenHealthy(mesh, paths, invocation);
}

async function foreground(
  paths: MeshPaths,
  wish: MeshWish,
  { options, output, signal, outliveReader }: Invocation,
): Promise<number> {
  outliveReader();
  const supervisor = new MeshSupervisor({
    paths,
    cluster: () => prepareMesh(paths, wish),
    nats: options.nats,
    onLine: (line) => output.data(line),
  });
  try {
    await supervisor.start();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await supervisor.stop();
  }
  return exitCodes.ok;
}

async function background(paths: MeshPaths, wish: MeshWish, invocation: Invocation): Promise<number> {
  const { options, output, signal } = invocation;
  // Here, where a person sees what is being installed.
  if (options.nats === undefined) await findOrInstallNatsServer((line) => output.note(line));
  output.note('booting …');
  mkdirSync(paths.root, { recursive: true });
  const logStart = existsSync(paths.log) ? statSync(paths.log).size : 0;
  const child = startSupervisor(paths, wish, options.nats);
  try {
    const mesh = await untilWritten(child, paths, logStart, signal);
    return await sayWhenHealthy(mesh, paths, invocation);
  } catch (error) {
    // Interrupted: what was begun is taken back. Anything else is left as it is, to be looked at.
    if (signal.aborted && child.pid !== undefined && child.exitCode === null) process.kill(child.pid, 'SIGTERM');
    throw error;
  }
}

function startSupervisor(paths: MeshPaths, wish: MeshWish, nats: string | undefined): ChildProcess {
  const words = ['up', '--foreground', '--quiet', '--data', paths.root];
  if (wish.hosts !== undefined) words.push('--hosts', String(wish.hosts));
  if (wish.workers !== undefined) words.push('--workers', String(wish.workers));
  if (wish.cluster !== undefined) words.push('--cluster', wish.cluster);
  if (nats !== undefined) words.push('--nats', nats);
  // Its lines go to mesh.log by themselves; what it says when it ends goes there too.
  const log = openSync(paths.log, 'a');
  const child = spawn(process.execPath, ['--enable-source-maps', program, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  child.unref();
  return child;
}

/** Waits for the supervisor's mesh file. @throws CliError the supervisor's own words when it ended */
async function untilWritten(
  child: ChildProcess,
  paths: MeshPaths,
  logStart: number,
  signal: AbortSignal,
): Promise<MeshFile> {
  let code: number | null | undefined;
  child.once('exit', (exitCode) => {
    code = exitCode;
  });
  child.once('error', () => {
    code = null;
  });
  const deadline = Date.now() + bootDeadlineMs;
  for (;;) {
    signal.throwIfAborted();
    const mesh = runningMesh(paths);
    if (mesh !== undefined) return mesh; // perhaps of another `up` that was faster: that is as good
    if (code !== undefined) {
      const error = lastWords(paths, logStart, code);
      // Another `up` was faster, and its mesh is coming.
      if (error.code !== 'IN_USE' || !lockIsHeld(paths)) throw error;
    }
    if (Date.now() > deadline) throw new CliError('TIMEOUT', 'the mesh did not come up', `see ${paths.log}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** `troupe: CODE: what; next` as the supervisor wrote it last, or what it wrote instead. */
function lastWords(paths: MeshPaths, logStart: number, code: number | null): CliError {
  const log = existsSync(paths.log) ? readFileSync(paths.log).subarray(logStart).toString('utf8') : '';
  const said = /^troupe: ([A-Z_]+): (.*); ([^;]*)$/m.exec(log);
  if (said !== null) return new CliError(said[1] as string, said[2] as string, said[3] as string);
  return new CliError('FAILURE', `the mesh’s supervisor ended (exit code ${code ?? 'none'})`, `see ${paths.log}`);
}

function lockIsHeld(paths: MeshPaths): boolean {
  try {
    lockDirectory(paths.root).release();
    return false;
  } catch (error) {
    if (error instanceof DirectoryLockedError) return true;
    throw error;
  }
}

async function sayWhenHealthy(mesh: MeshFile, paths: MeshPaths, invocation: Invocation): Promise<number> {
  const { options, signal } = invocation;
  const deadline = Date.now() + (options.timeoutMs ?? bootDeadlineMs);
  const db = await connect({
    servers: mesh.nats,
    cluster: mesh.cluster,
    signal,
    connectTimeout: options.timeoutMs ?? bootDeadlineMs,
  });
  try {
    const result = await waitUntilHealthy(db, deadline, signal, mesh.hosts);
    if (!result.healthy)
      throw new CliError(
        'UNAVAILABLE',
        `the mesh is running and not healthy: ${result.reasons.join(', ')}`,
        `see ${paths.log}`,
      );
  } finally {
    await db.close();
  }
  return sayWhereItIs(mesh, paths, invocation);
}

function sayWhereItIs(mesh: MeshFile, paths: MeshPaths, { output }: Invocation): number {
  if (output.format !== 'table') {
    output.data(JSON.stringify(mesh));
    return exitCodes.ok;
  }
  output.data(`The mesh "${mesh.cluster}" is up: ${mesh.hosts.length} hosts (${mesh.hosts.join(', ')}).`);
  output.data(`  NATS      ${mesh.nats}${natsRemark(mesh)}`);
  output.data(`  data      ${paths.root}`);
  output.data(`  log       ${paths.log}`);
  if (mesh.ownNats) output.data('  no authentication: everything listens on this machine only');
  output.note('');
  // Commands find the mesh by the nearest .troupe upward.
  const isFound = basename(paths.root) === '.troupe' && !relative(dirname(paths.root), process.cwd()).startsWith('..');
  if (!isFound)
    output.note(`Other commands find it by:  export TROUPE_NATS=${mesh.nats} TROUPE_CLUSTER=${mesh.cluster}`);
  output.note('Next:  npx troupe put name Ada      npx troupe get name      npx troupe status      npx troupe down');
  return exitCodes.ok;
}

function natsRemark(mesh: MeshFile): string {
  if (!mesh.ownNats) return ' (yours)';
  return mesh.nats.endsWith(`:${defaultNatsPort}`) ? '' : ` (port ${defaultNatsPort} is taken)`;
}
