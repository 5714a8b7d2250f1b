// troupe version
// =============================================================================

import type { Command } from 'commander';
import type { Keep } from '../invocation.js';
import { printValue } from '../output.js';
import { troupeVersion } from '../troupe-version.js';

export function registerVersion(program: Command, keep: Keep): void {
  program
    .command('version')
    .description('which Troupe and which Node.js this is')
    .action(() => {
      keep(({ output }) => {
        const result = {
          troupe: troupeVersion(),
          node: process.versions.node,
          platform: `${process.platform}-${process.arch}`,
        };
        printValue(output, result, () => [`troupe ${result.troupe} (Node.js ${result.node}, ${result.platform})`]);
        return Promise.resolve(undefined);
      });
    });
}
