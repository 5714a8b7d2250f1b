// `make bench`: Troupe beside etcd, JetStream KV and Redis, in one run on one machine
// =============================================================================
//
// Peers take turns, A B C A B C …; the client of all of them is this process, which drives one at a time. Data on stdout, progress on stderr. Ctrl-C ends
// the servers and removes what they wrote; a second one does it without waiting.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchWish, parseBenchArguments, UsageError, usageText } from './bench-arguments.js';
import { KeySpace } from './key-space.js';
import { describeMachine } from './machine.js';
import type { Peer } from './peer.js';
import { peerOf } from './peers.js';
import { checkQuiet } from './quiet-check.js';
import { marks, sectionsOf } from './report.js';
import { asText } from './report-text.js';
import type { BenchResult, PeerResult, Turn } from './result.js';
import { type Plan, planOf } from './scenario.js';
import { summarize } from './summary.js';
import { ratios } from './targets.js';
import { takeTurn } from './turn.js';
import { writeResults } from './write-results.js';

const smallBytes = 256;
const interrupted = 130;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function planFor(wish: BenchWish): Plan {
  const plan = planOf(wish.quick, wish.groups);
  const used = new Set(plan.scenarios.map((scenario) => scenario.valueBytes));
  const keys = { ...plan.keys, ...(wish.keys === undefined ? {} : { [smallBytes]: wish.keys }) };
  return {
    ...plan,
    rounds: wish.rounds ?? plan.rounds,
    windowMs: wish.windowMs ?? plan.windowMs,
    keys: Object.fromEntries(Object.entries(keys).filter(([bytes]) => used.has(Number(bytes)))),
  };
}

/** Those that can be started here, and why the others cannot. */
async function present(wish: BenchWish): Promise<Pick<BenchResult, 'skipped'> & { readonly peers: Peer[] }> {
  const peers: Peer[] = [];
  const skipped: BenchResult['skipped'][number][] = [];
  for (const name of wish.peers) {
    const peer = peerOf(name, wish);
    const missing = await peer.missing();
    if (missing === undefined) peers.push(peer);
    else {
      skipped.push({ peer: name, ...missing });
      say(`skipped ${name}: ${missing.what} is not installed; ${missing.howToInstall}`);
    }
  }
  return { peers, skipped };
}

async function bench(wish: BenchWish, signal: AbortSignal): Promise<BenchResult> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const machine = describeMachine();
  const plan = planFor(wish);
  const { peers, skipped } = await present(wish);
  const parent = wish.data ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'troupe-bench-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove); // after the second Ctrl-C
  try {
    say('is the machine quiet? …');
    const quiet = await checkQuiet(directory);
    for (const warning of quiet.warnings) say(`WARNING: ${warning}`);
    const spaces = new Map(
      Object.entries(plan.keys).map(([bytes, count]) => [Number(bytes), new KeySpace(Number(bytes), count)]),
    );
    const turns: Turn[] = [];
    for (let round = 1; round <= plan.rounds; round++) {
      for (const peer of peers) {
        const where = `round ${round}/${plan.rounds}  ${peer.name}`;
        const endsAt = progress(where);
        const turn = await takeTurn({ peer, round, plan, spaces, directory, signal, onStep: endsAt.step });
        endsAt.done();
        if (turn.failure !== undefined) say(`${where}: ${turn.failure}`);
        turns.push(turn);
      }
    }
    const described: PeerResult[] = [];
    for (const peer of peers) {
      const { name, title, promise, settings } = peer;
      described.push({ name, title, promise, settings, versions: await peer.versions() });
    }
    return {
      version: 1,
      startedAt,
      seconds: (performance.now() - startMs) / 1000,
      quick: wish.quick,
      plan,
      machine,
      quiet,
      peers: described,
      skipped,
      turns,
    };
  } finally {
    remove();
    process.off('exit', remove);
  }
}

/** A line a turn; on a terminal with the step that is under way. */
function progress(where: string): { readonly step: (step: string) => void; readonly done: () => void } {
  const startMs = performance.now();
  const isTerminal = process.stderr.isTTY;
  return {
    step: (step) => {
      if (isTerminal) process.stderr.write(`\r\x1b[K${where}  ${step} …`);
    },
    done: () => {
      const line = `${where}  ${((performance.now() - startMs) / 1000).toFixed(0)} s`;
      process.stderr.write(isTerminal ? `\r\x1b[K${line}\n` : `${line}\n`);
    },
  };
}

async function main(): Promise<number> {
  const wish = parseBenchArguments(process.argv.slice(2));
  if (wish.help) {
    process.stdout.write(`${usageText}\n`);
    return 0;
  }
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(interrupted); // servers are killed on the way out
      say('\nstopping; once more ends everything at once');
      abort.abort(new Error('interrupted'));
    });
  let result: BenchResult;
  try {
    result = await bench(wish, abort.signal);
  } catch (error) {
    if (abort.signal.aborted) return interrupted;
    throw error;
  }
  const summary = summarize(result);
  const ratioRows = ratios(summary);
  const sections = sectionsOf(result, summary, ratioRows);
  const findings = { ...result, summary, ratios: ratioRows };
  const files = writeResults(wish.out, findings, sections);
  const text = wish.output === 'json' ? JSON.stringify(findings) : `${asText(sections)}\n\n${marks}`;
  process.stdout.write(`${text}\n`);
  for (const file of files) say(file);
  const isWhole = result.peers.length > 0 && result.turns.every((turn) => turn.failure === undefined);
  return isWhole ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`bench: ${error.message}`);
  process.exitCode = 64;
}
