// A replay file, run again
// =============================================================================
//
// Says whether it fails the same way as when it was written: the same rule; and whether it is the same run to the last event.

import { basename } from 'node:path';
import type { ReplayFile } from '../../actors/simulated/replay-file.js';
import { violatedBy } from '../../actors/simulated/violated.js';
import { exitCodes } from '../exit-codes.js';
import type { Invocation } from '../invocation.js';
import { paint, printValue } from '../output.js';
import { readReplayFile } from './artefacts.js';
import type { MinimizeReport } from './minimize-failure.js';
import { drawLines, showRun, type Views } from './watch-run.js';

/** The contract of `troupe sim --replay FILE -o json`. */
export interface ReplayReport {
  readonly file: string;
  readonly seed: string;
  readonly outcome: 'same' | 'other' | 'good';
  readonly recorded: { readonly violated: string; readonly traceHash: string; readonly program: string };
  readonly now: {
    readonly violated: string | undefined;
    readonly traceHash: string;
    readonly message: string | undefined;
  };
  readonly sameHash: boolean;
  readonly virtualMs: number;
}

const rowsOfPicture = 40;

export interface ReplayOptions {
  readonly file: string;
  readonly views: Views;
  /** Makes it smaller, too, when it fails. */
  readonly minimize: ((replay: ReplayFile, name: string) => Promise<MinimizeReport | undefined>) | undefined;
}

export async function runReplay({ output }: Invocation, { file, views, minimize }: ReplayOptions): Promise<number> {
  const recorded = readReplayFile(file);
  const result = showRun(output, recorded.scenario, views);
  const violated = result.failure === undefined ? undefined : violatedBy(result.failure.message);
  const outcome = violated === undefined ? 'good' : violated === recorded.violated ? 'same' : 'other';
  const report: ReplayReport = {
    file,
    seed: recorded.seed,
    outcome,
    recorded: { violated: recorded.violated, traceHash: recorded.traceHash, program: recorded.program },
    now: { violated, traceHash: result.traceHash, message: result.failure?.message },
    sameHash: result.traceHash === recorded.traceHash,
    virtualMs: result.virtualMs,
  };
  printValue(output, report, () => {
    const lines: string[] = [];
    const { failure } = result;
    if (failure !== undefined) {
      if (!views.diagram && !views.trace) lines.push(...drawLines(output, failure.lastEvents, rowsOfPicture), '');
      lines.push(...failure.message.split('\n').slice(0, 30), '');
    }
    const said = {
      same: paint(output, 'red', `fails as recorded: ${recorded.violated} in ${failure?.phase}`),
      other: paint(
        output,
        'red',
        `fails otherwise: ${violated} in ${failure?.phase}; recorded was ${recorded.violated} in ${recorded.phase}`,
      ),
      good: paint(output, 'green', `is good; recorded was ${recorded.violated} in ${recorded.phase}`),
    };
    lines.push(`${file}: ${said[outcome]}`);
    lines.push(
      report.sameHash
        ? `trace ${result.traceHash}, as recorded: the same run to the last event`
        : `trace ${result.traceHash}, recorded was ${recorded.traceHash}: the code has changed since Troupe ${recorded.program} wrote it`,
    );
    return lines;
  });
  if (outcome !== 'good') await minimize?.({ ...recorded, violated: violated ?? '' }, basename(file, '.json'));
  return outcome === 'good' ? exitCodes.ok : exitCodes.failure;
}
