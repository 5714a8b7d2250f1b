// What the command's exit code says
// =============================================================================
//
// A contract (INTERFACES §2): scripts are written against it.

export const exitCodes = {
  ok: 0,
  failure: 1,
  cannotConnect: 2,
  notAllowed: 3,
  notFound: 4,
  conditionFailed: 5,
  outcomeUnknown: 6,
  unavailable: 7,
  overCapacity: 8,
  usage: 64,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** By the SDK's stable error codes. */
const byErrorCode: Readonly<Record<string, ExitCode>> = {
  CANNOT_CONNECT: exitCodes.cannotConnect,
  FORBIDDEN: exitCodes.notAllowed,
  UNAUTHENTICATED: exitCodes.notAllowed,
  NOT_FOUND: exitCodes.notFound,
  CONDITION_FAILED: exitCodes.conditionFailed,
  OUTCOME_UNKNOWN: exitCodes.outcomeUnknown,
  TIMEOUT: exitCodes.outcomeUnknown,
  UNAVAILABLE: exitCodes.unavailable,
  NOT_LEADER: exitCodes.unavailable,
  CAPACITY: exitCodes.overCapacity,
  THROTTLED: exitCodes.overCapacity,
  USAGE: exitCodes.usage,
  INVALID_ARGUMENT: exitCodes.usage,
  CURSOR_INVALID: exitCodes.usage,
  INTERRUPTED: exitCodes.interrupted,
};

export function exitCodeOf(errorCode: string): ExitCode {
  return byErrorCode[errorCode] ?? exitCodes.failure;
}
