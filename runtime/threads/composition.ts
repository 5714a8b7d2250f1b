// The seam to whoever composes a host
// =============================================================================
//
// `runtime` never imports actors or messaging. A host is given the URL of a module; the main thread and every worker
// import it and call its `compose` with the same configuration. Functions do not cross threads, modules do.

import type { ActorDefinition, ActorSpec } from '../contract/actor.js';
import type { Cells } from '../contract/cells.js';
import type { Disk } from '../contract/disk.js';
import type { MessageCodec, Transport, TransportReceiver } from '../contract/transport.js';

/** A thread of a host. */
export interface Place {
  readonly host: string;
  /** From 0, or `mainWorker`. */
  readonly worker: number;
  /** How many worker threads the host has, the main thread not counted. */
  readonly workers: number;
  /**
   * Drawn when the data directory was formatted, or at every start when there is none, and another one after worker 0's journal was lost:
   * who lost its disk is somebody else (M8).
   */
  readonly diskId: string;
}

export interface Composition {
  readonly definitions: ReadonlyMap<string, ActorDefinition>;
  readonly codec: MessageCodec;
  /** Nobody else has what this host has: a damaged journal is refused, not begun again (D9). */
  readonly alone?: boolean;
  /** The actors that run there from the first start. Durable ones that came back from the journal are not started twice. */
  rootActors(place: Place): readonly ActorSpec[];
  /**
   * The way to other hosts and to clients. Resolves when it can be used, which does not mean that the network is there: what
   * cannot be sent is dropped and counted. Messages within the host do not come here.
   */
  connect(place: Place, receiver: TransportReceiver): Promise<Transport>;
  /** For tests of failing disks: stands between the journal of that worker and its disk. */
  wrapDisk?(disk: Disk, place: Place): Disk;
  /** Asked on the main thread while the host drains: has everything been handed over? Absent: at once. */
  drained?(cells: Cells): boolean;
}

/** The module at `compositionUrl` exports it as `compose`. `config` is what the host was started with, a structured clone. */
export type Compose = (config: unknown, place: Place) => Composition | Promise<Composition>;
