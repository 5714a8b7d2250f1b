// The command that runs a seed again
// =============================================================================

import type { ScenarioBounds } from '../../actors/simulated/scenario.js';

/** With every bound that the scenario was drawn in. */
export function commandFor(seed: string, bounds: ScenarioBounds): string {
  const { hosts, faults, safetyMs, planted, journalKind } = bounds;
  const words = ['npx troupe sim', `--seed ${seed}`];
  if (hosts !== undefined) words.push(`--hosts ${hosts}`);
  if (faults !== undefined) words.push(`--faults ${faults.length === 0 ? 'none' : faults.join(',')}`);
  if (safetyMs !== undefined) words.push(`--safety ${safetyMs}ms`);
  if (journalKind !== undefined) words.push(`--journal ${journalKind}`);
  if (planted !== undefined) words.push(`--planted ${planted} --runs-max 1`);
  return words.join(' ');
}
