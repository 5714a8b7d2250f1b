// Sixteen bytes that look random, another for each number
// =============================================================================
//
// Written where the caller says, without allocating: a benchmark shall not measure its own garbage.

export const keyBytesOf = 16;

/** REQUIRES `into` of 16 bytes, 0 ≤ i < 2^32. The first word is a bijection of i, so no two keys are equal. */
export function writeItemKey(into: Uint8Array, i: number): void {
  let word = mixed(i);
  for (let at = 0; at < keyBytesOf; at += 4) {
    into[at] = word;
    into[at + 1] = word >>> 8;
    into[at + 2] = word >>> 16;
    into[at + 3] = word >>> 24;
    word = mixed(word ^ 0x9e3779b9);
  }
}

/** The finalizer of MurmurHash3, which maps 32 bits onto 32 bits. */
function mixed(i: number): number {
  let word = i >>> 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
