// Is the machine quiet?
// =============================================================================
//
// Before anything is measured: what do others use of the processors, does this process get one to itself, and is the disk steady? A machine that is not quiet is
// said loudly, and the result carries it; nobody is kept from measuring.

import { setTimeout as sleep } from 'node:timers/promises';
import { type DiskFigures, isInMemory, probeDisk } from './disk-probe.js';
import { machineTimes } from './process-usage.js';

const watchMs = 1500;
const spinMs = 400;
const diskMs = 1000;

export interface Quiet {
  /** Share of all cores that others used while we slept; undefined where the system does not say. */
  readonly othersShare: number | undefined;
  readonly stolenShare: number | undefined;
  /** CPU time by wall time of a loop that does nothing else: 1 when nobody takes the core away. */
  readonly spinShare: number;
  /** Millions of turns of that loop a second: whether two runs had the same processor. */
  readonly spinMillions: number;
  readonly disk: DiskFigures;
  readonly isInMemory: boolean;
  readonly warnings: readonly string[];
}

export async function checkQuiet(directory: string): Promise<Quiet> {
  const before = machineTimes();
  await sleep(watchMs);
  const after = machineTimes();
  const total = after === undefined || before === undefined ? 0 : after.total - before.total;
  const share = (name: 'busy' | 'stolen'): number | undefined =>
    after === undefined || before === undefined || total === 0 ? undefined : (after[name] - before[name]) / total;
  const measured = {
    othersShare: share('busy'),
    stolenShare: share('stolen'),
    ...spin(),
    disk: probeDisk(directory, diskMs),
    isInMemory: isInMemory(directory),
  };
  return { ...measured, warnings: warningsOf(measured) };
}

function spin(): Pick<Quiet, 'spinShare' | 'spinMillions'> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let turns = 0;
  let sum = 0;
  while (performance.now() - startMs < spinMs) {
    for (let i = 0; i < 10_000; i++) sum = (sum * 31 + i) | 0;
    turns += 10_000;
  }
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  // `sum` is used, so that the loop is not taken away.
  return { spinShare: (user + system) / 1000 / wallMs + (sum === 0.5 ? 1 : 0), spinMillions: turns / wallMs / 1000 };
}

/** What would make the figures mean less, a sentence each. */
export function warningsOf(quiet: Omit<Quiet, 'warnings'>): string[] {
  const { othersShare, stolenShare, spinShare, disk } = quiet;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const warnings: string[] = [];
  if (othersShare !== undefined && othersShare > 0.05)
    warnings.push(`other processes use ${percent(othersShare)} of the processors: end them, or distrust the figures`);
  if (stolenShare !== undefined && stolenShare > 0.02)
    warnings.push(`the hypervisor takes ${percent(stolenShare)} of the processors away`);
  if (spinShare < 0.95)
    warnings.push(`a loop got only ${percent(spinShare)} of a processor, and should have one to itself`);
  if (disk.p99Ms > 10 * disk.p50Ms)
    warnings.push(`the disk is not steady: fdatasync p50 ${disk.p50Ms} ms, p99 ${disk.p99Ms} ms`);
  if (quiet.isInMemory)
    warnings.push('the data would be in memory (tmpfs), where a sync costs nothing: set TMPDIR to a folder on a disk');
  return warnings;
}
