// Items in a mesh, 10⁴ → 10⁶
// =============================================================================
//
// The same mesh for all points, filled further each time: with three copies of everything, journals and snapshots, as users have it.

import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, pointsOf, type Row } from '../curve.js';
import { fill, noise, writesThenReads } from '../load.js';
import { pause } from '../processes.js';

const points = { full: [10_000, 100_000, 300_000, 1_000_000], quick: [500, 1000] };
const hosts = 3;
const workers = 2;
const partitions = 16;
const valueBytes = 256;
const outstanding = 256;
const fillOutstanding = 1024;
const table = 'curve';

function waits(quick: boolean): { readonly settleMs: number; readonly loadMs: number } {
  return quick ? { settleMs: 200, loadMs: 500 } : { settleMs: 3000, loadMs: 5000 };
}

async function* measureAll(context: CurveContext): AsyncGenerator<Row, void, undefined> {
  const { quick, signal, note } = context;
  const { settleMs, loadMs } = waits(quick);
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  await mesh.db.admin.createTable(table, { partitions });
  const base = mesh.hostRssMib;
  const value = noise(valueBytes);
  const loop = { outstanding, warmUpMs: loadMs / 2, durationMs: loadMs, signal };
  let filled = 0;
  for (const items of pointsOf(context, points)) {
    note(`${items} items: filling …`);
    const filling = await fill(mesh.db.table(table), filled, items, value, fillOutstanding, signal);
    filled = items;
    await pause(settleMs, signal);
    const { writes, reads } = await writesThenReads(mesh.db.table(table), items, value, loop);
    const rss = mesh.hostRssMib;
    const growth = rss === undefined || base === undefined ? undefined : rss - base;
    yield {
      items,
      filling,
      writes: writes.perSecond,
      writeP99: writes.p99Ms,
      reads: reads.perSecond,
      readP99: reads.p99Ms,
      rss,
      bytesPerItem: growth === undefined ? undefined : (growth * 1024 * 1024) / items,
    };
  }
}

export const itemsInMesh: Curve = {
  name: 'items-mesh',
  title: 'Cost as items grow: 10,000 to 1 million in a mesh',
  sizeMax: 5_000_000,
  settings: (quick) => {
    const { settleMs, loadMs } = waits(quick);
    return [
      `${hosts} hosts of ${workers} workers and one nats-server on one machine, one table of ${partitions} partitions and three replicas; the same mesh for all points`,
      `filled by one client with ${fillOutstanding} outstanding, ${valueBytes}-byte values; ${settleMs / 1000} s later ${outstanding} outstanding: ${loadMs / 1000} s of overwrites, then ${loadMs / 1000} s of linearizable reads, each after half as long that is not measured`,
      'memory: resident, of the host that has most; an item: its growth since the table was made, by the number of items, each of which every host has; it holds the log kept in memory and the garbage of JavaScript',
    ];
  },
  columns: [
    { id: 'items', title: 'items', unit: '', digits: 0 },
    { id: 'filling', title: 'filling', unit: '/s', digits: 0 },
    { id: 'writes', title: 'writes', unit: '/s', digits: 0 },
    { id: 'writeP99', title: 'write p99', unit: 'ms', digits: 1 },
    { id: 'reads', title: 'reads', unit: '/s', digits: 0 },
    { id: 'readP99', title: 'read p99', unit: 'ms', digits: 1 },
    { id: 'rss', title: 'host memory', unit: 'MiB', digits: 0 },
    { id: 'bytesPerItem', title: 'an item', unit: 'B', digits: 0 },
  ],
  points: measureAll,
  charts: (rows) => {
    const x = { title: 'items', scale: 'log' } as const;
    return [
      {
        id: 'throughput',
        title: `Throughput, ${outstanding} outstanding`,
        x,
        y: { title: 'operations a second', scale: 'linear' },
        lines: [lineOf('reads', rows, 'items', 'reads'), lineOf('writes', rows, 'items', 'writes')],
      },
      {
        id: 'memory',
        title: 'Memory of a host',
        x,
        y: { title: 'MiB', scale: 'linear' },
        lines: [lineOf('resident', rows, 'items', 'rss')],
      },
    ];
  },
  claims: () => [],
};
