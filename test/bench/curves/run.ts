// `make bench-curves CURVES=items,clients QUICK=1`: what things cost as work grows
// =============================================================================
//
//   node dist/test/bench/curves/run.js [--curves items,clients] [--quick] [--sizes 8,64] [--out docs/benchmarks/curves]
//
// Tables on stdout, progress on stderr, pages with charts and JSON in the folder. An interrupt ends it cleanly and keeps what was measured.
// Exit codes: 0 when all was measured, 1 when a measurement failed, 64 for wrong words, 130 when interrupted. A figure above what was
// asked for is no failure: the table says so.

import { parseCurvesWish, UsageError, type CurvesWish } from './arguments.js';
import { catalogue } from './catalogue.js';
import type { Curve, CurveContext, Row } from './curve.js';
import { describeMachine } from '../machine.js';
import { describeCurve, reportOf, writeCurve } from './report.js';

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** @returns its rows, and what ended it early */
async function measure(curve: Curve, context: CurveContext): Promise<{ rows: Row[]; error: Error | undefined }> {
  const rows: Row[] = [];
  try {
    for await (const row of curve.points(context)) rows.push(row);
    return { rows, error: undefined };
  } catch (error) {
    return { rows, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function run({ curves, quick, sizes, out }: CurvesWish, signal: AbortSignal): Promise<number> {
  let exitCode = 0;
  for (const curve of catalogue.filter(({ name }) => curves.includes(name))) {
    note(`${curve.name}: ${curve.title}`);
    const machine = describeMachine();
    const context: CurveContext = { quick, sizes, signal, note: (line) => note(`${curve.name}: ${line}`) };
    const { rows, error } = await measure(curve, context);
    const report = reportOf(curve, rows, { quick, complete: error === undefined, machine });
    if (rows.length > 0) {
      process.stdout.write(`${describeCurve(report).join('\n')}\n\n`);
      note(`${curve.name}: written to ${writeCurve(out, curve, report)}`);
    }
    if (signal.aborted) return 130;
    if (error === undefined) continue;
    note(`${curve.name}: failed: ${error.stack ?? error.message}`);
    exitCode = 1;
  }
  return exitCode;
}

async function main(): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    note('interrupted: ending what runs …');
    interrupted.abort(new Error('interrupted'));
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt);
  const wish = parseCurvesWish(process.argv.slice(2), catalogue);
  return run(wish, interrupted.signal);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  note(`bench-curves: ${error.message}`);
  process.exitCode = 64;
}
