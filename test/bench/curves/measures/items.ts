// Items in one partition's engine, 10⁴ → 10⁷
// =============================================================================
//
// What the memory engine costs when everything around it is left out: bytes an item, and the pauses that a Map of Buffers would have.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Curve, type CurveContext, lineOf, measuredAt, pointsOf, type Row } from '../curve.js';
import type { ItemFigures } from './item-loading.js';

const run = promisify(execFile);
const points = { full: [10_000, 100_000, 1_000_000, 5_000_000, 10_000_000], quick: [10_000, 100_000] };
const program = fileURLToPath(new URL('./item-loading.js', import.meta.url));

async function measure(items: number, { signal, note }: CurveContext): Promise<Row> {
  note(`${items} items …`);
  const { stdout } = await run(process.execPath, ['--enable-source-maps', program, String(items)], { signal });
  return { items, ...(JSON.parse(stdout) as ItemFigures) };
}

export const items: Curve = {
  name: 'items',
  title: 'Cost as items grow: 10,000 to 10 million in one engine',
  sizeMax: 20_000_000,
  settings: () => [
    'the memory engine of one partition in a process of its own, a new one for each point; no journal, no replication, no NATS',
    '16-byte keys in random order, 256-byte values; a million gets and a million overwrites of random items afterwards',
    'memory: growth of the resident set while loading; longest insert: of every single one; longest collection: of the garbage collector, while loading',
  ],
  columns: [
    { id: 'items', title: 'items', unit: '', digits: 0 },
    { id: 'insertsPerSecond', title: 'inserts', unit: '/s', digits: 0 },
    { id: 'getsPerSecond', title: 'gets', unit: '/s', digits: 0 },
    { id: 'overwritesPerSecond', title: 'overwrites', unit: '/s', digits: 0 },
    { id: 'rssBytesPerItem', title: 'memory an item', unit: 'B', digits: 0 },
    { id: 'longestInsertMs', title: 'longest insert', unit: 'ms', digits: 2 },
    { id: 'longestGcMs', title: 'longest collection', unit: 'ms', digits: 2 },
  ],
  async *points(context) {
    for (const count of pointsOf(context, points)) yield await measure(count, context);
  },
  charts: (rows) => {
    const x = { title: 'items', scale: 'log' } as const;
    return [
      {
        id: 'speed',
        title: 'One engine: operations a second',
        x,
        y: { title: 'operations a second', scale: 'linear' },
        lines: [
          lineOf('gets', rows, 'items', 'getsPerSecond'),
          lineOf('overwrites', rows, 'items', 'overwritesPerSecond'),
          lineOf('inserts', rows, 'items', 'insertsPerSecond'),
        ],
      },
      {
        id: 'memory',
        title: 'One engine: resident memory an item',
        x,
        y: { title: 'bytes', scale: 'linear' },
        lines: [lineOf('memory', rows, 'items', 'rssBytesPerItem')],
      },
      {
        id: 'pauses',
        title: 'One engine: longest pauses while loading',
        x,
        y: { title: 'ms', scale: 'linear' },
        lines: [
          lineOf('an insert', rows, 'items', 'longestInsertMs'),
          lineOf('a collection', rows, 'items', 'longestGcMs'),
        ],
      },
    ];
  },
  claims: (rows) => [
    {
      what: 'longest pause while loading 5 million items (target 20 ms)',
      unit: 'ms',
      limit: 50,
      measured: measuredAt(rows, 'items', 5_000_000, 'longestInsertMs'),
    },
    {
      what: 'memory an item, 16-byte key and 256-byte value (target 380 B)',
      unit: 'B',
      limit: 450,
      measured: measuredAt(rows, 'items', 5_000_000, 'rssBytesPerItem'),
    },
  ],
};
