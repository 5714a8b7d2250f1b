// What `bench-endurance` is asked for
// =============================================================================
//
// Pure: words in, a wish out, or a UsageError that says what was wrong.

import { parsed, UsageError } from '../curves/arguments.js';

export interface EnduranceWish {
  /** Of the load that is judged; warming up comes before. */
  readonly minutes: number;
  /** Operations that are due in a second. */
  readonly rate: number;
  /** Between samples, seconds. */
  readonly every: number;
  readonly hosts: number;
  /** Where the page, charts and JSON go. */
  readonly out: string;
}

export const fullMinutes = 30;
export const fullFolder = 'docs/benchmarks/endurance';
/** Ignored by git: of runs that are shorter. */
export const shortFolder = '.bench/endurance';

/** @throws UsageError */
export function parseEnduranceWish(words: readonly string[]): EnduranceWish {
  const values = parsed(words, {
    minutes: { type: 'string' },
    rate: { type: 'string' },
    every: { type: 'string' },
    hosts: { type: 'string' },
    out: { type: 'string' },
  });
  const minutes = numberOf('--minutes', values.minutes ?? String(fullMinutes), 0.05, 7 * 24 * 60);
  if (values.out === '') throw new UsageError('--out takes a folder');
  return {
    minutes,
    rate: numberOf('--rate', values.rate ?? '2000', 1, 1_000_000),
    every: numberOf('--every', values.every ?? '10', 0.1, 600),
    hosts: wholeOf('--hosts', values.hosts ?? '3', 1, 16),
    out: values.out ?? (minutes < fullMinutes ? shortFolder : fullFolder),
  };
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < min || value > max)
    throw new UsageError(`${flag} takes a number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}

function wholeOf(flag: string, text: string, min: number, max: number): number {
  if (!/^\d+$/.test(text) || Number(text) < min || Number(text) > max)
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return Number(text);
}
