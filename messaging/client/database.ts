// An open client
// =============================================================================

import { limits, type Limits } from '../protocol/limits.js';
import { Admin, checkName } from './admin.js';
import { type ClientSession, defaultTableName } from './client-session.js';
import { Table } from './table.js';

export class Database {
  /** What the mesh allows: sizes of keys, values, batches, pages. */
  readonly limits: Limits = limits;
  /** The name of the cluster. */
  readonly cluster: string;
  readonly admin: Admin;
  readonly #session: ClientSession;
  readonly #onClose: (() => Promise<void>) | undefined;
  #closing: Promise<void> | undefined;

  /** @internal Made by `connect` and `openEmbedded`. */
  constructor(session: ClientSession, cluster: string, onClose?: () => Promise<void>) {
    this.#session = session;
    this.cluster = cluster;
    this.admin = new Admin(session, cluster);
    this.#onClose = onClose;
  }

  /** The name of this client in the mesh. */
  get clientId(): string {
    return this.#session.port.clientId;
  }

  /** A table by its name; it is not asked for before it is used. @throws TypeError, TroupeError INVALID_ARGUMENT */
  table<V = unknown>(name: string = defaultTableName): Table<V> {
    checkName(name, 'a table');
    return new Table<V>(this.#session, name);
  }

  /** Ends what is under way (writes that were sent: OUTCOME_UNKNOWN, all else: CLOSED) and disconnects. */
  close(): Promise<void> {
    this.#closing ??= this.#session.port.close().then(() => this.#onClose?.());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
