// A run that failed, as a file
// =============================================================================
//
// Seeds change their meaning when the code changes; a scenario with its schedule of faults keeps it for longer. The file holds all that is
// needed to run it again and to say whether it fails the same way, and what a person wants to see first.
//
// Invariants
//   V2. What is read has a field for a field the types of this version, or one line says what is not right.
//
// Sources: CORRECTNESS §3.8.

import { type Check, DataError, list, number, optional, record, text, whole, word } from './checked-data.js';
import type { ScenarioSize } from './minimize.js';
import type { Scenario } from './scenario.js';
import { scenarioCheck } from './scenario-check.js';
import type { SimulationResult } from './simulate.js';
import { violatedBy } from './violated.js';

export const replayFormat = 'troupe-replay';
/** Counted up when an old file would be misread, not when fields come and go: those are named when they do not fit. */
export const replayVersion = 1;

export interface ReplayFile {
  readonly format: typeof replayFormat;
  readonly version: number;
  /** Troupe's version that wrote it. */
  readonly program: string;
  /** The seed that the scenario was drawn from. */
  readonly seed: string;
  /** What runs the file again. */
  readonly command: string;
  /** The id of the rule that the failure broke (violated.ts). */
  readonly violated: string;
  readonly phase: string;
  readonly message: string;
  readonly traceHash: string;
  readonly virtualMs: number;
  /** When it was made smaller: how large it was, and is. */
  readonly minimized?: { readonly before: ScenarioSize; readonly after: ScenarioSize; readonly runs: number };
  readonly scenario: Scenario;
  /** The last lines of the trace. */
  readonly lastEvents: readonly string[];
}

/** @param scenario what was run, with its explicit schedule. @throws TypeError for a run that did not fail */
export function replayFileOf(
  result: SimulationResult,
  scenario: Scenario,
  more: { readonly program: string; readonly command: string; readonly minimized?: ReplayFile['minimized'] },
): ReplayFile {
  const { failure, seed, traceHash, virtualMs } = result;
  if (failure === undefined) throw new TypeError('a replay file is made of a run that failed');
  const { program, command, minimized } = more;
  return {
    format: replayFormat,
    version: replayVersion,
    program,
    seed,
    command,
    violated: violatedBy(failure.message),
    phase: failure.phase,
    message: failure.message,
    traceHash,
    virtualMs,
    ...(minimized === undefined ? {} : { minimized }),
    scenario,
    lastEvents: failure.lastEvents,
  };
}

const anyText = text(/^[^]*$/, 'a text');
const word64 = text(/^[\w.~-]{1,64}$/, 'a word');
const count = whole(0, Number.MAX_SAFE_INTEGER);
const milliseconds = number(0, Number.MAX_SAFE_INTEGER);

const size = record<ScenarioSize>({
  episodes: count,
  steps: count,
  sites: count,
  operations: count,
  clients: count,
  partitions: count,
  hosts: count,
  virtualMs: milliseconds,
});

const file: Check<ReplayFile> = record<ReplayFile>({
  format: word('format', [replayFormat]),
  version: whole(replayVersion, replayVersion),
  program: text(/^[\w.+-]{1,64}$/, 'a version'),
  seed: word64,
  command: anyText,
  violated: word64,
  phase: word64,
  message: anyText,
  traceHash: text(/^[0-9a-f]{16}$/, 'sixteen hexadecimal digits'),
  virtualMs: milliseconds,
  minimized: optional(record<NonNullable<ReplayFile['minimized']>>({ before: size, after: size, runs: count })),
  scenario: scenarioCheck,
  lastEvents: list(anyText, 0, 10_000),
});

/** @throws DataError: one line */
export function parseReplayFile(json: string): ReplayFile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new DataError(`it is not JSON (${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)})`);
  }
  if (typeof value !== 'object' || value === null || (value as { format?: unknown }).format !== replayFormat)
    throw new DataError(`it is no replay file: those say "format": "${replayFormat}"`);
  const { version, seed, program } = value as { version?: unknown; seed?: unknown; program?: unknown };
  if (version !== replayVersion) throw new DataError(otherVersion(version, seed, program));
  return file(value, 'replay');
}

function otherVersion(version: unknown, seed: unknown, program: unknown): string {
  const bySeed = typeof seed === 'string' && /^\d+$/.test(seed) ? ` (npx troupe sim --seed ${seed})` : '';
  const writer = typeof program === 'string' && program.length < 64 ? `Troupe ${program}` : 'the Troupe';
  return (
    `it is of version ${JSON.stringify(version) ?? 'unknown'}, this Troupe reads version ${replayVersion}: ` +
    `replay it by its seed${bySeed}, or with ${writer} that wrote it`
  );
}

/** A line for each host, episode and operation would be too many; the events are at the end, where an editor's reader finds them. */
export function formatReplayFile(replay: ReplayFile): string {
  return `${JSON.stringify(replay, undefined, 2)}\n`;
}
