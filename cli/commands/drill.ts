// troupe drill failover | nats: real processes, killed under load
// =============================================================================
//
// Boots a mesh of its own in a temporary folder, writes to it, kills what it is told to, measures how long new writes are refused or wait,
// and looks at the end for every write that was acknowledged. It ends only processes that it started.

import type { Command } from 'commander';
import { parseCount } from '../argument.js';
import { type DrillMesh, openDrillMesh } from '../drill/drill-mesh.js';
import { figures } from '../drill/figures.js';
import { Ledger, type LedgerVerdict } from '../drill/ledger.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { formatTable, type Output, paint, printValue } from '../output.js';
import { waitUntilHealthy } from '../wait-healthy.js';

const table = 'drill';
const settleDeadlineMs = 60_000;
const calmMs = 1000;

/** How long one kill kept writers waiting. */
interface Round {
  readonly victim: string;
  /** From the kill until each partition took a write again, ms: those that the victim led, and those that it followed. */
  readonly recoveredMs: readonly number[];
  readonly healthyAgainMs: number;
}

export function registerDrill(program: Command, keep: Keep): void {
  const drill = program.command('drill').description('kill real processes under load and count what was lost');
  drill
    .command('failover')
    .description('kill -9 a host that leads, again and again')
    .option('--kills <count>', 'how often', '20')
    .option('--hosts <count>', 'hosts of the drill’s mesh', '3')
    .option('--writers <count>', 'writers at once', '32')
    .action((options: { kills: string; hosts: string; writers: string }) => {
      const kills = parseCount('--kills', options.kills, 1, 10_000);
      const hosts = parseCount('--hosts', options.hosts, 3, 16);
      const writers = parseCount('--writers', options.writers, 1, 1024);
      keep((invocation) => run(invocation, hosts, writers, kills, killLeader));
    });
  drill
    .command('nats')
    .description('kill -9 nats-server, again and again')
    .option('--kills <count>', 'how often', '10')
    .option('--writers <count>', 'writers at once', '32')
    .action((options: { kills: string; writers: string }) => {
      const kills = parseCount('--kills', options.kills, 1, 10_000);
      const writers = parseCount('--writers', options.writers, 1, 1024);
      keep((invocation) => run(invocation, 3, writers, kills, () => Promise.resolve('nats-server')));
    });
  drill
    .command('figures')
    .description('how long a mesh takes to boot, what an idle host costs, how long one client waits')
    .option('--operations <count>', 'writes, then reads, one at a time', '2000')
    .action((options: { operations: string }) => {
      const operations = parseCount('--operations', options.operations, 10, 1_000_000);
      keep((invocation) => figures(invocation, operations));
    });
}

/** The host that leads most partitions now. */
async function killLeader(mesh: DrillMesh): Promise<string> {
  const described = await mesh.db.admin.describeTable(table);
  const leads = new Map<string, number>();
  for (const { leader } of described.partitions)
    if (leader !== undefined) leads.set(leader, (leads.get(leader) ?? 0) + 1);
  const [first] = [...leads].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (first === undefined) throw new Error('no partition has a leader');
  return first[0];
}

async function run(
  invocation: Invocation,
  hosts: number,
  writers: number,
  kills: number,
  choose: (mesh: DrillMesh) => Promise<string>,
): Promise<number> {
  const { output, signal } = invocation;
  output.note(`booting a mesh of ${hosts} hosts …`);
  await using mesh = await openDrillMesh(hosts, 2, signal);
  await mesh.createTable(table, 8);
  const ledger = new Ledger(mesh.db, table);
  ledger.start(writers);
  const rounds: Round[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    await pause(calmMs, signal);
    const round = await oneKill(mesh, await choose(mesh), signal);
    rounds.push(round);
    const worst = Math.max(...round.recoveredMs);
    output.note(
      `${kill}/${kills}  killed ${round.victim}: writes again after ${Math.round(worst)} ms, all in sync after ${Math.round(round.healthyAgainMs)} ms, ${ledger.acknowledgedCount} acknowledged`,
    );
  }
  await pause(calmMs, signal);
  await ledger.stop();
  const verdict = await ledger.judge();
  report(output, rounds, verdict);
  const good = verdict.lost.length === 0 && verdict.resurrected.length === 0;
  if (!good) {
    mesh.keep = true;
    output.note(`the mesh's folder is kept: ${mesh.folder}`);
  }
  return good ? exitCodes.ok : exitCodes.failure;
}

async function oneKill(mesh: DrillMesh, victim: string, signal: AbortSignal): Promise<Round> {
  const keys = await keysByPartition(mesh);
  const pid = mesh.supervisor.pidOf(victim);
  if (pid === undefined) throw new Error(`${victim} does not run`);
  const startMs = performance.now();
  process.kill(pid, 'SIGKILL');
  const recoveredMs = await Promise.all(
    keys.map(async (key) => {
      for (;;) {
        signal.throwIfAborted();
        try {
          await mesh.db.table(table).put(key, performance.now(), { timeout: 30_000 });
          return performance.now() - startMs;
        } catch {
          await pause(5, signal); // refused, or its fate unknown: the next one counts
        }
      }
    }),
  );
  const result = await waitUntilHealthy(mesh.db, Date.now() + settleDeadlineMs, signal, mesh.hosts);
  if (!result.healthy) throw new Error(`not healthy again: ${result.reasons.join(', ')}; see ${mesh.folder}/mesh.log`);
  return { victim, recoveredMs, healthyAgainMs: performance.now() - startMs };
}

/** A key of each partition: a dead follower may hold up a partition as well as a dead leader. */
async function keysByPartition(mesh: DrillMesh): Promise<string[]> {
  const found = new Map<number, string>();
  const { partitions } = await mesh.db.admin.describeTable(table);
  for (let i = 0; found.size < partitions.length && i < 10_000; i++) {
    const key = `probe-${i}`;
    const { partition } = await mesh.db.admin.locate(table, key);
    if (!found.has(partition)) found.set(partition, key);
  }
  return [...found.values()];
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function report(output: Output, rounds: readonly Round[], verdict: LedgerVerdict): void {
  const recovered = rounds.flatMap((round) => round.recoveredMs).sort((a, b) => a - b);
  const healthy = rounds.map((round) => round.healthyAgainMs).sort((a, b) => a - b);
  const spread = (sorted: readonly number[]): Record<string, number> => ({
    p50: Math.round(percentile(sorted, 0.5)),
    p99: Math.round(percentile(sorted, 0.99)),
    max: Math.round(sorted.at(-1) ?? 0),
  });
  const result = {
    kills: rounds.length,
    writesAgainMs: spread(recovered),
    allInSyncAgainMs: spread(healthy),
    acknowledged: verdict.acknowledged,
    lost: verdict.lost.length,
    resurrected: verdict.resurrected.length,
    outcomeUnknown: verdict.unknown,
    failed: verdict.failed,
  };
  printValue(output, result, () => {
    const row = (name: string, sorted: readonly number[]): string[] => [
      name,
      ...Object.values(spread(sorted)).map(String),
    ];
    const bad = result.lost + result.resurrected;
    return [
      ...formatTable(
        ['after a kill', 'p50 ms', 'p99 ms', 'max ms'],
        [row('new writes accepted', recovered), row('all replicas in sync', healthy)],
      ),
      '',
      `${result.acknowledged} writes acknowledged, ${paint(output, bad === 0 ? 'green' : 'red', `${result.lost} lost, ${result.resurrected} resurrected`)}, ${result.outcomeUnknown} of unknown outcome, ${result.failed} failed`,
    ];
  });
}
