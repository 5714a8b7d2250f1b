// troupe load: throughput, latency and, with --verify, a verdict on a live mesh
// =============================================================================
//
// Exit code 1 when the verdict is no. An inconclusive verdict is said and is no failure.

import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { limits } from '../../messaging/client/index.js';
import { SampledHistory } from '../../messaging/workload/sampled-history.js';
import { judgeHistory, type Verdict } from '../../messaging/workload/verdict.js';
import { seededRandom } from '../../runtime/std/random.js';
import { parseCount, parseDurationMs, parseWord } from '../argument.js';
import { usage } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { describeVerdict, reportVerdict } from '../load/describe-verdict.js';
import { saveHistory } from '../load/history-file.js';
import { distributions, zipfKeysMax } from '../load/key-chooser.js';
import { type KindFigures, LoadFigures } from '../load/load-figures.js';
import { showProgress } from '../load/load-progress.js';
import { LoadRun, type LoadSpec } from '../load/load-run.js';
import { parseMix } from '../load/mix.js';
import { readBack } from '../load/read-back.js';
import { formatTable, printValue } from '../output.js';

interface LoadOptions {
  readonly rate: string;
  readonly clients: string;
  readonly mix: string;
  readonly valueBytes: string;
  readonly keys?: string;
  readonly distribution: string;
  readonly duration: string;
  readonly table: string;
  readonly fill?: boolean;
  readonly verify?: boolean;
  readonly history?: string;
  readonly seed?: string;
  readonly keep?: boolean;
}

interface LoadWish {
  readonly spec: LoadSpec;
  readonly durationMs: number;
  readonly table: string;
  readonly seed: string;
  readonly isFilled: boolean;
  readonly isVerified: boolean;
  readonly historyPath: string | undefined;
  readonly keepsTable: boolean;
}

/** About 200 MB of entries; beyond it keys are sampled. */
const entriesMax = 500_000;
const judgeBudgetMs = 10_000;
const defaultMix = 'get=80,put=20';
const verifiedMix = 'get=50,put=20,increment=10,cas=10,delete=3,insert=5,range=2';

export function registerLoad(program: Command, keep: Keep): void {
  program
    .command('load')
    .description('ask a mesh for a while: throughput, latency and, with --verify, a verdict')
    .option('--rate <count>', 'operations a second, timed from when they are due; max: as fast as answers come', 'max')
    .option('--clients <count>', 'clients, each with one operation under way (--rate max)', '64')
    .option('--mix <shares>', `of get, put, delete, increment, cas, insert, range (${defaultMix})`)
    .option('--value-bytes <count>', 'size of the values', '256')
    .option('--keys <count>', 'different keys (100000; 1000 with --verify, so that clients meet)')
    .option('--distribution <name>', 'of the keys: uniform or zipf', 'uniform')
    .option('--duration <duration>', 'how long', '10s')
    .option('--fill', 'put every key once before')
    .option('--verify', 'record what was asked and answered, and judge it')
    .option('--history <file>', 'save what was recorded, a line an operation')
    .option('--seed <text>', 'of the choices; else random')
    .option('-t, --table <name>', 'the table; when it is missing it is made, and deleted afterwards', 'load')
    .option('--keep', 'do not delete the table that was made')
    .action((options: LoadOptions) => {
      const wish = wishOf(options);
      keep((invocation) => run(wish, invocation));
    });
}

/** @throws CliError */
function wishOf(options: LoadOptions): LoadWish {
  const isVerified = options.verify === true || options.history !== undefined;
  const distribution = parseWord('--distribution', distributions, options.distribution);
  const keys = parseCount('--keys', options.keys ?? (isVerified ? '1000' : '100000'), 1, 0xffff_ffff);
  if (distribution === 'zipf' && keys > zipfKeysMax)
    throw usage(`--distribution zipf takes at most ${zipfKeysMax} keys`);
  const rate = options.rate === 'max' ? undefined : parseCount('--rate', options.rate, 1, 1_000_000);
  const seed = options.seed ?? randomBytes(6).toString('hex');
  return {
    spec: {
      clients: parseCount('--clients', options.clients, 1, 10_000),
      rate,
      mix: parseMix(options.mix ?? (isVerified ? verifiedMix : defaultMix)),
      valueBytes: parseCount('--value-bytes', options.valueBytes, 1, limits.valueBytesMax - 16),
      keys,
      distribution,
      // What is judged begins with keys that nobody has used.
      prefix: isVerified ? `v${randomBytes(5).toString('hex')}-` : '',
      timeoutMs: 10_000,
      pauseMs: 0,
    },
    durationMs: parseDurationMs('--duration', options.duration),
    table: options.table,
    seed,
    isFilled: options.fill === true,
    isVerified,
    historyPath: options.history,
    keepsTable: options.keep === true,
  };
}

