// The last line of a host
// =============================================================================

import { writeSync } from 'node:fs';

import type { HostEnd } from './exit-codes.js';

/**
 * Writes the one clear last line and ends the process. The line is written synchronously: nothing that is buffered survives an exit.
 * A thread that sits in the kernel (a sync that never returns) delays the exit; the host's lease ends by itself meanwhile.
 */
export function endProcess(host: string, end: HostEnd): never {
  writeSync(2, `troupe: host ${host} ends (exit code ${end.exitCode}): ${end.reason}\n`);
  process.exit(end.exitCode);
}
