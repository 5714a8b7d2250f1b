// troupe/embedded: the whole engine in the caller's process
// =============================================================================
//
// One host without threads or NATS: the same actors, journal and client code as everywhere, joined by the in-thread transport. Without a
// directory everything is in memory and gone at `close`.

import { randomUUID } from 'node:crypto';
import { openClient } from '../messaging/client/open-client.js';
import type { Database } from '../messaging/client/database.js';
import type { Duration } from '../messaging/client/duration.js';
import { protocolCodec } from '../messaging/protocol/codec.js';
import { localNetwork } from '../messaging/transport/local-transport.js';
import { IdentityError, readIdentity } from '../runtime/storage/identity.js';
import { startInlineHost } from '../runtime/threads/inline-host.js';
import { HostError } from '../runtime/threads/exit-codes.js';
import { TroupeError } from '../messaging/client/errors.js';
import { memberIdOf } from './metadata/member-id.js';
import { registry } from './registry.js';
import { rootActors } from './root-actors.js';

export type { Database } from '../messaging/client/database.js';

export interface EmbeddedOptions {
  /** Where the data are kept; absent: in memory only. One process at a time. */
  readonly directory?: string | undefined;
  /** Of calls that name none; default 10 s. */
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

const hostName = 'embedded';
const known = ['directory', 'timeout', 'signal'];

/**
 * Opens a database in this process. `await using db = await openEmbedded()` closes it by itself.
 * @throws TypeError for wrong options, TroupeError when the directory cannot be used
 */
export async function openEmbedded(options: EmbeddedOptions = {}): Promise<Database> {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(`openEmbedded has no option ${name}; it has ${known.join(', ')}`);
  const { directory, timeout, signal } = options;
  if (directory !== undefined && (typeof directory !== 'string' || directory === ''))
    throw new TypeError('directory is a path');
  signal?.throwIfAborted();
  const network = localNetwork((run) => setImmediate(run));
  try {
    const clusterId = clusterIdOf(directory);
    const startId = randomUUID();
    const host = await startInlineHost({
      clusterId,
      name: hostName,
      ...(directory === undefined ? {} : { directory }),
      compose: () => ({
        definitions: registry,
        codec: protocolCodec,
        alone: true,
        rootActors: (place) => {
          const members = [{ id: memberIdOf(hostName, place.diskId), host: hostName }];
          return rootActors({ clusterId, startId, rack: '', pid: process.pid, version: '', members }, place);
        },
        connect: (place, receiver) =>
          Promise.resolve(network.join({ host: place.host, worker: place.worker }, receiver)),
      }),
    });
    try {
      return await openClient({
        cluster: hostName,
        transport: (place, receiver) => Promise.resolve(network.join(place, receiver)),
        timeout,
        signal,
        defaultTable: {},
        onClose: async () => {
          await host.stop();
        },
      });
    } catch (error) {
      await host.stop();
      throw error;
    }
  } catch (error) {
    throw error instanceof HostError ? openErrorOf(error) : error;
  }
}

/** Of the directory; a new one when it was never used, or in memory. @throws TroupeError when the directory makes no sense */
function clusterIdOf(directory: string | undefined): string {
  if (directory === undefined) return randomUUID();
  try {
    return readIdentity(directory)?.clusterId ?? randomUUID();
  } catch (cause) {
    throw cause instanceof IdentityError ? new TroupeError('INVALID_ARGUMENT', cause.message, { cause }) : cause;
  }
}

/** Somebody else's directory is a mistake; one that is in use, or whose disk fails, may be had later. */
function openErrorOf(error: HostError): TroupeError {
  const code = error.cause instanceof IdentityError ? 'INVALID_ARGUMENT' : 'UNAVAILABLE';
  return new TroupeError(code, error.message, { cause: error });
}
