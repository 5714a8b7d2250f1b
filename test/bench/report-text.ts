// The report's sections as text for a terminal, and as Markdown
// =============================================================================

import type { Section } from './report.js';

export function asText(sections: readonly Section[]): string {
  return sections.map(sectionText).join('\n\n');
}

function sectionText({ title, notes, header, rows }: Section): string {
  const lines = [title, ...notes.map((note) => `  ${note}`)];
  if (rows.length === 0) return lines.join('\n');
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return [
    ...lines,
    ...all.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()),
  ].join('\n');
}

export function asMarkdown(sections: readonly Section[]): string {
  return sections.map(sectionMarkdown).join('\n\n');
}

function sectionMarkdown({ title, notes, header, rows }: Section): string {
  const parts = [`## ${title}`];
  if (notes.length > 0) parts.push(notes.map((note) => `* ${note}`).join('\n'));
  if (rows.length > 0)
    parts.push(
      [header, header.map(() => '---'), ...rows].map((row) => `| ${row.map(cellText).join(' | ')} |`).join('\n'),
    );
  return parts.join('\n\n');
}

function cellText(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
