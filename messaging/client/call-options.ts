// The options of calls, checked
// =============================================================================
//
// Wrong types are the program's mistake: TypeError. An option that is misspelt would be silently without effect, so unknown ones are
// refused too; those of later versions are refused by name.

import { type Consistency, consistencies } from '../protocol/client-messages.js';
import { type Durability, durabilities } from '../protocol/cluster-map.js';
import { type Duration, durationMs } from './duration.js';
import { TroupeError } from './errors.js';

export interface CallOptions {
  /** Gives up; before the call was sent nothing has happened, afterwards a write is OUTCOME_UNKNOWN. */
  readonly signal?: AbortSignal | undefined;
  /** The total time, queueing and retries included; default 10 s. */
  readonly timeout?: Duration | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Only if the item has this version. */
  readonly ifVersion?: number | undefined;
  /** Refused when the table promises less. */
  readonly durability?: Durability | undefined;
}

export interface PutOptions extends WriteOptions {
  /** Only if there is no such item. */
  readonly ifAbsent?: boolean | undefined;
}

export interface ReadOptions extends CallOptions {
  /**
   * `linearizable` (default) sees every write answered before · `session` sees what this client has seen or written ·
   * `stale` sees some committed state.
   */
  readonly consistency?: Consistency | undefined;
}

/** Names of later versions, and what to say of them. */
const unsupported = ['ttl'];

/** @throws TypeError, TroupeError INVALID_ARGUMENT */
export function checkOptions(options: unknown, known: readonly string[], call: string): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) throw new TypeError(`the options of ${call} are an object`);
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name)) continue;
    if (value === undefined) continue;
    if (unsupported.includes(name))
      throw new TroupeError('INVALID_ARGUMENT', `${call}: ${name} is not supported by this version`);
    throw new TypeError(`${call} has no option ${name}; it takes ${known.join(', ')}`);
  }
}

export const callOptionNames: readonly string[] = ['signal', 'timeout'];
export const readOptionNames: readonly string[] = [...callOptionNames, 'consistency'];
export const writeOptionNames: readonly string[] = [...callOptionNames, 'ifVersion', 'durability'];
export const putOptionNames: readonly string[] = [...writeOptionNames, 'ifAbsent'];

/** @throws TypeError */
export function signalOf(options: CallOptions | undefined): AbortSignal | undefined {
  const signal = options?.signal;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal');
  return signal;
}

/** @throws TypeError, TroupeError */
export function timeoutMsOf(options: CallOptions | undefined, defaultMs: number): number {
  return options?.timeout === undefined ? defaultMs : durationMs(options.timeout, 'timeout');
}

/** @throws TypeError, TroupeError */
export function consistencyOf(options: ReadOptions | undefined): Consistency {
  return oneOf(options?.consistency ?? 'linearizable', consistencies, 'consistency');
}

/** @throws TypeError, TroupeError */
export function durabilityOf(options: WriteOptions | undefined): Durability | undefined {
  return options?.durability === undefined ? undefined : oneOf(options.durability, durabilities, 'durability');
}

/** The version that an item must have; 0 = there must be none. @throws TypeError, TroupeError */
export function ifVersionOf(options: PutOptions | undefined): number | undefined {
  const { ifVersion, ifAbsent } = options ?? {};
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean') throw new TypeError('ifAbsent is true or false');
  if (ifVersion === undefined) return ifAbsent === true ? 0 : undefined;
  if (typeof ifVersion !== 'number') throw new TypeError('ifVersion is a number');
  if (!Number.isSafeInteger(ifVersion) || ifVersion < 0)
    throw new TroupeError('INVALID_ARGUMENT', `ifVersion is a version, counted from 1: not ${ifVersion}`);
  if (ifAbsent === true && ifVersion !== 0)
    throw new TroupeError('INVALID_ARGUMENT', 'ifVersion and ifAbsent contradict each other');
  return ifVersion;
}

/** @throws TypeError, TroupeError */
export function oneOf<W extends string>(word: unknown, words: readonly W[], name: string): W {
  if (typeof word !== 'string') throw new TypeError(`${name} is one of ${words.join(', ')}`);
  if (!(words as readonly string[]).includes(word))
    throw new TroupeError('INVALID_ARGUMENT', `${name} is one of ${words.join(', ')}, not ${word}`);
  return word as W;
}

/** @throws TypeError, TroupeError */
export function countOf(value: unknown, max: number, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name} is a number`);
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    throw new TroupeError('INVALID_ARGUMENT', `${name} is a whole number from 1 to ${max}, not ${value}`);
  return value;
}
