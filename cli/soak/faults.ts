// The faults of a soak, and which may happen together
// =============================================================================
//
// Damage to a disk, and a sync that fails, are the only faults that cost a replica. There is one such fault a cycle at most, and every replica is in
// sync again before the next, so that an acknowledged write is always on another disk. A power loss costs none: what was acknowledged was synced.

import type { Random } from '../../runtime/std/random.js';
import { diskFaults } from './disk-faults.js';
import type { Fault } from './fault.js';
import { networkFaults } from './network-faults.js';
import { processFaults } from './process-faults.js';

export const faults: readonly Fault[] = [...processFaults, ...networkFaults, ...diskFaults];

/** Up to three faults that may happen together: at most one to a disk, and then nothing that stops or kills another host. */
export function pickFaults(allowed: readonly Fault[], random: Random): readonly Fault[] {
  const count = random.pick([1, 1, 1, 1, 1, 2, 2, 2, 3]);
  const picked: Fault[] = [];
  for (let i = 0; i < count; i++) {
    const fault = random.pick(allowed);
    const kinds = picked.map((one) => one.kind);
    const clashes =
      (fault.kind === 'disk' && (kinds.includes('disk') || kinds.includes('process'))) ||
      (fault.kind === 'process' && kinds.includes('disk')) ||
      picked.includes(fault);
    if (!clashes) picked.push(fault);
  }
  return picked;
}
