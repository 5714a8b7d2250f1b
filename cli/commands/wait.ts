// troupe wait --for=healthy: for scripts
// =============================================================================

import type { Command } from 'commander';
import { parseWord } from '../argument.js';
import { CliError } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { printValue } from '../output.js';
import { waitUntilHealthy } from '../wait-healthy.js';

export function registerWait(program: Command, keep: Keep): void {
  program
    .command('wait')
    .description('wait until the cluster is healthy')
    .requiredOption('--for <state>', 'healthy', 'healthy')
    .action((options: { for: string }) => {
      parseWord('--for', ['healthy'] as const, options.for);
      keep(async ({ options: global, connect, output, signal }) => {
        const result = await waitUntilHealthy(await connect(), Date.now() + (global.timeoutMs ?? 60_000), signal, []);
        if (!result.healthy)
          throw new CliError(
            'TIMEOUT',
            `not healthy: ${result.reasons.join(', ')}`,
            'wait longer with --timeout, or see `troupe status`',
          );
        printValue(output, { healthy: true }, () => ['healthy']);
        return undefined;
      });
    });
}
