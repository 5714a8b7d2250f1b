// troupe status: hosts, metadata group, tables, partitions, health
// =============================================================================
//
// Exit code 0 only when healthy; 7 otherwise.

import type { Command } from 'commander';
import type { StatusReport } from '../../messaging/client/index.js';
import { exitCodes } from '../exit-codes.js';
import type { Keep } from '../invocation.js';
import { formatTable, type Output, paint, printValue } from '../output.js';

export function registerStatus(program: Command, keep: Keep): void {
  program
    .command('status')
    .description('hosts, metadata group, tables and health')
    .action(() => {
      keep(async ({ connect, output, signal }) => {
        const status = await (await connect()).admin.status({ signal });
        printValue(output, status, () => describeStatus(status, output));
        return status.healthy ? exitCodes.ok : exitCodes.unavailable;
      });
    });
}

const reasonsShownMax = 10;

/** A screenful for a person. */
export function describeStatus(status: StatusReport, output: Output): string[] {
  const { metadata } = status;
  const health = status.healthy ? paint(output, 'green', 'healthy') : paint(output, 'red', 'not healthy');
  const lines = [`cluster ${paint(output, 'bold', status.cluster)}: ${health}`];
  for (const reason of status.reasons.slice(0, reasonsShownMax)) lines.push(`  ! ${reason}`);
  if (status.reasons.length > reasonsShownMax) lines.push(`  ! and ${status.reasons.length - reasonsShownMax} more`);
  const voters = metadata.members.filter((member) => member.voter).map((member) => member.host);
  lines.push(`metadata: leader ${metadata.leader ?? 'none'}, term ${metadata.term}, members ${voters.join(' ')}`, '');
  const leaders = new Map<string, number>();
  const replicas = new Map<string, number>();
  for (const table of status.tables) {
    for (const partition of table.partitions) {
      if (partition.leader !== undefined) leaders.set(partition.leader, (leaders.get(partition.leader) ?? 0) + 1);
      for (const host of partition.replicas) replicas.set(host, (replicas.get(host) ?? 0) + 1);
    }
  }
  const hostRows = status.hosts.map((host) => [
    host.name,
    host.state === 'up' ? paint(output, 'green', 'up') : paint(output, 'yellow', host.state),
    String(host.pid),
    String(host.workers.length),
    String(leaders.get(host.name) ?? 0),
    String(replicas.get(host.name) ?? 0),
  ]);
  lines.push(...formatTable(['host', 'state', 'pid', 'workers', 'leads', 'replicas'], hostRows), '');
  if (status.tables.length === 0) lines.push('no tables yet: the first `troupe put` makes one');
  else
    lines.push(
      ...formatTable(
        ['table', 'partitions', 'led', 'fully in sync', 'items', 'durability'],
        status.tables.map((table) => tableRow(table)),
      ),
    );
  return lines;
}

function tableRow(table: StatusReport['tables'][number]): string[] {
  const { partitions } = table;
  const led = partitions.filter((partition) => partition.leader !== undefined).length;
  const full = partitions.filter((partition) => partition.inSync.length === partition.replicas.length).length;
  const isKnown = partitions.every((partition) => partition.items !== undefined);
  const items = partitions.reduce((sum, partition) => sum + (partition.items ?? 0), 0);
  return [
    table.name,
    String(partitions.length),
    `${led}/${partitions.length}`,
    `${full}/${partitions.length}`,
    isKnown ? String(items) : `${items}+?`,
    table.durability,
  ];
}
