// troupe down: stops the local mesh
// =============================================================================

import { rmSync } from 'node:fs';
import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { isAlive, meshPaths, readClusterFile, readMeshFile, removeMeshFile } from '../mesh/mesh-file.js';

const stopDeadlineMs = 60_000;
const lookMs = 50;

export function registerDown(program: Command, keep: Keep): void {
  program
    .command('down')
    .description('stop the local mesh; its data stay')
    .option('--data <folder>', 'the mesh’s folder', '.troupe')
    .option('--wipe', 'remove its data too')
    .action((options: { data: string; wipe?: boolean }) => {
      keep(async ({ output }) => {
        const paths = meshPaths(options.data);
        const mesh = readMeshFile(paths);
        if (mesh !== undefined && isAlive(mesh.pid)) {
          output.note('stopping the mesh …');
          process.kill(mesh.pid, 'SIGTERM');
          const deadline = Date.now() + stopDeadlineMs;
          while (isAlive(mesh.pid)) {
            if (Date.now() > deadline)
              throw new CliError(
                'TIMEOUT',
                `the supervisor (process ${mesh.pid}) has not ended`,
                'look into the mesh.log, or end it',
              );
            await new Promise((resolve) => setTimeout(resolve, lookMs));
          }
          output.note('stopped');
        } else output.note('no mesh is running here');
        removeMeshFile(paths);
        if (options.wipe) {
          // Only a folder that `up` made is removed, and only what `up` put there.
          if (readClusterFile(paths) !== undefined) {
            for (const part of ['hosts', 'cluster.json', 'mesh.json', 'nats.conf', 'mesh.log'])
              rmSync(`${paths.root}/${part}`, { recursive: true, force: true });
            output.note(`removed the data in ${paths.root}`);
          } else output.note('there are no data to remove');
        }
        return undefined;
      });
    });
}
