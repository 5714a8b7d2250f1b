// What the main thread gives a worker
// =============================================================================
//
// `WorkerBoot` is its workerData. `Input` comes later through its parentPort: what does not fit a call over Comlink, because it
// hands over a port. Everything else is a call (control.ts).

import type { MessagePort } from 'node:worker_threads';

import type { Place } from './composition.js';

export interface WorkerBoot {
  readonly place: Place;
  readonly clusterId: string;
  /** How many threads this worker number has had before: part of its actors' incarnations. */
  readonly generation: number;
  readonly compositionUrl: string;
  readonly config: unknown;
  /** The host's data directory; absent keeps the journal in memory. */
  readonly directory: string | undefined;
  /** What the journals in it are bound to. */
  readonly boundTo: string;
  /** They have been there before. */
  readonly begun: boolean;
  /** The cells of the host. */
  readonly cells: SharedArrayBuffer;
  /** The worker answers calls of the main thread here (WorkerControl) … */
  readonly control: MessagePort;
  /** … and calls the main thread here (HostServices). */
  readonly services: MessagePort;
}

export type Input =
  /** The link to another thread of the host; replaces an older one. */
  {
    readonly kind: 'link';
    readonly worker: number;
    readonly port: MessagePort;
    readonly meter: SharedArrayBuffer;
    readonly side: 0 | 1;
  };
