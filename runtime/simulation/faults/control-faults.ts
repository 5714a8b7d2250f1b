// Faults of whoever leads: found by role, not by name
// =============================================================================
//
// The simulator knows no role. Whoever builds a cluster may say who plays which (`ClusterRoles`); without that these kinds never happen.
//
// Sources: CORRECTNESS §3.2 Q1, Q2, Q4.

import { killed } from './kill.js';
import { fault, shuffled } from './fault-type.js';

/** Messages held back at one time. */
const heldCountMax = 1000;

export const controlFaults = {
  'controller-kill': fault({
    id: 'Q1',
    about: 'the host dies whose member leads the control plane',
    shape: { host: 'host' },
    needs: ['roles'],
    choose: ({ cluster, budget: { mortal } }) => {
      const host = cluster.roles?.leader();
      return host === undefined || !mortal.includes(host) ? undefined : { host };
    },
    apply: (strike, { host }) => killed(strike, [host], false),
  }),

  'members-kill': fault({
    id: 'Q2',
    about: 'a majority of the members of the control plane die at once, and all come back',
    shape: { hosts: 'hosts' },
    needs: ['roles'],
    choose: ({ cluster, random }) => {
      const members = (cluster.roles?.members() ?? []).filter((name) => cluster.node(name)?.up === true);
      const majority = Math.floor((cluster.roles?.members().length ?? 0) / 2) + 1;
      return members.length < majority ? undefined : { hosts: shuffled(members, random).slice(0, majority) };
    },
    apply: (strike, { hosts }) => killed(strike, hosts, false),
  }),

  'control-late': fault({
    id: 'Q4',
    about: 'what one actor of the control plane tells one host arrives only when the episode is over',
    shape: { host: 'host', actor: 'text' },
    needs: ['roles'],
    choose: ({ cluster, random }) => {
      const actor = cluster.roles?.actor;
      return actor === undefined ? undefined : { host: random.pick(cluster.hosts).name, actor };
    },
    apply: ({ cluster, lastsMs, effect }, { host, actor }) => {
      if (cluster.node(host) === undefined) return undefined;
      const untilMs = cluster.nowMs + lastsMs;
      let held = 0;
      return cluster.network.filter(({ from, to }) => {
        if (to.host !== host || from.host === host || from.actor !== actor || to.actor === actor) return 'pass';
        const leftMs = untilMs - cluster.nowMs;
        if (leftMs <= 0 || held >= heldCountMax) return 'pass';
        held++;
        effect();
        return leftMs;
      });
    },
  }),
};
