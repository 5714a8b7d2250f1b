// Faults of processes and threads
// =============================================================================

import { mainWorker } from '../../contract/address.js';
import { killed } from './kill.js';
import { endsByItself, fault, livingHosts } from './fault-type.js';

export const processFaults = {
  'host-kill': fault({
    id: 'P1',
    about: 'kill -9 of one process; it is started again',
    shape: { host: 'host' },
    choose: ({ random, budget: { mortal } }) => (mortal.length === 0 ? undefined : { host: random.pick(mortal) }),
    apply: (strike, { host }) => killed(strike, [host], false),
  }),

  'all-hosts-kill': fault({
    id: 'P2',
    about: 'every process dies at once, by kill -9 or with its machine',
    shape: { hosts: 'hosts', powerLost: 'flag' },
    choose: ({ cluster, random }) => {
      const hosts = livingHosts(cluster).map((host) => host.name);
      return hosts.length === 0 ? undefined : { hosts, powerLost: random.chance(0.5) };
    },
    apply: (strike, { hosts, powerLost }) => killed(strike, hosts, powerLost),
  }),

  'worker-kill': fault({
    id: 'P7',
    about: 'one thread dies, its process lives',
    shape: { host: 'host', worker: 'number' },
    choose: ({ cluster, random }) => {
      // Not the main thread: it does not end without its process.
      const workers = livingHosts(cluster)
        .flatMap((host) => host.workers)
        .filter((worker) => worker.running && worker.number !== mainWorker);
      if (workers.length === 0) return undefined;
      const worker = random.pick(workers);
      return { host: worker.host.name, worker: worker.number };
    },
    apply: ({ target, effect }, { host, worker }) => {
      const thread = target(host)?.workers.find(({ number }) => number === worker);
      if (thread?.running !== true) return undefined;
      effect();
      thread.die('injected');
      return endsByItself;
    },
  }),

  'host-pause': fault({
    id: 'P10',
    about: 'no thread of a process takes a turn, clocks go on (SIGSTOP)',
    shape: { host: 'host' },
    choose: ({ cluster, random }) => {
      const living = livingHosts(cluster);
      return living.length === 0 ? undefined : { host: random.pick(living).name };
    },
    apply: ({ target, lastsMs, effect }, { host }) => {
      const paused = target(host);
      if (paused?.up !== true) return undefined;
      effect();
      paused.pause(lastsMs);
      return () => paused.resume();
    },
  }),

  'worker-pause': fault({
    id: 'P10',
    about: 'one thread takes no turn, the others of its process go on',
    shape: { host: 'host', worker: 'number' },
    choose: ({ cluster, random }) => {
      const workers = livingHosts(cluster).flatMap((host) => host.workers);
      if (workers.length === 0) return undefined;
      const worker = random.pick(workers);
      return { host: worker.host.name, worker: worker.number };
    },
    apply: ({ cluster, target, lastsMs, effect }, { host, worker }) => {
      const thread = target(host)?.workers.find(({ number }) => number === worker);
      if (thread === undefined) return undefined;
      effect();
      thread.pauseUntil(cluster.nowMs + lastsMs);
      return () => thread.resume();
    },
  }),

  stalls: fault({
    id: 'P9',
    about: 'any thread may stall at any look at a clock, also within a turn, as under garbage collection',
    shape: { probability: 'number', meanMs: 'number', seed: 'number' },
    choose: ({ random }) => ({ probability: 0.001, meanMs: 5 + random.below(500), seed: random.u32() }),
    apply: ({ cluster, effect }, { probability, meanMs, seed }) => {
      cluster.stallThreads(probability, meanMs, seed, effect);
      return () => cluster.stallThreads(0, 0);
    },
  }),
};
