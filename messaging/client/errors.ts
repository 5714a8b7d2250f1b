// What can go wrong, as a user catches it
// =============================================================================
//
// One base class with a stable code; subclasses only where a user wants to catch them by type or read a field. Misuse of types is a plain
// TypeError, and an aborted call rejects with the reason of its signal, as everywhere in JavaScript.
//
// Every code but OUTCOME_UNKNOWN means: the operation has had no effect and never will.

import { type ErrorCode, errorCodes } from './core/error-code.js';

export { type ErrorCode, errorCodes };

export interface TroupeErrorOptions {
  readonly cause?: unknown;
  readonly requestId?: string | undefined;
}

/** Worth trying again as it is. OUTCOME_UNKNOWN is not: it would perhaps be done twice. */
const retryableCodes: readonly ErrorCode[] = ['NOT_LEADER', 'UNAVAILABLE', 'TIMEOUT', 'CAPACITY', 'THROTTLED'];

export class TroupeError extends Error {
  override readonly name: string = 'TroupeError';
  readonly code: ErrorCode;
  /** Nothing has happened, and trying again later may help. */
  readonly retryable: boolean;
  /** Names this call in events and logs, when it got as far as having a name. */
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = retryableCodes.includes(code);
    this.requestId = options.requestId;
  }
}

/** It may or may not have taken effect; read before you repeat it, unless repeating is harmless. */
export class OutcomeUnknownError extends TroupeError {
  override readonly name = 'OutcomeUnknownError';

  constructor(message: string, options?: TroupeErrorOptions) {
    super('OUTCOME_UNKNOWN', message, options);
  }
}

/** `ifVersion` or `ifAbsent` did not hold. */
export class ConditionFailedError extends TroupeError {
  override readonly name = 'ConditionFailedError';
  /** The item's version when the condition was checked; 0 = there was no item. */
  readonly version: number;

  constructor(version: number, message: string, options?: TroupeErrorOptions) {
    super('CONDITION_FAILED', message, options);
    this.version = version;
  }
}

/** No leader, not enough replicas, nobody answers. */
export class UnavailableError extends TroupeError {
  override readonly name: string = 'UnavailableError';

  constructor(message: string, options?: TroupeErrorOptions) {
    super('UNAVAILABLE', message, options);
  }
}

/** The cluster could not be reached at all. */
export class ConnectError extends UnavailableError {
  override readonly name = 'ConnectError';
}

/** The time given was up; of a write: before it was sent. */
export class TimeoutError extends TroupeError {
  override readonly name = 'TimeoutError';

  constructor(message: string, options?: TroupeErrorOptions) {
    super('TIMEOUT', message, options);
  }
}

/** There is no such table or host. An absent item is no error. */
export class NotFoundError extends TroupeError {
  override readonly name = 'NotFoundError';

  constructor(message: string, options?: TroupeErrorOptions) {
    super('NOT_FOUND', message, options);
  }
}

/** The client was closed. */
export class ClosedError extends TroupeError {
  override readonly name = 'ClosedError';

  constructor(message: string, options?: TroupeErrorOptions) {
    super('CLOSED', message, options);
  }
}

/** The error of a code, in the class that it has. */
export function troupeError(code: ErrorCode, message: string, options?: TroupeErrorOptions): TroupeError {
  switch (code) {
    case 'OUTCOME_UNKNOWN':
      return new OutcomeUnknownError(message, options);
    case 'UNAVAILABLE':
      return new UnavailableError(message, options);
    case 'TIMEOUT':
      return new TimeoutError(message, options);
    case 'NOT_FOUND':
      return new NotFoundError(message, options);
    case 'CLOSED':
      return new ClosedError(message, options);
    default:
      return new TroupeError(code, message, options);
  }
}
