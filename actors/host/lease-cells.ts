// The host's lease, in numbers that all its threads share
// =============================================================================
//
// The agent on the main thread holds the lease; replicas in the workers check it at every linearizable read without a
// message. A lease is the host's, but leadership is a partition's: so a grant counts in a worker only once that
// worker's replicas have processed the metadata that the grant was given under (L1).
//
//   cell 0   required revision    written by the agent
//   cell 1   expiry, monotonic ms written by the agent; 0 = none
//   worker's cell 4   applied revision         written by its manager, behind the replicas
//   worker's cell 5   worker generation        written by its manager: 1 on the worker's first start in this process
//
// Invariants
//   Z1. The agent writes the revision before the expiry and a reader reads the expiry before the revision: whoever sees a new expiry
//       also sees the revision that it depends on.
//   Z2. A lease is valid only while its expiry is ahead and the worker has applied the required revision (L1).
//   Z3. Voiding takes effect at once: expiry 0 is never ahead (L3, L6).
//   Z4. An incarnation that was registered belongs to one generation of one worker of one process, so a record about an earlier one
//       is never taken for the present one (R2).

import { cellForActors, type Cells, workerCell } from '../../runtime/contract/cells.js';
import { assert, assertCount } from '../../runtime/std/assert.js';

const cellRequiredRevision = 0;
const cellExpiryMs = 1;
const cellAppliedRevision = cellForActors;
const cellGeneration = cellForActors + 1;

/** Restarts of one actor in one generation of its worker; supervision escalates long before. */
const incarnationsPerGeneration = 2 ** 20;

/** Agent only. `expiryMs` is on this host's monotonic clock; fractions are cut off, never rounded up. */
export function grantLease(cells: Cells, expiryMs: number, requiredRevision: number): void {
  assertCount(requiredRevision, 'required revision');
  cells.store(cellRequiredRevision, requiredRevision); // Z1: revision first
  cells.store(cellExpiryMs, Math.max(0, Math.floor(expiryMs)));
}

/** Agent only. */
export function voidLease(cells: Cells): void {
  cells.store(cellExpiryMs, 0); // Z3
}

/** Whether linearizable reads may be answered in `worker` at `nowMs`. Read the clock after evaluating (L2). */
export function leaseValid(cells: Cells, worker: number, nowMs: number): boolean {
  const expiryMs = cells.load(cellExpiryMs); // Z1: expiry first
  const requiredRevision = cells.load(cellRequiredRevision);
  return expiryMs > nowMs && appliedRevision(cells, worker) >= requiredRevision; // Z2
}

/** When the lease ends, monotonic ms; 0 = there is none. */
export function leaseExpiryMs(cells: Cells): number {
  return cells.load(cellExpiryMs);
}

/** The highest map revision that every replica of the worker has processed. */
export function appliedRevision(cells: Cells, worker: number): number {
  return cells.load(workerCell(worker) + cellAppliedRevision);
}

/** Manager only, and only behind its replicas. */
export function markApplied(cells: Cells, worker: number, revision: number): void {
  assert(revision >= appliedRevision(cells, worker), 'Y1: the applied revision went back');
  cells.store(workerCell(worker) + cellAppliedRevision, revision);
}

/** Manager only, at the first start in a worker thread: counts the thread and forgets what its predecessor had applied. */
export function beginGeneration(cells: Cells, worker: number): number {
  const generation = cells.load(workerCell(worker) + cellGeneration) + 1;
  cells.store(workerCell(worker) + cellAppliedRevision, 0);
  cells.store(workerCell(worker) + cellGeneration, generation);
  return generation;
}

export function generationOf(cells: Cells, worker: number): number {
  return cells.load(workerCell(worker) + cellGeneration);
}

/** The incarnation as the metadata group knows it: unlike the actor's own it is unique within the process. Never 0. */
export function registeredIncarnation(generation: number, incarnation: number): number {
  assert(generation > 0, 'Z4: the generation has begun');
  assert(incarnation < incarnationsPerGeneration, 'Z4: incarnations of one generation');
  return generation * incarnationsPerGeneration + incarnation;
}

/** The actor's own incarnation, or undefined when the registered one is of another generation, or of nobody yet (0). */
export function ownIncarnation(generation: number, registered: number): number | undefined {
  if (Math.floor(registered / incarnationsPerGeneration) !== generation) return undefined; // Z4
  return registered % incarnationsPerGeneration;
}
