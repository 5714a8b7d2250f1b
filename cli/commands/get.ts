// troupe get KEY: reads one item
// =============================================================================

import type { Command } from 'commander';
import { toPrintable } from '../../messaging/protocol/value.js';
import { parseKey, parseWord } from '../argument.js';
import { CliError } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { printValue } from '../output.js';

export function registerGet(program: Command, keep: Keep): void {
  program
    .command('get')
    .description('read an item')
    .argument('<key>', 'a string, or a JSON array for a tuple key')
    .option('-t, --table <name>', 'the table', 'default')
    .option('--consistency <kind>', 'linearizable, session or stale', 'linearizable')
    .action((keyText: string, options: { table: string; consistency: string }) => {
      const key = parseKey(keyText);
      const consistency = parseWord(
        '--consistency',
        ['linearizable', 'session', 'stale'] as const,
        options.consistency,
      );
      keep(async ({ connect, output, signal }) => {
        const db = await connect();
        const entry = await db.table(options.table).entry(key, { consistency, signal });
        if (entry === undefined)
          throw new CliError(
            'NOT_FOUND',
            `no item ${keyText} in table ${options.table}`,
            'put one, or look with `troupe range`',
          );
        printValue(output, printableEntry(entry), () => [plain(entry.value)]);
        return undefined;
      });
    });
}

interface Entry {
  readonly key: unknown;
  readonly value: unknown;
  readonly version: number;
  readonly createdAt: unknown;
  readonly updatedAt: unknown;
  readonly expiresAt?: unknown;
}

/** An entry as `-o json` shows it; times as ISO 8601. */
export function printableEntry(entry: Entry): Record<string, unknown> {
  const { key, value, version, createdAt, updatedAt, expiresAt } = entry;
  const shown = { key: toPrintable(key), value: toPrintable(value), version, createdAt, updatedAt };
  return expiresAt === undefined ? shown : { ...shown, expiresAt };
}

/** A bare string, else JSON text. */
export function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(toPrintable(value));
}
