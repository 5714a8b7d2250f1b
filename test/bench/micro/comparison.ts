// Figures beside a baseline's
// =============================================================================
//
// The ratio is of spins, not of nanoseconds, so that another machine's speed, or this one's today, cancels out roughly. Roughly: caches and memory
// do not scale with the clock. So only what is slower by more than any machine makes it is called slower; a change of a tenth is for people to see.

import type { Figure } from './meter.js';

/** Beyond it a bench is slower. Two runs of one version differ by up to 1.3 on a machine that does something else, too. */
export const slowerRatio = 1.6;

export type Verdict = 'same' | 'slower' | 'faster' | 'new' | 'gone' | 'not judged';

export interface Compared {
  readonly name: string;
  readonly verdict: Verdict;
  /** Undefined where there is none. */
  readonly now: Figure | undefined;
  readonly before: Figure | undefined;
  /** Above 1: slower than the baseline, in spins. */
  readonly ratio: number | undefined;
}

/** In the order of `now`; behind these the baseline's that were not measured, unless only some were asked for. */
export function compare(now: readonly Figure[], baseline: readonly Figure[], onlySome: boolean): Compared[] {
  const before = new Map(baseline.map((figure) => [figure.name, figure]));
  const compared = now.map((figure): Compared => {
    const known = before.get(figure.name);
    before.delete(figure.name);
    if (known === undefined)
      return { name: figure.name, verdict: 'new', now: figure, before: undefined, ratio: undefined };
    const ratio = figure.spins / known.spins;
    return { name: figure.name, verdict: verdictOf(figure, ratio), now: figure, before: known, ratio };
  });
  if (onlySome) return compared;
  for (const figure of before.values())
    compared.push({ name: figure.name, verdict: 'gone', now: undefined, before: figure, ratio: undefined });
  return compared;
}

function verdictOf(figure: Figure, ratio: number): Verdict {
  if (figure.kind === 'disk') return 'not judged';
  if (ratio > slowerRatio) return 'slower';
  return ratio < 1 / slowerRatio ? 'faster' : 'same';
}

/** How much of the ratio is the machine: this run's spin to the baseline's, as far as the benches tell. Above 1: this machine is slower now. */
export function machineRatio(compared: readonly Compared[]): number | undefined {
  for (const { now, before } of compared)
    if (now !== undefined && before !== undefined && now.kind === 'cpu')
      return now.nsPerOperation / now.spins / (before.nsPerOperation / before.spins);
  return undefined;
}
