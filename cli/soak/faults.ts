// The faults of a soak
// =============================================================================
//
// Each begins, lasts and is over when it returns; what it changed for good (a killed process, a damaged file) the mesh must mend by itself.
//
// Damage to a disk, and a sync that fails, are the only faults that cost a replica. There is one such fault a cycle at most, and every replica is in
// sync again before the next, so that an acknowledged write is always on another disk. A power loss costs none: what was acknowledged was synced.

import type { Random } from '../../runtime/std/random.js';
import { flipBits, truncateFile, wipe } from './damage.js';
import type { FlowMode, Towards } from './nats-proxy.js';
import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import type { DiskFaultName } from '../../runtime/storage/fault-folder.js';
import { natsServer, type SoakMesh } from './soak-mesh.js';

export interface FaultSite {
  readonly mesh: SoakMesh;
  readonly random: Random;
  /** Ends early, without a word, when the soak is interrupted. */
  readonly pause: (ms: number) => Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly kind: 'process' | 'nats' | 'network' | 'storage' | 'disk';
  /** @returns what was done to whom, a few words */
  readonly run: (site: FaultSite) => Promise<string>;
}

const lookMs = 20;
/** A host that is idle syncs for the metadata group alone. */
const syncDeadlineMs = 20_000;

/** 0.1–10 s, short ones more often; a lease is over after some of them. */
function lasting(random: Random): number {
  return Math.round(100 * 100 ** random.fraction());
}

