// What a process costs, as the system says
// =============================================================================
//
// From /proc, so on Linux only; elsewhere every figure is undefined, and the tables say so with a dash.

import { readdirSync, readFileSync } from 'node:fs';

/** Of a clock tick in /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node.js runs on. */
const tickMs = 10;
const kib = 1024;
const mib = kib * kib;

export interface ProcessFigures {
  /** User and system time so far, of all its threads, ms. */
  readonly cpuMs: number;
  /** Resident memory, MiB. */
  readonly rssMib: number;
  readonly threads: number;
  /** Open file descriptors: files, sockets, pipes. */
  readonly handles: number;
}

/** Undefined when there is no such process, or no /proc. */
export function processFigures(pid: number): ProcessFigures | undefined {
  try {
    const { cpuMs, threads } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const rssMib = parseRssMib(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return { cpuMs, threads, rssMib, handles: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined; // it has ended, or this system has no /proc
  }
}

/** The second field, the program's name, may hold spaces and brackets: fields are counted behind its last bracket. */
export function parseStat(text: string): { readonly cpuMs: number; readonly threads: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs, threads: Number(fields[17]) };
}

/** @throws Error when the line is not there: a process that has ended says nothing of its memory */
export function parseRssMib(status: string): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (match === null) throw new Error('no VmRSS in the status');
  return (Number(match[1]) * kib) / mib;
}

/** Processor time of each over a while, in percent of one core. @param pids those that end meanwhile are left out */
export async function cpuPercentOver(pids: readonly number[], ms: number, signal: AbortSignal): Promise<number[]> {
  const before = pids.map((pid) => processFigures(pid)?.cpuMs);
  const startMs = performance.now();
  await pause(ms, signal);
  const tookMs = performance.now() - startMs;
  return pids.flatMap((pid, i) => {
    const [from, to] = [before[i], processFigures(pid)?.cpuMs];
    return from === undefined || to === undefined ? [] : [((to - from) / tookMs) * 100];
  });
}

/** @throws the signal's reason */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The largest of what was measured; undefined of nothing. */
export function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
