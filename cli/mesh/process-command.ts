// With which words a process was started
// =============================================================================

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Separated by spaces; undefined when there is no such process, or nobody says. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return commandByPs(pid); // no /proc: macOS, the BSDs
  }
}

function commandByPs(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return undefined; // it has ended
  }
}
