// A real host on a disk that fails on demand, as a process of its own: `node faulty-host.js <options as JSON>`
// =============================================================================

import { endProcess, guardProcess } from '../../runtime/threads/end-process.js';
import { HostError } from '../../runtime/threads/exit-codes.js';
import { formatEvent } from '../../runtime/threads/format-event.js';
import { startHost } from '../../runtime/threads/host.js';
import type { FaultyConfig } from './faulty-composition.js';

export interface FaultyHostOptions {
  readonly name: string;
  readonly workers: number;
  readonly directory: string;
  readonly config: FaultyConfig;
}

const { name, workers, directory, config } = JSON.parse(process.argv[2] ?? '{}') as FaultyHostOptions;
guardProcess(name);
try {
  const host = await startHost({
    clusterId: config.clusterId,
    name,
    workers,
    directory,
    compositionUrl: new URL('./faulty-composition.js', import.meta.url).href,
    config,
    onEvent: (event) => {
      if (event.event.level !== 'debug') process.stdout.write(`${formatEvent(event, 'json')}\n`);
    },
  });
  process.once('SIGTERM', () => void host.stop().then((end) => process.exit(end.exitCode)));
  // Whoever started this process may be gone.
  process.stdin.on('end', () => process.exit(1));
  process.stdin.resume();
} catch (error) {
  if (error instanceof HostError) endProcess(name, { exitCode: error.exitCode, reason: error.message });
  throw error;
}
