// The machine that figures were measured on
// =============================================================================
//
// Kept beside every result: absolute figures mean nothing without it. No names of hosts or people.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { findNatsServer } from '../../cli/mesh/nats-server.js';
import { troupeVersion } from '../../cli/troupe-version.js';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  readonly natsServer: string;
  readonly troupe: string;
  /** Of the checkout, with a + when it has changes; '' outside one. */
  readonly commit: string;
  /** Runnable processes just before the run, on average over a minute: above a few tenths, somebody else works here. */
  readonly loadBefore: number;
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGib: Number((totalmem() / 2 ** 30).toFixed(1)),
    system: `${distribution()} (${process.platform} ${release()})`,
    node: process.version,
    natsServer: answerOf(findNatsServer() ?? 'nats-server', ['--version']),
    troupe: troupeVersion(),
    commit: commit(),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    date: new Date().toISOString(),
  };
}

export function machineLine(machine: Machine): string {
  const { cores, cpu, memoryGib, system, node, natsServer, troupe, commit, loadBefore, date } = machine;
  const version = commit === '' ? troupe : `${troupe} at ${commit}`;
  return `${cores} cores of ${cpu}, ${memoryGib} GiB; ${system}; Node.js ${node}; ${natsServer}; Troupe ${version}; load before ${loadBefore}; ${date}`;
}

function commit(): string {
  const head = answerOf('git', ['rev-parse', '--short=10', 'HEAD']);
  if (head === '') return '';
  return answerOf('git', ['status', '--porcelain', '--untracked-files=no']) === '' ? head : `${head}+`;
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform; // systems without that file
  }
}

/** The first line that a program prints; '' when it cannot be run. */
function answerOf(file: string, args: readonly string[]): string {
  try {
    const text = execFileSync(file, args, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] });
    return text.trim().split('\n')[0] ?? '';
  } catch {
    return ''; // not installed, or no checkout: the description does without
  }
}