function random10To1000(random: Random): number {
  return Math.round(10 * 100 ** random.fraction());
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function freeze({ mesh, random, pause }: FaultSite, name: string): Promise<string> {
  const ms = lasting(random);
  mesh.freeze(name);
  await pause(ms);
  mesh.thaw(name);
  return `${name} for ${seconds(ms)}`;
}

async function flow({ mesh, random, pause }: FaultSite, mode: FlowMode, ways: readonly Towards[]): Promise<string> {
  const host = random.pick(mesh.hosts);
  const ms = lasting(random);
  for (const way of ways) mesh.proxy(host).setMode(way, mode);
  await pause(ms);
  mesh.proxy(host).heal();
  return `${host} for ${seconds(ms)}`;
}

async function damage(
  { mesh, random, pause }: FaultSite,
  how: (directory: string, random: Random) => string,
): Promise<string> {
  const host = random.pick(mesh.hosts);
  await mesh.fell(host);
  await pause(random.below(1500)); // with some luck it is out of the in-sync sets when it comes back
  const done = how(mesh.directory(host), random);
  mesh.raise(host);
  return `${host}: ${done}`;
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

/** Makes one sync of a host fail, and waits until the host has ended of it. @throws Error when it does not, or says something else */
async function failSync(mesh: SoakMesh, host: string): Promise<void> {
  const before = mesh.pidOf(host);
  mesh.setDisk(host, 'fail-sync');
  const deadline = Date.now() + syncDeadlineMs;
  while (mesh.hasDisk(host, 'fail-sync') || mesh.pidOf(host) === before) {
    if (Date.now() > deadline) throw new Error(`a sync of ${host} failed, and the host does not end`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  const end = mesh.words.endOf(host);
  if (end?.exitCode !== hostExitCodes.storageFailed)
    throw new Error(`a sync of ${host} failed, and it ended otherwise: ${end?.reason ?? 'without a word'}`);
}

async function lastingOnDisk(
  { mesh, random, pause }: FaultSite,
  hosts: readonly string[],
  fault: DiskFaultName,
  text = '',
  ms = lasting(random),
): Promise<string> {
  for (const host of hosts) mesh.setDisk(host, fault, text);
  await pause(ms);
  for (const host of hosts) mesh.clearDisk(host, fault);
  return `${hosts.length === 1 ? hosts[0] : 'every host'} for ${seconds(ms)}`;
}

export const faults: readonly Fault[] = [
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
  {
    name: 'nats-kill',
    kind: 'nats',
    run: async ({ mesh }) => {
      mesh.kill(natsServer);
      return '';
    },
  },
  { name: 'nats-pause', kind: 'nats', run: async (site) => freeze(site, natsServer) },
  {
    name: 'nats-restart',
    kind: 'nats',
    run: async ({ mesh }) => {
      mesh.kill(natsServer, 'SIGTERM');
      return '';
    },
  },
  {
    name: 'cut',
    kind: 'network',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const ms = lasting(random);
      mesh.proxy(host).cut();
      await pause(ms);
      mesh.proxy(host).heal();
      return `${host} for ${seconds(ms)}`;
    },
  },
  {
    name: 'delay',
    kind: 'network',
    run: async ({ mesh, random, pause }) => {
      const host = random.pick(mesh.hosts);
      const [delayMs, ms] = [random.between(5, 300), lasting(random)];
      mesh.proxy(host).setDelay(delayMs);
      await pause(ms);
      mesh.proxy(host).heal();
      return `${host} by ${delayMs} ms for ${seconds(ms)}`;
    },
  },
  { name: 'stall', kind: 'network', run: (site) => flow(site, 'stall', ['host', 'nats']) },
  { name: 'stall-in', kind: 'network', run: (site) => flow(site, 'stall', ['host']) },
  { name: 'stall-out', kind: 'network', run: (site) => flow(site, 'stall', ['nats']) },
  { name: 'lose-in', kind: 'network', run: (site) => flow(site, 'lose', ['host']) },
  { name: 'lose-out', kind: 'network', run: (site) => flow(site, 'lose', ['nats']) },
  {
    name: 'disk-full',
    kind: 'storage',
    run: async (site) => {
      const { mesh, random, pause } = site;
      const hosts = random.pick([mesh.hosts, [random.pick(mesh.hosts)]]);
      const lasts = lastingOnDisk(site, hosts, 'full', '', random.between(1000, 8000)); // filling it takes a while, too
      if (!random.chance(1 / 3)) return lasts;
      await pause(random.below(3000));
      const host = random.pick(hosts);
      mesh.kill(host);
      return `${await lasts}, and ${host} was killed`;
    },
  },
  {
    name: 'slow-disk',
    kind: 'storage',
    run: async (site) => {
      const ms = random10To1000(site.random);
      return `${await lastingOnDisk(site, [site.random.pick(site.mesh.hosts)], 'slow', String(ms))}, ${ms} ms a sync`;
    },
  },
  {
    name: 'hang-disk',
    kind: 'storage',
    run: async (site) => lastingOnDisk(site, [site.random.pick(site.mesh.hosts)], 'hang'),
  },
  {
    name: 'fsync-error',
    kind: 'disk',
    run: async ({ mesh, random }) => {
      const host = random.pick(mesh.hosts);
      await failSync(mesh, host);
      return host;
    },
  },
  {
    // The in-sync sets are as small as they may be when it happens.
    name: 'fsync-error-behind',
    kind: 'disk',
    run: async ({ mesh, random, pause }) => {
      const behind = random.pick(mesh.hosts);
      const host = random.pick(mesh.hosts.filter((one) => one !== behind));
      mesh.proxy(behind).cut();
      await pause(random.between(3000, 8000));
      await failSync(mesh, host);
      mesh.proxy(behind).heal();
      return `${host}, while ${behind} was cut off`;
    },
  },
  { name: 'flip-bits', kind: 'disk', run: (site) => damage(site, flipBits) },
  { name: 'truncate', kind: 'disk', run: (site) => damage(site, truncateFile) },
  { name: 'wipe', kind: 'disk', run: (site) => damage(site, (directory) => wipe(directory)) },
];

/** Up to three faults that may happen together: at most one to a disk, and then nothing that stops or kills another host. */
export function pickFaults(allowed: readonly Fault[], random: Random): readonly Fault[] {
  const count = random.pick([1, 1, 1, 1, 1, 2, 2, 2, 3]);
  const picked: Fault[] = [];
  for (let i = 0; i < count; i++) {
    const fault = random.pick(allowed);
    const kinds = picked.map((one) => one.kind);
    const clashes =
      (fault.kind === 'disk' && (kinds.includes('disk') || kinds.includes('process'))) ||
      (fault.kind === 'process' && kinds.includes('disk')) ||
      picked.includes(fault);
    if (!clashes) picked.push(fault);
  }
  return picked;
}
