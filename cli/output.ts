// How results are printed
// =============================================================================
//
// Data on stdout; progress, warnings and hints on stderr. A table for people, with the same columns and no colour when it is not a terminal;
// JSON and JSON lines are contracts (INTERFACES §2).

export const outputFormats = ['table', 'json', 'jsonl'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export interface Output {
  readonly format: OutputFormat;
  readonly colour: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** A line of data. */
  data(line: string): void;
  /** A line for the person only: nothing with `-q`. */
  note(line: string): void;
}

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

const codes: Readonly<Record<Colour, number>> = { green: 32, red: 31, yellow: 33, cyan: 36, dim: 2, bold: 1 };

export function paint(output: Output, colour: Colour, text: string): string {
  return output.colour ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}

/** Columns as wide as their widest cell, two spaces between. Cells may carry colour. */
export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const plain = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, ''); // eslint-disable-line no-control-regex
  const widths = columns.map((name, i) => Math.max(name.length, ...rows.map((row) => plain(row[i] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] as number) - plain(cell).length)))
      .join('  ')
      .trimEnd();
  return [line(columns.map((name) => name.toUpperCase())), ...rows.map(line)];
}

/** One value as the format wants it; a table is made by `table`. */
export function printValue(output: Output, value: unknown, table: () => readonly string[]): void {
  if (output.format === 'json') output.data(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined));
  else if (output.format === 'jsonl')
    for (const one of Array.isArray(value) ? value : [value]) output.data(JSON.stringify(one));
  else for (const line of table()) output.data(line);
}
