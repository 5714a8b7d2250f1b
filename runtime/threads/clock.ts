// The machine's clocks
// =============================================================================
//
// `performance.now()` has another origin in each thread; `process.hrtime` is CLOCK_MONOTONIC everywhere, so times may be
// compared through shared cells (CORRECTNESS §2.12). It does not count suspend; the machine's uptime does (L3).

import { uptime } from 'node:os';

import type { Clock } from '../contract/clock.js';

export const machineClock: Clock = {
  monotonicMs(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  wallMs(): number {
    return Date.now();
  },
  /** Costs a few microseconds (it reads /proc/uptime) and steps by 10 ms: good for a heartbeat, not for each message. */
  bootMs(): number {
    return uptime() * 1000;
  },
};
