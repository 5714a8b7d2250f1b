// troupe range: items in key order
// =============================================================================

import type { Command } from 'commander';
import { parseCount, parseKey } from '../argument.js';
import { usage } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { formatTable } from '../output.js';
import { plain, printableEntry } from './get.js';

interface RangeOptions {
  readonly table: string;
  readonly start?: string;
  readonly end?: string;
  readonly prefix?: string;
  readonly limit: string;
  readonly cursor?: string;
  readonly reverse?: boolean;
}

const cellWidthMax = 60;

export function registerRange(program: Command, keep: Keep): void {
  program
    .command('range')
    .description('list items in key order, a page at a time')
    .option('-t, --table <name>', 'the table', 'default')
    .option('--start <key>', 'the first key')
    .option('--end <key>', 'the key to stop before')
    .option('--prefix <prefix>', 'only keys that begin so')
    .option('--limit <count>', 'items in this page', '100')
    .option('--cursor <cursor>', 'go on where the page before ended')
    .option('--reverse', 'from the last key to the first')
    .action((options: RangeOptions) => {
      const limit = parseCount('--limit', options.limit, 1, 10_000);
      if (options.prefix !== undefined && (options.start !== undefined || options.end !== undefined))
        throw usage('--prefix and --start or --end exclude each other');
      keep(async ({ connect, output, signal }) => {
        const db = await connect();
        const page = await db.table(options.table).page({
          limit,
          signal,
          ...(options.start === undefined ? {} : { start: parseKey(options.start) }),
          ...(options.end === undefined ? {} : { end: parseKey(options.end) }),
          ...(options.prefix === undefined ? {} : { prefix: parseKey(options.prefix) }),
          ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
          ...(options.reverse ? { reverse: true } : {}),
        });
        const entries = page.entries.map(printableEntry);
        const more = page.cursor === undefined ? {} : { cursor: page.cursor };
        if (output.format === 'json') output.data(JSON.stringify({ entries, ...more }));
        else if (output.format === 'jsonl') {
          for (const entry of entries) output.data(JSON.stringify(entry));
          if (page.cursor !== undefined) output.data(JSON.stringify(more));
        } else {
          const rows = page.entries.map((entry) => [plain(entry.key), String(entry.version), cut(plain(entry.value))]);
          for (const line of formatTable(['key', 'version', 'value'], rows)) output.data(line);
          if (page.cursor !== undefined) output.note(`more: troupe range … --cursor ${page.cursor}`);
        }
        return undefined;
      });
    });
}

function cut(text: string): string {
  return text.length <= cellWidthMax ? text : `${text.slice(0, cellWidthMax - 1)}…`;
}
