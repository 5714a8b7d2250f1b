// A job: runs the seeds that it is sent, one after the other
// =============================================================================
//
// Started by job-pool.ts as a process with a channel. Ends when the channel closes. An interrupt at the terminal reaches every process of the
// group: the batch decides what it means.

import type { JobAnswer, JobOrder } from './job-messages.js';
import { runSeed } from './run-seed.js';

if (process.send === undefined) throw new Error('cli/sim/job.js is started by `troupe sim`');

process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', ({ order }: JobOrder) => {
  process.send?.(answerTo(order));
});

function answerTo(order: JobOrder['order']): JobAnswer {
  const { index } = order;
  try {
    return { kind: 'ran', index, report: runSeed(order) };
  } catch (error) {
    return { kind: 'threw', index, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
