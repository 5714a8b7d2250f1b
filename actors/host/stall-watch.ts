// Which workers are stuck
// =============================================================================
//
// A worker whose thread hangs cannot say so, and the heartbeat comes from another thread. But its loop counts in shared memory: a run of
// turns that does not end, or an event loop that does not turn, is a stall (L6, gray failure). So is a disk that keeps a record waiting for long:
// what its replicas lead can commit nothing, though the thread is well.

import {
  cellBusySinceMs,
  cellTickMs,
  type Cells,
  cellUnsyncedSinceMs,
  workerCell,
} from '../../runtime/contract/cells.js';
import { diskStallMs, workerStallMs } from '../metadata/lease-timing.js';

export function stalledWorkers(cells: Cells, workers: number, nowMs: number): number[] {
  const stalled: number[] = [];
  for (let worker = 0; worker < workers; worker++) {
    const busySinceMs = cells.load(workerCell(worker) + cellBusySinceMs);
    const tickMs = cells.load(workerCell(worker) + cellTickMs);
    const hangs = busySinceMs !== 0 && nowMs - busySinceMs > workerStallMs;
    const silent = tickMs !== 0 && nowMs - tickMs > workerStallMs;
    const unsyncedSinceMs = cells.load(workerCell(worker) + cellUnsyncedSinceMs);
    const isUnsynced = unsyncedSinceMs !== 0 && nowMs - unsyncedSinceMs > diskStallMs;
    if (hangs || silent || isUnsynced) stalled.push(worker);
  }
  return stalled;
}
