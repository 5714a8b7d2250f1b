// troupe up: boots a local mesh
// =============================================================================
//
// Without `--foreground` it starts itself again in the background as the mesh's supervisor, waits until the mesh is healthy, and says where it is.
// Running it again is harmless.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { connect } from '../../messaging/client/index.js';
import { formatMesh } from '../mesh/format-mesh.js';
import { parseCount } from '../argument.js';
import { CliError } from '../cli-error.js';
import type { Invocation, Keep } from '../invocation.js';
import {
  isAlive,
  type MeshFile,
  type MeshPaths,
  type ClusterFile,
  meshPaths,
  readClusterFile,
  readMeshFile,
} from '../mesh/mesh-file.js';
import { checkHostCount, MeshSupervisor } from '../mesh/supervisor.js';
import { waitUntilHealthy } from '../wait-healthy.js';

interface UpOptions {
  readonly hosts: string;
  readonly workers: string;
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
    .option('--hosts <count>', 'hosts, each a process', '3')
    .option('--workers <count>', 'worker threads of a host', '2')
    .option('--data <folder>', 'where its data and its state are', '.troupe')
    .option('--foreground', 'stay, and show what the hosts say')
    .action((options: UpOptions, command: Command) => {
      const hosts = parseCount('--hosts', options.hosts, 1, 16);
      const workers = parseCount('--workers', options.workers, 1, 64);
      checkHostCount(hosts);
      keep(async (invocation) => {
        const paths = meshPaths(options.data);
        const running = readMeshFile(paths);
        if (running !== undefined && isAlive(running.pid)) {
          invocation.output.note('the mesh is running already');
          return sayWhereItIs(running, invocation);
        }
        const cluster = readClusterFile(paths) ?? formatMesh(paths, hosts, workers);
        if (cluster.hosts.length !== hosts && command.getOptionValueSource('hosts') !== 'default') {
          throw new CliError(
            'USAGE',
            `the mesh in ${paths.root} has ${cluster.hosts.length} hosts`,
            'leave --hosts out, or `troupe down --wipe` first',
          );
        }
        return options.foreground ? foreground(paths, cluster, invocation) : background(paths, cluster, invocation);
      });
    });
}

async function foreground(
  paths: MeshPaths,
  cluster: ClusterFile,
  { options, output, signal }: Invocation,
): Promise<number | undefined> {
  const supervisor = new MeshSupervisor({ paths, cluster, nats: options.nats, onLine: (line) => output.data(line) });
  await supervisor.start();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await supervisor.stop();
  return 0;
}

async function background(paths: MeshPaths, cluster: ClusterFile, invocation: Invocation): Promise<number | undefined> {
  mkdirSync(paths.root, { recursive: true });
  const log = openSync(paths.log, 'a');
  const words = ['up', '--foreground', '--quiet', '--data', paths.root];
  if (invocation.options.nats !== undefined) words.push('--nats', invocation.options.nats);
  // Its lines go to mesh.log by themselves; what Node.js says when it dies goes there too.
  const child = spawn(process.execPath, ['--enable-source-maps', program, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', log],
  });
  closeSync(log);
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.unref();
  invocation.output.note(`booting ${cluster.hosts.length} hosts …`);
  const deadline = Date.now() + bootDeadlineMs;
  let mesh: MeshFile | undefined;
  while (mesh === undefined) {
    if (ended) throw new CliError('FAILURE', `the mesh’s supervisor ended: ${lastLine(paths.log)}`, `see ${paths.log}`);
    if (Date.now() > deadline) throw new CliError('TIMEOUT', 'the mesh did not come up', `see ${paths.log}`);
    invocation.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    const seen = readMeshFile(paths);
    if (seen !== undefined && seen.pid === child.pid) mesh = seen;
  }
  const db = await connect({
    servers: [mesh.nats],
    cluster: mesh.cluster,
    signal: invocation.signal,
    timeout: bootDeadlineMs,
  });
  try {
    const result = await waitUntilHealthy(db, deadline, invocation.signal);
    if (!result.healthy)
      throw new CliError('TIMEOUT', `the mesh is not healthy: ${result.reasons.join(', ')}`, `see ${paths.log}`);
  } finally {
    await db.close();
  }
  return sayWhereItIs(mesh, invocation);
}

function lastLine(path: string): string {
  if (!existsSync(path)) return 'it said nothing';
  return readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? 'it said nothing';
}

function sayWhereItIs(mesh: MeshFile, { output }: Invocation): number {
  if (output.format !== 'table') {
    output.data(JSON.stringify(mesh));
    return 0;
  }
  output.data(`The mesh "${mesh.cluster}" is up: ${mesh.hosts.length} hosts (${mesh.hosts.join(', ')}).`);
  output.data(`  NATS      ${mesh.nats}${mesh.ownNats ? '' : ' (yours)'}`);
  output.data('  no authentication: everything listens on this machine only');
  output.note('');
  output.note('Next:  npx troupe put name Ada      npx troupe get name      npx troupe status      npx troupe down');
  return 0;
}
