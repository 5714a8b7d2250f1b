// What a curve is
// =============================================================================
//
// One thing grows, and every point is measured on something that was started for it. A curve says what it measures and how its points are
// drawn and judged; it prints nothing and writes no file. Points come one after the other, so that an interrupted run keeps what it has.

/** A column of the table. Values are numbers in the unit said; undefined where there was nothing to measure. */
export interface Column {
  readonly id: string;
  readonly title: string;
  /** '' for a plain count. */
  readonly unit: string;
  /** Digits after the point. */
  readonly digits: number;
}

export type Row = Readonly<Record<string, number | undefined>>;

/** Lines over one x. Points of a value that is missing, or not above zero on a logarithmic axis, are left out. */
export interface Chart {
  /** Part of the file's name. */
  readonly id: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

export interface Axis {
  readonly title: string;
  readonly scale: 'linear' | 'log';
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A figure that somebody asked for, held against what was measured. */
export interface Claim {
  readonly what: string;
  readonly unit: string;
  /** At most this is allowed. */
  readonly limit: number;
  /** Undefined when the run did not reach the size that is asked for. */
  readonly measured: number | undefined;
}

export interface CurveContext {
  /** Few and small points: shows that it works, its figures mean little. */
  readonly quick: boolean;
  /** Instead of the curve's own points, when somebody asked for others. */
  readonly sizes: readonly number[] | undefined;
  readonly signal: AbortSignal;
  /** A line for the person, on stderr. */
  readonly note: (line: string) => void;
}

/** Which points to measure. */
export function pointsOf(
  { sizes, quick }: CurveContext,
  own: { readonly full: readonly number[]; readonly quick: readonly number[] },
): readonly number[] {
  return sizes ?? (quick ? own.quick : own.full);
}

export interface Curve {
  /** As in CURVES=…, and of its files. */
  readonly name: string;
  readonly title: string;
  /** The largest point that it can measure. */
  readonly sizeMax: number;
  /** What stays the same while the one thing grows, a sentence each: enough to repeat it. */
  settings(quick: boolean): readonly string[];
  readonly columns: readonly Column[];
  points(context: CurveContext): AsyncGenerator<Row, void, undefined>;
  charts(rows: readonly Row[]): readonly Chart[];
  claims(rows: readonly Row[]): readonly Claim[];
}

/** A line of `y` over `x`, of the rows that have both. */
export function lineOf(name: string, rows: readonly Row[], x: string, y: string): Line {
  const points = rows.flatMap((row): (readonly [number, number])[] => {
    const [atX, atY] = [row[x], row[y]];
    return atX === undefined || atY === undefined ? [] : [[atX, atY]];
  });
  return { name, points };
}

/** Of the row whose `x` is at least what is asked for: the first such, since rows grow. */
export function measuredAt(rows: readonly Row[], x: string, atLeast: number, y: string): number | undefined {
  return rows.find((row) => (row[x] ?? 0) >= atLeast)?.[y];
}
