// Where the cluster is, when nobody says
// =============================================================================
//
// `troupe up` leaves `.troupe/mesh.json` beside the data of a local mesh; it is looked for from the working directory upward, as git
// does with its directory.

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConnectError } from './errors.js';

export interface MeshFile {
  readonly path: string;
  readonly cluster: string;
  readonly servers: readonly string[];
  /** A UUID. */
  readonly clusterId: string | undefined;
}

/** The nearest one upward from `directory`, or undefined. @throws ConnectError when it cannot be read */
export function findMeshFile(directory: string): MeshFile | undefined {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const path = join(at, '.troupe', 'mesh.json');
    const text = readIfThere(path);
    if (text !== undefined) return parseMeshFile(path, text);
    if (dirname(at) === at) return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConnectError(`${path} cannot be read`, { cause: error });
  }
}

/** @throws ConnectError */
export function parseMeshFile(path: string, text: string): MeshFile {
  let mesh: unknown;
  try {
    mesh = JSON.parse(text);
  } catch (cause) {
    throw new ConnectError(`${path} is no JSON; \`troupe up\` writes it anew`, { cause });
  }
  const { cluster, nats, clusterId } = (mesh ?? {}) as Readonly<Record<string, unknown>>;
  const servers = typeof nats === 'string' ? splitServers(nats) : Array.isArray(nats) ? nats : [];
  const isComplete =
    typeof cluster === 'string' && servers.length > 0 && servers.every((one) => typeof one === 'string');
  if (!isComplete) throw new ConnectError(`${path} does not say "cluster" and "nats"; \`troupe up\` writes it anew`);
  return {
    path,
    cluster,
    servers: servers,
    clusterId: typeof clusterId === 'string' ? clusterId : undefined,
  };
}

/** `URL,URL` */
export function splitServers(text: string): string[] {
  return text
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '');
}
