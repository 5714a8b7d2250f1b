// A bug planted in a real host, by environment variable
// =============================================================================
//
// For tests of the tests: `TROUPE_PLANTED_BUG=PB09` puts a known bug back into every thread of a host, and `troupe load --verify` and
// `troupe soak` must then say no. Worker threads inherit the variable with the environment.
//
// Invariants
//   G4. Without the variable nothing is installed. With it the host says so loudly, or refuses to start when it knows no such bug.
//
// Sources: CORRECTNESS §3.7, §3.11.

import { type PlantedBug, plantedBugs } from '../probes/planted-bugs.js';
import { installProbes } from '../probes/probes.js';
import { HostError, hostExitCodes } from './exit-codes.js';

export const plantedBugVariable = 'TROUPE_PLANTED_BUG';

/** The bug that the environment asks for. @throws HostError `refused` when there is none of that name (G4). */
export function plantedBugOf(environment: NodeJS.ProcessEnv = process.env): PlantedBug | undefined {
  const wanted = environment[plantedBugVariable];
  if (wanted === undefined || wanted === '') return undefined;
  if (Object.hasOwn(plantedBugs, wanted)) return wanted as PlantedBug;
  throw new HostError(
    hostExitCodes.refused,
    `${plantedBugVariable}=${wanted}: no such bug; it is for tests only and knows ${Object.keys(plantedBugs).join(' ')}`,
  );
}

/** Plants the environment's bug in this thread, for its life. @returns it @throws HostError as above */
export function plantBugOfEnvironment(): PlantedBug | undefined {
  const planted = plantedBugOf();
  if (planted !== undefined) installProbes({ buggify: () => false, sometimes: () => undefined, planted });
  return planted;
}
