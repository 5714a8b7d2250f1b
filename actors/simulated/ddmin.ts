// Delta debugging: the smallest part of a list that still fails
// =============================================================================
//
// Halves, then quarters, then eighths: a part that fails alone replaces the list; a list that fails without a part loses it. What is left when
// single elements cannot be left out any more is 1-minimal.
//
// Owns:     which parts are tried, in which order.
// Does not: know what an element is, or why a part fails.
//
// Invariants
//   D1. The result is a sublist of the list, in its order, and failed when it was tried (or is the list itself).
//   D2. Told to go on for as long as it likes, leaving out any one element of the result was tried and did not fail.
//   D3. Nothing is tried once `goOn` says no; what was reached until then is the result.
//
// Sources: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin). We differ: the empty list is tried first, since
// a fault schedule often has nothing to do with a bug.

export interface DdminOptions {
  /** Asked before each try: a budget. */
  readonly goOn?: () => boolean;
  /** Told of each step forward, with what is left. */
  readonly onSmaller?: (left: number) => void;
}

/** @param fails whether a sublist still fails; it is given each sublist at most once in a row. REQUIRES that it fails on `items`. */
export async function ddmin<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  options: DdminOptions = {},
): Promise<readonly T[]> {
  const goOn = options.goOn ?? ((): boolean => true);
  if (items.length === 0 || !goOn()) return items;
  if (await fails([])) return [];
  let left = items;
  let parts = 2;
  while (left.length > 1) {
    const cuts = cut(left, Math.min(parts, left.length));
    const smaller = await firstFailing(candidates(left, cuts, parts), fails, goOn);
    if (smaller === undefined) {
      if (cuts.length === left.length || !goOn()) return left; // D2 D3
      parts = Math.min(left.length, parts * 2);
      continue;
    }
    left = smaller.part;
    parts = smaller.alone ? 2 : Math.max(2, cuts.length - 1);
    options.onSmaller?.(left.length);
  }
  return left;
}

interface Candidate<T> {
  readonly part: readonly T[];
  /** A piece by itself, not all the others. */
  readonly alone: boolean;
}

/** Pieces, then all without a piece; of two pieces each is what is left without the other. */
function* candidates<T>(
  left: readonly T[],
  cuts: readonly (readonly [number, number])[],
  parts: number,
): Generator<Candidate<T>> {
  for (const [from, to] of cuts) yield { part: left.slice(from, to), alone: true };
  if (parts === 2) return;
  for (const [from, to] of cuts) yield { part: [...left.slice(0, from), ...left.slice(to)], alone: false };
}

async function firstFailing<T>(
  tries: Iterable<Candidate<T>>,
  fails: (part: readonly T[]) => Promise<boolean>,
  goOn: () => boolean,
): Promise<Candidate<T> | undefined> {
  for (const candidate of tries) {
    if (!goOn()) return undefined; // D3
    if (await fails(candidate.part)) return candidate;
  }
  return undefined;
}

/** `count` pieces of nearly equal length, as [from, to). */
function cut(items: readonly unknown[], count: number): (readonly [number, number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((items.length * i) / count),
    Math.floor((items.length * (i + 1)) / count),
  ]);
}
