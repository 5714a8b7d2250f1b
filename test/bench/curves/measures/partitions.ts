// Partitions of a table, 1 → 1,024
// =============================================================================
//
// What a partition costs that nobody uses, what it does to throughput, and how long a mesh takes to start with that many.

import { TroupeError } from '../../../../messaging/client/index.js';
import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, measuredAt, pointsOf, type Row } from '../curve.js';
import { type ClosedLoop, fill, noise, writesThenReads } from '../load.js';
import { keyOfEachPartition } from '../partition-keys.js';
import { cpuPercentOver, most, pause } from '../processes.js';

const points = { full: [1, 8, 64, 256, 1024], quick: [1, 16] };
const hosts = 3;
const workers = 2;
const valueBytes = 256;
const outstanding = 256;
const table = 'curve';
/** Creating a thousand partitions is one command to the metadata group. */
const createWithinMs = 120_000;
const servingWithinMs = 180_000;
const retryMs = 20;

function sizes(quick: boolean): {
  readonly keys: number;
  readonly loadMs: number;
  readonly settleMs: number;
  readonly idleMs: number;
} {
  return quick
    ? { keys: 1000, loadMs: 500, settleMs: 500, idleMs: 1000 }
    : { keys: 20_000, loadMs: 5000, settleMs: 5000, idleMs: 10_000 };
}

async function measure(partitions: number, { quick, signal, note }: CurveContext): Promise<Row> {
  const { keys, loadMs, settleMs, idleMs } = sizes(quick);
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  const createdFromMs = performance.now();
  await mesh.db.admin.createTable(table, { partitions, timeout: createWithinMs });
  await mesh.healthy();
  const createMs = performance.now() - createdFromMs;
  note(`${partitions} partitions: made in ${Math.round(createMs)} ms; load …`);
  const value = noise(valueBytes);
  await fill(mesh.db.table(table), 0, keys, value, outstanding, signal);
  const loop: ClosedLoop = { outstanding, warmUpMs: loadMs / 2, durationMs: loadMs, signal };
  const { writes, reads } = await writesThenReads(mesh.db.table(table), keys, value, loop);
  note(`${partitions} partitions: ${Math.round(writes.perSecond)} writes/s; starting it anew …`);
  const { term } = await mesh.db.admin.metadataStatus();
  await mesh.stop();
  const startMs = performance.now();
  const bootMs = await mesh.start();
  await writeEverywhere(mesh, partitions, signal);
  await mesh.healthy();
  const servingMs = performance.now() - startMs;
  const elections = (await mesh.db.admin.metadataStatus()).term - term;
  note(`${partitions} partitions: serving after ${Math.round(servingMs)} ms; idle …`);
  await pause(settleMs, signal);
  const idleCpu = await cpuPercentOver(mesh.hostPids, idleMs, signal);
  return {
    partitions,
    createMs,
    writes: writes.perSecond,
    writeP99: writes.p99Ms,
    reads: reads.perSecond,
    readP99: reads.p99Ms,
    bootSeconds: bootMs / 1000,
    servingSeconds: servingMs / 1000,
    elections,
    idleCpu: most(idleCpu),
    rss: mesh.hostRssMib,
  };
}

/** One write to each partition, asked again until it is answered. @throws Error when one is not within minutes */
async function writeEverywhere(mesh: BenchMesh, partitions: number, signal: AbortSignal): Promise<void> {
  const items = mesh.db.table(table);
  const deadlineMs = performance.now() + servingWithinMs;
  const write = async (key: string): Promise<void> => {
    for (;;) {
      try {
        await items.put(key, 1);
        return;
      } catch (error) {
        if (!(error instanceof TroupeError) || performance.now() > deadlineMs) throw error;
        await pause(retryMs, signal);
      }
    }
  };
  await Promise.all(keyOfEachPartition(partitions).map(write));
}

export const partitions: Curve = {
  name: 'partitions',
  title: 'Cost as partitions grow: 1 to 1,024 on three hosts',
  sizeMax: 1024,
  settings: (quick) => {
    const { keys, loadMs, settleMs, idleMs } = sizes(quick);
    return [
      `${hosts} hosts of ${workers} workers and one nats-server on one machine, a new mesh for each point, one table of three replicas`,
      `load: ${outstanding} outstanding from one client, ${valueBytes}-byte values over ${keys} keys, ${loadMs / 1000} s of overwrites, then ${loadMs / 1000} s of linearizable reads, each after half as long that is not measured`,
      'start: all hosts and nats-server are ended and started again with their data; until the status says healthy, which it may from what was known before the start; and until one write to each partition was answered and it is still healthy. Terms: by how many the metadata group’s term grew meanwhile; one or two are usual',
      `idle: ${settleMs / 1000} s later, processor time over ${idleMs / 1000} s and resident memory, of the host that has most`,
    ];
  },
  columns: [
    { id: 'partitions', title: 'partitions', unit: '', digits: 0 },
    { id: 'createMs', title: 'create', unit: 'ms', digits: 0 },
    { id: 'writes', title: 'writes', unit: '/s', digits: 0 },
    { id: 'writeP99', title: 'write p99', unit: 'ms', digits: 1 },
    { id: 'reads', title: 'reads', unit: '/s', digits: 0 },
    { id: 'readP99', title: 'read p99', unit: 'ms', digits: 1 },
    { id: 'bootSeconds', title: 'start until healthy', unit: 's', digits: 1 },
    { id: 'servingSeconds', title: 'until all took a write', unit: 's', digits: 1 },
    { id: 'elections', title: 'terms of that', unit: '', digits: 0 },
    { id: 'idleCpu', title: 'idle host', unit: '% of a core', digits: 1 },
    { id: 'rss', title: 'host memory', unit: 'MiB', digits: 0 },
  ],
  async *points(context) {
    for (const count of pointsOf(context, points)) yield await measure(count, context);
  },
  charts: (rows) => {
    const x = { title: 'partitions', scale: 'log' } as const;
    return [
      {
        id: 'throughput',
        title: `Throughput, ${outstanding} outstanding`,
        x,
        y: { title: 'operations a second', scale: 'linear' },
        lines: [lineOf('reads', rows, 'partitions', 'reads'), lineOf('writes', rows, 'partitions', 'writes')],
      },
      {
        id: 'start',
        title: 'Start of the whole mesh',
        x,
        y: { title: 'seconds', scale: 'linear' },
        lines: [
          lineOf('all took a write', rows, 'partitions', 'servingSeconds'),
          lineOf('healthy', rows, 'partitions', 'bootSeconds'),
        ],
      },
      {
        id: 'idle',
        title: 'A host that nobody uses',
        x,
        y: { title: '% of a core', scale: 'linear' },
        lines: [lineOf('processor time', rows, 'partitions', 'idleCpu')],
      },
    ];
  },
  claims: (rows) => [
    {
      what: '1,024 partitions on 3 hosts start, until all took a write',
      unit: 's',
      limit: 20,
      measured: measuredAt(rows, 'partitions', 1024, 'servingSeconds'),
    },
    {
      what: '1,024 partitions on 3 hosts idle, the busiest host',
      unit: '% of a core',
      limit: 10,
      measured: measuredAt(rows, 'partitions', 1024, 'idleCpu'),
    },
  ],
};
