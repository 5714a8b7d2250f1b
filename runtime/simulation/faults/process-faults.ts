// Faults of processes and threads
// =============================================================================
//
// Sources: CORRECTNESS §3.2 P1–P11. P8 (a worker without memory) is what P7 is: only the thread ends. P12 as a process that takes turns beside
// its successor cannot be had here, since a directory lock keeps a second process from its journal; what such a process had sent is
// `late-ghost` in way-faults.ts.

import { mainWorker } from '../../contract/address.js';
import type { Random } from '../../std/random.js';
import { seededRandom } from '../../std/random.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { dying, killed } from './kill.js';
import { type Choice, endsByItself, fault, livingHosts, shuffled } from './fault-type.js';

const oneHost = { host: 'host' } as const;

function mortalHost({ random, budget }: Choice): { host: string } | undefined {
  const { mortal } = budget;
  return mortal.length === 0 ? undefined : { host: random.pick(mortal) };
}

function livingHost({ cluster, random }: Choice): { host: string } | undefined {
  const living = livingHosts(cluster);
  return living.length === 0 ? undefined : { host: random.pick(living).name };
}

function runningWorker(
  cluster: SimulatedCluster,
  random: Random,
  numbers: (number: number) => boolean,
): { host: string; worker: number } | undefined {
  const workers = livingHosts(cluster)
    .flatMap((host) => host.workers)
    .filter((worker) => worker.running && numbers(worker.number));
  if (workers.length === 0) return undefined;
  const worker = random.pick(workers);
  return { host: worker.host.name, worker: worker.number };
}

