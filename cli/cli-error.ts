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

/** What `parse` makes more exact, knowing the command. */
export const seeHelp = 'see `troupe help`';

/** Wrong words on the command line. */
export function usage(message: string, next = seeHelp): CliError {
  return new CliError('USAGE', message, next);
}
