// The clocks of a host
// =============================================================================
//
// Only the world reads them; an actor sees them through its context. `performance.now()` has another origin in each
// thread, so the real world uses `process.hrtime` (CORRECTNESS §2.12).

export interface Clock {
  /** Milliseconds with fraction, never going back, same origin in all threads of a host; does not count suspend. */
  monotonicMs(): number;
  /** Milliseconds since 1970; may jump. For people and for `createdAt`, never for correctness. */
  wallMs(): number;
  /** Milliseconds since the machine booted, suspend included (L3). */
  bootMs(): number;
}
