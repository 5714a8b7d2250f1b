// Faults written down: what was done, when, for how long and to whom
// =============================================================================
//
// A run records the episodes it had; given back as a schedule, they happen again at their times without any drawing. A schedule is plain
// data that survives changes of the code better than a seed does, and episodes can be left out of it one by one.
//
// Sources: CORRECTNESS §3.8.

import { type FaultKind, faultTypes, isFaultKind } from './faults/catalogue.js';
import type { ArgumentType, FaultArgument, FaultArguments } from './faults/fault-type.js';

export interface FaultEpisode {
  /** Since the safety phase began. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** In the shape of the kind, all targets resolved. */
  readonly args: FaultArguments;
}

/** A schedule that cannot be one. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

const episodeCountMax = 1_000_000;

/**
 * Checks what came from a file.
 * @returns the episodes in the order of their times. @throws ScheduleError with one line that names the first thing that is wrong.
 */
export function parseSchedule(value: unknown): readonly FaultEpisode[] {
  if (!Array.isArray(value)) throw new ScheduleError('a schedule is a list of episodes');
  if (value.length > episodeCountMax) throw new ScheduleError(`a schedule has at most ${episodeCountMax} episodes`);
  const episodes = value.map((episode: unknown, i) => parseEpisode(episode, `episode ${i}`));
  return inOrder(episodes);
}

/** Sorted by time; those of one instant stay in their order. */
export function inOrder(episodes: readonly FaultEpisode[]): readonly FaultEpisode[] {
  return [...episodes].sort((a, b) => a.atMs - b.atMs);
}

function parseEpisode(value: unknown, where: string): FaultEpisode {
  if (!isRecord(value)) throw new ScheduleError(`${where} is no object`);
  for (const key of Object.keys(value))
    if (!['atMs', 'kind', 'lastsMs', 'args'].includes(key)) throw new ScheduleError(`${where}: unknown field "${key}"`);
  const { kind } = value;
  if (typeof kind !== 'string' || !isFaultKind(kind))
    throw new ScheduleError(`${where}: unknown fault kind ${JSON.stringify(kind) ?? 'undefined'}`);
  return {
    atMs: parseMs(value['atMs'], `${where} (${kind}): atMs`),
    kind,
    lastsMs: parseMs(value['lastsMs'], `${where} (${kind}): lastsMs`),
    args: parseArguments(kind, value['args'], `${where} (${kind}): args`),
  };
}

function parseMs(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new ScheduleError(`${where} must be a number of milliseconds, not ${JSON.stringify(value) ?? 'undefined'}`);
  return value;
}

function parseArguments(kind: FaultKind, value: unknown, where: string): FaultArguments {
  if (!isRecord(value)) throw new ScheduleError(`${where} must be an object`);
  const { shape } = faultTypes[kind];
  for (const name of Object.keys(value))
    if (!Object.hasOwn(shape, name)) throw new ScheduleError(`${where}: unknown argument "${name}"`);
  const args: Record<string, FaultArgument> = {};
  for (const [name, type] of Object.entries(shape)) args[name] = parseArgument(type, value[name], `${where}.${name}`);
  return args;
}

function parseArgument(type: ArgumentType, value: unknown, where: string): FaultArgument {
  const wrong = (wanted: string): ScheduleError =>
    new ScheduleError(`${where} must be ${wanted}, not ${JSON.stringify(value) ?? 'undefined'}`);
  switch (type) {
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong('a number');
      return value;
    case 'flag':
      if (typeof value !== 'boolean') throw wrong('true or false');
      return value;
    case 'hosts':
    case 'nodes':
      if (!Array.isArray(value) || !value.every((name) => typeof name === 'string')) throw wrong('a list of names');
      return value.map(String);
    default:
      if (typeof value !== 'string') throw wrong(type === 'text' ? 'a text' : 'a name');
      return value;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
