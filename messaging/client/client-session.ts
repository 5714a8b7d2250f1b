// What the faces of one open client share
// =============================================================================
//
// The port, the defaults, and how a call is run: ask, wait, and turn what is not done into an error. Also makes the table called
// `default` on its first write, where the mesh is one's own.

import type { TableOptions } from '../protocol/host-messages.js';
import type { Asked, ClientPort } from './client-port.js';
import { type Done, errorOf, isDone, type NotDone } from './outcome-error.js';

/** The table that is used when none is named. */
export const defaultTableName = 'default';

export class ClientSession {
  readonly port: ClientPort;
  readonly timeoutMs: number;
  /** Options for the default table when it is missing; undefined: it is not made by itself. */
  readonly #defaultTable: TableOptions | undefined;
  #making: Promise<boolean> | undefined;

  constructor(port: ClientPort, timeoutMs: number, defaultTable: TableOptions | undefined) {
    this.port = port;
    this.timeoutMs = timeoutMs;
    this.#defaultTable = defaultTable;
  }

  /** What it came to. Never rejects. */
  attempt(asked: Asked, signal: AbortSignal | undefined): Promise<Done | NotDone> {
    const outcome = this.port.run(asked, signal);
    return this.#makesTable(asked) ? this.#orWithItsTable(outcome, asked, signal) : outcome;
  }

  async #orWithItsTable(
    first: Promise<Done | NotDone>,
    asked: Asked,
    signal: AbortSignal | undefined,
  ): Promise<Done | NotDone> {
    const outcome = await first;
    if (outcome.kind !== 'failed' || outcome.code !== 'NOT_FOUND') return outcome;
    if (!(await this.#makeDefaultTable())) return outcome;
    return this.port.run(asked, signal); // certainly not sent before, so this is no repetition
  }

  /** @throws TroupeError, or the signal's reason */
  async run<Kind extends Done['kind']>(
    kind: Kind,
    asked: Asked,
    what: () => string,
    signal: AbortSignal | undefined,
  ): Promise<Extract<Done, { readonly kind: Kind }>> {
    const outcome = await this.attempt(asked, signal);
    if (!isDone(outcome)) throw errorOf(outcome, what(), this.port.requestIdOf(outcome.id), signal);
    if (outcome.kind !== kind) throw new Error(`a ${asked.kind} came to ${outcome.kind}`);
    return outcome as Extract<Done, { readonly kind: Kind }>;
  }

  /** A missing default table that the next write would make: reading it finds nothing. */
  isEmptyDefault(table: string, outcome: Done | NotDone): boolean {
    return (
      this.#defaultTable !== undefined &&
      table === defaultTableName &&
      outcome.kind === 'failed' &&
      outcome.code === 'NOT_FOUND'
    );
  }

  #makesTable(asked: Asked): boolean {
    return this.#defaultTable !== undefined && asked.kind === 'write' && asked.table === defaultTableName;
  }

  async #makeDefaultTable(): Promise<boolean> {
    const options = this.#defaultTable ?? {};
    const command = { command: 'create-table', name: defaultTableName, options, ifMissing: true } as const;
    this.#making ??= this.port
      .run({ kind: 'admin', command, timeoutMs: this.timeoutMs })
      .then((outcome) => outcome.kind === 'commanded');
    try {
      return await this.#making;
    } finally {
      this.#making = undefined;
    }
  }
}
