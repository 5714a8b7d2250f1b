// Times of leases and liveness
// =============================================================================
//
// The host counts its lease from the moment it *sent* the heartbeat, on its own clock; the controller waits from the moment it
// *answered*, on its own. So only the rates of the two clocks matter, not what they show (L1).
//
// Sources: CORRECTNESS §2.4. Gray and Cheriton, "Leases", 1989.

import { assert } from '../../runtime/std/assert.js';

/** W: what the controller waits, from its last answer, before it takes a lease to be over. */
export const leaseWaitMs = 1500;

/** D: how long a host takes its lease to be valid, from the sending of the heartbeat that was answered. */
export const leaseDurationMs = 1450;

export const heartbeatIntervalMs = 200;

/** How far two monotonic clocks may drift apart: one part in a thousand. */
export const clockRateErrorMax = 1e-3;

/** A worker whose turn counter stands still for this long while it has work is stalled (L6). */
export const workerStallMs = 500;

/** A worker whose disk has kept a record waiting for so long is stalled, too: longer than any sync of a disk that is only busy. */
export const diskStallMs = 3000;

/** Wall or boot clock running this much ahead of the monotonic one since the last look means a suspend (L3). */
export const suspendToleranceMs = 100;

const slackMs = 10; // cells hold whole milliseconds
assert(
  leaseDurationMs + slackMs <= (leaseWaitMs * (1 - clockRateErrorMax)) / (1 + clockRateErrorMax),
  'L1: D ≤ W(1-rho)/(1+rho) - margin',
);
assert(heartbeatIntervalMs * 3 < leaseDurationMs, 'L1: two lost heartbeats cost no lease');
