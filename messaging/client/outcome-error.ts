// From an outcome to what a promise rejects with
// =============================================================================

import type { Outcome } from './core/operations.js';
import { ConditionFailedError, OutcomeUnknownError, troupeError } from './errors.js';

export type Done = Exclude<Outcome, { readonly kind: 'failed' | 'unknown' }>;
export type NotDone = Extract<Outcome, { readonly kind: 'failed' | 'unknown' }>;

export function isDone(outcome: Outcome): outcome is Done {
  return outcome.kind !== 'failed' && outcome.kind !== 'unknown';
}

/** @returns a TroupeError, or the signal's reason when it was aborted before it could have an effect. */
export function errorOf(outcome: NotDone, what: string, requestId: string, signal?: AbortSignal): unknown {
  if (outcome.kind === 'unknown') {
    const cause: unknown = signal?.aborted === true ? signal.reason : undefined;
    return new OutcomeUnknownError(`${what} may or may not have happened: ${outcome.message}`, { requestId, cause });
  }
  if (outcome.code === 'ABORTED') return signal?.reason ?? new DOMException('it was aborted', 'AbortError');
  return troupeError(outcome.code, `${what} was not done: ${outcome.message}`, { requestId });
}

export function conditionFailed(what: string, version: number, requestId: string): ConditionFailedError {
  const now = version === 0 ? 'there is no such item' : `the item has version ${version}`;
  return new ConditionFailedError(version, `${what} was not done: ${now}`, { requestId });
}