async function run(wish: LoadWish, invocation: Invocation): Promise<number> {
  const { connect, options, output, signal } = invocation;
  const db = await connect();
  const spec = options.timeoutMs === undefined ? wish.spec : { ...wish.spec, timeoutMs: options.timeoutMs };
  const { created } = await db.admin.createTable(wish.table, { ifMissing: true, signal });
  const table = db.table(wish.table);
  const figures = new LoadFigures();
  const history = wish.isVerified ? new SampledHistory(entriesMax, () => performance.now()) : undefined;
  const load = new LoadRun(table, spec, seededRandom(wish.seed), figures, history, signal);
  if (wish.isFilled) {
    output.note(`putting ${spec.keys} keys …`);
    await load.fill();
  }
  const startMs = performance.now();
  const endProgress = showProgress(figures, () => load.underWay, output);
  try {
    await load.run(wish.durationMs);
  } finally {
    endProgress();
  }
  const seconds = (performance.now() - startMs) / 1000;
  let verdict: Verdict | undefined;
  if (history !== undefined && !signal.aborted) {
    output.note('reading back and judging …');
    const back = await readBack(new Map([[wish.table, table]]), history, { ...spec, signal });
    const deadlineMs = performance.now() + judgeBudgetMs;
    const entries = history.entries;
    verdict = judgeHistory(entries, {
      finally: (name, key) => back.get(`${name}\n${key}`),
      isOver: () => performance.now() > deadlineMs,
    });
    if (wish.historyPath !== undefined)
      await saveHistory(wish.historyPath, entries, { cluster: db.cluster, seed: wish.seed, share: history.share });
  }
  const isBad = verdict?.outcome === 'violated';
  if (created && !wish.keepsTable && !isBad && !signal.aborted) await db.admin.deleteTable(wish.table, { signal });
  const share = history?.share ?? 1;
  const result = {
    seconds: Number(seconds.toFixed(3)),
    operationsPerSecond: Math.round(figures.answered / seconds),
    answered: figures.answered,
    failed: figures.failed,
    missed: load.missed,
    seed: wish.seed,
    operations: figures.kinds,
    errors: figures.errors,
    ...(verdict === undefined ? {} : { verdict: reportVerdict(verdict, share) }),
  };
  printValue(output, result, () => [
    ...formatTable(columns, figures.kinds.map(row)),
    '',
    `${result.answered} answered in ${seconds.toFixed(1)} s: ${result.operationsPerSecond} a second, ${result.failed} failed${load.missed === 0 ? '' : `, ${load.missed} due and never begun`}`,
    ...Object.entries(figures.errors).map(([code, count]) => `  ${code}: ${count}`),
    ...(verdict === undefined ? [] : ['', ...describeVerdict(verdict, share, output)]),
  ]);
  if (isBad && created) output.note(`the table ${wish.table} is kept`);
  if (signal.aborted) return exitCodes.interrupted;
  return isBad ? exitCodes.failure : exitCodes.ok;
}

const columns = [
  'operation',
  'answered',
  'failed',
  'found',
  'refused',
  'p50 ms',
  'p90 ms',
  'p99 ms',
  'p99.9 ms',
  'max ms',
];

function row({ kind, answered, failed, found, refused, latencyMs }: KindFigures): string[] {
  const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));
  const { p50, p90, p99, p999, max } = latencyMs ?? {};
  const reads = kind === 'get' || kind === 'range';
  const conditional = kind === 'cas' || kind === 'insert';
  return [
    kind,
    String(answered),
    String(failed),
    reads ? String(found) : '',
    conditional ? String(refused) : '',
    ...[p50, p90, p99, p999, max].map(ms),
  ];
}
