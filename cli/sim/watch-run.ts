// One run, looked at closely: its trace, its picture
// =============================================================================

import type { Scenario } from '../../actors/simulated/scenario.js';
import { simulate, type SimulationResult } from '../../actors/simulated/simulate.js';
import { type Output, paint } from '../output.js';
import { Diagram, type DiagramOptions, type Tinted } from './diagram.js';
import { mermaidOf } from './mermaid.js';

export interface Views {
  /** Every line of the trace. */
  readonly trace: boolean;
  readonly diagram: boolean;
  readonly mermaid: boolean;
  readonly drawn: DiagramOptions;
}

export const defaultDrawn: DiagramOptions = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, only: [], rows: 60 };

export interface Watched {
  readonly result: SimulationResult;
  readonly diagram: Diagram;
  /** The diagram, as wide as the terminal. */
  readonly picture: readonly string[];
}

/** Runs it in this thread. */
export function watchRun(
  output: Output,
  scenario: Scenario,
  drawn: DiagramOptions,
  onLine?: (line: string) => void,
): Watched {
  const diagram = new Diagram(drawn);
  const result = simulate(scenario, {
    onLine: (line) => {
      diagram.feed(line);
      onLine?.(line);
    },
  });
  return { result, diagram, picture: diagram.draw(terminalWidth(), tintedBy(output), result.episodes) };
}

/** Runs it in this thread and prints what was asked for; without views, as fast as it goes. */
export function showRun(output: Output, scenario: Scenario, views: Views): SimulationResult {
  const onLine = views.trace ? (line: string): void => output.data(line) : undefined;
  if (!views.diagram && !views.mermaid) return simulate(scenario, onLine === undefined ? {} : { onLine });
  const { result, diagram, picture } = watchRun(output, scenario, views.drawn, onLine);
  if (views.diagram) for (const line of picture) output.data(line);
  if (views.mermaid) for (const line of mermaidOf(diagram)) output.data(line);
  return result;
}

/** The picture of lines that are there already. */
export function drawLines(output: Output, lines: readonly string[], rows: number): string[] {
  const diagram = new Diagram({ ...defaultDrawn, rows });
  for (const line of lines) diagram.feed(line);
  return diagram.draw(terminalWidth(), tintedBy(output));
}

const widthMin = 60;
const widthMax = 200;
const widthElsewhere = 120;

function terminalWidth(): number {
  const columns = process.stdout.columns ?? process.stderr.columns ?? widthElsewhere;
  return Math.max(widthMin, Math.min(widthMax, columns));
}

function tintedBy(output: Output): Tinted {
  return (tint, text) => (tint === 'plain' || text.trim() === '' ? text : paint(output, tint, text));
}
