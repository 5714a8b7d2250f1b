// The codes of everything that can go wrong, for ever
// =============================================================================
//
// The same codes are in the SDK's errors, in REST problem documents and in CLI lines. Messages may change, codes may not.

export const errorCodes = [
  'NOT_LEADER',
  'CONDITION_FAILED',
  'OUTCOME_UNKNOWN',
  'UNAVAILABLE',
  'TIMEOUT',
  'CAPACITY',
  'THROTTLED',
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'TOO_LARGE',
  'FORBIDDEN',
  'UNAUTHENTICATED',
  'SCHEMA_VIOLATION',
  'CURSOR_INVALID',
  'CLOSED',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export function isErrorCode(code: string): code is ErrorCode {
  return (errorCodes as readonly string[]).includes(code);
}
