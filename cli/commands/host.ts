// troupe host list | drain | remove | restart
// =============================================================================

import type { Command } from 'commander';
import type { Database, HostInfo } from '../../messaging/client/index.js';
import { CliError, usage } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { commandOf } from '../mesh/process-command.js';
import { formatTable, paint, printValue } from '../output.js';

const restartDeadlineMs = 60_000;
const lookMs = 100;

export function registerHost(program: Command, keep: Keep): void {
  const host = program.command('host').description('list, drain, remove and restart hosts');
  host
    .command('list')
    .description('the hosts and their state')
    .action(() => {
      keep(async ({ connect, output, signal }) => {
        const hosts = await (await connect()).admin.listHosts({ signal });
        const rows = hosts.map((one) => [
          one.name,
          one.state === 'up' ? paint(output, 'green', 'up') : one.state,
          String(one.epoch),
          String(one.pid),
          String(one.workers),
          one.rack || '-',
          one.version,
        ]);
        printValue(output, hosts, () =>
          formatTable(['host', 'state', 'epoch', 'pid', 'workers', 'rack', 'version'], rows),
        );
        return undefined;
      });
    });
  host
    .command('drain')
    .description('move leaderships and replicas away from a host')
    .argument('<host>')
    .option('--undo', 'take it back')
    .action((name: string, options: { undo?: boolean }) => {
      keep(async ({ connect, output, signal }) => {
        await (await connect()).admin.drainHost(name, !options.undo, { signal });
        printValue(output, { host: name, draining: !options.undo }, () => [
          options.undo ? `OK  ${name} takes part again` : `OK  ${name} is being drained; see \`troupe host list\``,
        ]);
        return undefined;
      });
    });
  host
    .command('remove')
    .description('take a host out of the cluster for good')
    .argument('<host>')
    .option('--yes', 'really')
    .action((name: string, options: { yes?: boolean }) => {
      if (!options.yes) throw usage(`removing ${name} is for good`, 'drain it first, then say --yes');
      keep(async ({ connect, output, signal }) => {
        await (await connect()).admin.removeHost(name, { signal });
        printValue(output, { removed: name }, () => [`OK  ${name} is removed`]);
        return undefined;
      });
    });
  host
    .command('restart')
    .description('stop a host of this machine’s mesh in order and wait until it is back')
    .argument('<host>')
    .action((name: string) => {
      keep(async ({ connect, output, signal }) => {
        const db = await connect();
        const before = await find(db, name, signal);
        const { clusterId } = await db.admin.status({ signal });
        // A process id alone could be anybody's.
        if (!isHostProcess(before.pid, name, clusterId))
          throw new CliError(
            'NOT_FOUND',
            `${name} (process ${before.pid}) is not a host of a mesh on this machine`,
            'restart it where it runs',
          );
        process.kill(before.pid, 'SIGTERM');
        const deadline = Date.now() + restartDeadlineMs;
        for (;;) {
          signal.throwIfAborted();
          const now = await find(db, name, signal);
          if (now.epoch > before.epoch && now.state === 'up') break;
          if (Date.now() > deadline) throw new CliError('TIMEOUT', `${name} is not back yet`, 'see `troupe status`');
          await new Promise((resolve) => setTimeout(resolve, lookMs));
        }
        printValue(output, { restarted: name }, () => [`OK  ${name} is back`]);
        return undefined;
      });
    });
}

function isHostProcess(pid: number, name: string, clusterId: string): boolean {
  const command = commandOf(pid) ?? '';
  return command.includes(`serve --name ${name} `) && command.includes(clusterId);
}

async function find(db: Database, name: string, signal: AbortSignal): Promise<HostInfo> {
  const found = (await db.admin.listHosts({ signal })).find((host) => host.name === name);
  if (found === undefined) throw new CliError('NOT_FOUND', `there is no host ${name}`, 'see `troupe host list`');
  return found;
}
