// One run, looked at closely: its trace, its picture
// =============================================================================

import { simulate, type SimulationResult } from '../../actors/simulated/simulate.js';
import type { Scenario } from '../../actors/simulated/scenario.js';
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

/** Runs it in this thread and prints what was asked for. */
export function watchRun(output: Output, scenario: Scenario, views: Views): SimulationResult {
  const wantsDiagram = views.diagram || views.mermaid;
  const diagram = new Diagram(views.drawn);
  const onLine = (line: string): void => {
    if (views.trace) output.data(line);
    if (wantsDiagram) diagram.feed(line);
  };
  const result = simulate(scenario, views.trace || wantsDiagram ? { onLine } : {});
  if (views.diagram) for (const line of diagram.draw(terminalWidth(), tintedBy(output))) output.data(line);
  if (views.mermaid) for (const line of mermaidOf(diagram)) output.data(line);
  return result;
}

/** The picture of lines that are there already. */
export function drawLines(output: Output, lines: readonly string[], rows: number): string[] {
  const diagram = new Diagram({ fromMs: 0, toMs: Infinity, only: [], rows });
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
