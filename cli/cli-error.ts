// An error that a person at a terminal can act on
// =============================================================================

/** Printed as `troupe: CODE: what happened; what to do next` (INTERFACES §2). */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  /** What to do next. */
  readonly next: string;

  constructor(code: string, message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.next = next;
  }
}

/** Wrong words on the command line. */
export function usage(message: string, next = 'see `troupe help`'): CliError {
  return new CliError('USAGE', message, next);
}
