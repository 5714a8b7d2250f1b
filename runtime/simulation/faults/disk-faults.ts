// Faults of disks
// =============================================================================

import { killed } from './kill.js';
import { endsByItself, fault } from './fault-type.js';

export const diskFaults = {
  'host-power-loss': fault({
    id: 'K1',
    about: 'a machine goes down: of what was not synced any part is lost or torn',
    shape: { host: 'host' },
    choose: ({ random, budget: { mortal } }) => (mortal.length === 0 ? undefined : { host: random.pick(mortal) }),
    apply: (strike, { host }) => killed(strike, [host], true),
  }),

  'disk-slow': fault({
    id: 'K17',
    about: 'a disk takes 2 to 200 times as long',
    shape: { host: 'host', factor: 'number' },
    choose: ({ cluster, random }) => ({ host: random.pick(cluster.hosts).name, factor: 2 + random.below(200) }),
    apply: ({ cluster, target, effect }, { host, factor }) => {
      if (target(host) === undefined) return undefined;
      effect();
      cluster.journals.slow(host, factor);
      return () => cluster.journals.slow(host, 1);
    },
  }),

  'disk-hang': fault({
    id: 'K18',
    about: 'a disk answers nothing, and then everything',
    shape: { host: 'host' },
    choose: ({ cluster, random }) => ({ host: random.pick(cluster.hosts).name }),
    apply: ({ cluster, target, lastsMs, effect }, { host }) => {
      if (target(host) === undefined) return undefined;
      effect();
      cluster.journals.hang(host, lastsMs);
      return endsByItself;
    },
  }),

  'sync-error': fault({
    id: 'K13',
    about: 'one sync fails, which taints the journal; the host ends by itself and is started again',
    shape: { host: 'host' },
    loses: 'detected',
    choose: ({ random, budget: { lossy } }) => (lossy.length === 0 ? undefined : { host: random.pick(lossy) }),
    apply: ({ cluster, target, budget, effect }, { host }) => {
      const struck = target(host);
      if (struck?.up !== true) return undefined;
      const release = budget.take(host);
      effect();
      cluster.journals.failNextSync(host);
      return () => {
        release();
        if (!struck.up) struck.start();
      };
    },
  }),

  'bit-rot': fault({
    id: 'K8',
    about: 'a bit of a file flips while its process is down',
    shape: { host: 'host', seed: 'number' },
    loses: 'detected',
    choose: ({ random, budget: { lossy } }) =>
      lossy.length === 0 ? undefined : { host: random.pick(lossy), seed: random.u32() },
    apply: (strike, { host, seed }) => {
      const undo = killed(strike, [host], false);
      if (undo !== undefined) strike.cluster.journals.rot(host, seed);
      return undo;
    },
  }),
};
