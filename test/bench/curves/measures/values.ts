// Value size, 16 B → 1 MiB
// =============================================================================
//
// The same mesh for all points. Small values cost by the operation, large ones by the byte: the curve shows where one becomes the other.

import { limits } from '../../../../messaging/protocol/limits.js';
import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, pointsOf, type Row } from '../curve.js';
import { fill, noise, writesThenReads } from '../load.js';

const points = { full: [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_000], quick: [16, 4096, 262_144] };
const hosts = 3;
const workers = 2;
const partitions = 8;
const outstanding = 64;
const table = 'curve';
const mib = 1024 * 1024;
/** So that large values do not need much memory, and small ones have many keys. */
const dataBytesMax = 64 * mib;
const keysMax = 10_000;
/** What a value of bytes takes beside them when it is encoded, at most. */
const encodingBytes = 16;

function waits(quick: boolean): { readonly loadMs: number } {
  return quick ? { loadMs: 500 } : { loadMs: 5000 };
}

async function* measureAll(context: CurveContext): AsyncGenerator<Row, void, undefined> {
  const { quick, signal, note } = context;
  const { loadMs } = waits(quick);
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  for (const valueBytes of pointsOf(context, points)) {
    note(`${valueBytes} bytes …`);
    const name = `${table}-${valueBytes}`;
    await mesh.db.admin.createTable(name, { partitions });
    const keys = Math.max(outstanding, Math.min(keysMax, Math.floor(dataBytesMax / valueBytes)));
    const value = noise(valueBytes);
    await fill(mesh.db.table(name), 0, keys, value, outstanding, signal);
    const loop = { outstanding, warmUpMs: loadMs / 2, durationMs: loadMs, signal };
    const { writes, reads } = await writesThenReads(mesh.db.table(name), keys, value, loop);
    await mesh.db.admin.deleteTable(name);
    yield {
      valueBytes,
      writes: writes.perSecond,
      writeMib: (writes.perSecond * valueBytes) / mib,
      writeP50: writes.p50Ms,
      writeP99: writes.p99Ms,
      reads: reads.perSecond,
      readMib: (reads.perSecond * valueBytes) / mib,
      readP50: reads.p50Ms,
      readP99: reads.p99Ms,
    };
  }
}

export const values: Curve = {
  name: 'values',
  title: 'Cost as values grow: 16 bytes to 1 MiB',
  sizeMax: limits.valueBytesMax - encodingBytes,
  settings: (quick) => {
    const { loadMs } = waits(quick);
    return [
      `${hosts} hosts of ${workers} workers and one nats-server on one machine; the same mesh for all points, a table of ${partitions} partitions and three replicas for each`,
      `${outstanding} outstanding from one client, values of bytes that do not compress, over at most ${keysMax} keys and ${dataBytesMax / mib} MiB`,
      `${loadMs / 1000} s of overwrites, then ${loadMs / 1000} s of linearizable reads, each after half as long that is not measured`,
      'the last point is a little below 1 MiB, since the limit is on the encoded value',
    ];
  },
  columns: [
    { id: 'valueBytes', title: 'value', unit: 'B', digits: 0 },
    { id: 'writes', title: 'writes', unit: '/s', digits: 0 },
    { id: 'writeMib', title: 'written', unit: 'MiB/s', digits: 1 },
    { id: 'writeP50', title: 'write p50', unit: 'ms', digits: 1 },
    { id: 'writeP99', title: 'write p99', unit: 'ms', digits: 1 },
    { id: 'reads', title: 'reads', unit: '/s', digits: 0 },
    { id: 'readMib', title: 'read', unit: 'MiB/s', digits: 1 },
    { id: 'readP50', title: 'read p50', unit: 'ms', digits: 1 },
    { id: 'readP99', title: 'read p99', unit: 'ms', digits: 1 },
  ],
  points: measureAll,
  charts: (rows) => {
    const x = { title: 'bytes of a value', scale: 'log' } as const;
    return [
      {
        id: 'throughput',
        title: `Operations a second, ${outstanding} outstanding`,
        x,
        y: { title: 'operations a second', scale: 'log' },
        lines: [lineOf('reads', rows, 'valueBytes', 'reads'), lineOf('writes', rows, 'valueBytes', 'writes')],
      },
      {
        id: 'bytes',
        title: `Values, MiB a second, ${outstanding} outstanding`,
        x,
        y: { title: 'MiB a second', scale: 'linear' },
        lines: [lineOf('read', rows, 'valueBytes', 'readMib'), lineOf('written', rows, 'valueBytes', 'writeMib')],
      },
      {
        id: 'latency',
        title: `Latency, ${outstanding} outstanding`,
        x,
        y: { title: 'ms', scale: 'log' },
        lines: [
          lineOf('write p99', rows, 'valueBytes', 'writeP99'),
          lineOf('write p50', rows, 'valueBytes', 'writeP50'),
          lineOf('read p99', rows, 'valueBytes', 'readP99'),
          lineOf('read p50', rows, 'valueBytes', 'readP50'),
        ],
      },
    ];
  },
  claims: () => [],
};
