// Assertions: the first kind of wrong
// =============================================================================
//
// A broken invariant is a programmer's error. It throws here, the actor that threw
// crashes, and supervision restarts it from disk. Assertions stay on in production.

/** Thrown when an invariant does not hold. Never caught by protocol code; only supervision sees it. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** @throws AssertionError when `condition` is false. `message` begins with the rule or invariant it upholds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a branch that the types say cannot be reached; a new union arm then fails to compile here. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new AssertionError(`${message}: ${JSON.stringify(value)}`);
}

/** The value, or a crash: for what an invariant says is there. */
export function present<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

/** Asserts that a number can be an offset, index, epoch or LSN: a non-negative safe integer. */
export function assertCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new AssertionError(`${name} is no safe count: ${value}`);
}
