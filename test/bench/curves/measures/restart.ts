// Restart against data, 64 MiB → 1 GiB
// =============================================================================
//
// How long a host is away that has that much state to read back from snapshots and journals. One host alone: three on one machine would share its
// cores and its disk, which three hosts of a real mesh do not. After an orderly end, and after kill -9.

import type { Database } from '../../../../messaging/client/index.js';
import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, measuredAt, pointsOf, type Row } from '../curve.js';
import { fill, keyName, noise } from '../load.js';
import { keyOfEachPartition } from '../partition-keys.js';
import { pause, processFigures } from '../processes.js';

const points = { full: [64, 256, 1024], quick: [4, 16] };
const workers = 2;
const partitions = 16;
const valueBytes = 1024;
const mib = 1024 * 1024;
const outstanding = 512;
/** After the load, so that snapshots that were begun are done with. */
const settleMs = 3000;
const firstReadWithinMs = 120_000;
const host = 'h1';
const table = 'curve';

async function measure(dataMib: number, { signal, note }: CurveContext): Promise<Row> {
  await using mesh = await BenchMesh.open({ hosts: 1, workers, signal });
  await mesh.db.admin.createTable(table, { partitions, replicas: 1 });
  const items = (dataMib * mib) / valueBytes;
  note(`${dataMib} MiB: loading ${items} items …`);
  const perSecond = await fill(mesh.db.table(table), 0, items, noise(valueBytes), outstanding, signal);
  await pause(settleMs, signal);
  const rss = mesh.hostRssMib;
  note(`${dataMib} MiB: loaded at ${Math.round((perSecond * valueBytes) / mib)} MiB/s; orderly end and start …`);
  const endFromMs = performance.now();
  await mesh.stop();
  const endSeconds = (performance.now() - endFromMs) / 1000;
  const orderlyFromMs = performance.now();
  await mesh.start();
  await firstReads(mesh.db);
  const orderly = (performance.now() - orderlyFromMs) / 1000;
  await expectWhole(mesh, items);
  note(`${dataMib} MiB: serving after ${orderly.toFixed(1)} s; kill -9 and start …`);
  await mesh.fell(host);
  const killedFromMs = performance.now();
  mesh.release(host);
  await firstReads(mesh.db);
  const killed = (performance.now() - killedFromMs) / 1000;
  await mesh.healthy();
  await expectWhole(mesh, items);
  const cpuSeconds = (processFigures(mesh.pidOf(host))?.cpuMs ?? Number.NaN) / 1000;
  return {
    dataMib,
    items,
    loadMibPerSecond: (perSecond * valueBytes) / mib,
    rss,
    endSeconds,
    orderly,
    killed,
    cpuSeconds,
  };
}

/** One linearizable read from each partition. */
async function firstReads(db: Database): Promise<void> {
  const items = db.table(table);
  await Promise.all(keyOfEachPartition(partitions).map((key) => items.get(key, { timeout: firstReadWithinMs })));
}

/** A fast restart that lost something would be none. */
async function expectWhole(mesh: BenchMesh, items: number): Promise<void> {
  const { tables } = await mesh.db.admin.status();
  const found = tables.find(({ name }) => name === table)?.partitions.reduce((sum, one) => sum + (one.items ?? 0), 0);
  if (found !== items) throw new Error(`${items} items were written and ${String(found)} are there`);
  for (const i of [0, items >>> 1, items - 1])
    if ((await mesh.db.table(table).get(keyName(i))) === undefined) throw new Error(`${keyName(i)} is not there`);
}

export const restart: Curve = {
  name: 'restart',
  title: 'Restart time as data grow: 64 MiB to 1 GiB in a host',
  sizeMax: 4096,
  settings: () => [
    `one host of ${workers} workers and one nats-server, a new one for each point, one table of ${partitions} partitions and one replica, ${valueBytes}-byte values that do not compress`,
    `loaded by one client with ${outstanding} outstanding; ${settleMs / 1000} s later the host is ended in order (SIGTERM) and started again, then killed (SIGKILL) and started again`,
    'restart: from the start of the process until one linearizable read from each partition was answered; after the orderly end nats-server is started, too',
    'after each restart the items are counted and some read',
    'the files are in the page cache of the system, as after the crash of a process; not as after the crash of a machine',
  ],
  columns: [
    { id: 'dataMib', title: 'values', unit: 'MiB', digits: 0 },
    { id: 'items', title: 'items', unit: '', digits: 0 },
    { id: 'loadMibPerSecond', title: 'load', unit: 'MiB/s', digits: 0 },
    { id: 'rss', title: 'host memory', unit: 'MiB', digits: 0 },
    { id: 'endSeconds', title: 'orderly end', unit: 's', digits: 1 },
    { id: 'orderly', title: 'restart after it', unit: 's', digits: 1 },
    { id: 'killed', title: 'restart after kill -9', unit: 's', digits: 1 },
    { id: 'cpuSeconds', title: 'processor time of that', unit: 's', digits: 1 },
  ],
  async *points(context) {
    for (const dataMib of pointsOf(context, points)) yield await measure(dataMib, context);
  },
  charts: (rows) => [
    {
      id: 'seconds',
      title: 'Restart until every partition answers',
      x: { title: 'MiB of values', scale: 'log' },
      y: { title: 'seconds', scale: 'linear' },
      lines: [
        lineOf('after kill -9', rows, 'dataMib', 'killed'),
        lineOf('after orderly end', rows, 'dataMib', 'orderly'),
      ],
    },
  ],
  claims: (rows) => [
    {
      what: 'recovery of 1 GiB of state from snapshot and journal (goal 10 s)',
      unit: 's',
      limit: 30,
      measured: measuredAt(rows, 'dataMib', 1024, 'killed'),
    },
  ],
};
