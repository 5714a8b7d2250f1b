// The words after `run.js`
// =============================================================================

import { parseArgs } from 'node:util';

export interface MicroOptions {
  /** Only benches whose names contain this, in any case; empty = all. */
  readonly filter: string;
  /** Of one sample of one bench. */
  readonly timeMs: number;
  /** Samples of each bench. */
  readonly rounds: number;
  readonly output: 'table' | 'json';
  /** Where to write the figures as a baseline. */
  readonly save: string | undefined;
  /** The baseline to be compared with. */
  readonly compare: string | undefined;
  /** Items to insert for the longest pause; 0 = not measured. */
  readonly pauseItems: number;
}

/** Wrong words: one line, exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usageLine =
  'run.js [--filter name] [--time ms] [--rounds n] [--pause items] [-o table|json] [--save FILE] [--compare FILE]';

/** With fewer, the median is whatever happened last. */
const comparedRoundsMin = 3;

/** @param words without node and script. @throws UsageError */
export function parseMicroOptions(words: readonly string[]): MicroOptions {
  const values = parsed(words);
  const output = values.output ?? 'table';
  if (output !== 'table' && output !== 'json') throw new UsageError(`-o takes table or json, not ${output}`);
  const options: MicroOptions = {
    filter: values.filter ?? '',
    timeMs: wholeNumber('--time', values.time ?? '100', 1, 60_000),
    rounds: wholeNumber('--rounds', values.rounds ?? '5', 1, 99),
    output,
    save: path('--save', values.save),
    compare: path('--compare', values.compare),
    pauseItems: values.pause === undefined ? 0 : wholeNumber('--pause', values.pause, 1, 20_000_000),
  };
  if (options.compare !== undefined && options.rounds < comparedRoundsMin)
    throw new UsageError(
      `--compare judges by the median of at least ${comparedRoundsMin} rounds, not ${options.rounds}`,
    );
  return options;
}

interface Words {
  readonly filter?: string;
  readonly time?: string;
  readonly rounds?: string;
  readonly pause?: string;
  readonly output?: string;
  readonly save?: string;
  readonly compare?: string;
}

function parsed(words: readonly string[]): Words {
  try {
    return parseArgs({
      args: [...words],
      options: {
        filter: { type: 'string' },
        time: { type: 'string' },
        rounds: { type: 'string' },
        pause: { type: 'string' },
        output: { type: 'string', short: 'o' },
        save: { type: 'string' },
        compare: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; ${usageLine}`);
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not ${text === '' ? 'nothing' : text}`);
  return value;
}

function path(flag: string, text: string | undefined): string | undefined {
  if (text === '') throw new UsageError(`${flag} takes the name of a file`);
  return text;
}
