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
export const cellShortOfSpace = 8; // 1 while the worker's journal finds no space for more (D14); 9 … 15 are free

/** Whether the disk of `worker` is full: nothing should be appended there that can be refused (D14). */
export function isShortOfSpace(cells: Cells, worker: number): boolean {
  return cells.load(workerCell(worker) + cellShortOfSpace) === 1;
}

/** For the worker's world only. */
export function setShortOfSpace(cells: Cells, worker: number, isShort: boolean): void {
  cells.store(workerCell(worker) + cellShortOfSpace, isShort ? 1 : 0);
}
