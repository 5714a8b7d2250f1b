// A real nats-server for system tests
// =============================================================================
//
// On a free loopback port, found by its path, in the foreground; stopped by its own process id.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export function natsServerPath(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
  const paths = [process.env['TROUPE_NATS_SERVER'] ?? '', ...folders.map((folder) => `${folder}/nats-server`)];
  return paths.find((path) => path !== '' && existsSync(path));
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)));
    });
  });
}

export class TestNatsServer {
  readonly port: number;
  readonly #path: string;
  #process: ChildProcess | undefined;

  private constructor(path: string, port: number) {
    this.#path = path;
    this.port = port;
  }

  static async start(): Promise<TestNatsServer> {
    const path = natsServerPath();
    if (path === undefined) throw new Error('nats-server was not found: install it, or set TROUPE_NATS_SERVER');
    const server = new TestNatsServer(path, await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it, on the same port as before. */
  async restart(): Promise<void> {
    this.#process = spawn(this.#path, ['-a', '127.0.0.1', '-p', String(this.port)], { stdio: 'ignore' });
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries > 400) throw new Error('nats-server did not start');
      await sleep(10);
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  /** Stops reading and answering, without closing anything. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  unpause(): void {
    this.#process?.kill('SIGCONT');
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = createConnection(this.port, '127.0.0.1');
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
}
