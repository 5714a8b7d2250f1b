// Where a real host's randomness begins
// =============================================================================

import { randomBytes } from 'node:crypto';

import { type Random, seededRandom } from '../std/random.js';

/** A root that no other process or thread has. Not for secrets: what is derived from it can be predicted. */
export function processRandom(): Random {
  return seededRandom(randomBytes(16).toString('hex'));
}
