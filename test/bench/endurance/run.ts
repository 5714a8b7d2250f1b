// `make bench-endurance MINUTES=30`: does anything creep up under a load that stays the same?
// =============================================================================
//
//   node dist/test/bench/endurance/run.js [--minutes 30] [--rate 2000] [--every 10] [--hosts 3] [--out docs/benchmarks/endurance]
//
// A mesh of real processes, a mixed load at a fixed rate, and a look at every process every few seconds. No faults: those are `make soak`'s. An interrupt ends
// it cleanly, and what there is is judged and printed. Exit codes: 0 when every series is flat or too short to judge, 1 when one is not, or the
// load could not go on, 64 for wrong words, 130 when interrupted.

import { LoadFigures } from '../../../cli/load/load-figures.js';
import { LoadRun, type LoadSpec } from '../../../cli/load/load-run.js';
import { parseMix } from '../../../cli/load/mix.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { UsageError } from '../curves/arguments.js';
import { BenchMesh } from '../curves/bench-mesh.js';
import { describeMachine } from '../machine.js';
import { pause } from '../curves/processes.js';
import { type EnduranceWish, parseEnduranceWish } from './arguments.js';
import { describeEndurance, reportOf, writeEndurance } from './report.js';
import { Sampler, type Watched } from './sampler.js';
import { type Sample, seriesOf } from './series.js';

const workers = 2;
const partitions = 16;
const table = 'endurance';
const mix = 'get=60,put=25,increment=5,cas=4,delete=3,range=3';
const keys = 20_000;
const valueBytes = 256;
/**
 * Before the first sample, as a share of the run: heaps and logs get their usual size, code is compiled. V8 collects buffers that have become old every seven minutes or so, and what comes before that
 * first time is a host's memory growing to its usual size.
 */
const warmUpShare = 1 / 3;
const timeoutMs = 10_000;
const fillClients = 256;

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

function settingsOf({ hosts, rate, every, minutes }: EnduranceWish): string[] {
  return [
    `${hosts} hosts of ${workers} workers and one nats-server on one machine, one table of ${partitions} partitions and ${Math.min(3, hosts)} replicas`,
    `one client, an open loop: ${rate} operations a second are due whatever the answers do, at most 10,000 under way, each timed from when it was due; ${mix} over ${keys} keys that are all put first, values of ${valueBytes} bytes`,
    `${minutes} minutes after ${(minutes * warmUpShare).toFixed(1)} minutes of the same load that are not judged; a sample every ${every} s`,
    'flat: the median of the last third of the samples is not worse than that of the first third by more than the table says',
    'handles: open file descriptors; event-loop delay: 99th percentile within a sample, beyond the timer’s own 10 ms; latency: of all kinds of operations together',
  ];
}

async function soak(wish: EnduranceWish, interrupted: AbortSignal): Promise<number> {
  const machine = describeMachine();
  note(`booting a mesh of ${wish.hosts} hosts …`);
  await using mesh = await BenchMesh.open({ hosts: wish.hosts, workers, signal: interrupted });
  await mesh.db.admin.createTable(table, { partitions });
  const figures = new LoadFigures();
  const spec: LoadSpec = {
    clients: fillClients,
    rate: wish.rate,
    mix: parseMix(mix),
    valueBytes,
    keys,
    distribution: 'uniform',
    prefix: '',
    timeoutMs,
    pauseMs: 0,
  };
  // The load is not given the interrupt: it stops beginning operations and waits for those under way, so that none of them counts as failed.
  const load = new LoadRun(mesh.db.table(table), spec, seededRandom('endurance'), figures, undefined, neverAborted);
  interrupted.addEventListener('abort', () => load.stop(), { once: true });
  note(`filling ${keys} keys …`);
  await load.fill();
  const samples: Sample[] = [];
  const warmUpMs = wish.minutes * warmUpShare * 60_000;
  const durationMs = wish.minutes * 60_000;
  const running = load.run(warmUpMs + durationMs + 2 * wish.every * 1000);
  const watched: Watched = {
    hosts: mesh.hosts,
    pidOf: (name) => mesh.processOf(name),
    figures,
    underWay: () => load.underWay,
  };
  const failure = await watch(watched, { warmUpMs, durationMs, everyMs: wish.every * 1000, samples }, interrupted);
  load.stop();
  await running;
  const complete = failure === undefined;
  const { errors } = figures;
  const series = seriesOf(mesh.hosts);
  const { rate, every } = wish;
  const report = reportOf({ series, samples, complete, rate, every, settings: settingsOf(wish), errors, machine });
  process.stdout.write(`${describeEndurance(report).join('\n')}\n`);
  if (samples.length > 0) note(`written to ${writeEndurance(wish.out, report)}`);
  if (failure === undefined) return report.flat === false ? 1 : 0;
  if (interrupted.aborted) return 130;
  throw failure;
}

const neverAborted = new AbortController().signal;

interface Watch {
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly everyMs: number;
  /** What was seen is added here. */
  readonly samples: Sample[];
}

/** @returns what ended it early */
async function watch(
  watched: Watched,
  { warmUpMs, durationMs, everyMs, samples }: Watch,
  interrupted: AbortSignal,
): Promise<Error | undefined> {
  try {
    note(`warming up for ${Math.round(warmUpMs / 1000)} s …`);
    await pause(warmUpMs, interrupted);
    using sampler = new Sampler(watched);
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs) {
      await pause(everyMs, interrupted);
      const sample = sampler.take();
      samples.push(sample);
      const { answers, latencyP50, latencyP99, failures } = sample.values;
      note(
        `${Math.round(sample.atSeconds)} s  ${answers?.toFixed(0)}/s  p50 ${latencyP50?.toFixed(1)} ms  p99 ${latencyP99?.toFixed(1)} ms  ${failures?.toFixed(1)} failures/s  h1 ${sample.values['memory h1']?.toFixed(0)} MiB`,
      );
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function main(): Promise<number> {
  const wish = parseEnduranceWish(process.argv.slice(2));
  const interrupted = new AbortController();
  const interrupt = (): void => {
    note('interrupted: judging what there is …');
    interrupted.abort(new Error('interrupted'));
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt);
  try {
    return await soak(wish, interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    throw error;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  note(`bench-endurance: ${error.message}`);
  process.exitCode = 64;
}
