// What a micro-benchmark is
// =============================================================================
//
// A bench prepares its subject once, shows once that what it measures gives the right answer, and then does a fixed number of operations at
// each call. It calls the production code as the hot path does, at the sizes of PERFORMANCE: keys of 16 bytes, values of 256, batches
// of 1, 64 and 256.
//
// `run` gives a number that depends on every result of the call, and the meter keeps the sum of these: so no compiler may leave work out.

export interface Prepared {
  /** @throws when what `run` measures gives a wrong answer. Called once, before the first round. */
  check(): void | Promise<void>;
  /** Does the bench's `operations`. @returns something that depends on all of their results. */
  run(): number | Promise<number>;
  close?(): void | Promise<void>;
}

export interface MicroBench {
  /** Room first, then what, then how many at once: `frame write, 64 messages`. Unique; what `--filter` looks in. */
  readonly name: string;
  /** How many operations one call of `run` does; figures are of one operation. */
  readonly operations: number;
  /** `disk` waits for a real disk: its figure says as much about that as about us, so it is shown and not judged. */
  readonly kind: 'cpu' | 'disk';
  prepare(): Prepared | Promise<Prepared>;
}

/** What nothing but the processor is needed for. `prepare` is not called before the bench is wanted. */
export function cpuBench(name: string, operations: number, prepare: () => Prepared): MicroBench {
  return { name, operations, kind: 'cpu', prepare };
}
