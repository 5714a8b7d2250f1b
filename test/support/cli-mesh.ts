// A local mesh as a person would run it: by the `troupe` command, in a temporary folder
// =============================================================================
//
// Ends only what it started: `close` stops the mesh by its own command, and kills by process id what is left of it.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { exitCodes } from '../../cli/exit-codes.js';
import { type MeshFile, meshPaths, readMeshFile } from '../../cli/mesh/mesh-file.js';
import type { StatusReport } from '../../messaging/client/index.js';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = resolve('cli/troupe.mjs');
const deadlineMs = 150_000;

/** The environment without what would steer the command. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TROUPE_') || name === 'TROUPE_NATS_SERVER',
  );
  return { ...Object.fromEntries(kept), ...more };
}

/** Runs a program of Node.js to its end. */
export function runNode(
  words: readonly string[],
  cwd: string,
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, words, { cwd, env: plainEnvironment(env), timeout: deadlineMs });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => undefined); // it may end without having read
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code) => settle({ code, stdout, stderr }));
  });
}

export class CliMesh {
  readonly folder = mkdtempSync(join(tmpdir(), 'troupe-cli-'));
  readonly paths = meshPaths(join(this.folder, '.troupe'));
  /** Process ids of everything that was ever seen of it. */
  readonly #seen = new Set<number>();
  readonly #env: Readonly<Record<string, string>>;

  /** @param env of every command, and so of the hosts that `up` starts */
  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
  }

  /** `troupe …words` in the mesh's folder. */
  run(...words: string[]): Promise<Ran> {
    return runNode([program, ...words], this.folder, '', this.#env);
  }

  runWith(input: string, ...words: string[]): Promise<Ran> {
    return runNode([program, ...words], this.folder, input, this.#env);
  }

  /** `troupe …words -o json`, parsed. @throws Error when it fails */
  async json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...words, '-o', 'json');
    if (code !== 0) throw new Error(`troupe ${words.join(' ')} ended with ${code}: ${stderr}${this.log()}`);
    return JSON.parse(stdout) as T;
  }

  /** Also of a mesh that is not well: on a busy machine a replica may be behind for a moment at any time. */
  async status(): Promise<StatusReport> {
    const { code, stdout, stderr } = await this.run('status', '-o', 'json');
    if (code !== exitCodes.ok && code !== exitCodes.unavailable)
      throw new Error(`troupe status ended with ${code}: ${stderr}${this.log()}`);
    return JSON.parse(stdout) as StatusReport;
  }

  async up(...words: string[]): Promise<Ran> {
    const ran = await this.run('up', ...words);
    if (ran.code !== 0) throw new Error(`troupe up ended with ${ran.code}: ${ran.stderr}${this.log()}`);
    await this.pids();
    return ran;
  }

  get mesh(): MeshFile | undefined {
    return readMeshFile(this.paths);
  }

  /** The last lines of mesh.log. */
  log(lines = 30): string {
    if (!existsSync(this.paths.log)) return '';
    return `\n${readFileSync(this.paths.log, 'utf8').split('\n').slice(-lines).join('\n')}`;
  }

  /** Of the hosts by name, and of the supervisor and nats-server. */
  async pids(): Promise<Map<string, number>> {
    const pids = new Map<string, number>();
    const { hosts } = await this.status();
    for (const host of hosts) pids.set(host.name, host.pid);
    const { mesh } = this;
    if (mesh !== undefined) pids.set('supervisor', mesh.pid);
    if (mesh?.natsServer !== undefined) pids.set('nats-server', mesh.natsServer.pid);
    for (const pid of pids.values()) this.#seen.add(pid);
    return pids;
  }

  async close(): Promise<void> {
    await this.run('down', '--wipe');
    for (const pid of this.#seen) if (this.isMine(pid)) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether a process of that id runs and was started for this mesh: ids are given again. */
  isMine(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.folder);
    } catch {
      return false; // it has ended, or there is no /proc: then its end is left to `down`
    }
  }
}
