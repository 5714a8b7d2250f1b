// Every planted bug, who finds it, and after how much
// =============================================================================
//
// `make simulate-planted`, or node dist/test/simulation/planted-report.js all|PB01,PB09 [--seed N]. Whole meshes look for those that they are to
// find, one seed after the other; Raft's own simulation for its own, likewise; small scopes, crash states and scripts are mocha suites,
// which must be green (they ask that the bug is found, and nothing without it). The last is a table with a line for each bug.
//
// Sources: CORRECTNESS §3.7; runtime/probes/planted-bugs.ts has the list.

import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type BugSheet, type PlantedBug, plantedBugs } from '../../runtime/probes/planted-bugs.js';
import { installProbes } from '../../runtime/probes/probes.js';
import { RaftSimulation } from '../support/raft-simulation.js';

/** Virtual ms of a seed of Raft's simulation. */
const raftMs = 6000;
const raftSeedsMax = 20_000;
const suites = ['dist/test/exhaustive/*.test.js', 'dist/test/simulation/planted-elsewhere.test.js'];

interface Line {
  readonly bug: PlantedBug;
  readonly found: boolean;
  readonly by: string;
  readonly after: string;
  /** The rule or checker that spoke. */
  readonly said: string;
  /** Of simulations only. */
  readonly seeds?: number;
}

/** What is read of `troupe sim --planted … -o json`. */
interface SimResult {
  readonly bugs: readonly {
    readonly bug: PlantedBug;
    readonly found: boolean;
    readonly seeds: number;
    readonly seed?: string;
    readonly violated?: string;
  }[];
  readonly realFailures: readonly string[];
}

/** What is read of mocha's JSON reporter. */
interface MochaResult {
  readonly tests: readonly { readonly title: string; readonly err: { readonly message?: string } }[];
}

const { values, positionals } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
const bugs = wanted(positionals[0] ?? 'all');
const by = (suite: BugSheet['foundBy']): PlantedBug[] => bugs.filter((bug) => sheetOf(bug).foundBy === suite);
const realFailures: string[] = [];
const lines = [
  ...(await inMeshes(by(undefined))),
  ...by('raft simulation').map(inRaft),
  ...(await inSuites([...by('small scopes'), ...by('crash states'), ...by('scripts')])),
];
print();

function sheetOf(bug: PlantedBug): BugSheet {
  return plantedBugs[bug];
}

function wanted(words: string): PlantedBug[] {
  const all = Object.keys(plantedBugs) as PlantedBug[];
  if (words === 'all') return all;
  const named = words.split(',').map((word) => word.trim());
  const unknown = named.find((name) => !all.some((bug) => bug === name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no planted bug ${JSON.stringify(unknown)}; there are ${all.join(', ')}\n`);
    process.exit(2);
  }
  return all.filter((bug) => named.includes(bug));
}

async function inMeshes(looked: readonly PlantedBug[]): Promise<Line[]> {
  if (looked.length === 0) return [];
  const seed = values.seed === undefined ? [] : ['--seed', values.seed];
  const words = ['--enable-source-maps', 'cli/troupe.mjs', 'sim', '--planted', looked.join(','), ...seed, '-o', 'json'];
  const result = (await jsonOf(words)) as SimResult;
  realFailures.push(...result.realFailures);
  return result.bugs.map(({ bug, found, seeds, seed: last, violated }) => {
    const said = found ? `${violated ?? ''} in seed ${last ?? ''}` : '';
    return { bug, found, by: 'whole meshes', after: seedsText(seeds), said, seeds };
  });
}

/** Seed after seed, each of which must be good without the bug. */
function inRaft(bug: PlantedBug): Line {
  const name = { bug, by: 'Raft simulation' };
  for (let seed = 1; seed <= raftSeedsMax; seed++) {
    const said = raftSays(bug, seed);
    if (said === undefined) continue;
    if (raftSays(undefined, seed) !== undefined) {
      realFailures.push(`${seed} of Raft's simulation`);
      continue;
    }
    process.stderr.write(`${bug}  found after ${seedsText(seed)} of Raft's simulation: ${said}\n`);
    return { ...name, found: true, after: seedsText(seed), said, seeds: seed };
  }
  process.stderr.write(`${bug}  NOT FOUND in ${seedsText(raftSeedsMax)} of Raft's simulation\n`);
  return { ...name, found: false, after: seedsText(raftSeedsMax), said: '', seeds: raftSeedsMax };
}

/** @returns the rule that is broken; undefined when none is. */
function raftSays(planted: PlantedBug | undefined, seed: number): string | undefined {
  const before = installProbes({ buggify: () => false, sometimes: () => undefined, planted });
  try {
    new RaftSimulation(String(seed)).run(raftMs);
    return undefined;
  } catch (error) {
    return /^[\w -]+/.exec(error instanceof Error ? error.message : String(error))?.[0] ?? 'crash';
  } finally {
    installProbes(before);
  }
}

async function inSuites(looked: readonly PlantedBug[]): Promise<Line[]> {
  if (looked.length === 0) return [];
  const words = ['--no-config', '--no-package', '--timeout', '600000', '--reporter', 'json'];
  const mocha = ['--enable-source-maps', 'node_modules/mocha/bin/mocha.js', ...words];
  const { tests } = (await jsonOf([...mocha, '--grep', `\\b(${looked.join('|')})\\b`, ...suites])) as MochaResult;
  return looked.map((bug) => {
    const own = tests.filter(({ title }) => title.includes(bug));
    const failed = own.find(({ err }) => err.message !== undefined);
    const found = own.length > 0 && failed === undefined;
    const { foundBy = '' } = sheetOf(bug);
    const after = foundBy === 'scripts' ? 'a script' : 'exhaustive';
    process.stderr.write(
      `${bug}  ${found ? `found by ${foundBy}` : `NOT FOUND: ${failed?.err.message ?? 'no test'}`}\n`,
    );
    return { bug, found, by: foundBy, after, said: '' };
  });
}

/** What a program says; its notes go on to our own. @throws what it said when that is no JSON. */
async function jsonOf(words: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const text = Buffer.concat(parts).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${words.join(' ')} ended with ${child.exitCode} and said: ${text.slice(0, 2000)}`);
  }
}

function seedsText(seeds: number): string {
  return `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
}

function print(): void {
  const rows = lines
    .sort((a, b) => (a.bug < b.bug ? -1 : 1))
    .map(({ bug, found, by: finder, after, said }) => {
      const { rule, wrong } = sheetOf(bug);
      return [bug, finder, found ? after : `NOT FOUND, ${after}`, said, rule, wrong];
    });
  const head = ['bug', 'found by', 'after', 'what spoke', 'breaks', 'what is wrong'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...rows])
    process.stdout.write(
      `${row.map((cell, i) => (i === head.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')}\n`,
    );
  const found = lines.filter((line) => line.found);
  const seeds = found.flatMap((line) => (line.seeds === undefined ? [] : [line.seeds])).sort((a, b) => a - b);
  const median = seeds[Math.floor((seeds.length - 1) / 2)];
  const half = median === undefined ? '' : `; ${seeds.length} by seeds, half of them within ${seedsText(median)}`;
  process.stdout.write(`\n${found.length} of ${lines.length} planted bugs found${half}\n`);
  for (const seed of realFailures) process.stdout.write(`seed ${seed} fails without any planted bug\n`);
  process.exitCode = found.length === lines.length && realFailures.length === 0 ? 0 : 1;
}
