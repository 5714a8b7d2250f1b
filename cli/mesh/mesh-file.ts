// What a local mesh remembers, and how it is found
// =============================================================================
//
//   .troupe/cluster.json   the mesh's identity and its hosts: kept by `down`, removed by `down --wipe`
//   .troupe/mesh.json      a running mesh: where its NATS is, and whose process keeps it; removed by `down`
//   .troupe/nats.conf      of its own nats-server
//   .troupe/mesh.log       what supervisor, hosts and nats-server said
//   .troupe/hosts/<name>/  a host's data directory
//
// Files are replaced as a whole, so that a reader never sees half of one.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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
  host(name: string): string;
}

export function meshPaths(data: string): MeshPaths {
  const root = resolve(data);
  return {
    root,
    cluster: join(root, 'cluster.json'),
    mesh: join(root, 'mesh.json'),
    natsConfig: join(root, 'nats.conf'),
    log: join(root, 'mesh.log'),
    host: (name) => join(root, 'hosts', name),
  };
}

function readJson<T>(path: string, what: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliError(
      'DATA_UNREADABLE',
      `${path} cannot be read: ${(cause as Error).message}`,
      'check its permissions',
      { cause },
    );
  }
  try {
    const value = JSON.parse(text) as T & { version?: unknown };
    if (value.version !== 1) throw new Error(`version ${String(value.version)}, 1 known`);
    return value;
  } catch (cause) {
    throw new CliError(
      'DATA_UNREADABLE',
      `${path} is no ${what}: ${(cause as Error).message}`,
      'restore it, or move it away',
      { cause },
    );
  }
}

export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`);
  renameSync(temporary, path);
}

/** @throws CliError when the file is there and makes no sense. */
export function readClusterFile(paths: MeshPaths): ClusterFile | undefined {
  return readJson<ClusterFile>(paths.cluster, 'cluster file');
}

/** @throws CliError when the file is there and makes no sense. */
export function readMeshFile(paths: MeshPaths): MeshFile | undefined {
  return readJson<MeshFile>(paths.mesh, 'mesh file');
}

export function removeMeshFile(paths: MeshPaths): void {
  rmSync(paths.mesh, { force: true });
}

/** Is that process there? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}
