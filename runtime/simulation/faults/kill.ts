// Taking processes down for the length of an episode
// =============================================================================

import type { Strike, Undo } from './fault-type.js';

/**
 * Kills those of the hosts that run; they are started when the episode ends. Until then they count as down (A1).
 * @returns undefined when none of them runs.
 */
export function killed(strike: Strike, names: readonly string[], powerLost: boolean): Undo | undefined {
  const hosts = names.map((name) => strike.target(name)).filter((host) => host?.up === true);
  if (hosts.length === 0) return undefined;
  const releases = hosts.map((host) => strike.budget.take(host?.name ?? ''));
  for (const host of hosts) {
    strike.effect();
    host?.kill({ powerLost });
  }
  return () => {
    for (const release of releases) release();
    for (const host of hosts) if (host?.up === false) host.start();
  };
}
