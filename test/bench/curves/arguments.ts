// What `bench-curves` is asked for
// =============================================================================
//
// Pure: words in, a wish out, or a UsageError that says what was wrong.

import { parseArgs } from 'node:util';

/** Wrong words on the command line: one line, exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CurvesWish {
  /** Names, in the order of the catalogue, each once. */
  readonly curves: readonly string[];
  readonly quick: boolean;
  /** Points to measure instead of the curve's own; only of a single curve. */
  readonly sizes: readonly number[] | undefined;
  /** Where pages, charts and JSON go. */
  readonly out: string;
}

export const fullFolder = 'docs/benchmarks/curves';
/** Ignored by git: of runs that are quick or measure other points. */
export const quickFolder = '.bench/curves';

/** @param known of the catalogue. @throws UsageError */
export function parseCurvesWish(
  words: readonly string[],
  known: readonly { readonly name: string; readonly sizeMax: number }[],
): CurvesWish {
  const { curves, quick, sizes, out } = parsed(words, {
    curves: { type: 'string' },
    quick: { type: 'boolean' },
    sizes: { type: 'string' },
    out: { type: 'string' },
  });
  if (out === '') throw new UsageError('--out takes a folder');
  const chosen = namesOf(
    curves,
    known.map(({ name }) => name),
  );
  const isPart = quick === true || sizes !== undefined;
  return {
    curves: chosen,
    quick: quick === true,
    sizes: sizes === undefined ? undefined : sizesOf(sizes, chosen, known),
    out: out ?? (isPart ? quickFolder : fullFolder),
  };
}

function sizesOf(
  list: string,
  [name, ...others]: readonly string[],
  known: readonly { readonly name: string; readonly sizeMax: number }[],
): number[] {
  if (others.length > 0) throw new UsageError('--sizes are of one curve: name it with --curves');
  const sizeMax = known.find((curve) => curve.name === name)?.sizeMax ?? 0;
  const sizes = list.split(',').map((word) => {
    const size = Number(word);
    if (!/^\d+$/.test(word) || size < 1 || size > sizeMax)
      throw new UsageError(`--sizes of ${name} takes whole numbers from 1 to ${sizeMax}, not ${JSON.stringify(word)}`);
    return size;
  });
  if (sizes.some((size, i) => size <= (sizes[i - 1] ?? 0))) throw new UsageError('--sizes grow from one to the next');
  return sizes;
}

type Options = NonNullable<Parameters<typeof parseArgs>[0]>['options'] & object;

/** parseArgs, strictly. @throws UsageError */
export function parsed<O extends Options>(
  words: readonly string[],
  options: O,
): ReturnType<typeof parseArgs<{ options: O }>>['values'] {
  try {
    return parseArgs({ args: [...words], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\.(?: |\n|$)/)[0], { cause: error });
  }
}

function namesOf(list: string | undefined, known: readonly string[]): string[] {
  if (list === undefined) return [...known];
  const wanted = new Set<string>();
  for (const word of list.split(',')) {
    const name = word.trim();
    if (!known.includes(name)) throw new UsageError(`--curves knows ${known.join(', ')}, not ${JSON.stringify(name)}`);
    wanted.add(name);
  }
  return known.filter((name) => wanted.has(name));
}
