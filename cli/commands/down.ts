// troupe down: stops the local mesh
// =============================================================================

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DirectoryLockedError, lockDirectory } from '../../runtime/storage/directory-lock.js';
import { identityOfProcess } from '../../runtime/storage/process-identity.js';
import { CliError } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { endLeftovers, untilEnded } from '../mesh/leftovers.js';
import { type MeshPaths, meshPaths, readClusterFile, readMeshFile } from '../mesh/mesh-file.js';

const stopDeadlineMs = 60_000;

export function registerDown(program: Command, keep: Keep): void {
  program
    .command('down')
    .description('stop the local mesh; its data stay')
    .option('--data <folder>', 'the mesh’s folder', '.troupe')
    .option('--wipe', 'remove its data too')
    .action((options: { data: string; wipe?: boolean }) => {
      keep(async ({ output }) => {
        const paths = meshPaths(options.data);
        const isMesh = existsSync(paths.cluster) || existsSync(paths.mesh) || existsSync(paths.hosts);
        const stopped = isMesh && (await stopSupervisor(paths, () => output.note('stopping the mesh …')));
        if (isMesh) await endLeftovers(paths, hostNames(paths));
        if (options.wipe && isMesh) wipe(paths);
        if (output.format !== 'table') output.data(JSON.stringify({ stopped, wiped: options.wipe === true && isMesh }));
        else {
          output.note(stopped ? 'stopped' : `no mesh is running in ${paths.root}`);
          if (options.wipe) output.note(isMesh ? `removed the data in ${paths.root}` : 'there are no data to remove');
        }
        return undefined;
      });
    });
}

/** Whoever holds the folder's lock is its supervisor. @returns whether there was one */
async function stopSupervisor(paths: MeshPaths, say: () => void): Promise<boolean> {
  try {
    lockDirectory(paths.root).release();
    return false;
  } catch (error) {
    if (!(error instanceof DirectoryLockedError) || error.pid === 0) throw error;
    const supervisor = identityOfProcess(error.pid);
    if (supervisor.startTime === '') return false; // it has just ended
    say();
    try {
      process.kill(error.pid, 'SIGTERM');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return true;
      throw new CliError('FORBIDDEN', error.message, 'whoever started it can stop it', { cause });
    }
    if (await untilEnded(supervisor, stopDeadlineMs)) return true;
    throw new CliError('TIMEOUT', `the supervisor (process ${error.pid}) has not ended`, `look into ${paths.log}`);
  }
}

function hostNames(paths: MeshPaths): string[] {
  return existsSync(paths.hosts) ? readdirSync(paths.hosts) : [];
}

/** Only what `up` put there; the folder itself when nothing else is in it. */
function wipe(paths: MeshPaths): void {
  readClusterFile(paths); // a file of that name which is no mesh's: nothing is removed
  readMeshFile(paths);
  const mine = /^(hosts|cluster\.json|mesh\.json|nats\.conf|mesh\.log|lock[-.][\w.-]*)(\.new)?$/;
  for (const name of readdirSync(paths.root))
    if (mine.test(name)) rmSync(join(paths.root, name), { recursive: true, force: true });
  if (readdirSync(paths.root).length === 0) rmSync(paths.root, { recursive: true });
}
