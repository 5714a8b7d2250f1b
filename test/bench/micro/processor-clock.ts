// The processor time of this process
// =============================================================================
//
// What a bench needs of a processor is measured with this clock and not with the one on the wall: then it does not matter what else the machine does. All threads
// count, so work that V8 hands to its helpers, most of it collections, is no gift. A look costs about 1 µs and the steps are 1 µs: time something longer.

import type { TimestampProvider } from 'tinybench';

/** Milliseconds since the process began, user and system. */
export function processorMs(): number {
  return processorMicroseconds() / 1000;
}

function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export const processorClock: TimestampProvider = {
  name: 'processor time',
  fn: processorMicroseconds,
  fromMs: (ms) => ms * 1000,
  toMs: (microseconds) => Number(microseconds) / 1000,
};
