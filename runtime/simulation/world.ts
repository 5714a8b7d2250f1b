// What hosts and workers of the simulation share
// =============================================================================
//
// The cluster fills this in; a worker and a host see the world only through it.

import type { ActorDefinition, ActorSpec } from '../contract/actor.js';
import type { EmittedEvent } from '../contract/events.js';
import type { Journal, JournalListener, RecoveredStream } from '../contract/journal.js';
import type { LoopLimits } from '../kernel/ports.js';
import type { Random } from '../std/random.js';
import type { CrashStyle } from './disk-image.js';
import type { Scheduler } from './scheduler.js';
import type { SimulatedDisk } from './simulated-disk.js';
import type { SimulatedHost } from './simulated-host.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { SimulatedWorker } from './simulated-worker.js';
import type { Trace } from './trace.js';

/** Why a worker starts. */
export interface Boot {
  readonly reason: 'first' | 'host-restart' | 'worker-restart';
  /** How often this worker has been started before. */
  readonly count: number;
}

/** One worker's way to its journal, for one life. */
export interface JournalSession {
  /** Once it is open. */
  journal(): Journal | undefined;
  /** What was found, in the order in which it is brought back. */
  streams(): readonly RecoveredStream[];
  /** Closes the journal in order. */
  close(done: () => void): void;
  /** The thread is gone: nothing is called back any more. What had been handed to the disk stays there. */
  abandon(): void;
}

/** Worker 0's journal had to be begun again: this host has another disk now, and starts again as such (M8). */
export class OtherDisk extends Error {
  override readonly name = 'OtherDisk';
}

/** Where journals are. Two fillings: a model in memory, the production journal on the simulated disk. */
export interface JournalKeeper {
  open(
    host: SimulatedHost,
    worker: number,
    random: Random,
    listener: JournalListener,
    isVital: (stream: { readonly kind: string }) => boolean,
    done: (error: Error | undefined) => void,
  ): JournalSession;
  /** Who the host's disk is to other hosts, as far as is known (M8). */
  diskId(host: string): string;
  /** Every process of the host is gone; with `powerLost` so is what was not synced, in the style given. */
  hostKilled(host: SimulatedHost, powerLost: boolean, style?: CrashStyle): void;
  /** The host's disk, when there are disks. */
  diskOf(host: string): SimulatedDisk | undefined;
  /** The host has an empty disk from now on, which is another one to everybody. REQUIRES that it is down. @returns false when there are no disks. */
  wipe(host: string): boolean;
  /** Multiplies the time that the host's disk takes; 1 is as always. */
  slow(host: string, factor: number): void;
  /** What the host's disk is asked from now on it answers only after so long; 0 ends it. */
  hang(host: string, durationMs: number): void;
  /** The next sync of any journal of the host fails (D11). */
  failNextSync(host: string): void;
  /** Every sync of any journal of the host fails, or no longer does. */
  failSyncs(host: string, fail: boolean): void;
  /** Ends whatever is wrong with the host's disk; what is damaged stays so. */
  heal(host: string): void;
  /** Flips a bit in one of the host's files, when there are files (D8, D9); `seed` says where. */
  rot(host: string, seed: number): void;
}

export interface World {
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly trace: Trace;
  readonly random: Random;
  readonly definitions: ReadonlyMap<string, ActorDefinition>;
  readonly limits: LoopLimits;
  readonly journals: JournalKeeper;
  /** Messages are frozen when they are sent (seal.ts). */
  readonly sealed: boolean;
  /** Virtual time that a turn takes. */
  readonly turnCostMs: number;
  /** Asked at each look at a clock during a run; see `WorkerClock.stallMs`. */
  readonly stallMs: (() => number) | undefined;
  rootActors(host: SimulatedHost, worker: number, boot: Boot): readonly ActorSpec[];
  emitted(event: EmittedEvent): void;
  /** An actor, a loop or a boot failed by itself, not by a fault that was injected. */
  crashed(error: Error): void;
  workerStarted(worker: SimulatedWorker, boot: Boot): void;
  turnsTaken(worker: SimulatedWorker, turns: number): void;
  hostExited(host: SimulatedHost, why: string): void;
}
