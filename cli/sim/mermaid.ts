// A run as a sequence diagram in Mermaid's language
// =============================================================================
//
// The rows that a diagram kept, for a page that draws them: <https://mermaid.js.org/syntax/sequenceDiagram.html>.

import { messageOf, type TraceLine } from '../../runtime/simulation/trace-line.js';
import { type Diagram, isAcross } from './diagram.js';

const noteLengthMax = 60;

export function mermaidOf({ lanes, lines }: Diagram): string[] {
  const known = new Set(lanes);
  return [
    'sequenceDiagram',
    ...lanes.map((name) => `  participant ${idOf(name)} as ${name.replace('@', '')}`),
    ...lines.flatMap((line) => statementOf(line, lanes, known)),
  ];
}

function statementOf(line: TraceLine, lanes: readonly string[], known: ReadonlySet<string>): string[] {
  const at = line.atMs.toFixed(1);
  const detail = `${line.kind} ${line.detail}`;
  if (isAcross(line)) return [`  Note over ${idOf(lanes[0] ?? '')},${idOf(lanes.at(-1) ?? '')}: ${at} ${safe(detail)}`];
  const message = messageOf(line);
  if (message === undefined) return [`  Note over ${idOf(line.host)}: ${at} ${safe(detail)}`];
  const { from, to, kind, lost } = message;
  if (!known.has(from) || !known.has(to)) return [];
  return [
    `  ${idOf(from)}${lost === undefined ? '->>' : '-x'}${idOf(to)}: ${at} ${safe(`${kind} ${line.actor} ${lost ?? ''}`)}`,
  ];
}

function idOf(name: string): string {
  return name.replace(/\W/g, '');
}

/** Without the characters that end a statement. */
function safe(text: string): string {
  return text.slice(0, noteLengthMax).replace(/[;#:]/g, ' ').trim();
}
