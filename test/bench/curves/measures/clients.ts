// Idle SDK clients, 1 → 1,000 connections
// =============================================================================
//
// A client that does nothing still follows the cluster map and has sessions in partitions. What that costs the hosts and nats-server, in
// memory and processor time; clients run in processes of their own, which do not count.

import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, measuredAt, pointsOf, type Row } from '../curve.js';
import { closedLoop, noise } from '../load.js';
import { cpuPercentOver, most, pause, processFigures } from '../processes.js';
import { ClientProcesses } from './client-processes.js';

const points = { full: [1, 10, 100, 300, 1000], quick: [1, 8] };
const hosts = 3;
const workers = 2;
const partitions = 8;
/** Of each client when it has connected: writes and reads of as many keys, so it has sessions in several partitions. */
const operations = 5;
const valueBytes = 256;
const table = 'curve';
/** Before the first client: a host that has just started still grows by itself. */
const warmUpOperations = { quick: 2000, full: 50_000 };
const outstanding = 256;

function waits(quick: boolean): { readonly settleMs: number; readonly idleMs: number; readonly loadMs: number } {
  return quick ? { settleMs: 500, idleMs: 1000, loadMs: 500 } : { settleMs: 10_000, idleMs: 20_000, loadMs: 4000 };
}

async function* measureAll(context: CurveContext): AsyncGenerator<Row, void, undefined> {
  const { quick, signal, note } = context;
  const { settleMs, idleMs, loadMs } = waits(quick);
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  await mesh.db.admin.createTable(table, { partitions });
  await warm(mesh, warmUpOperations[quick ? 'quick' : 'full']);
  await pause(settleMs, signal);
  const base = await costs(mesh, idleMs, signal);
  note(`no clients: a host has ${base.rss?.toFixed(0)} MiB and takes ${base.cpu?.toFixed(1)} % of a core`);
  await using clients = new ClientProcesses();
  for (const count of pointsOf(context, points)) {
    note(`${count} clients …`);
    const order = { servers: mesh.natsUrl, cluster: mesh.clusterName, table, operations, valueBytes };
    const openedFromMs = performance.now();
    await clients.growTo(count, order, signal);
    const openMs = performance.now() - openedFromMs;
    await pause(settleMs, signal);
    const now = await costs(mesh, idleMs, signal);
    const value = noise(valueBytes);
    const items = mesh.db.table(table);
    const loop = { outstanding, warmUpMs: loadMs / 2, durationMs: loadMs, signal };
    const writes = await closedLoop(loop, (n) => items.put(`load-${n % 1000}`, value));
    yield {
      clients: count,
      openMs,
      hostRss: now.rss,
      growth: less(now.rss, base.rss),
      kibPerClient: times(less(now.rss, base.rss), 1024 / count),
      hostCpu: now.cpu,
      natsRss: now.natsRss,
      natsCpu: now.natsCpu,
      writes: writes.perSecond,
    };
  }
}

/** Writes until code is compiled and heaps have their usual size. */
async function warm(mesh: BenchMesh, count: number): Promise<void> {
  const items = mesh.db.table(table);
  const value = noise(valueBytes);
  for (let from = 0; from < count; from += outstanding)
    await Promise.all(Array.from({ length: outstanding }, (_, i) => items.put(`load-${(from + i) % 1000}`, value)));
}

interface Costs {
  readonly rss: number | undefined;
  readonly cpu: number | undefined;
  readonly natsRss: number | undefined;
  readonly natsCpu: number | undefined;
}

/** Of the host that has most, and of nats-server. */
async function costs(mesh: BenchMesh, idleMs: number, signal: AbortSignal): Promise<Costs> {
  const cpu = await cpuPercentOver([...mesh.hostPids, mesh.natsPid], idleMs, signal);
  return {
    rss: mesh.hostRssMib,
    cpu: most(cpu.slice(0, hosts)),
    natsRss: processFigures(mesh.natsPid)?.rssMib,
    natsCpu: cpu[hosts],
  };
}

function less(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function times(a: number | undefined, factor: number): number | undefined {
  return a === undefined ? undefined : a * factor;
}

export const clients: Curve = {
  name: 'clients',
  title: 'Cost as idle clients grow: 1 to 1,000 SDK connections',
  sizeMax: 5000,
  settings: (quick) => {
    const { settleMs, idleMs, loadMs } = waits(quick);
    return [
      `${hosts} hosts of ${workers} workers and one nats-server on one machine, one table of ${partitions} partitions and three replicas; the same mesh for all points, clients are added`,
      `before the first client ${warmUpOperations[quick ? 'quick' : 'full']} writes; every client does ${operations} writes and reads, then nothing`,
      `${settleMs / 1000} s after the last operation: processor time over ${idleMs / 1000} s and resident memory, of the host that has most; growth is against the mesh without clients, and holds what garbage the collector has not taken`,
      `clients run in processes of their own, at most 250 each; writes: by one more client, ${outstanding} outstanding, for ${loadMs / 1000} s while the others idle`,
    ];
  },
  columns: [
    { id: 'clients', title: 'clients', unit: '', digits: 0 },
    { id: 'openMs', title: 'connect', unit: 'ms', digits: 0 },
    { id: 'hostRss', title: 'host memory', unit: 'MiB', digits: 0 },
    { id: 'growth', title: 'growth', unit: 'MiB', digits: 1 },
    { id: 'kibPerClient', title: 'a client', unit: 'KiB', digits: 0 },
    { id: 'hostCpu', title: 'host', unit: '% of a core', digits: 1 },
    { id: 'natsRss', title: 'nats-server memory', unit: 'MiB', digits: 0 },
    { id: 'natsCpu', title: 'nats-server', unit: '% of a core', digits: 1 },
    { id: 'writes', title: 'writes of one more', unit: '/s', digits: 0 },
  ],
  points: measureAll,
  charts: (rows) => {
    const x = { title: 'idle clients', scale: 'log' } as const;
    return [
      {
        id: 'memory',
        title: 'Memory while clients idle',
        x,
        y: { title: 'MiB', scale: 'linear' },
        lines: [lineOf('a host', rows, 'clients', 'hostRss'), lineOf('nats-server', rows, 'clients', 'natsRss')],
      },
      {
        id: 'processor',
        title: 'Processor time while clients idle',
        x,
        y: { title: '% of a core', scale: 'linear' },
        lines: [lineOf('a host', rows, 'clients', 'hostCpu'), lineOf('nats-server', rows, 'clients', 'natsCpu')],
      },
    ];
  },
  claims: (rows) => [
    {
      what: '1,000 idle SDK clients cost a host',
      unit: 'MiB',
      limit: 200,
      measured: measuredAt(rows, 'clients', 1000, 'growth'),
    },
  ],
};
