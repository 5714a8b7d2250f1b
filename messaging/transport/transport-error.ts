// What can be wrong with a transport, told to people
// =============================================================================

/**
 * `CANNOT_CONNECT` no server answered, or none let us in: `message` says what to do · `INVALID_OPTION` the caller's mistake ·
 * `CLOSED` it was closed meanwhile · `ABORTED` the caller's signal fired.
 */
export type TransportErrorCode = 'CANNOT_CONNECT' | 'INVALID_OPTION' | 'CLOSED' | 'ABORTED';

/** Messages may change, codes do not. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
