// Troupe: three hosts, as `troupe up` boots them
// =============================================================================
//
// Three host processes and a nats-server; 3 replicas, sync durability. The client is the SDK. Two ways of setting it up: sized for this machine and for one log, which is what
// the other peers are, and with the defaults of `troupe up`, which spread a table over every worker of every host.

import { availableParallelism } from 'node:os';
import { connect, type Table } from '../../../messaging/client/index.js';
import { defaultHosts, defaultWorkers, formatMesh } from '../../../cli/mesh/format-mesh.js';
import { meshPaths } from '../../../cli/mesh/mesh-file.js';
import { findNatsServer } from '../../../cli/mesh/nats-server.js';
import { MeshSupervisor } from '../../../cli/mesh/supervisor.js';
import { troupeVersion } from '../../../cli/troupe-version.js';
import { waitUntilHealthy } from '../../../cli/wait-healthy.js';
import { packageVersion, programVersion } from '../installed.js';
import type { Driver, Missing, Peer, RunningPeer, ServerPid } from '../peer.js';

const table = 'bench';
const healthyDeadlineMs = 60_000;
const timeoutMs = 30_000;
const stopDeadlineMs = 5000;

const common: Omit<Peer, 'name' | 'title' | 'settings' | 'start'> = {
  promise: {
    fsyncBeforeAnswer: true,
    copies: 'every in-sync replica: 3 of 3 while all are well',
    reads: 'linearizable',
    isReadCurrent: true,
  },
  canScan: true,
  async missing(): Promise<Missing | undefined> {
    return findNatsServer() === undefined
      ? { what: 'nats-server', howToInstall: 'apt-get install nats-server' }
      : undefined;
  },
  async versions(): Promise<Record<string, string>> {
    return {
      troupe: troupeVersion(),
      'nats-server': await programVersion(findNatsServer() ?? 'nats-server'),
      'nats (npm)': packageVersion('nats') ?? 'unknown',
    };
  },
};

/** A worker thread for every core that a host has to itself, at least one and at most what `troupe up` gives it. */
const sizedWorkers = Math.min(defaultWorkers, Math.max(1, Math.floor(availableParallelism() / defaultHosts)));

/** One log, as a bucket of JetStream, an etcd and a Redis have. */
export const troupePeer: Peer = troupeOf('troupe', 'Troupe, 3 hosts', sizedWorkers, 1);

export const troupeDefaultsPeer: Peer = troupeOf('troupe-defaults', 'Troupe, 3 hosts, all defaults', defaultWorkers, 8);

function settingsOf(workers: number, partitions: number): readonly string[] {
  return [
    `troupe up --hosts ${defaultHosts} --workers ${workers} (with its own nats-server without JetStream)`,
    `troupe table create ${table} --partitions ${partitions} (3 replicas, min-insync 2, durability sync, memory engine)`,
    "client: the SDK, connect({ servers, cluster }), one client, table.put / get / page({ start, limit }), default consistency 'linearizable'",
  ];
}

function troupeOf(name: string, title: string, workers: number, partitions: number): Peer {
  return { ...common, name, title, settings: settingsOf(workers, partitions), start: startOf(workers, partitions) };
}
function startOf(workers: number, partitions: number): Peer['start'] {
  return (directory, signal) => start(directory, signal, workers, partitions);
}

async function start(
  directory: string,
  signal: AbortSignal,
  workers: number,
  partitions: number,
): Promise<RunningPeer> {
  const paths = meshPaths(directory);
  const cluster = formatMesh(paths, defaultHosts, workers);
  const supervisor = new MeshSupervisor({ paths, cluster, nats: undefined, onLine: () => undefined });
  const names = [...cluster.hosts.map((host) => host.name), 'nats-server'];
  const pids = (): ServerPid[] =>
    names.flatMap((name) => {
      const pid = supervisor.pidOf(name);
      return pid === undefined ? [] : [{ name, pid }];
    });
  const killAll = (): void => {
    for (const { pid } of pids()) process.kill(pid, 'SIGKILL');
  };
  process.once('exit', killAll); // whatever way this process ends
  const stop = async (): Promise<void> => {
    const late = setTimeout(killAll, stopDeadlineMs); // what they have is thrown away anyway
    await supervisor.stop();
    clearTimeout(late);
    process.off('exit', killAll);
  };
  try {
    await supervisor.start();
    const open = (): ReturnType<typeof connect> =>
      connect({
        servers: supervisor.natsUrl,
        cluster: cluster.cluster,
        signal,
        connectTimeout: healthyDeadlineMs,
        timeout: timeoutMs,
      });
    const hosts = cluster.hosts.map((host) => host.name);
    {
      const db = await open();
      await healthy(db, hosts, signal);
      await db.admin.createTable(table, { partitions, signal });
      await healthy(db, hosts, signal);
      await db.close();
    }
    return {
      servers: pids(),
      connect: async () => {
        const db = await open();
        return new TroupeDriver(db.table<string>(table), () => db.close());
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function healthy(
  db: Awaited<ReturnType<typeof connect>>,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const result = await waitUntilHealthy(db, Date.now() + healthyDeadlineMs, signal, hosts);
  if (!result.healthy) throw new Error(`the mesh is not healthy: ${result.reasons.join(', ')}`);
}

class TroupeDriver implements Driver {
  readonly #table: Table<string>;
  readonly close: () => Promise<void>;

  constructor(of: Table<string>, close: () => Promise<void>) {
    this.#table = of;
    this.close = close;
  }

  put(key: string, value: string): Promise<unknown> {
    return this.#table.put(key, value);
  }

  get(key: string): Promise<string | undefined> {
    return this.#table.get(key);
  }

  async scan(start: string, limit: number): Promise<readonly string[]> {
    const { entries } = await this.#table.page({ start, limit });
    return entries.map((entry) => entry.value);
  }
}
