// All types of faults that the simulator knows
// =============================================================================
//
// Sources: CORRECTNESS §3.2, whose numbers the ids are.

import { brokerFaults } from './broker-faults.js';
import { clockFaults } from './clock-faults.js';
import { controlFaults } from './control-faults.js';
import { diskFaults } from './disk-faults.js';
import type { FaultType } from './fault-type.js';
import { networkFaults } from './network-faults.js';
import { processFaults } from './process-faults.js';
import { wayFaults } from './way-faults.js';

const types = {
  ...networkFaults,
  ...wayFaults,
  ...brokerFaults,
  ...processFaults,
  ...clockFaults,
  ...diskFaults,
  ...controlFaults,
};

/** What is injected in episodes. */
export type FaultKind = keyof typeof types;

/** By kind, in the order of the catalogue. */
export const faultTypes: Readonly<Record<FaultKind, FaultType>> = types;

export const faultKinds = Object.keys(types) as readonly FaultKind[];

export function isFaultKind(word: string): word is FaultKind {
  return Object.hasOwn(types, word);
}
