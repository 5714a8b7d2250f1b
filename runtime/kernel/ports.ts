// What a loop needs from its world
// =============================================================================

import type { Cells } from '../contract/cells.js';
import type { Clock } from '../contract/clock.js';
import type { EmittedEvent } from '../contract/events.js';
import type { Journal } from '../contract/journal.js';
import type { Transport } from '../contract/transport.js';
import type { Message } from '../contract/actor.js';
import type { Random } from '../std/random.js';

export interface LoopPorts {
  readonly host: string;
  readonly worker: number;
  readonly clock: Clock;
  readonly cells: Cells;
  /** Root of all randomness of this loop; each actor's incarnation gets a stream of its own. */
  readonly random: Random;
  /** Where its actors' incarnations begin, 0 when absent: a restarted worker's must differ from those that died with it (R17). */
  readonly firstIncarnation?: number;
  readonly transport: Transport;
  /** Absent where nothing durable runs: the main thread, a client. */
  readonly journal?: Journal;
  emit(event: EmittedEvent): void;
  /** Something arrived while the loop was idle: call `run` soon. Called at most once until the next `run`. */
  wake(): void;
  /** Restarts are used up, or the world itself is broken: this worker must end. */
  escalate(reason: Error): void;
  /** What a message becomes on its way to an actor of the same loop: the simulator freezes it, threads pass it on. */
  seal?(message: Message): Message;
}

/** Bounds of one loop, each with what happens beyond it. */
export interface LoopLimits {
  /** Messages waiting in the loop; beyond it what comes from outside is dropped and counted, as a network would. */
  readonly mailboxCountMax: number;
  /** Turns before the loop flushes and lets the event loop run. */
  readonly turnsPerRunMax: number;
  /** The same, of time: no turn begins in a run that has lasted this long (K7). */
  readonly runMsMax: number;
}

export const defaultLoopLimits: LoopLimits = { mailboxCountMax: 200_000, turnsPerRunMax: 1024, runMsMax: 10 };
