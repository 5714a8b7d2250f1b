// Child processes that hold clients
// =============================================================================
//
// Each holds at most a few hundred. They end when this process lets go of them, or ends itself.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClientsNews, ClientsOrder } from './idle-clients.js';

const program = fileURLToPath(new URL('./idle-clients.js', import.meta.url));
const perProcessMax = 250;

export class ClientProcesses implements AsyncDisposable {
  readonly #children: ChildProcess[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Opens more, until there are so many. @throws Error what a child says, the signal's reason */
  async growTo(count: number, order: Omit<ClientsOrder, 'clients' | 'first'>, signal: AbortSignal): Promise<void> {
    const parts: Promise<void>[] = [];
    while (this.#count < count) {
      const clients = Math.min(perProcessMax, count - this.#count);
      parts.push(this.#start({ ...order, clients, first: this.#count }, signal));
      this.#count += clients;
    }
    await Promise.all(parts);
  }

  #start(order: ClientsOrder, signal: AbortSignal): Promise<void> {
    // A session of its own: an interrupt at the terminal is for the parent, which ends them in order.
    const child = fork(program, { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`a process of clients ended with code ${String(code)}`)));
      child.once('message', (news: ClientsNews) => {
        signal.removeEventListener('abort', onAbort);
        if (news.kind === 'ready') resolve();
        else reject(new Error(`a client failed: ${news.message}`));
      });
      child.send(order);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = this.#children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
          child.once('exit', () => resolve());
          if (child.connected) child.disconnect();
        }),
    );
    await Promise.all(ends);
  }
}
