// The identity of a local mesh, and a data directory for each of its hosts
// =============================================================================
//
// The first start draws identities: one for the mesh, one for each directory. The file that names them all, cluster.json, is written last, so
// that a start which was interrupted is begun again. Later starts hold the directories against it. A directory that is gone is no error:
// its host comes back as one with a new disk, joins, and is given its replicas again (M8).

import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { memberIdOf } from '../../actors/metadata/member-id.js';
import {
  checkIdentity,
  type DirectoryIdentity,
  IdentityError,
  readIdentity,
  writeIdentity,
} from '../../runtime/storage/identity.js';
import { CliError, usage } from '../cli-error.js';
import { type ClusterFile, type MeshPaths, readClusterFile, writeJson } from './mesh-file.js';

/** What was asked for; what is absent is as it was, or the default. */
export interface MeshWish {
  readonly hosts?: number | undefined;
  readonly workers?: number | undefined;
  readonly cluster?: string | undefined;
}

export const defaultHosts = 3;
export const defaultWorkers = 2;
export const defaultCluster = 'local';

/** Members of the metadata group: the largest odd number that the hosts can fill. */
const memberCounts = [5, 3, 1];

/** The mesh of that folder, made or grown as asked. For whoever holds the folder's lock. @throws CliError */
export function prepareMesh(paths: MeshPaths, wish: MeshWish): ClusterFile {
  const known = readClusterFile(paths);
  if (known === undefined) {
    removeUnfinished(paths);
    return formatMesh(paths, wish.hosts ?? defaultHosts, wish.workers ?? defaultWorkers, wish.cluster);
  }
  checkWish(paths, known, wish);
  checkDirectories(paths, known);
  if (wish.hosts === undefined || wish.hosts === known.hosts.length) return known;
  const grown = { ...known, hosts: [...known.hosts, ...hostNames(wish.hosts).slice(known.hosts.length)] };
  writeJson(paths.cluster, grown);
  return grown;
}

/** Formats an empty folder. */
export function formatMesh(paths: MeshPaths, hosts: number, workers: number, cluster = defaultCluster): ClusterFile {
  const clusterId = randomUUID();
  const members = memberCounts.find((count) => count <= hosts) ?? 1;
  const made: ClusterFile = {
    version: 1,
    cluster,
    clusterId,
    workers,
    hosts: hostNames(hosts).map(({ name }, i) => {
      const { diskId } = formatDirectory(paths.host(name), clusterId, name, workers);
      return i < members ? { name, member: memberIdOf(name, diskId) } : { name };
    }),
  };
  writeJson(paths.cluster, made);
  return made;
}

/** A host's data directory before its first start. */
export function formatDirectory(
  directory: string,
  clusterId: string,
  host: string,
  workers: number,
): DirectoryIdentity {
  const diskId = randomBytes(8).toString('hex');
  return writeIdentity(directory, { clusterId, host, diskId, workers, createdAt: new Date().toISOString() });
}

function hostNames(count: number): { readonly name: string }[] {
  return Array.from({ length: count }, (_, i) => ({ name: `h${i + 1}` }));
}

/** What an interrupted first start left: directories with an identity and nothing else. */
function removeUnfinished(paths: MeshPaths): void {
  if (!existsSync(paths.hosts)) return;
  for (const name of readdirSync(paths.hosts)) {
    if (existsSync(join(paths.host(name), 'worker-0')))
      throw new CliError(
        'DATA_UNREADABLE',
        `${paths.hosts} holds data of hosts, but ${paths.cluster} is missing`,
        'restore it, or move the folder away',
      );
  }
  rmSync(paths.hosts, { recursive: true, force: true });
}

function checkWish(paths: MeshPaths, known: ClusterFile, wish: MeshWish): void {
  if (wish.hosts !== undefined && wish.hosts < known.hosts.length)
    throw usage(
      `the mesh in ${paths.root} has ${known.hosts.length} hosts, which is more than ${wish.hosts}`,
      'leave --hosts out, or begin anew after `troupe down --wipe`',
    );
  if (wish.workers !== undefined && wish.workers !== known.workers)
    throw usage(
      `the hosts in ${paths.root} were made with ${known.workers} workers, which cannot be changed`,
      'leave --workers out, or begin anew after `troupe down --wipe`',
    );
  if (wish.cluster !== undefined && wish.cluster !== known.cluster)
    throw usage(
      `the mesh in ${paths.root} is called ${known.cluster}, not ${wish.cluster}`,
      'leave --cluster out, or give --data another folder',
    );
}

function checkDirectories(paths: MeshPaths, { clusterId, hosts, workers }: ClusterFile): void {
  let present = 0;
  for (const { name } of hosts) {
    const directory = paths.host(name);
    try {
      const found = readIdentity(directory);
      if (found === undefined) continue;
      checkIdentity(directory, found, { clusterId, host: name, workers });
      present++;
    } catch (cause) {
      if (!(cause instanceof IdentityError)) throw cause;
      throw new CliError(
        'REFUSED',
        cause.message,
        'put the right directory there, or remove it: the host then fetches its data from the others',
        { cause },
      );
    }
  }
  if (present === 0)
    throw new CliError(
      'DATA_UNREADABLE',
      `the data directories of all ${hosts.length} hosts in ${paths.hosts} are gone`,
      'put them back, or begin anew with `troupe down --wipe` and `troupe up`',
    );
}
