// Taking processes down for the length of an episode
// =============================================================================

import type { SimulatedHost } from '../simulated-host.js';
import type { Strike, Undo } from './fault-type.js';

/**
 * Kills those of the hosts that run; they are started when the episode ends. Until then they count as down (A1).
 * @returns undefined when none of them runs.
 */
export function killed(strike: Strike, names: readonly string[], powerLost: boolean): Undo | undefined {
  const hosts = names.flatMap((name) => strike.target(name) ?? []).filter((host) => host.up);
  if (hosts.length === 0) return undefined;
  const releases = hosts.map((host) => strike.budget.take(host.name));
  for (const host of hosts) {
    strike.effect();
    host.kill({ powerLost });
  }
  return () => {
    for (const release of releases) release();
    for (const host of hosts) if (!host.up) host.start();
  };
}

/** A death that is only prepared: `now` is to be called when its moment has come, in the middle of whatever. The host counts as down (A1). */
export function dying(
  { cluster, target, budget, effect }: Strike,
  name: string,
  kill: (host: SimulatedHost) => void,
): { readonly now: () => void; readonly undo: Undo } {
  const release = budget.take(name);
  let over = false;
  let called = false;
  return {
    now: () => {
      if (called || over) return;
      called = true;
      // Not within the turn or the completion that got here: that goes on, unheard, until the event is over.
      cluster.scheduler.callFirst(cluster.nowMs, () => {
        const host = target(name);
        if (over || host?.up !== true) return;
        effect();
        kill(host);
      });
    },
    undo: () => {
      over = true;
      release();
      const host = cluster.node(name);
      if (host?.up === false) host.start();
    },
  };
}
