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
//   worker's cell 5   registered epoch         written by its manager, for the one that comes after it in this process
//   worker's cell 6   followed revision        the same
//
// Invariants
//   Z1. The agent writes the revision before the expiry and a reader reads the expiry before the revision: whoever sees a new expiry
//       also sees the revision that it depends on.
//   Z2. A lease is valid only while its expiry is ahead and the worker has applied the required revision (L1).
//   Z3. Voiding takes effect at once: expiry 0 is never ahead (L3, L6).

import { cellForActors, type Cells, workerCell } from '../../runtime/contract/cells.js';
import { planted } from '../../runtime/probes/probes.js';
import { assert, assertCount } from '../../runtime/std/assert.js';

const cellRequiredRevision = 0;
const cellExpiryMs = 1;
const cellAppliedRevision = cellForActors;
const cellRegisteredEpoch = cellForActors + 1;
const cellFollowedRevision = cellForActors + 2;

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
  return expiryMs > nowMs && (appliedRevision(cells, worker) >= requiredRevision || planted('PB43')); // Z2
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

/** Manager only, at its start: nothing is known to be applied until it has looked again. */
export function forgetApplied(cells: Cells, worker: number): void {
  cells.store(workerCell(worker) + cellAppliedRevision, 0);
}

/** Manager only: this process is registered under `epoch`; 0 = not known. */
export function rememberRegistration(cells: Cells, worker: number, epoch: number): void {
  cells.store(workerCell(worker) + cellRegisteredEpoch, epoch);
}

/** What a manager before this one remembered; undefined when the process is not registered, as far as known. */
export function rememberedRegistration(cells: Cells, worker: number): number | undefined {
  const epoch = cells.load(workerCell(worker) + cellRegisteredEpoch);
  return epoch === 0 ? undefined : epoch;
}

/** Manager only, before it makes the worker what a map of that revision says. */
export function rememberFollowed(cells: Cells, worker: number, revision: number): void {
  assert(revision >= followedRevision(cells, worker), 'an older map is not followed');
  cells.store(workerCell(worker) + cellFollowedRevision, revision);
}

/** The newest revision that a manager of this worker ever followed in this process, also one before this; 0 = none. */
export function followedRevision(cells: Cells, worker: number): number {
  return cells.load(workerCell(worker) + cellFollowedRevision);
}
