// Connecting to a mesh over NATS
// =============================================================================

import { isUuid, uuidBytes } from '../../runtime/std/uuid.js';
import { protocolCodec } from '../protocol/codec.js';
import type { TableOptions } from '../protocol/host-messages.js';
import { connectNats } from '../transport/nats-transport.js';
import { TransportError } from '../transport/transport-error.js';
import { checkName } from './admin.js';
import { checkOptions } from './call-options.js';
import type { Database } from './database.js';
import type { Duration } from './duration.js';
import { durationMs } from './duration.js';
import { ConnectError, TroupeError } from './errors.js';
import { findMeshFile, splitServers } from './mesh-file.js';
import { openClient } from './open-client.js';

export interface ConnectOptions {
  /** NATS servers, `nats://host:port`. Default: `TROUPE_NATS`, else the nearest `.troupe/mesh.json` upward. */
  readonly servers?: string | readonly string[] | undefined;
  /** Name of the cluster; default: `TROUPE_CLUSTER`, else what the mesh file says, else `local`. */
  readonly cluster?: string | undefined;
  /** Of calls that name none; default 10 s. */
  readonly timeout?: Duration | undefined;
  /** How long to try; default 10 s. */
  readonly connectTimeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether the table `default` is made by its first write when it is missing; default: in a local mesh only, which is one found by
   * its mesh file or called `local`.
   */
  readonly createDefaultTable?: boolean | undefined;
  /** Where the search for the mesh file begins; default: the working directory. */
  readonly directory?: string | undefined;
}

const optionNames = ['servers', 'cluster', 'timeout', 'connectTimeout', 'signal', 'createDefaultTable', 'directory'];

/** The name that `troupe up` gives its cluster. */
export const localClusterName = 'local';

interface Where {
  readonly servers: readonly string[];
  readonly cluster: string;
  readonly clusterId: string | undefined;
  readonly isLocal: boolean;
}

/**
 * Opens a client. `await using db = await connect()` closes it by itself.
 * @throws ConnectError when there is no cluster, TypeError and TroupeError for wrong options, the signal's reason
 */
export async function connect(options: ConnectOptions = {}): Promise<Database> {
  checkOptions(options, optionNames, 'connect');
  const { signal } = options;
  signal?.throwIfAborted();
  const where = whereOf(options, process.env);
  checkName(where.cluster, 'a cluster');
  const connectMs = durationMs(options.connectTimeout ?? 10_000, 'connectTimeout');
  const defaultTable: TableOptions | undefined = (options.createDefaultTable ?? where.isLocal) ? {} : undefined;
  try {
    return await openClient({
      cluster: where.cluster,
      timeout: options.timeout,
      connectTimeout: connectMs,
      signal,
      defaultTable,
      transport: (place, receiver) =>
        connectNats({
          servers: where.servers,
          clusterName: where.cluster,
          clusterId: clusterIdOf(where.clusterId),
          place,
          receiver,
          codec: protocolCodec,
          waitForFirstConnection: connectMs,
          ...(signal === undefined ? {} : { signal }),
        }),
    });
  } catch (error) {
    throw connectErrorOf(error, signal);
  }
}

/** Options beat the environment, and that beats the mesh file. @throws ConnectError, TypeError */
export function whereOf(options: ConnectOptions, env: Readonly<Record<string, string | undefined>>): Where {
  const given = serversOf(options.servers) ?? serversOf(env['TROUPE_NATS']);
  const named = options.cluster ?? env['TROUPE_CLUSTER'];
  if (named !== undefined && typeof named !== 'string') throw new TypeError('cluster is a string');
  if (given !== undefined) {
    const cluster = named ?? localClusterName;
    return { servers: given, cluster, clusterId: undefined, isLocal: cluster === localClusterName };
  }
  const mesh = findMeshFile(options.directory ?? process.cwd());
  if (mesh === undefined)
    throw new ConnectError('no cluster is known here; start a local mesh with `troupe up`, or name one by TROUPE_NATS');
  const isSame = named === undefined || named === mesh.cluster;
  return {
    servers: mesh.servers,
    cluster: named ?? mesh.cluster,
    clusterId: isSame ? mesh.clusterId : undefined,
    isLocal: isSame,
  };
}

function serversOf(servers: unknown): readonly string[] | undefined {
  if (servers === undefined || servers === '') return undefined;
  if (typeof servers === 'string') return splitServers(servers);
  if (!Array.isArray(servers) || !servers.every((server) => typeof server === 'string'))
    throw new TypeError('servers is a URL or a list of them');
  return servers;
}

function clusterIdOf(uuid: string | undefined): Uint8Array | undefined {
  return uuid !== undefined && isUuid(uuid) ? uuidBytes(uuid) : undefined;
}

function connectErrorOf(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof TransportError)) return error;
  if (error.code === 'ABORTED') return signal?.reason ?? error;
  if (error.code === 'INVALID_OPTION') return new TroupeError('INVALID_ARGUMENT', error.message, { cause: error });
  return new ConnectError(error.message, { cause: error });
}
