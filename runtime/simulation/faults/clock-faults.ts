// Faults of clocks
// =============================================================================

import { endsByItself, fault, livingHosts } from './fault-type.js';

export const clockFaults = {
  'clock-drift': fault({
    id: 'C1',
    about: 'a monotonic clock runs at another rate, within the bound that leases are made for',
    shape: { host: 'host', rate: 'number' },
    choose: ({ cluster, random, budget: { driftMax } }) => ({
      host: random.pick(cluster.hosts).name,
      rate: 1 + driftMax * (2 * random.fraction() - 1),
    }),
    apply: ({ target, effect }, { host, rate }) => {
      const drifting = target(host);
      if (drifting === undefined || rate <= 0) return undefined;
      effect();
      drifting.clock.setRate(rate);
      return endsByItself;
    },
  }),

  'wall-jump': fault({
    id: 'C3',
    about: 'a wall clock jumps, by half a second to some years, forth or back',
    shape: { host: 'host', byMs: 'number' },
    choose: ({ cluster, random }) => ({
      host: random.pick(cluster.hosts).name,
      byMs: Math.round((random.fraction() - 0.5) * random.pick([1000, 60_000, 3e11])),
    }),
    apply: ({ target, effect }, { host, byMs }) => {
      const jumping = target(host);
      if (jumping === undefined) return undefined;
      effect();
      jumping.clock.jumpWall(byMs);
      return endsByItself;
    },
  }),

  suspend: fault({
    id: 'C5',
    about: 'a machine sleeps: nothing of it runs, and its monotonic clock stands still',
    shape: { host: 'host' },
    needs: ['confirm'],
    choose: ({ cluster, random }) => {
      const living = livingHosts(cluster);
      return living.length === 0 ? undefined : { host: random.pick(living).name };
    },
    apply: ({ target, lastsMs, effect }, { host }) => {
      const sleeping = target(host);
      if (sleeping?.up !== true) return undefined;
      effect();
      sleeping.suspend(lastsMs);
      return endsByItself;
    },
  }),
};
