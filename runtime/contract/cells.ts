// Numbers that the threads of one host share
// =============================================================================
//
// A lease has to be checked at every read without a message, and a stuck worker cannot answer one: both are numbers
// in shared memory (L2, L6). Loads and stores are sequentially consistent and never torn.
//
//   0 … 15                     for the actors of the host (their layout is theirs)
//   16 + w × 16 … + 15         worker w's own, written by its thread only
//
// Under threads this is a BigInt64Array over a SharedArrayBuffer, under simulation a plain array.

import type { SpaceLevel } from './journal.js';

export interface Cells {
  /** A safe integer. 0 at first. */
  load(index: number): number;
  store(index: number, value: number): void;
}

export const hostCellCount = 16;
export const workerCellCount = 16;

/** The first of worker `worker`'s own cells. */
export function workerCell(worker: number): number {
  return hostCellCount + worker * workerCellCount;
}

/** Offsets in a worker's block. */
export const cellTurns = 0; // turns taken since start; a counter that stands still while `cellBusySince` is set is a stall
export const cellBusySinceMs = 1; // monotonic ms at which the loop began its present run of turns, 0 when it is idle
export const cellQueued = 2; // messages waiting
export const cellTickMs = 3; // monotonic ms at which the thread's event loop last turned by itself, busy or not; 0 when unknown
export const cellForActors = 4; // 4 … 7 are for actors of that worker
export const cellSpace = 8; // what the worker's journal says of its disk: 0 enough, 1 short, 2 full (D14)
export const cellHeapBytes = 9; // JavaScript heap in use by the worker's thread, 0 when unknown
export const cellUnsyncedSinceMs = 10; // monotonic ms at which the oldest record that is not on disk yet was appended, 0 when there is none; 11 … 15 are free

const spaceLevels: readonly SpaceLevel[] = ['enough', 'short', 'full'];

/** Whether the disk of `worker` has room for more (D14). */
export function spaceLevel(cells: Cells, worker: number): SpaceLevel {
  return spaceLevels[cells.load(workerCell(worker) + cellSpace)] ?? 'full';
}

/** For the worker's world only. */
export function setSpaceLevel(cells: Cells, worker: number, level: SpaceLevel): void {
  cells.store(workerCell(worker) + cellSpace, spaceLevels.indexOf(level));
}
