// Faults of clocks
// =============================================================================
//
// Sources: CORRECTNESS §2.0, §3.2 C1–C7, L3.

import { endsByItself, fault, livingHosts } from './fault-type.js';

/** Clock rates that no lease is made for: many times the bound, as of a virtual machine that is starved. */
const wildDriftMax = 0.2;

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

  'clock-drift-wild': fault({
    id: 'C2',
    about: 'a monotonic clock runs up to a fifth too fast or too slow: beyond what leases are made for',
    shape: { host: 'host', rate: 'number' },
    needs: ['confirm'],
    choose: ({ cluster, random }) => ({
      host: random.pick(cluster.hosts).name,
      rate: 1 + wildDriftMax * (2 * random.fraction() - 1),
    }),
    apply: ({ target, effect }, { host, rate }) => {
      const drifting = target(host);
      if (drifting === undefined || rate <= 0) return undefined;
      effect();
      drifting.clock.setRate(rate);
      return () => drifting.clock.setRate(1);
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

  'wall-strobe': fault({
    id: 'C4',
    about: 'a wall clock jumps forth and back many times a second',
    shape: { host: 'host', byMs: 'number', everyMs: 'number' },
    choose: ({ cluster, random }) => ({
      host: random.pick(cluster.hosts).name,
      byMs: random.pick([50, 1000, 60_000]),
      everyMs: random.between(10, 200),
    }),
    apply: ({ target, effect, after }, { host, byMs, everyMs }) => {
      const strobing = target(host);
      if (strobing === undefined || everyMs < 1) return undefined;
      let away = false;
      const jump = (): void => {
        effect();
        away = !away;
        strobing.clock.jumpWall(away ? byMs : -byMs);
        after(everyMs, jump);
      };
      jump();
      return () => {
        if (away) strobing.clock.jumpWall(-byMs);
      };
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
    // Its clock goes on before it would be woken; nothing of it ever looks.
    frozen: ({ target, lastsMs }, { host }) => target(host)?.pause(lastsMs),
  }),

  'wall-skew': fault({
    id: 'C6',
    about: 'a wall clock is wrong by up to an hour for as long as it lasts',
    shape: { host: 'host', byMs: 'number' },
    choose: ({ cluster, random }) => ({
      host: random.pick(cluster.hosts).name,
      byMs: Math.round((random.fraction() - 0.5) * random.pick([200, 5000, 7_200_000])),
    }),
    apply: ({ target, effect }, { host, byMs }) => {
      const skewed = target(host);
      if (skewed === undefined) return undefined;
      effect();
      skewed.clock.jumpWall(byMs);
      return () => skewed.clock.jumpWall(-byMs);
    },
  }),

  'wall-step-back': fault({
    id: 'C7',
    about: 'a wall clock is set back by up to a second, as by NTP or a leap second',
    shape: { host: 'host', byMs: 'number' },
    choose: ({ cluster, random }) => ({ host: random.pick(cluster.hosts).name, byMs: random.between(1, 1000) }),
    apply: ({ target, effect }, { host, byMs }) => {
      const stepping = target(host);
      if (stepping === undefined) return undefined;
      effect();
      stepping.clock.jumpWall(-byMs);
      return endsByItself;
    },
  }),
};
