// What is measured: the scenarios of a full and of a quick run
// =============================================================================
//
// A scenario is one row for every peer. Names are stable: JSON, ratios and charts find them by name.
//
// The mixes are YCSB's core workloads: A update heavy, B read mostly, C read only, D read latest (inserts), E short ranges (inserts), F read-modify-write.
//
// Sources: Cooper and others, "Benchmarking cloud serving systems with YCSB", 2010, table 2.

export type Choice = 'uniform' | 'zipf' | 'latest';

/** Shares of operations, in per cent; together 100. */
export interface Mix {
  readonly get: number;
  readonly put: number;
  readonly insert: number;
  readonly scan: number;
  readonly modify: number;
}

export type Group = 'writes' | 'reads' | 'sizes' | 'mixes' | 'open';
export const groups: readonly Group[] = ['writes', 'reads', 'sizes', 'mixes', 'open'];

/** At a fixed rate: so many per second, or that share of what this peer did in another scenario of this turn. */
export type Rate = { readonly perSecond: number } | { readonly share: number; readonly of: string };

export interface Scenario {
  readonly name: string;
  readonly group: Group;
  readonly mix: Mix;
  readonly choice: Choice;
  readonly valueBytes: number;
  /** Operations under way at a time. Of an open loop it is only a bound. */
  readonly outstanding: number;
  /** Undefined: as fast as answers come. */
  readonly rate?: Rate;
}

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly rounds: number;
  /** Keys of each value size that are there before anything is measured. */
  readonly keys: Readonly<Record<number, number>>;
  /** Writes, then reads, of 256 bytes before the first scenario of a turn: servers that compile while they run have done so then. */
  readonly turnWarmupMs: number;
  readonly warmupMs: number;
  readonly windowMs: number;
}

const none: Mix = { get: 0, put: 0, insert: 0, scan: 0, modify: 0 };
const get: Mix = { ...none, get: 100 };
const put: Mix = { ...none, put: 100 };
const smallBytes = 256;
/** Of the mixes and the larger values. */
const mixOutstanding = 64;
export const openOutstandingMax = 10_000;

const ycsb: readonly (readonly [string, Mix])[] = [
  ['a', { ...none, get: 50, put: 50 }],
  ['b', { ...none, get: 95, put: 5 }],
  ['c', get],
  ['d', { ...none, get: 95, insert: 5 }],
  ['e', { ...none, scan: 95, insert: 5 }],
  ['f', { ...none, get: 50, modify: 50 }],
];

/** What a turn is warmed up with: one under way, where most of the code runs once an operation, and as many as a busy client has, where it runs once a batch. */
export const warmups: readonly Scenario[] = [
  closed('writes', 'warm-up, one writer', put, 1),
  closed('reads', 'warm-up, one reader', get, 1),
  closed('writes', 'warm-up, writes', put, 256),
  closed('reads', 'warm-up, reads', get, 256),
];

function closed(group: Group, name: string, mix: Mix, outstanding: number, valueBytes = smallBytes): Scenario {
  return { name, group, mix, choice: 'uniform', valueBytes, outstanding };
}

function sizes(): Scenario[] {
  return [4096, 65_536].flatMap((bytes) => [
    closed('sizes', `write-${bytes}`, put, mixOutstanding, bytes),
    closed('sizes', `read-${bytes}`, get, mixOutstanding, bytes),
  ]);
}

function mixes(): Scenario[] {
  const zipf = ycsb.map(([letter, mix]): Scenario => {
    const scenario = closed('mixes', `ycsb-${letter}`, mix, mixOutstanding);
    return { ...scenario, choice: letter === 'd' ? 'latest' : 'zipf' };
  });
  // C with every key alike is read-c64; D and E say themselves which keys they read.
  const uniform = ycsb
    .filter(([letter]) => 'abf'.includes(letter))
    .map(([letter, mix]) => closed('mixes', `ycsb-${letter}-uniform`, mix, mixOutstanding));
  return [...zipf, ...uniform];
}

function open(): Scenario[] {
  const at = (name: string, mix: Mix, rate: Rate): Scenario => ({
    ...closed('open', name, mix, openOutstandingMax),
    rate,
  });
  return [
    at('open-write-equal', put, { perSecond: 3000 }),
    at('open-write-50', put, { share: 0.5, of: 'write-c256' }),
    at('open-write-75', put, { share: 0.75, of: 'write-c256' }),
    at('open-read-equal', get, { perSecond: 3000 }),
    at('open-read-50', get, { share: 0.5, of: 'read-c256' }),
    at('open-read-75', get, { share: 0.75, of: 'read-c256' }),
  ];
}

/** Every scenario of the groups asked for; an open loop at a share needs the closed ones that it takes its rate from. */
export function planOf(isQuick: boolean, wanted: readonly Group[] = groups): Plan {
  const concurrencies = isQuick ? [1, 64, 256] : [1, 64, 256, 1024];
  const all = [
    ...concurrencies.map((count) => closed('writes', `write-c${count}`, put, count)),
    ...concurrencies.map((count) => closed('reads', `read-c${count}`, get, count)),
    ...(isQuick ? [] : [...sizes(), ...mixes(), ...open()]),
  ];
  const bases = new Set(
    all.flatMap(({ group, rate }) => (wanted.includes(group) && rate !== undefined && 'of' in rate ? [rate.of] : [])),
  );
  return {
    scenarios: all.filter(({ group, name }) => wanted.includes(group) || bases.has(name)),
    rounds: isQuick ? 2 : 3,
    keys: isQuick ? { [smallBytes]: 10_000 } : { [smallBytes]: 100_000, 4096: 5000, 65_536: 500 },
    turnWarmupMs: isQuick ? 4000 : 32_000,
    warmupMs: isQuick ? 300 : 700,
    windowMs: isQuick ? 1000 : 2500,
  };
}
