// troupe soak: real processes under load and real faults, judged
// =============================================================================
//
// Boots a mesh of its own in a temporary folder. Each cycle picks faults by the seed, waits until the mesh is well again, and judges what its
// clients were told; at the end all hosts are killed once more and everything is read again. It ends only processes that it started.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Database, Table } from '../../messaging/client/index.js';
import type { HeldItem } from '../../messaging/workload/history.js';
import type { Finding } from '../../messaging/workload/ledger.js';
import { seededRandom } from '../../runtime/std/random.js';
import { type PlantedBug, plantedBugs } from '../../runtime/probes/planted-bugs.js';
import { plantedBugVariable } from '../../runtime/threads/planted-bug.js';
import { parseCount, parseWord } from '../argument.js';
import { usage } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { describeVerdict } from '../load/describe-verdict.js';
import { saveHistory } from '../load/history-file.js';
import { ask } from '../load/load-operation.js';
import { type Output, printValue } from '../output.js';
import type { Fault } from '../soak/fault.js';
import { faults } from '../soak/faults.js';
import { Settled } from '../soak/settled.js';
import { type CycleResult, type CycleTimes, runCycle } from '../soak/soak-cycle.js';
import { SoakMesh } from '../soak/soak-mesh.js';
import { cycleLine, describeSoak, faultReports, type SoakReport } from '../soak/soak-report.js';
import { waitUntilHealthy } from '../wait-healthy.js';

interface SoakOptions {
  readonly cycles: string;
  readonly faults?: string;
  readonly seed?: string;
  readonly hosts: string;
  readonly clients: string;
  readonly planted?: string;
}

interface SoakWish {
  readonly cycles: number;
  readonly allowed: readonly Fault[];
  readonly seed: string;
  readonly hosts: number;
  readonly clients: number;
  readonly planted: PlantedBug | undefined;
}

const bugNames = Object.keys(plantedBugs) as PlantedBug[];
const tableName = 'soak';
const partitions = 6;
const workers = 2;
const readAgainMs = 20_000;
const readAgainAtOnce = 256;
const judgeAgainMs = 120_000;
/** Fewer than in a cycle: so many keys come together at the end. */
const stepsAgainMax = 100_000;
const healthyDeadlineMs = 120_000;
/** With a bug in it, a mesh may never be well again, and the verdict is no all the same. */
const plantedDeadlineMs = 15_000;

export function registerSoak(program: Command, keep: Keep): void {
  program
    .command('soak')
    .description('a mesh of its own under load and real faults, judged')
    .option('--cycles <count>', 'how many times trouble is made', '20')
    .option('--faults <list>', `only these: ${faults.map((fault) => fault.name).join(', ')}`)
    .option('--seed <text>', 'of the choices; else random')
    .option('--hosts <count>', 'hosts of the mesh', '3')
    .option('--clients <count>', 'clients at once', '24')
    .option('--planted <bug>', 'put a known bug into every host, PB09 for one, and see it found')
    .action((options: SoakOptions) => {
      const wish: SoakWish = {
        cycles: parseCount('--cycles', options.cycles, 1, 1_000_000),
        allowed: options.faults === undefined ? faults : parseFaults(options.faults),
        seed: options.seed ?? randomBytes(6).toString('hex'),
        hosts: parseCount('--hosts', options.hosts, 3, 16),
        clients: parseCount('--clients', options.clients, 1, 1024),
        planted: options.planted === undefined ? undefined : parseWord('--planted', bugNames, options.planted),
      };
      keep((invocation) => soak(wish, invocation));
    });
}

/** @throws CliError */
export function parseFaults(text: string): Fault[] {
  return text.split(',').map((word) => {
    const name = word.trim();
    const fault = faults.find((one) => one.name === name);
    if (fault === undefined) throw usage(`--faults knows ${faults.map((one) => one.name).join(', ')}, not ${name}`);
    return fault;
  });
}

async function soak(wish: SoakWish, { output, signal }: Invocation): Promise<number> {
  const startMs = performance.now();
  output.note(`booting a mesh of ${wish.hosts} hosts, seed ${wish.seed} …`);
  const env = wish.planted === undefined ? {} : { [plantedBugVariable]: wish.planted };
  const mesh = await SoakMesh.open(wish.hosts, workers, env, signal);
  const settled = new Settled();
  const results: CycleResult[] = [];
  let failure: string | undefined;
  let last: LastRead | undefined;
  try {
    await mesh.createTable(tableName, partitions);
    const table = mesh.db.table(tableName);
    const random = seededRandom(wish.seed);
    for (let cycle = 1; cycle <= wish.cycles && failure === undefined; cycle++) {
      const own = random.split(`cycle ${cycle}`);
      const result = await runCycle(
        mesh,
        table,
        cycle,
        wish.allowed,
        own,
        wish.clients,
        wish.planted === undefined ? healthyDeadlineMs : plantedDeadlineMs,
        signal,
      );
      output.note(cycleLine(result, wish.cycles));
      settled.add(result.entries, result.back);
      failure = failureOf(result) ?? crashOf(mesh, cycle);
      if (failure !== undefined) await keepEvidence(mesh, result, wish.seed, output);
      results.push({ ...result, entries: [], back: new Map() });
    }
    if (failure === undefined) {
      output.note(`killing every host once more, and reading ${settled.size} keys again …`);
      last = await readAgain(mesh, table, settled, signal);
      for (const line of last.wrong.slice(0, 10)) output.note(`  ${line}`);
      failure = last.wrong[0] ?? crashOf(mesh, undefined);
    }
  } catch (error) {
    if (!signal.aborted) mesh.keep();
    throw error;
  } finally {
    if (failure !== undefined) mesh.keep();
    await mesh.close();
  }
  const report = reportOf(wish, results, settled, last, failure, mesh, performance.now() - startMs);
  printValue(output, report, () => describeSoak(report, output));
  return failure === undefined ? exitCodes.ok : exitCodes.failure;
}

