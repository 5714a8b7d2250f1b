// Hosts, 1 → 5
// =============================================================================
//
// The same load on meshes of different sizes. On one machine more hosts share the same cores: the curve shows what replication and a larger mesh
// cost, not how a mesh grows with its machines.

import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, pointsOf, type Row } from '../curve.js';
import { fill, noise, writesThenReads } from '../load.js';
import { most, processFigures } from '../processes.js';

const points = { full: [1, 2, 3, 4, 5], quick: [1, 3] };
const workers = 2;
const partitions = 8;
const valueBytes = 256;
const outstanding = 256;
const replicasMax = 3;
const table = 'curve';

function waits(quick: boolean): { readonly keys: number; readonly loadMs: number } {
  return quick ? { keys: 1000, loadMs: 500 } : { keys: 20_000, loadMs: 5000 };
}

async function measure(hosts: number, { quick, signal, note }: CurveContext): Promise<Row> {
  const { keys, loadMs } = waits(quick);
  note(`${hosts} hosts …`);
  const bootFromMs = performance.now();
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  const bootMs = performance.now() - bootFromMs;
  const replicas = Math.min(replicasMax, hosts);
  await mesh.db.admin.createTable(table, { partitions, replicas });
  const value = noise(valueBytes);
  await fill(mesh.db.table(table), 0, keys, value, outstanding, signal);
  const cpuBefore = mesh.hostPids.map((pid) => processFigures(pid)?.cpuMs);
  const loop = { outstanding, warmUpMs: loadMs / 2, durationMs: loadMs, signal };
  const fromMs = performance.now();
  const { writes, reads } = await writesThenReads(mesh.db.table(table), keys, value, loop);
  const tookMs = performance.now() - fromMs;
  const cpu = mesh.hostPids.map((pid, i) => {
    const [from, to] = [cpuBefore[i], processFigures(pid)?.cpuMs];
    return from === undefined || to === undefined ? undefined : ((to - from) / tookMs) * 100;
  });
  return {
    hosts,
    replicas,
    bootSeconds: bootMs / 1000,
    writes: writes.perSecond,
    writeP50: writes.p50Ms,
    writeP99: writes.p99Ms,
    reads: reads.perSecond,
    readP50: reads.p50Ms,
    readP99: reads.p99Ms,
    hostCpu: most(cpu),
    rss: mesh.hostRssMib,
  };
}

export const hosts: Curve = {
  name: 'hosts',
  title: 'Cost as hosts grow: 1 to 5 on one machine',
  sizeMax: 16,
  settings: (quick) => {
    const { keys, loadMs } = waits(quick);
    return [
      `hosts of ${workers} workers and one nats-server on one machine, a new mesh for each point, one table of ${partitions} partitions and ${replicasMax} replicas, or as many as there are hosts`,
      `load: ${outstanding} outstanding from one client, ${valueBytes}-byte values over ${keys} keys, ${loadMs / 1000} s of overwrites, then ${loadMs / 1000} s of linearizable reads, each after half as long that is not measured`,
      'host: processor time under that load and resident memory after it, of the host that has most',
    ];
  },
  columns: [
    { id: 'hosts', title: 'hosts', unit: '', digits: 0 },
    { id: 'replicas', title: 'copies', unit: '', digits: 0 },
    { id: 'bootSeconds', title: 'first start', unit: 's', digits: 1 },
    { id: 'writes', title: 'writes', unit: '/s', digits: 0 },
    { id: 'writeP50', title: 'write p50', unit: 'ms', digits: 1 },
    { id: 'writeP99', title: 'write p99', unit: 'ms', digits: 1 },
    { id: 'reads', title: 'reads', unit: '/s', digits: 0 },
    { id: 'readP50', title: 'read p50', unit: 'ms', digits: 1 },
    { id: 'readP99', title: 'read p99', unit: 'ms', digits: 1 },
    { id: 'hostCpu', title: 'host', unit: '% of a core', digits: 0 },
    { id: 'rss', title: 'host memory', unit: 'MiB', digits: 0 },
  ],
  async *points(context) {
    for (const count of pointsOf(context, points)) yield await measure(count, context);
  },
  charts: (rows) => [
    {
      id: 'throughput',
      title: `Throughput on one machine, ${outstanding} outstanding`,
      x: { title: 'hosts', scale: 'linear' },
      y: { title: 'operations a second', scale: 'linear' },
      lines: [lineOf('reads', rows, 'hosts', 'reads'), lineOf('writes', rows, 'hosts', 'writes')],
    },
  ],
  claims: () => [],
};
