// All types of faults that the simulator knows
// =============================================================================
//
// Sources: CORRECTNESS §3.2, whose numbers the ids are.

import { brokerFaults } from './broker-faults.js';
import { clockFaults } from './clock-faults.js';
import { controlFaults } from './control-faults.js';
import { diskFaults } from './disk-faults.js';
import type { FaultType } from './fault-type.js';
import { type NetworkCounts, type NetworkOptions, quietNetwork } from '../simulated-network.js';
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

/** Faults of the network that are in force all the time, with a probability or a size (`FaultPlan.network`), and what counts them. */
export const networkKnobs = {
  delay: { id: 'N1', about: 'frames take longer than a quiet network ever does', counter: 'delayed' },
  loss: { id: 'N2', about: 'frames are lost', counter: 'dropped' },
  duplicate: { id: 'N3', about: 'frames come twice, the second up to seconds later', counter: 'duplicated' },
  reorder: { id: 'N4', about: 'frames come after later ones', counter: 'reordered' },
  'reconnect-buffer': {
    id: 'A6',
    about: 'what is sent while NATS is away waits at its sender and comes late',
    counter: 'reconnected',
  },
} as const satisfies Record<string, { id: string; about: string; counter: keyof NetworkCounts }>;

export type NetworkKnob = keyof typeof networkKnobs;

/** Whatever has a counter in a verdict. */
export type CountedFault = FaultKind | NetworkKnob;

export const countedFaults = [...Object.keys(networkKnobs), ...faultKinds] as readonly CountedFault[];

/** Which knobs are turned. */
export function turnedKnobs(options: Partial<NetworkOptions>): NetworkKnob[] {
  const { delayMeanMs = 0, delayMaxMs = 0, lossProbability = 0, duplicateProbability = 0 } = options;
  const { reorderProbability = 0, reconnectBufferProbability = 0 } = options;
  const turned: Readonly<Record<NetworkKnob, boolean>> = {
    delay: delayMeanMs > quietNetwork.delayMeanMs && delayMaxMs > quietNetwork.delayMaxMs,
    loss: lossProbability > 0,
    duplicate: duplicateProbability > 0,
    reorder: reorderProbability > 0,
    'reconnect-buffer': reconnectBufferProbability > 0,
  };
  return (Object.keys(turned) as NetworkKnob[]).filter((knob) => turned[knob]);
}
