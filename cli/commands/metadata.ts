// troupe metadata status: the Raft group that knows hosts, tables and partitions
// =============================================================================

import type { Command } from 'commander';
import type { Keep } from '../invocation.js';
import { formatTable, printValue } from '../output.js';

export function registerMetadata(program: Command, keep: Keep): void {
  const metadata = program.command('metadata').description('the group that knows hosts, tables and partitions');
  metadata
    .command('status')
    .description('its leader, term and members')
    .action(() => {
      keep(async ({ connect, output, signal }) => {
        const status = await (await connect()).admin.metadataStatus({ signal });
        printValue(output, status, () => [
          `leader ${status.leader ?? 'none'}, term ${status.term}, committed ${status.commitIndex}`,
          '',
          ...formatTable(
            ['member', 'host', 'vote', 'role', 'log'],
            status.members.map((member) => [
              member.id,
              member.host,
              member.voter ? 'yes' : 'learner',
              member.role,
              String(member.matchIndex ?? '?'),
            ]),
          ),
        ]);
        return undefined;
      });
    });
}
