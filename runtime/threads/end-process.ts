// The last line of a host
// =============================================================================

import { writeSync } from 'node:fs';

import { type HostEnd, hostExitCodes } from './exit-codes.js';

/**
 * Writes the one clear last line and ends the process. The line is written synchronously: nothing that is buffered survives an exit.
 * A thread that sits in the kernel (a sync that never returns) delays the exit; the host's lease ends by itself meanwhile.
 */
export function endProcess(host: string, end: HostEnd): never {
  writeSync(2, `troupe: host ${host} ends (exit code ${end.exitCode}): ${end.reason}\n`);
  process.exit(end.exitCode);
}

/** Gives the main thread's bugs the same end: their stack, and then the one last line. For whoever owns the process. */
export function guardProcess(host: string): void {
  // An unhandled rejection comes here, too: Node raises it as an exception.
  process.on('uncaughtException', (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    writeSync(2, `${stack ?? String(error)}\n`);
    const reason = `the main thread failed: ${error instanceof Error ? error.message : String(error)}`;
    endProcess(host, { exitCode: hostExitCodes.failed, reason });
  });
}
