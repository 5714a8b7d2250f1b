// What the pool's threads can do
// =============================================================================
//
// Piscina calls the export named by the task. Stateless; results are moved, not copied.

import { move } from 'piscina';
import { compressSync } from 'snappy';

/** Snappy's raw format, in a buffer of its own. */
export function compress(bytes: Uint8Array): Uint8Array {
  const packed = compressSync(bytes);
  return move(packed) as unknown as Uint8Array;
}
