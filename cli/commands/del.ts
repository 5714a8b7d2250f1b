// troupe del KEY: removes one item
// =============================================================================

import type { Command } from 'commander';
import { parseCount, parseKey } from '../argument.js';
import type { Keep } from '../invocation.js';
import { printValue } from '../output.js';

export function registerDel(program: Command, keep: Keep): void {
  program
    .command('del')
    .description('remove an item; a missing one is no error')
    .argument('<key>', 'a string, or a JSON array for a tuple key')
    .option('-t, --table <name>', 'the table', 'default')
    .option('--if-version <version>', 'only if the item has this version')
    .action((keyText: string, options: { table: string; ifVersion?: string }) => {
      const key = parseKey(keyText);
      const ifVersion = options.ifVersion === undefined ? undefined : parseCount('--if-version', options.ifVersion, 0);
      keep(async ({ connect, output, signal }) => {
        const db = await connect();
        const receipt = await db
          .table(options.table)
          .delete(key, { ...(ifVersion === undefined ? {} : { ifVersion }), signal });
        const { existed, version, partition, epoch, offset, durability, replicas } = receipt;
        const result = { key, existed, version, receipt: { partition, epoch, offset, durability, replicas } };
        printValue(output, result, () => [existed ? `OK  version ${version} removed` : 'OK  there was no such item']);
        return undefined;
      });
    });
}
