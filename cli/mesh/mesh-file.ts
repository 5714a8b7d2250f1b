// What a local mesh remembers, and how it is found
// =============================================================================
//
//   .troupe/cluster.json   the mesh's identity and its hosts: kept by `down`, removed by `down --wipe`
//   .troupe/mesh.json      a running mesh: where its NATS is, and whose process keeps it; removed by `down`
//   .troupe/lock-<n>       held by the supervisor (runtime/storage/directory-lock.ts)
//   .troupe/nats.conf      of its own nats-server
//   .troupe/mesh.log       what supervisor, hosts and nats-server said
//   .troupe/hosts/<name>/  a host's data directory
//
// Files are replaced as a whole, so that a reader never sees half of one.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ProcessIdentity, stateOf } from '../../runtime/storage/process-identity.js';
import { CliError } from '../cli-error.js';

export interface ClusterFile {
  readonly version: 1;
  readonly cluster: string;
  readonly clusterId: string;
  readonly workers: number;
  /** In the order of their names. `member`: id in the first metadata group, absent for a host that joined later. */
  readonly hosts: readonly { readonly name: string; readonly member?: string }[];
}

export interface MeshFile {
  readonly version: 1;
  readonly cluster: string;
  readonly clusterId: string;
  /** Where clients connect. */
  readonly nats: string;
  /** The supervisor's process. */
  readonly pid: number;
  readonly supervisor: ProcessIdentity;
  /** Started by the mesh; absent when NATS is somebody else's. */
  readonly natsServer?: ProcessIdentity;
  /** Started by the mesh, or somebody else's. */
  readonly ownNats: boolean;
  readonly startedAt: string;
  readonly hosts: readonly string[];
}

export interface MeshPaths {
  readonly root: string;
  readonly cluster: string;
  readonly mesh: string;
  readonly natsConfig: string;
  readonly log: string;
  readonly hosts: string;
  host(name: string): string;
}

export function meshPaths(data: string): MeshPaths {
  const root = resolve(data);
  const hosts = join(root, 'hosts');
  return {
    root,
    cluster: join(root, 'cluster.json'),
    mesh: join(root, 'mesh.json'),
    natsConfig: join(root, 'nats.conf'),
    log: join(root, 'mesh.log'),
    hosts,
    host: (name) => join(hosts, name),
  };
}

function readJson<T>(path: string, what: string, isComplete: (value: Partial<T>) => boolean): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CliError(
      'DATA_UNREADABLE',
      `${path} cannot be read: ${(cause as Error).message}`,
      'check its permissions',
      { cause },
    );
  }
  const damaged = (detail: string, cause?: unknown): CliError =>
    new CliError('DATA_UNREADABLE', `${path} is no ${what}: ${detail}`, 'restore it, or move it away', { cause });
  let value: (Partial<T> & { version?: unknown }) | null;
  try {
    value = JSON.parse(text) as (Partial<T> & { version?: unknown }) | null;
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
  if (typeof value !== 'object' || value === null) throw damaged('it holds no object');
  if (value.version !== 1) throw damaged(`version ${String(value.version)}, known is 1`);
  if (!isComplete(value)) throw damaged('something is missing in it');
  return value as T;
}

export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`, { flush: true });
  renameSync(temporary, path);
}

/** @throws CliError DATA_UNREADABLE when the file is there and makes no sense. */
export function readClusterFile(paths: MeshPaths): ClusterFile | undefined {
  return readJson<ClusterFile>(
    paths.cluster,
    'cluster file',
    ({ cluster, clusterId, workers, hosts }) =>
      typeof cluster === 'string' &&
      typeof clusterId === 'string' &&
      typeof workers === 'number' &&
      Array.isArray(hosts) &&
      hosts.length > 0 &&
      hosts.every((host) => typeof host.name === 'string'),
  );
}

/** @throws CliError DATA_UNREADABLE when the file is there and makes no sense. */
export function readMeshFile(paths: MeshPaths): MeshFile | undefined {
  return readJson<MeshFile>(
    paths.mesh,
    'mesh file',
    ({ cluster, nats, pid, supervisor, hosts }) =>
      typeof cluster === 'string' &&
      typeof nats === 'string' &&
      typeof pid === 'number' &&
      typeof supervisor?.pid === 'number' &&
      Array.isArray(hosts),
  );
}

export function removeMeshFile(paths: MeshPaths): void {
  rmSync(paths.mesh, { force: true });
}

/** Whether the mesh's supervisor runs. One that cannot be seen from here (another container) is taken to run. */
export function isRunning(mesh: MeshFile): boolean {
  return stateOf(mesh.supervisor) !== 'ended';
}
