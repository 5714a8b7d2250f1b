// `make fuzz TARGET=frame SECONDS=60`: the coverage-guided loop, for a person
// =============================================================================
//
//   node dist/test/fuzz/run.js --target <name>|all [--seconds 60] [--seed 1]      fuzz
//   node dist/test/fuzz/run.js --target <name> --input <file>                     try one input
//
// New inputs go into test/fuzz/corpus/<target>; the first one that breaks a rule goes into .build/fuzz/crashes, with the command that tries it again.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../runtime/std/random.js';
import { corpusCountMax, corpusFolder, crashFolder, keep, readCorpus } from './corpus.js';
import { Coverage } from './coverage.js';
import { fuzz, type Progress, tryInput } from './loop.js';
import type { Target } from './target.js';
import { targets } from './targets.js';

/** Wrong words: one line, exit code 64. */
class UsageError extends Error {}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function chosen(name: string | undefined): readonly Target[] {
  if (name === 'all') return targets;
  const found = targets.filter((target) => target.name === name);
  if (found.length > 0) return found;
  const names = targets.map((target) => target.name).join(', ');
  throw new UsageError(`${name === undefined ? 'no target' : `no target is called ${name}`}; there are all, ${names}`);
}

function numberOf(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new UsageError(`${flag} takes a whole number of at least 1, not ${text}`);
  return Number(text);
}

/** Our code, not the tests' and not the packages'. */
function isWatched(url: string): boolean {
  return /\/(runtime|messaging|actors|cli)\//.test(url) && !url.includes('/node_modules/') && !url.includes('/test/');
}

/** @returns whether no rule was broken */
function fuzzTarget(target: Target, seconds: number, seed: string): boolean {
  const samples = target.samples();
  const known = readCorpus(target.name);
  const pool = [...samples, ...known].map((input) => new Uint8Array(input));
  let room = corpusCountMax - known.length;
  let kept = 0;
  const coverage = new Coverage(isWatched);
  const begun = performance.now();
  let told = begun;
  let last: Progress = { inputs: 0, accepted: 0, characters: 0, poolSize: pool.length };
  const line = (now: number): string => {
    const rate = Math.round(last.inputs / Math.max(0.001, (now - begun) / 1000));
    const share = Math.round((100 * last.accepted) / Math.max(1, last.inputs));
    return `${target.name}: ${last.inputs} inputs, ${rate}/s, ${share} % accepted, ${last.characters} characters of code, ${last.poolSize} in the pool, ${kept} new in the corpus`;
  };
  const broken = fuzz(
    target,
    pool,
    seededRandom(`fuzz ${target.name} ${seed}`),
    coverage,
    (input) => {
      if (room-- <= 0) return;
      keep(corpusFolder(target.name), input);
      kept++;
    },
    (progress) => {
      last = progress;
      const now = performance.now();
      if (now - told >= 5000) {
        told = now;
        say(line(now));
      }
      return now - begun < seconds * 1000;
    },
  );
  coverage.close();
  say(line(performance.now()));
  if (broken === undefined) return true;
  const path = keep(crashFolder(target.name), broken.input);
  say(
    `${target.name}: ${broken.error instanceof Error ? (broken.error.stack ?? broken.error.message) : String(broken.error)}`,
  );
  say(`again: node --enable-source-maps dist/test/fuzz/run.js --target ${target.name} --input ${path}`);
  return false;
}

function main(): number {
  let values: { target?: string; seconds?: string; seed?: string; input?: string };
  try {
    ({ values } = parseArgs({
      options: {
        target: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        input: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const list = chosen(values.target);
  if (values.input !== undefined) {
    const [target] = list;
    if (target === undefined || list.length > 1) throw new UsageError('--input is tried on one target');
    let input: Buffer;
    try {
      input = readFileSync(values.input);
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
    say(`${target.name}: ${tryInput(target, new Uint8Array(input)) ? 'accepted' : 'refused'}`);
    return 0;
  }
  const seconds = numberOf('--seconds', values.seconds ?? '60');
  return list.map((target) => fuzzTarget(target, seconds, values.seed ?? '1')).every(Boolean) ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`fuzz: ${error.message}\n`);
  process.exitCode = 64;
}
