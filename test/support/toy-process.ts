// A host of toys as a process of its own: `node toy-process.js <what>`
// =============================================================================

import { startHost } from '../../runtime/threads/host.js';

const host = await startHost({
  clusterId: 'toys',
  name: 'child',
  workers: 1,
  compositionUrl: new URL('./toy-composition.js', import.meta.url).href,
  config: { dieAtOnce: process.argv[2] === 'die-at-once' },
  restartPolicy: { minMs: 1, maxMs: 2, jitter: 0, restartCountMax: 2, windowMs: 60_000 },
});
process.stdout.write('ready\n');
process.once('SIGTERM', () => void host.stop().then((end) => process.exit(end.exitCode)));
