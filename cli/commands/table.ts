// troupe table create | list | describe | delete
// =============================================================================

import type { Command } from 'commander';
import { type TableDescription, TroupeError } from '../../messaging/client/index.js';
import { parseCount, parseWord } from '../argument.js';
import { CliError, usage } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { formatTable, printValue } from '../output.js';

interface CreateOptions {
  readonly partitions?: string;
  readonly replicas?: string;
  readonly minInsync?: string;
  readonly partitioning?: string;
  readonly storage?: string;
  readonly durability?: string;
  readonly versions?: string;
  readonly reads?: string;
}

export function registerTable(program: Command, keep: Keep): void {
  const table = program.command('table').description('create, list, describe and delete tables');
  table
    .command('create')
    .description('create a table')
    .argument('<name>')
    .option('--partitions <count>', 'shares of its keys (8)')
    .option('--replicas <count>', 'copies of each item (3, or as many as there are hosts)')
    .option('--min-insync <count>', 'copies without which no write is taken (2)')
    .option('--partitioning <kind>', 'hash; range is not in this version')
    .option('--storage <kind>', 'memory; lsm is not in this version')
    .option('--durability <class>', 'sync: on disk before the answer; async: in memory (sync)')
    .option('--versions <count>', 'recent versions kept of each item (1)')
    .option('--reads <mode>', 'lease or confirm (lease)')
    .action((name: string, raw: CreateOptions) => {
      const options = {
        ...(raw.partitions === undefined ? {} : { partitions: parseCount('--partitions', raw.partitions, 1, 1024) }),
        ...(raw.replicas === undefined ? {} : { replicas: parseCount('--replicas', raw.replicas, 1, 5) }),
        ...(raw.minInsync === undefined ? {} : { minInSync: parseCount('--min-insync', raw.minInsync, 1, 5) }),
        ...(raw.partitioning === undefined
          ? {}
          : { partitioning: parseWord('--partitioning', ['hash', 'range'] as const, raw.partitioning) }),
        ...(raw.storage === undefined
          ? {}
          : { storage: parseWord('--storage', ['memory', 'lsm'] as const, raw.storage) }),
        ...(raw.durability === undefined
          ? {}
          : { durability: parseWord('--durability', ['sync', 'async'] as const, raw.durability) }),
        ...(raw.versions === undefined ? {} : { versions: parseCount('--versions', raw.versions, 1, 100) }),
        ...(raw.reads === undefined ? {} : { reads: parseWord('--reads', ['lease', 'confirm'] as const, raw.reads) }),
      };
      keep(async ({ connect, output, signal }) => {
        const db = await connect();
        const made = await db.admin.createTable(name, { ...options, signal }).catch((cause: unknown) => {
          if (!(cause instanceof TroupeError) || cause.code !== 'CONDITION_FAILED') throw cause;
          throw new CliError(cause.code, cause.message, `see \`troupe table describe ${name}\``, { cause });
        });
        for (const note of made.notes) output.note(`note: ${note}`);
        printValue(output, made, () => [
          `OK  table ${made.name}: ${made.partitions.length} partitions, ${made.replicas} replicas, ${made.durability}`,
        ]);
        return undefined;
      });
    });
  table
    .command('list')
    .description('list the tables')
    .action(() => {
      keep(async ({ connect, output, signal }) => {
        const tables = await (await connect()).admin.listTables({ signal });
        const rows = tables.map((one) => [
          one.name,
          String(one.partitions.length),
          String(one.replicas),
          String(one.minInSync),
          one.partitioning,
          one.storage,
          one.durability,
        ]);
        printValue(output, tables, () =>
          formatTable(
            ['table', 'partitions', 'replicas', 'min in-sync', 'partitioning', 'storage', 'durability'],
            rows,
          ),
        );
        return undefined;
      });
    });
  table
    .command('describe')
    .description('a table, its partitions and their replicas')
    .argument('<name>')
    .action((name: string) => {
      keep(async ({ connect, output, signal }) => {
        const described = await (await connect()).admin.describeTable(name, { signal });
        printValue(output, described, () => describe(described));
        return undefined;
      });
    });
  table
    .command('delete')
    .description('delete a table with everything in it')
    .argument('<name>')
    .option('--yes', 'really')
    .action((name: string, options: { yes?: boolean }) => {
      if (!options.yes) throw usage(`deleting ${name} cannot be undone`, 'say --yes to do it');
      keep(async ({ connect, output, signal }) => {
        await (await connect()).admin.deleteTable(name, { signal });
        printValue(output, { deleted: name }, () => [`OK  table ${name} is deleted`]);
        return undefined;
      });
    });
}

function describe(table: TableDescription): string[] {
  const head = [
    `table ${table.name}: ${table.partitions.length} partitions by ${table.partitioning}, ${table.replicas} replicas (at least ${table.minInSync} in sync), ${table.storage}, ${table.durability}, reads by ${table.reads}`,
    '',
  ];
  const rows = table.partitions.map((partition) => [
    String(partition.id),
    partition.leader ?? 'none',
    String(partition.epoch),
    partition.replicas.join(' '),
    partition.inSync.join(' '),
  ]);
  return [...head, ...formatTable(['partition', 'leader', 'epoch', 'replicas', 'in sync'], rows)];
}
