// A host of toys as a process of its own: `node toy-process.js <what>`
// =============================================================================

import { planted } from '../../runtime/probes/probes.js';
import { endProcess, guardProcess } from '../../runtime/threads/end-process.js';
import { HostError } from '../../runtime/threads/exit-codes.js';
import { formatEvent } from '../../runtime/threads/format-event.js';
import { startHost } from '../../runtime/threads/host.js';

const name = 'child';
guardProcess(name);

try {
  const host = await startHost({
    clusterId: 'toys',
    name,
    workers: 1,
    compositionUrl: new URL('./toy-composition.js', import.meta.url).href,
    config: { dieAtOnce: process.argv[2] === 'die-at-once' },
    onEvent: (event) => {
      if (event.event.kind === 'bug-planted') process.stdout.write(`${formatEvent(event, 'text')}\n`);
    },
    restartPolicy: { minMs: 1, maxMs: 2, jitter: 0, restartCountMax: 2, windowMs: 60_000 },
  });
  process.once('SIGTERM', () => void host.stop().then((end) => process.exit(end.exitCode)));
  process.stdout.write('ready\n');
  if (process.argv[2] === 'tell-planted') {
    process.stdout.write(`main: ${planted('PB09')}\n`);
    process.stdout.write(`worker 0: ${String((await host.inspect(0, 'echo'))?.['planted'])}\n`);
    process.exit((await host.stop()).exitCode);
  }
  if (process.argv[2] === 'reject') void Promise.reject(new Error('nobody handles this'));
} catch (error) {
  // While a host starts, whoever starts it hears of its end; later it ends the process by itself. The last line is the same.
  if (error instanceof HostError) endProcess(name, { exitCode: error.exitCode, reason: error.message });
  throw error;
}
