// SHA-256 of the real world, for snapshots
// =============================================================================

import { createHash } from 'node:crypto';
import type { Sha256 } from './snapshot-format.js';

export function nativeSha256(): Sha256 {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}
