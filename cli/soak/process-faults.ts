// Faults of processes
// =============================================================================
//
// A killed process is started again by its supervisor. A power loss is kill -9 of a host whose disk keeps un-synced writes in that process.

import { type Fault, type FaultSite, lasting, seconds } from './fault.js';

export async function freeze({ mesh, random, pause }: FaultSite, name: string): Promise<string> {
  const ms = lasting(random);
  mesh.freeze(name);
  await pause(ms);
  mesh.thaw(name);
  return `${name} for ${seconds(ms)}`;
}

/** A little load on disks that forget, and are slow often, so that there is something to be forgotten. */
async function forget({ mesh, random, pause }: FaultSite, hosts: readonly string[]): Promise<void> {
  const slowMs = random.pick([0, 50, 300]);
  for (const host of hosts) {
    mesh.setDisk(host, 'lossy');
    if (slowMs > 0) mesh.setDisk(host, 'slow', String(slowMs));
  }
  await pause(slowMs * 2 + random.between(50, 1000));
}

/** kill -9 on disks that forgot; what comes back is not slow any more. */
function cutPower({ mesh }: FaultSite, hosts: readonly string[]): void {
  for (const host of hosts) mesh.kill(host);
  for (const host of hosts) mesh.clearDisk(host, 'slow');
}

export const processFaults: readonly Fault[] = [
  {
    name: 'kill-one',
    kind: 'process',
    run: async ({ mesh, random }) => {
      const host = random.pick(mesh.hosts);
      mesh.kill(host);
      return host;
    },
  },
  {
    name: 'kill-all',
    kind: 'process',
    run: async ({ mesh }) => {
      for (const host of mesh.hosts) mesh.kill(host);
      return 'every host at once';
    },
  },
  {
    name: 'kill-rolling',
    kind: 'process',
    run: async ({ mesh, random, pause }) => {
      for (const host of mesh.hosts) {
        mesh.kill(host);
        await pause(random.between(50, 1500));
      }
      return 'one host after the other';
    },
  },
  {
    name: 'kill-again',
    kind: 'process',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const times = random.between(2, 4);
      for (let i = 0; i < times; i++) {
        mesh.kill(host);
        await pause(random.between(200, 1500)); // while it recovers, while it catches up
      }
      return `${host} ${times} times`;
    },
  },
  {
    // What only one host has must not have been acknowledged.
    name: 'kill-ahead',
    kind: 'process',
    run: async ({ mesh, random, pause }) => {
      const ahead = random.pick(mesh.hosts);
      const others = mesh.hosts.filter((host) => host !== ahead);
      for (const host of others) mesh.proxy(host).setMode('host', 'lose');
      await pause(random.between(50, 1000));
      mesh.kill(ahead);
      for (const host of others) mesh.proxy(host).heal();
      return `${ahead}, when the others had heard nothing for a moment`;
    },
  },
  { name: 'pause-one', kind: 'process', run: async (site) => freeze(site, site.random.pick(site.mesh.hosts)) },
  {
    name: 'pause-all',
    kind: 'process',
    run: async (site) => {
      await Promise.all(site.mesh.hosts.map((host) => freeze(site, host)));
      return 'every host, each for its own time';
    },
  },
  {
    // What its disk had not synced is gone.
    name: 'power-loss-one',
    kind: 'process',
    run: async (site) => {
      const host = site.random.pick(site.mesh.hosts);
      await forget(site, [host]);
      cutPower(site, [host]);
      return host;
    },
  },
  {
    name: 'power-loss-all',
    kind: 'process',
    run: async (site) => {
      await forget(site, site.mesh.hosts);
      cutPower(site, site.mesh.hosts);
      return 'every host at once';
    },
  },
  {
    name: 'power-loss-again',
    kind: 'process',
    run: async (site) => {
      const { mesh, random, pause } = site;
      const hosts = random.pick([mesh.hosts, [random.pick(mesh.hosts)]]);
      const times = random.between(2, 4);
      for (let i = 0; i < times; i++) {
        await forget(site, hosts); // while it recovers, while it catches up
        cutPower(site, hosts);
        await pause(random.below(500));
      }
      return `${hosts.length === 1 ? hosts[0] : 'every host'} ${times} times`;
    },
  },
  {
    name: 'thread-death',
    kind: 'process',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const times = random.between(1, 3);
      for (let i = 0; i < times; i++) {
        mesh.setDisk(host, 'end-thread');
        await pause(random.between(100, 1500));
      }
      return `${host} ${times} times`;
    },
  },
  {
    name: 'restart-one',
    kind: 'process',
    run: async ({ mesh, random }) => {
      const host = random.pick(mesh.hosts);
      mesh.kill(host, 'SIGTERM');
      return host;
    },
  },
];
