// Seeded randomness: xoshiro128++ with split streams
// =============================================================================
//
// One seed gives one sequence, on every machine. `split` derives an independent stream by name, so that taking one
// consumer away (one fault, one workload) does not shift the numbers of all others: that is what makes a failing
// run minimizable.
//
// Sources: Blackman and Vigna, "Scrambled linear pseudorandom number generators", xoshiro128++ 1.0; splitmix32 and
// FNV-1a for seeding.

import { assert } from './assert.js';

export interface Random {
  /** A whole number in [0, 2^32). */
  u32(): number;
  /** A whole number in [0, bound). REQUIRES 0 < bound ≤ 2^32. */
  below(bound: number): number;
  /** A whole number in [min, max], both included. */
  between(min: number, max: number): number;
  /** A fraction in [0, 1). */
  fraction(): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the elements. REQUIRES a non-empty list. */
  pick<T>(list: readonly T[]): T;
  /** An independent stream. The same name of the same parent always gives the same stream. */
  split(name: string): Random;
}

function fnv1a(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash;
}

/** @param seed any text or number; equal seeds give equal sequences. */
export function seededRandom(seed: string | number): Random {
  return new Xoshiro128(String(seed));
}

class Xoshiro128 implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(path: string) {
    this.#path = path;
    let mix = fnv1a(path, 0);
    const splitmix = (): number => {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = mix;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad) >>> 0;
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97) >>> 0;
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = splitmix();
    this.#b = (splitmix() ^ fnv1a(path, 0x5bd1e995)) >>> 0;
    this.#c = splitmix();
    this.#d = splitmix() | 1; // never all zero
  }

  u32(): number {
    const sum = (this.#a + this.#d) >>> 0;
    const result = (((sum << 7) | (sum >>> 25)) + this.#a) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  below(bound: number): number {
    assert(bound > 0 && bound <= 0x1_0000_0000, 'below takes a bound in (0, 2^32]');
    return Math.floor((this.u32() / 0x1_0000_0000) * bound);
  }

  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  fraction(): number {
    return this.u32() / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly T[]): T {
    assert(list.length > 0, 'pick takes a non-empty list');
    return list[this.below(list.length)] as T;
  }

  split(name: string): Random {
    return new Xoshiro128(`${this.#path}/${name}`);
  }
}
