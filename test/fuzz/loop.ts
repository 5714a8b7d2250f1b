// Mutates inputs towards code that no input has reached yet
// =============================================================================
//
// Inputs are tried in batches; coverage is taken once a batch. When a batch ran code that none had run, it is run again half by half, and those that bring something new join the corpus. Everything is drawn from one seed: the same seed, corpus and code do the same.

import type { Random } from '../../runtime/std/random.js';
import type { Coverage } from './coverage.js';
import { corpusInputBytesMax } from './corpus.js';
import { mutate } from './mutation.js';
import { checkPrototypes, type Target } from './target.js';

/** Runs the target and checks what no target checks for itself. @throws when a rule is broken. */
export function tryInput(target: Target, input: Uint8Array): boolean {
  const isAccepted = target.run(new Uint8Array(input)); // never a Buffer, whose slices are Buffers
  checkPrototypes();
  return isAccepted;
}

/** An input made from the pool. */
export function nextInput(target: Target, pool: readonly Uint8Array[], random: Random): Uint8Array {
  const input = mutate(random, random.pick(pool), random.pick(pool), target.words);
  return target.repair !== undefined && random.chance(0.7) ? new Uint8Array(target.repair(input)) : input;
}

export interface Progress {
  readonly inputs: number;
  readonly accepted: number;
  /** Of code that ran. */
  readonly characters: number;
  readonly poolSize: number;
}

export interface Broken {
  readonly input: Uint8Array;
  readonly error: unknown;
}

const batchSize = 512;

/**
 * @param pool what is known; what brings something new is added to it and told to `found`
 * @param goOn asked after each batch
 * @returns the first input that broke a rule, if any did
 */
export function fuzz(
  target: Target,
  pool: Uint8Array[],
  random: Random,
  coverage: Coverage,
  found: (input: Uint8Array) => void,
  goOn: (progress: Progress) => boolean,
): Broken | undefined {
  let inputs = 0;
  let accepted = 0;
  const broken: Broken[] = [];
  const run = (input: Uint8Array): void => {
    inputs++;
    try {
      if (tryInput(target, input)) accepted++;
    } catch (error) {
      if (broken.length === 0) broken.push({ input, error });
    }
  };
  /** Finds those that brought something new, half by half. What one of them brings is no news of another's. */
  const sift = (batch: readonly Uint8Array[]): void => {
    for (const input of batch) run(input);
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      if (coverage.take(true) === 0 || only.length > corpusInputBytesMax) return;
      pool.push(only);
      found(only);
    } else if (coverage.take(false) > 0) {
      sift(batch.slice(0, batch.length >> 1));
      sift(batch.slice(batch.length >> 1));
    }
  };
  for (const input of pool) run(input);
  coverage.take(true);
  while (broken.length === 0) {
    const batch = Array.from({ length: batchSize }, () => nextInput(target, pool, random));
    for (const input of batch) run(input);
    if (broken.length === 0 && coverage.take(false) > 0) sift(batch);
    if (!goOn({ inputs, accepted, characters: coverage.characterCount, poolSize: pool.length })) break;
  }
  return broken[0];
}
