// A memory disk whose operations are carried out when the bench says so
// =============================================================================
//
// The production memory disk, with its completions in a queue instead of the microtask queue: so a write to the journal, from staging to "durable", is one
// synchronous call that can be timed.

import type { Disk } from '../../../runtime/contract/disk.js';
import { memoryDisk } from '../../../runtime/storage/memory-disk.js';
import { Queue } from '../../../runtime/std/queue.js';

export interface SteppedDisk {
  readonly disk: Disk;
  /** Until nothing waits. */
  readonly settle: () => void;
}

export function steppedDisk(): SteppedDisk {
  const waiting = new Queue<() => void>();
  return {
    disk: memoryDisk((run) => waiting.push(run)),
    settle: () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run();
    },
  };
}