export const processFaults = {
  'host-kill': fault({
    id: 'P1',
    about: 'kill -9 of one process; it is started again',
    shape: oneHost,
    choose: mortalHost,
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

  'rolling-kill': fault({
    id: 'P3',
    about: 'one process after the other is killed and started again',
    shape: { hosts: 'hosts' },
    choose: ({ cluster, random, budget: { mortal } }) =>
      mortal.length === 0
        ? undefined
        : {
            hosts: shuffled(
              cluster.hosts.map((host) => host.name),
              random,
            ),
          },
    apply: (strike, { hosts }) => {
      const { cluster, lastsMs, after, target, effect } = strike;
      const names = hosts.filter((name) => cluster.node(name) !== undefined);
      if (names.length === 0) return undefined;
      const stepMs = lastsMs / names.length;
      // One of the budget for all of it: no two of them are down at a time.
      const release = strike.budget.take(names[0] as string);
      names.forEach((name, i) => {
        after(i * stepMs, () => {
          const host = target(name);
          if (host?.up !== true) return;
          effect();
          host.kill({ powerLost: false });
        });
        after((i + 0.9) * stepMs, () => {
          const host = target(name);
          if (host?.up === false) host.start();
        });
      });
      return () => {
        release();
        for (const name of names) if (!cluster.host(name).up) cluster.host(name).start();
      };
    },
  }),

  'crash-after-sync': fault({
    id: 'P4',
    about: 'a process dies when its next sync has completed and nobody has heard of it',
    shape: { host: 'host', powerLost: 'flag' },
    choose: (choice) => {
      const one = mortalHost(choice);
      return one && { ...one, powerLost: choice.random.chance(0.5) };
    },
    apply: (strike, { host: name, powerLost }) => {
      const host = strike.target(name);
      if (host?.up !== true) return undefined;
      const death = dying(strike, name, (dead) => dead.kill({ powerLost }));
      host.afterSync = death.now;
      return () => {
        if (host.afterSync === death.now) host.afterSync = undefined;
        death.undo();
      };
    },
  }),

  'crash-before-send': fault({
    id: 'P4',
    about: 'a process dies when its next frame is about to leave',
    shape: { host: 'host', powerLost: 'flag' },
    choose: (choice) => {
      const one = mortalHost(choice);
      return one && { ...one, powerLost: choice.random.chance(0.5) };
    },
    apply: (strike, { host: name, powerLost }) => {
      if (strike.target(name)?.up !== true) return undefined;
      const death = dying(strike, name, (dead) => dead.kill({ powerLost }));
      const unmute = strike.cluster.network.muteFromNextSend(name, death.now);
      return () => {
        unmute();
        death.undo();
      };
    },
  }),

  'crash-in-recovery': fault({
    id: 'P5',
    about: 'a process is killed, and again while it reads its journals back, as often as drawn',
    shape: { host: 'host', times: 'number', seed: 'number' },
    choose: (choice) => {
      const one = mortalHost(choice);
      return one && { ...one, times: choice.random.between(1, 5), seed: choice.random.u32() };
    },
    apply: (strike, { host: name, times, seed }) => {
      const { target, after, effect, budget, lastsMs } = strike;
      const host = target(name);
      if (host?.up !== true) return undefined;
      const release = budget.take(name);
      const random = seededRandom(seed);
      let left = times;
      // Reading takes some 10 ms; the second death comes somewhere within, and may come after it.
      const again = (): void => {
        if (target(name) === undefined) return;
        if (!host.up) host.start();
        if (left-- <= 0) return;
        after(random.fraction() * 15, () => {
          if (target(name)?.up !== true) return;
          if (!host.workers.every((worker) => worker.running)) effect();
          host.kill({ powerLost: random.chance(0.5) });
          after(1 + random.fraction() * 5, again);
        });
      };
      host.kill({ powerLost: random.chance(0.5) });
      after(random.fraction() * Math.min(50, lastsMs), again);
      return () => {
        release();
        if (!host.up) host.start();
      };
    },
  }),

  'crash-loop': fault({
    id: 'P6',
    about: 'a process dies again and again, a moment after each start',
    shape: { host: 'host', upMs: 'number' },
    choose: (choice) => {
      const one = mortalHost(choice);
      return one && { ...one, upMs: choice.random.between(5, 300) };
    },
    apply: ({ target, after, effect, budget }, { host: name, upMs }) => {
      const host = target(name);
      if (host?.up !== true || upMs < 1) return undefined;
      const release = budget.take(name);
      const die = (): void => {
        if (target(name)?.up === true) {
          effect();
          host.kill({ powerLost: false });
        }
        after(upMs / 4, () => {
          if (target(name)?.up === false) host.start();
          after(upMs, die);
        });
      };
      die();
      return () => {
        release();
        if (!host.up) host.start();
      };
    },
  }),

  'worker-kill': fault({
    id: 'P7',
    about: 'one thread dies, its process lives',
    shape: { host: 'host', worker: 'number' },
    // Not the main thread: it does not end without its process.
    choose: ({ cluster, random }) => runningWorker(cluster, random, (number) => number !== mainWorker),
    apply: ({ target, effect }, { host, worker }) => {
      const thread = target(host)?.workers.find(({ number }) => number === worker);
      if (thread?.running !== true || worker === mainWorker) return undefined;
      effect();
      thread.die('injected');
      return endsByItself;
    },
  }),

  'host-pause': fault({
    id: 'P10',
    about: 'no thread of a process takes a turn, clocks go on (SIGSTOP)',
    shape: oneHost,
    choose: livingHost,
    apply: ({ target, lastsMs, effect }, { host }) => {
      const paused = target(host);
      if (paused?.up !== true) return undefined;
      effect();
      paused.pause(lastsMs);
      return () => paused.resume();
    },
    frozen: ({ target, lastsMs }, { host }) => target(host)?.pause(lastsMs),
  }),

  'worker-pause': fault({
    id: 'P10',
    about: 'one thread takes no turn, the others of its process go on',
    shape: { host: 'host', worker: 'number' },
    choose: ({ cluster, random }) => runningWorker(cluster, random, () => true),
    apply: ({ cluster, target, lastsMs, effect }, { host, worker }) => {
      const thread = target(host)?.workers.find(({ number }) => number === worker);
      if (thread === undefined) return undefined;
      effect();
      thread.pauseUntil(cluster.nowMs + lastsMs);
      return () => thread.resume();
    },
    frozen: ({ cluster, target, lastsMs }, { host, worker }) =>
      target(host)
        ?.workers.find(({ number }) => number === worker)
        ?.pauseUntil(cluster.nowMs + lastsMs),
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

  'slow-cpu': fault({
    id: 'P11',
    about: "a process's turns take 10 to 50 times as long",
    shape: { host: 'host', factor: 'number' },
    choose: (choice) => {
      const one = livingHost(choice);
      return one && { ...one, factor: choice.random.between(10, 50) };
    },
    apply: ({ target, effect }, { host: name, factor }) => {
      const host = target(name);
      if (host === undefined || factor <= 0) return undefined;
      effect();
      host.cpuSlowness = factor;
      return () => {
        host.cpuSlowness = 1;
      };
    },
  }),
};
