// When a crashed actor or worker comes back
// =============================================================================
//
// Pure: history and a failure in, a decision out. Backoff doubles from `minMs` to `maxMs` with jitter; more than
// `restartCountMax` failures within `windowMs` escalate to whoever supervises the supervisor. Nested intensities
// multiply: a host gives up after at most the product of those below it.
//
// Sources: Erlang/OTP design principles, "Maximum Restart Intensity"; Pekko SupervisorStrategy (backoff).

import type { Random } from '../std/random.js';

export interface RestartPolicy {
  readonly minMs: number;
  readonly maxMs: number;
  /** Share of the delay that is random, 0–1. */
  readonly jitter: number;
  readonly restartCountMax: number;
  readonly windowMs: number;
}

/** Failure times within the window, oldest first; owned by the supervisor. */
export type FailureHistory = number[];

export type RestartDecision = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'escalate' };

export const actorRestartPolicy: RestartPolicy = {
  minMs: 10,
  maxMs: 2000,
  jitter: 0.2,
  restartCountMax: 10,
  windowMs: 60_000,
};
export const workerRestartPolicy: RestartPolicy = {
  minMs: 50,
  maxMs: 2000,
  jitter: 0.2,
  restartCountMax: 5,
  windowMs: 60_000,
};

export function onFailure(
  policy: RestartPolicy,
  history: FailureHistory,
  nowMs: number,
  random: Random,
): RestartDecision {
  while (history.length > 0 && nowMs - (history[0] as number) > policy.windowMs) history.shift();
  history.push(nowMs);
  if (history.length > policy.restartCountMax) return { kind: 'escalate' };
  const exact = Math.min(policy.maxMs, policy.minMs * 2 ** (history.length - 1));
  return { kind: 'restart', afterMs: exact * (1 - policy.jitter * random.fraction()) };
}
