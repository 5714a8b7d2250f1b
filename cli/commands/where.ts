// troupe where KEY: the partition of a key, its leader and its replicas
// =============================================================================

import type { Command } from 'commander';
import { parseKey } from '../argument.js';
import type { Keep } from '../invocation.js';
import { formatTable, printValue } from '../output.js';

export function registerWhere(program: Command, keep: Keep): void {
  program
    .command('where')
    .description('the partition of a key, its leader and its replicas')
    .argument('<key>', 'a string, or a JSON array for a tuple key')
    .option('-t, --table <name>', 'the table', 'default')
    .action((keyText: string, options: { table: string }) => {
      const key = parseKey(keyText);
      keep(async ({ connect, output, signal }) => {
        const place = await (await connect()).admin.locate(options.table, key, { signal });
        const row = [
          String(place.partition),
          place.leader ?? 'none',
          String(place.epoch),
          place.replicas.join(' '),
          place.inSync.join(' '),
        ];
        printValue(output, { key, ...place }, () =>
          formatTable(['partition', 'leader', 'epoch', 'replicas', 'in sync'], [row]),
        );
        return undefined;
      });
    });
}
