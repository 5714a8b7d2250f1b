// What a process costs, as the curves and the endurance run say it
// =============================================================================
//
// On Linux; what another system does not say is undefined, and the tables show a dash.

import { readdirSync } from 'node:fs';
import { usageOf } from '../process-usage.js';

const mib = 1024 * 1024;

export interface ProcessFigures {
  /** User and system time so far, of all its threads, ms. */
  readonly cpuMs: number;
  /** Resident memory, MiB. */
  readonly rssMib: number;
  /** Open file descriptors: files, sockets, pipes. Undefined where the system does not say. */
  readonly handles: number | undefined;
}

/** Undefined when there is no such process. */
export function processFigures(pid: number): ProcessFigures | undefined {
  const usage = usageOf(pid);
  if (usage === undefined) return undefined;
  return { cpuMs: usage.cpuSeconds * 1000, rssMib: usage.rssBytes / mib, handles: handlesOf(pid) };
}

function handlesOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined; // it has ended, or this system has no /proc
  }
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
