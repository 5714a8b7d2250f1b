// troupe put KEY VALUE: writes one item
// =============================================================================

import { type Command, Option } from 'commander';
import { parseCount, parseKey, parseValue, valueOfText } from '../argument.js';
import { usage } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { printValue } from '../output.js';
import { readAll } from '../stdin.js';

export function registerPut(program: Command, keep: Keep): void {
  program
    .command('put')
    .description('write an item')
    .argument('<key>', 'a string, or a JSON array for a tuple key')
    .argument('<value>', 'JSON when it parses as JSON, else a string; - reads standard input')
    .option('-t, --table <name>', 'the table', 'default')
    .addOption(new Option('--ttl <duration>', 'expire after this time: not in this version').hideHelp())
    .option('--if-version <version>', 'only if the item has this version')
    .option('--if-absent', 'only if there is no item')
    .action(
      (
        keyText: string,
        valueText: string,
        options: { table: string; ttl?: string; ifVersion?: string; ifAbsent?: boolean },
      ) => {
        const key = parseKey(keyText);
        const given = valueText === '-' ? undefined : { value: parseValue(valueText) };
        const ifVersion =
          options.ifVersion === undefined ? undefined : parseCount('--if-version', options.ifVersion, 0);
        if (ifVersion !== undefined && options.ifAbsent) throw usage('--if-version and --if-absent exclude each other');
        keep(async ({ connect, output, signal }) => {
          const value = given ?? { value: valueOfText(await readAll(process.stdin, signal)) };
          const db = await connect();
          const receipt = await db.table(options.table).put(key, value.value, {
            ...(options.ttl === undefined ? {} : { ttl: options.ttl }),
            ...(ifVersion === undefined ? {} : { ifVersion }),
            ...(options.ifAbsent ? { ifAbsent: true } : {}),
            signal,
          });
          const { version, partition, epoch, offset, durability, replicas } = receipt;
          const result = { key, version, receipt: { partition, epoch, offset, durability, replicas } };
          printValue(output, result, () => [`OK  version ${version}, ${durability} on ${replicas.join(', ')}`]);
          return undefined;
        });
      },
    );
}