async function keepEvidence(mesh: SoakMesh, result: CycleResult, seed: string, output: Output): Promise<void> {
  const { cycle, entries, faults: happened, verdict } = result;
  for (const line of describeVerdict(verdict, 1, output)) output.note(line);
  const path = join(mesh.folder, 'history.ndjson');
  await saveHistory(path, entries, { seed, cycle, faults: happened });
  output.note(`the cycle's history: ${path}`);
}

function failureOf({ cycle, illness, verdict }: CycleResult): string | undefined {
  if (verdict.outcome === 'violated') return `cycle ${cycle}: ${verdict.findings[0]?.text ?? 'violated'}`;
  if (illness !== undefined) return `cycle ${cycle}: ${illness}`;
  if (verdict.unread > 0) return `cycle ${cycle}: ${verdict.unread} keys cannot be read though all is well`;
  return undefined;
}

/** Whatever crashed without a fault that explains it. */
function crashOf(mesh: SoakMesh, cycle: number | undefined): string | undefined {
  const [first] = mesh.words.crashes;
  return first === undefined ? undefined : `${cycle === undefined ? 'at the end' : `cycle ${cycle}`}: ${first}`;
}

interface LastRead {
  /** What is not as it was, or cannot have become so: a line each. */
  readonly wrong: readonly string[];
  readonly undecided: number;
  readonly findings: readonly Finding[];
}

/** Kills all hosts, with whatever was not synced, and reads every key of every cycle. */
async function readAgain(mesh: SoakMesh, table: Table, settled: Settled, signal: AbortSignal): Promise<LastRead> {
  mesh.losePower();
  for (const host of mesh.hosts) mesh.kill(host);
  await waitUntilHealthyOrThrow(mesh.db, mesh.hosts, signal);
  mesh.heal();
  const wrong: string[] = [];
  const unsure = new Map<string, HeldItem | undefined>();
  const keys = settled.keys();
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let key = keys[next++]; key !== undefined; key = keys[next++]) {
      const asked = { kind: 'get', key, consistency: 'linearizable' } as const;
      const told = await ask(table, asked, { timeoutMs: readAgainMs, valueBytes: undefined, signal });
      if (told.kind !== 'got') wrong.push(`${key} cannot be read`);
      else if (settled.isUnsure(key)) unsure.set(key, told.item);
      else {
        const difference = settled.difference(key, told.item);
        if (difference !== undefined) wrong.push(difference);
      }
    }
  };
  await Promise.all(Array.from({ length: readAgainAtOnce }, reader));
  const deadlineMs = performance.now() + judgeAgainMs;
  const { findings, keys: counts } = settled.judgeUnsure(
    table.name,
    unsure,
    () => performance.now() > deadlineMs,
    stepsAgainMax,
  );
  wrong.push(...findings.map(({ text }) => text));
  return { wrong, undecided: counts.undecided, findings };
}

async function waitUntilHealthyOrThrow(db: Database, hosts: readonly string[], signal: AbortSignal): Promise<void> {
  const { healthy, reasons } = await waitUntilHealthy(db, Date.now() + healthyDeadlineMs, signal, hosts);
  if (!healthy) throw new Error(`not healthy after every host was killed: ${reasons.join(', ')}`);
}

function sumOfTimes(results: readonly CycleResult[]): CycleTimes {
  const sum = (of: keyof CycleTimes): number =>
    Math.round(results.reduce((total, { timesMs }) => total + timesMs[of], 0));
  return { faults: sum('faults'), well: sum('well'), equal: sum('equal'), read: sum('read'), judge: sum('judge') };
}

function reportOf(
  wish: SoakWish,
  results: readonly CycleResult[],
  settled: Settled,
  last: LastRead | undefined,
  failure: string | undefined,
  mesh: SoakMesh,
  elapsedMs: number,
): SoakReport {
  const sum = (of: (result: CycleResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  const findings = [...results.flatMap(({ verdict }) => verdict.findings), ...(last?.findings ?? [])];
  const broken = (...rules: string[]): number => findings.filter(({ rule }) => rules.includes(rule)).length;
  const { counts, crashes } = mesh.words;
  return {
    seed: wish.seed,
    cycles: results.length,
    seconds: Number((elapsedMs / 1000).toFixed(1)),
    operations: {
      answered: sum(({ counts }) => counts.answered),
      failed: sum(({ counts }) => counts.failed),
      unknown: sum(({ counts }) => counts.unknown),
    },
    keys: {
      linearizable: sum(({ verdict }) => verdict.keys.linearizable),
      violated: sum(({ verdict }) => verdict.keys.violated),
      undecided: sum(({ verdict }) => verdict.keys.undecided),
    },
    counters: sum(({ verdict }) => verdict.counters),
    broken: { lost: broken('R21'), visible: broken('R22'), twice: broken('R23', 'S2') },
    settled: {
      checked: last === undefined ? 0 : settled.size + settled.unsure,
      different: last?.wrong.length ?? 0,
      unsure: settled.unsure,
      undecided: last?.undecided ?? 0,
      left: settled.left,
    },
    planted: wish.planted,
    timesMs: sumOfTimes(results),
    events: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    crashes,
    faults: faultReports(results),
    failure,
    folder: failure === undefined ? undefined : mesh.folder,
  };
}
