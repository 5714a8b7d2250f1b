// Where an actor is
// =============================================================================
//
// A host has numbered workers, a worker runs named actors. Clients are no hosts, but are addressed in the same way:
// their host name is `@` and their id, which no host can be called, so nothing can pass for the other (T1).

import { assert } from '../std/assert.js';

export interface Address {
  /** Host name, or `@<client id>`. */
  readonly host: string;
  /** Worker number from 0, or `mainWorker`. */
  readonly worker: number;
  /** Actor name, unique in its worker. */
  readonly actor: string;
}

/** The main thread's own actors (the host agent) live under this worker number. */
export const mainWorker = 255;

/** Most worker threads that one host may have. */
export const workerCountMax = 64;

/** Host, cluster and table names: letters, digits, `_` and `-`, at most 64. They go into subjects and paths as they are. */
export const namePattern: RegExp = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function isName(text: string): boolean {
  return namePattern.test(text);
}

export function clientHost(clientId: string): string {
  assert(isName(clientId), 'a client id is a name');
  return `@${clientId}`;
}

export function isClient(address: { readonly host: string }): boolean {
  return address.host.charCodeAt(0) === 0x40;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.worker === b.worker && a.actor === b.actor && a.host === b.host;
}

/** `host/worker/actor`, for people. */
export function formatAddress(address: Address): string {
  return `${address.host}/${address.worker === mainWorker ? 'main' : address.worker}/${address.actor}`;
}
