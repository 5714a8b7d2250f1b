// Failover against partitions, 8 → 1,024
// =============================================================================
//
// The host that leads the most is killed with kill -9 while every partition is written to, one write at a time. The longest gap between two
// answers is what a user of that partition notices. With many partitions the writers alone keep the machine busy, so the gaps before the kill are beside it.

import type { Table } from '../../../../messaging/client/index.js';
import { TroupeError } from '../../../../messaging/client/index.js';
import { BenchMesh } from '../bench-mesh.js';
import { type Curve, type CurveContext, lineOf, pointsOf, type Row } from '../curve.js';
import { keyOfEachPartition } from '../partition-keys.js';
import { pause } from '../processes.js';
import { WriteGaps } from './write-gaps.js';

const points = { full: [8, 64, 256, 1024], quick: [8, 32] };
const hosts = 3;
const workers = 2;
const table = 'curve';
const writeTimeoutMs = 60_000;
const createWithinMs = 120_000;
const againWithinMs = 120_000;
/** After an error, so that one which comes at once is not asked for without end. */
const errorPauseMs = 5;
const lookMs = 10;

function sizes(quick: boolean): { readonly kills: number; readonly calmMs: number; readonly warmUpMs: number } {
  return quick ? { kills: 1, calmMs: 1000, warmUpMs: 1000 } : { kills: 3, calmMs: 4000, warmUpMs: 5000 };
}

/** Of one kill, ms. */
interface Kill {
  readonly calm: number;
  readonly led: readonly number[];
  readonly followed: readonly number[];
  readonly healthy: number;
}

async function measure(partitions: number, { quick, signal, note }: CurveContext): Promise<Row> {
  const { kills, calmMs, warmUpMs } = sizes(quick);
  await using mesh = await BenchMesh.open({ hosts, workers, signal });
  await mesh.db.admin.createTable(table, { partitions, timeout: createWithinMs });
  await mesh.healthy();
  const gaps = new WriteGaps(partitions, () => performance.now());
  const over = new AbortController();
  const writers = Promise.all(
    keyOfEachPartition(partitions).map((key, i) =>
      write(mesh.db.table(table), key, () => gaps.answered(i), over.signal),
    ),
  );
  const results: Kill[] = [];
  try {
    await untilAllAnswered(gaps, performance.now(), signal);
    await pause(warmUpMs, signal);
    for (let n = 1; n <= kills; n++) {
      const kill = await oneKill(mesh, gaps, calmMs, signal);
      results.push(kill);
      note(
        `${partitions} partitions: longest gap ${Math.round(Math.max(...kill.led))} ms after kill ${n} of ${kills}, ${Math.round(kill.calm)} ms before it`,
      );
    }
  } finally {
    over.abort();
    await writers;
  }
  const led = results.flatMap((kill) => kill.led).sort((a, b) => a - b);
  return {
    partitions,
    led: led.length / kills,
    calm: Math.max(...results.map((kill) => kill.calm)),
    ledP50: led[led.length >>> 1],
    ledMax: led.at(-1),
    followedMax: Math.max(...results.flatMap((kill) => kill.followed)),
    healthySeconds: Math.max(...results.map((kill) => kill.healthy)) / 1000,
  };
}

async function write(table: Table, key: string, onAnswer: () => void, over: AbortSignal): Promise<void> {
  for (let n = 0; !over.aborted; n++) {
    try {
      await table.put(key, n, { timeout: writeTimeoutMs });
      onAnswer();
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, errorPauseMs)); // refused, or its fate unknown: the next one counts
    }
  }
}

async function oneKill(mesh: BenchMesh, gaps: WriteGaps, calmMs: number, signal: AbortSignal): Promise<Kill> {
  gaps.begin();
  await pause(calmMs, signal);
  const calm = Math.max(...gaps.longest());
  const leaders = (await mesh.db.admin.describeTable(table)).partitions.map((partition) => partition.leader);
  const victim = leadsMost(leaders);
  gaps.begin();
  const killedMs = performance.now();
  mesh.kill(victim);
  await untilAllAnswered(gaps, killedMs, signal);
  await mesh.healthy();
  const longest = gaps.longest();
  return {
    calm,
    led: longest.filter((_, i) => leaders[i] === victim),
    followed: longest.filter((_, i) => leaders[i] !== victim),
    healthy: performance.now() - killedMs,
  };
}

/** @throws Error when some partition takes no write for minutes */
async function untilAllAnswered(gaps: WriteGaps, sinceMs: number, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + againWithinMs;
  // The answers to what was asked before the kill may still come after it: everybody must have answered a while later.
  while (!gaps.allSince(sinceMs + lookMs)) {
    if (performance.now() > deadlineMs) throw new Error('some partition takes no write');
    await pause(lookMs, signal);
  }
}

/** @throws Error when nobody leads */
export function leadsMost(leaders: readonly (string | undefined)[]): string {
  const leads = new Map<string, number>();
  for (const leader of leaders) if (leader !== undefined) leads.set(leader, (leads.get(leader) ?? 0) + 1);
  const [first] = [...leads].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (first === undefined) throw new Error('no partition has a leader');
  return first[0];
}

export const failover: Curve = {
  name: 'failover',
  title: 'Failover as partitions grow: 8 to 1,024 on three hosts',
  sizeMax: 1024,
  settings: (quick) => {
    const { kills, calmMs, warmUpMs } = sizes(quick);
    return [
      `${hosts} hosts of ${workers} workers and one nats-server on one machine, a new mesh for each point, one table of three replicas`,
      `one writer for each partition, one small write at a time, all in one client; after ${warmUpMs / 1000} s and then ${kills} times: ${calmMs / 1000} s of calm, kill -9 of the host that leads most, until every partition was answered and every replica is in sync again`,
      'gap: the longest time between two answers of one partition’s writer; before the kill, after it in partitions that the victim led (median and maximum), and in those that it followed',
      'the supervisor sees the process end and says so: a failover after the loss of a machine waits for its lease instead',
    ];
  },
  columns: [
    { id: 'partitions', title: 'partitions', unit: '', digits: 0 },
    { id: 'led', title: 'led by the victim', unit: '', digits: 0 },
    { id: 'calm', title: 'gap before', unit: 'ms', digits: 0 },
    { id: 'ledP50', title: 'led: median gap', unit: 'ms', digits: 0 },
    { id: 'ledMax', title: 'led: longest gap', unit: 'ms', digits: 0 },
    { id: 'followedMax', title: 'followed: longest gap', unit: 'ms', digits: 0 },
    { id: 'healthySeconds', title: 'all in sync again', unit: 's', digits: 1 },
  ],
  async *points(context) {
    for (const count of pointsOf(context, points)) yield await measure(count, context);
  },
  charts: (rows) => [
    {
      id: 'gaps',
      title: 'Longest time between two answers of a partition',
      x: { title: 'partitions', scale: 'log' },
      y: { title: 'ms', scale: 'linear' },
      lines: [
        lineOf('led by the victim', rows, 'partitions', 'ledMax'),
        lineOf('its median', rows, 'partitions', 'ledP50'),
        lineOf('followed', rows, 'partitions', 'followedMax'),
        lineOf('before the kill', rows, 'partitions', 'calm'),
      ],
    },
  ],
  claims: () => [],
};
