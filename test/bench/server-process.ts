// A server of a peer: started, heard, and ended
// =============================================================================
//
// Its output goes to a file in the peer's folder; the last lines are in the error when it does not come up. It is a process group of its own, so
// that Ctrl-C reaches the benchmark alone, which then ends its servers in order; and whatever way this process ends, no server outlives it.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerPid } from './peer.js';

const stopDeadlineMs = 5000;
const lookMs = 20;
const readyDeadlineMs = 30_000;
const wordsMax = 600;

const running = new Set<ServerProcess>();
process.once('exit', () => {
  for (const server of running) server.killNow();
});

export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #exited: Promise<void>;
  #end: string | undefined;

  private constructor(name: string, child: ChildProcess, log: string) {
    this.name = name;
    this.#child = child;
    this.#log = log;
    this.#exited = new Promise((resolve) => {
      const ended = (how: string): void => {
        this.#end ??= how;
        running.delete(this);
        resolve();
      };
      child.once('exit', (code, signal) => ended(signal ?? `exit code ${code ?? 'none'}`));
      child.once('error', (error) => ended(error.message));
    });
    running.add(this);
  }

  /** @param unset names of environment variables, by their beginning, that would change what the server does */
  static start(name: string, file: string, args: readonly string[], directory: string, unset?: string): ServerProcess {
    const log = join(directory, `${name}.log`);
    const output = openSync(log, 'a');
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => unset === undefined || !key.startsWith(unset)),
    );
    try {
      const child = spawn(file, args, { cwd: directory, stdio: ['ignore', output, output], detached: true, env });
      return new ServerProcess(name, child, log);
    } finally {
      closeSync(output);
    }
  }

  get pid(): ServerPid {
    return { name: this.name, pid: this.#child.pid ?? -1 };
  }

  /** Asks until `isReady` says so. What it throws means no. @throws when the server ended, and after half a minute */
  async until(isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + readyDeadlineMs;
    let last: unknown;
    for (;;) {
      signal.throwIfAborted();
      if (this.#end !== undefined) throw new Error(`${this.name} ended (${this.#end}): ${this.lastWords()}`);
      try {
        if (await isReady()) return;
      } catch (error) {
        last = error;
      }
      if (performance.now() > deadline) {
        const why = last instanceof Error ? last.message : this.lastWords();
        throw new Error(`${this.name} was not ready within ${readyDeadlineMs / 1000} s: ${why}`);
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  lastWords(): string {
    return readFileSync(this.#log, 'utf8').slice(-wordsMax).trim();
  }

  /** SIGTERM, and SIGKILL when that is not heeded. */
  async stop(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.killNow(), stopDeadlineMs);
    await this.#exited;
    clearTimeout(late);
  }

  killNow(): void {
    if (this.#end === undefined) this.#child.kill('SIGKILL');
  }
}

export async function stopAll(servers: readonly ServerProcess[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
