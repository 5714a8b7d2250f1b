// NATS JetStream: a key-value bucket with three replicas on disk
// =============================================================================
//
// Three nats-servers in a cluster, each with a store of its own. A put is a publish that is acknowledged when a majority has it; what has been written is
// synced every two minutes (`sync_interval`, the default; 2.9 has no other way): not before the answer. A get is a *direct get*, answered by any replica, so that it may miss
// what was just written.

import { connect, type KV, type NatsConnection, StorageType } from 'nats';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findNatsServer } from '../../../cli/mesh/nats-server.js';
import { freePorts } from '../free-ports.js';
import { packageVersion, program, programVersion } from '../installed.js';
import type { Driver, Missing, Peer, RunningPeer } from '../peer.js';
import { ServerProcess, stopAll } from '../server-process.js';

const names = ['n1', 'n2', 'n3'];
const bucket = 'bench';
const stream = `KV_${bucket}`;

export const jetstreamPeer: Peer = {
  name: 'jetstream',
  title: 'JetStream KV, R3',
  promise: {
    fsyncBeforeAnswer: false,
    copies: 'a majority: 2 of 3, synced every 2 minutes',
    reads: 'direct get from any replica: may be stale',
    isReadCurrent: false,
  },
  settings: [
    'nats-server -c nN.conf (×3): host 127.0.0.1, port, server_name, jetstream { store_dir }, cluster { name, host, port, routes } (nothing else set; sync_interval is 2 minutes)',
    `bucket: js.views.kv('${bucket}', { replicas: 3, storage: file, history: 1, allow_direct: true })`,
    "client: nats, one connection to the server of the bucket's leader; kv.put (publish and its acknowledgement), kv.get (direct get)",
  ],
  canScan: false,
  async missing(): Promise<Missing | undefined> {
    return findNatsServer() === undefined
      ? { what: 'nats-server', howToInstall: 'apt-get install nats-server' }
      : undefined;
  },
  async versions(): Promise<Record<string, string>> {
    return {
      'nats-server': await programVersion(findNatsServer() ?? 'nats-server'),
      'nats (npm)': packageVersion('nats') ?? 'unknown',
    };
  },
  start,
};

async function start(directory: string, signal: AbortSignal): Promise<RunningPeer> {
  const ports = await freePorts(names.length * 2);
  const routes = ports.slice(names.length).map((port) => `nats://127.0.0.1:${port}`);
  const servers = names.map((name, i) => {
    const config = join(directory, `${name}.conf`);
    const store = join(directory, name);
    mkdirSync(store);
    writeFileSync(config, configOf(name, ports[i] as number, ports[names.length + i] as number, store, routes));
    return ServerProcess.start(name, program(findNatsServer() ?? 'nats-server'), ['-c', config], directory);
  });
  try {
    const urlOf = (server: number): string => `nats://127.0.0.1:${ports[server]}`;
    for (const [i, server] of servers.entries())
      await server.until(async () => (await openConnection(urlOf(i))).close().then(() => true), signal);
    const leader = await makeBucket(urlOf(0), servers[0] as ServerProcess, signal);
    return {
      servers: servers.map((server) => server.pid),
      connect: async () => {
        const connection = await openConnection(urlOf(leader));
        return new JetStreamDriver(connection, await connection.jetstream().views.kv(bucket));
      },
      stop: () => stopAll(servers),
    };
  } catch (error) {
    await stopAll(servers);
    throw error;
  }
}

function configOf(name: string, port: number, clusterPort: number, store: string, routes: readonly string[]): string {
  return [
    'host: 127.0.0.1',
    `port: ${port}`,
    `server_name: ${name}`,
    `jetstream { store_dir: ${JSON.stringify(store)} }`,
    `cluster { name: bench, host: 127.0.0.1, port: ${clusterPort}, routes: [${routes.join(', ')}] }`,
    '',
  ].join('\n');
}

function openConnection(servers: string): Promise<NatsConnection> {
  return connect({ servers, noAsyncTraces: true, noRandomize: true, ignoreClusterUpdates: true, timeout: 5000 });
}

/** @returns the number of the server that leads the bucket, once all replicas have caught up */
async function makeBucket(url: string, server: ServerProcess, signal: AbortSignal): Promise<number> {
  const connection = await openConnection(url);
  try {
    let leader = -1;
    await server.until(async () => {
      const js = connection.jetstream({ timeout: 2000 });
      await js.views.kv(bucket, { replicas: 3, storage: StorageType.File, history: 1, allow_direct: true });
      const { cluster } = await (await js.jetstreamManager()).streams.info(stream);
      leader = names.indexOf(cluster?.leader ?? '');
      const current = cluster?.replicas?.filter((replica) => replica.current).length ?? 0;
      return leader >= 0 && current === names.length - 1;
    }, signal);
    return leader;
  } finally {
    await connection.close();
  }
}

class JetStreamDriver implements Driver {
  readonly #connection: NatsConnection;
  readonly #kv: KV;
  readonly #encoder = new TextEncoder();

  constructor(connection: NatsConnection, kv: KV) {
    this.#connection = connection;
    this.#kv = kv;
  }

  put(key: string, value: string): Promise<unknown> {
    return this.#kv.put(key, this.#encoder.encode(value));
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#kv.get(key))?.string();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
