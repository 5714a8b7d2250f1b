// Errors that mean "no space left", which is a state to wait in and no failure of the disk (D14)
// =============================================================================

import type { DiskError } from '../contract/disk.js';

export function isOutOfSpace(error: DiskError): boolean {
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}
