// The words after `make bench`, understood or refused
// =============================================================================

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { type PeerName, type PeerOptions, peerNames } from './peers.js';
import { type Group, groups } from './scenario.js';

/** A look has no time for a second Troupe. */
const quickPeers = peerNames.filter((name) => name !== 'troupe-defaults');

/** Wrong words: one line, exit code 64. */
export class UsageError extends Error {}

export interface BenchWish extends PeerOptions {
  readonly quick: boolean;
  readonly peers: readonly PeerName[];
  readonly groups: readonly Group[];
  /** Undefined: as the plan says. */
  readonly rounds: number | undefined;
  readonly windowMs: number | undefined;
  /** Of 256-byte values. */
  readonly keys: number | undefined;
  /** Where results go; undefined: nowhere but to stdout. */
  readonly out: string;
  /** Where the stores write; undefined: the system's folder for temporary files. */
  readonly data: string | undefined;
  readonly output: 'table' | 'json';
  readonly help: boolean;
}

export const usageText = `make bench [QUICK=1] [PEERS=troupe,etcd] [ROUNDS=3] [OUT=folder]
node dist/test/bench/run.js
  --quick              two short rounds, 256-byte values, c = 1, 64, 256: a look, within three minutes
  --peers a,b          of ${peerNames.join(', ')}; all
  --only a,b           of ${groups.join(', ')}; all
  --rounds 3           in turn: A B C A B C …
  --seconds 2.5        of each window
  --keys 100000        of 256-byte values, there before anything is measured
  --out folder         for results.json, report.md and charts; docs/benchmarks/latest, of a quick run .bench/quick
  --data folder        for the stores, on a real disk; the system's folder for temporary files (TMPDIR)
  --etcd-route leader  or spread: where etcd's requests go
  --redis-pipelining auto  or off: how ioredis sends
  -o, --output table   or json: what is on stdout`;

const options = {
  quick: { type: 'boolean' },
  peers: { type: 'string' },
  only: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  keys: { type: 'string' },
  out: { type: 'string' },
  data: { type: 'string' },
  'etcd-route': { type: 'string' },
  'redis-pipelining': { type: 'string' },
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options'];

/** @param args without node and the program. @throws UsageError */
export function parseBenchArguments(args: readonly string[]): BenchWish {
  const values = parsed(args);
  const quick = values.quick === true;
  return {
    quick,
    peers: values.peers === undefined && quick ? quickPeers : listOf('--peers', peerNames, values.peers),
    groups: listOf('--only', groups, values.only),
    rounds: values.rounds === undefined ? undefined : wholeNumber('--rounds', values.rounds, 1, 100),
    windowMs: values.seconds === undefined ? undefined : secondsOf('--seconds', values.seconds),
    keys: values.keys === undefined ? undefined : wholeNumber('--keys', values.keys, 100, 10_000_000),
    out: folderOf('--out', values.out) ?? (quick ? '.bench/quick' : 'docs/benchmarks/latest'),
    data: folderOf('--data', values.data),
    output: oneOf('--output', ['table', 'json'] as const, values.output ?? 'table'),
    etcdRoute: oneOf('--etcd-route', ['leader', 'spread'] as const, values['etcd-route'] ?? 'leader'),
    redisPipelining: oneOf('--redis-pipelining', ['auto', 'off'] as const, values['redis-pipelining'] ?? 'auto'),
    help: values.help === true,
  };
}

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof options }>>['values'] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const [first = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${first}; --help says what there is`);
  }
}

/** In the order of the choices, each once. */
function listOf<T extends string>(flag: string, choices: readonly T[], text: string | undefined): readonly T[] {
  if (text === undefined) return choices;
  const words = text.split(',').map((word) => word.trim());
  for (const word of words)
    if (!choices.some((choice) => choice === word))
      throw new UsageError(`${flag} knows ${choices.join(', ')}; not ${word === '' ? 'an empty word' : `"${word}"`}`);
  return choices.filter((choice) => words.includes(choice));
}

function oneOf<T extends string>(flag: string, choices: readonly T[], word: string): T {
  const found = choices.find((choice) => choice === word);
  if (found === undefined) throw new UsageError(`${flag} is ${choices.join(' or ')}, not "${word}"`);
  return found;
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < min || value > max)
    throw new UsageError(`${flag} is a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}

/** @returns milliseconds */
function secondsOf(flag: string, text: string): number {
  const value = Number(text);
  if (!/^\d{1,3}(\.\d{1,3})?$/.test(text) || value < 0.1)
    throw new UsageError(`${flag} is a number of seconds from 0.1 to 999, not "${text}"`);
  return Math.round(value * 1000);
}

function folderOf(flag: string, text: string | undefined): string | undefined {
  if (text === '') throw new UsageError(`${flag} names a folder`);
  return text;
}
