// Where an axis has its marks
// =============================================================================
//
// Linear axes begin at zero and have marks at 1, 2 or 5 times a power of ten; logarithmic ones have them at powers of ten, or also at 2 and 5
// times those where that would be fewer than three.

export interface AxisMarks {
  readonly min: number;
  readonly max: number;
  readonly marks: readonly number[];
}

const wantedMarks = 6;

/** @param values that shall be on it; for a logarithmic axis above zero */
export function marksOf(scale: 'linear' | 'log', values: readonly number[]): AxisMarks {
  return scale === 'log' ? logMarks(values) : linearMarks(values);
}

function linearMarks(values: readonly number[]): AxisMarks {
  const most = Math.max(0, ...values) || 1;
  const rough = most / (wantedMarks - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  const marks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { min: 0, max: marks.at(-1) as number, marks };
}

function logMarks(values: readonly number[]): AxisMarks {
  const known = values.filter((value) => value > 0);
  const low = known.length === 0 ? 1 : Math.min(...known);
  const high = known.length === 0 ? 10 : Math.max(...known);
  for (const factors of [[1], [1, 2, 5]]) {
    const marks = between(low, high, factors);
    if (marks.length >= 3 || factors.length > 1)
      return { min: marks[0] as number, max: marks.at(-1) as number, marks: marks.filter(isShown(marks.length)) };
  }
  throw new Error('there is a mark for every pair of numbers');
}

/** The marks that hold both numbers between them, at least two. */
function between(low: number, high: number, factors: readonly number[]): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)) + 1; power++)
    for (const factor of factors) all.push(Number((factor * 10 ** power).toPrecision(6)));
  const first = all.findLastIndex((mark) => mark <= low * (1 + 1e-9));
  const last = all.findIndex((mark, i) => i > first && mark >= high * (1 - 1e-9));
  return all.slice(first, last + 1);
}

/** Every mark, or every second, third … of too many; always the first. */
function isShown(count: number): (mark: number, i: number) => boolean {
  const every = Math.max(1, Math.ceil(count / (wantedMarks + 3)));
  return (_, i) => i % every === 0;
}

/** 1500 → 1.5k, 2000000 → 2M, 0.05 → 0.05. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e3) return `${trim(value / 1e3)}k`;
  return trim(value);
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}
