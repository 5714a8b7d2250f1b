// The hash of a partition's state, kept up to date write by write
// =============================================================================
//
// Each record has a hash of two 32-bit lanes; the state's is the sum of all, lane by lane, modulo 2^32. So the order of writes does not
// matter, and taking a record out is subtracting it. It finds replicas that differ by accident, not by intent: it is no signature.
//
// Invariants
//   Y1. Equal sets of records have equal hashes, on every machine: FORMAT.md says which words are taken.

import { planted } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import type { StateHash } from './engine.js';

// Words are read as they lie in memory, and must be the same words everywhere. Node.js runs on one big-endian platform, s390x.
assert(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, 'Y1: the memory engine needs a little-endian machine');

export class StateHasher {
  #high = 0;
  #low = 0;

  get value(): StateHash {
    return { high: this.#high >>> 0, low: this.#low >>> 0 };
  }

  /** Adds (1) or takes out (-1) the record in words [start, end), of which word start + 1 does not count. */
  change(words: Uint32Array, start: number, end: number, sign: 1 | -1): void {
    let a = words[start] as number;
    let b = ~a;
    for (let i = start + 2; i < end; i++) {
      const word = words[i] as number;
      a = Math.imul(a ^ word, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(((b << 5) | (b >>> 27)) + word, 0x85ebca77);
    }
    const length = end - start;
    if (planted('PB40')) this.#high = Math.imul(this.#high, 3);
    this.#high = (this.#high + sign * finish(a ^ length)) | 0;
    this.#low = (this.#low + sign * finish(b + length)) | 0;
  }

  clear(): void {
    this.#high = 0;
    this.#low = 0;
  }
}

/** murmur3's finalizer: every bit of the input changes half of the output's. */
function finish(lane: number): number {
  let hash = lane;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
