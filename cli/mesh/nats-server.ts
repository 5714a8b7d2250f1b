// Finding a nats-server, installing one, and running it for a local mesh
// =============================================================================
//
// Looked for in TROUPE_NATS_SERVER, on PATH and in the usual sbin folders; else installed with the platform's package manager where that needs
// no password; else the error names these ways (INTERFACES §1). A local mesh's server listens on loopback only, with its own configuration file
// and without JetStream: nothing that must be right is kept in it.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError } from '../cli-error.js';
import { followLines } from './lines.js';

const run = promisify(execFile);
export const defaultNatsPort = 4222;
const name = 'nats-server';
const otherFolders = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/sbin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

const howToInstall =
  'install it (Debian, Ubuntu: `sudo apt-get install nats-server`; macOS: `brew install nats-server`), or name its file in TROUPE_NATS_SERVER, or use a running one with --nats URL';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run: the next place is tried
  }
}

/** The file to run, or undefined. @throws CliError when TROUPE_NATS_SERVER names nothing that can be run. */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['TROUPE_NATS_SERVER'];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new CliError(
      'NATS_SERVER_MISSING',
      `TROUPE_NATS_SERVER names ${named}, which cannot be run`,
      'correct it or unset it',
    );
  }
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...otherFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Finds a server, or installs one and says so. @param say progress, for people. @throws CliError */
export async function findOrInstallNatsServer(
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const found = findNatsServer(env);
  if (found !== undefined) return found;
  const commands = await installCommands();
  for (const [command, ...args] of commands) {
    say(`nats-server is not installed; running: ${[command, ...args].join(' ')}`);
    try {
      await run(command as string, args, {
        timeout: 300_000,
        maxBuffer: 16 * 1024 * 1024,
        env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    } catch (cause) {
      const detail = (cause as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(cause);
      throw new CliError('NATS_SERVER_MISSING', `nats-server could not be installed: ${detail}`, howToInstall, {
        cause,
      });
    }
  }
  const installed = findNatsServer(env);
  if (installed === undefined) throw new CliError('NATS_SERVER_MISSING', 'nats-server was not found', howToInstall);
  return installed;
}

/** What would install it here without asking anything; empty when nothing would. */
async function installCommands(): Promise<string[][]> {
  const has = (command: string): boolean =>
    (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, command)));
  if (process.platform === 'darwin') return has('brew') ? [['brew', 'install', name]] : [];
  if (!has('apt-get')) return [];
  if (process.getuid?.() === 0)
    return [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', name],
    ];
  try {
    await run('sudo', ['-n', 'true'], { timeout: 10_000 });
  } catch {
    return []; // no sudo, or it wants a password: the person decides
  }
  return [
    ['sudo', '-n', 'apt-get', 'update', '-qq'],
    ['sudo', '-n', 'apt-get', 'install', '-y', '-qq', name],
  ];
}

/** Whether a port of the loopback interface is free now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** `wanted` when it is free, else (and for 0) one that the system gives. */
export async function freePort(wanted: number): Promise<number> {
  if (wanted !== 0 && (await isPortFree(wanted))) return wanted;
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Writes the configuration of a local mesh's server. */
export function writeNatsConfig(path: string, port: number): void {
  const lines = [
    '# Written by `troupe up`. A local mesh: loopback only, nothing stored, no authentication.',
    'host: 127.0.0.1',
    `port: ${port}`,
    'max_payload: 1MB',
    'max_pending: 64MB',
    'write_deadline: "10s"',
    '',
  ];
  writeFileSync(path, lines.join('\n'));
}

/** Cores of the machine for each that the server of a local mesh may use at a time. */
const coresEach = 4;

/**
 * Hosts and clients are on the same machine and want the cores, too: where there are few, threads of the server that look for work and wake one another cost
 * more than what they carry (measured on 2 cores: a third of all a write costs). `GOMAXPROCS` in the environment has its way.
 */
export function natsServerThreads(cores: number): number {
  return Math.max(1, Math.floor(cores / coresEach));
}

/** Starts the server; the caller watches and ends the process. */
export function spawnNatsServer(program: string, configPath: string, onLine: (line: string) => void): ChildProcess {
  const child = spawn(program, ['-c', configPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { GOMAXPROCS: String(natsServerThreads(availableParallelism())), ...process.env },
  });
  for (const stream of [child.stdout, child.stderr]) followLines(stream, onLine);
  return child;
}

/** A port may be taken between the look at it and the start. */
const attemptsMax = 5;
const readyDeadlineMs = 20_000;

/** Starts the server on `wanted` or, when that is taken, on a free port, and waits until it listens. @throws CliError */
export async function startNatsServer(
  program: string,
  configPath: string,
  wanted: number,
  onLine: (line: string) => void,
): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  let last = '';
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = await freePort(attempt === 0 ? wanted : 0);
    writeNatsConfig(configPath, port);
    let ready: (isReady: boolean) => void = () => undefined;
    const listens = new Promise<boolean>((resolve) => {
      ready = resolve;
    });
    const child = spawnNatsServer(program, configPath, (line) => {
      last = line;
      onLine(line);
      if (line.includes('Server is ready')) ready(true);
    });
    const ended = (): void => ready(false);
    child.once('error', (error) => {
      last = error.message;
      ready(false);
    });
    child.once('close', ended);
    const late = setTimeout(() => {
      last = `not ready within ${readyDeadlineMs / 1000} s`;
      child.kill('SIGKILL');
    }, readyDeadlineMs);
    const isReady = await listens;
    clearTimeout(late);
    child.off('close', ended);
    if (isReady) return { port, process: child };
  }
  throw new CliError('NATS_SERVER_FAILED', `nats-server (${program}) does not start: ${last}`, howToInstall);
}
