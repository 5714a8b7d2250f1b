// Faults of disks
// =============================================================================
//
// Full, slow, hanging and failing disks are those of runtime/storage/faulty-disk.ts; damage is done to the files of a host that is down.

import type { Random } from '../../runtime/std/random.js';
import type { DiskFaultName } from '../../runtime/storage/fault-folder.js';
import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { flipBits, truncateFile, wipe } from './damage.js';
import { type Fault, type FaultSite, lasting, seconds } from './fault.js';
import type { SoakMesh } from './soak-mesh.js';

const lookMs = 20;
/** A host that is idle syncs for the metadata group alone. */
const syncDeadlineMs = 20_000;

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

/** Makes one sync of a host fail, and waits until the host has ended of it. @throws Error when it does not, or says something else */
async function failSync(mesh: SoakMesh, host: string): Promise<void> {
  const before = mesh.words.endCount(host);
  mesh.setDisk(host, 'fail-sync');
  const deadline = Date.now() + syncDeadlineMs;
  while (mesh.words.endCount(host) === before) {
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

/** 10–1000 ms, short ones more often. */
function slowness(random: Random): number {
  return Math.round(10 * 100 ** random.fraction());
}

export const diskFaults: readonly Fault[] = [
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
      const ms = slowness(site.random);
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
