// Which process is this, and does that one still run?
// =============================================================================
//
// A process id alone says little: it is given again soon after its process ended. With the time at which the process started, the boot it started
// in, and the namespace that counts it, it names one process for ever.

import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** As the system prints it; compared only for equality. Empty where it cannot be had. */
  readonly startTime: string;
  readonly machine: string;
  readonly bootId: string;
  /** A container counts its own process ids. */
  readonly pidNamespace: string;
}

export function thisProcess(): ProcessIdentity {
  return identityOfProcess(process.pid);
}

/** Of a process of this machine that runs now, such as a child just started. */
export function identityOfProcess(pid: number): ProcessIdentity {
  return {
    pid,
    startTime: startTimeOf(pid) ?? '',
    machine: hostname(),
    bootId: machineBootId(),
    pidNamespace: pidNamespace(),
  };
}

/** `unknown`: it ran on another machine, whose processes nobody can see from here. */
export function stateOf(
  other: ProcessIdentity,
  here: ProcessIdentity = thisProcess(),
): 'running' | 'ended' | 'unknown' {
  const sameBoot = other.bootId !== '' && other.bootId === here.bootId;
  if (!sameBoot) return other.machine === here.machine ? 'ended' : 'unknown'; // this machine was rebooted since
  // A container that was restarted keeps its name and gets a new namespace. Two at the same time with one name is a mistake that
  // the cluster sees as two hosts of one name.
  if (other.pidNamespace !== here.pidNamespace) return other.machine === here.machine ? 'ended' : 'unknown';
  const startTime = startTimeOf(other.pid);
  if (startTime === undefined) return 'ended';
  return other.startTime === '' || startTime === '' || startTime === other.startTime ? 'running' : 'ended';
}

/** When that process started; undefined when there is none, empty when it runs and nobody says since when. */
function startTimeOf(pid: number): string | undefined {
  if (!exists(pid)) return undefined;
  try {
    // Field 22, counted after the command, which stands in parentheses and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie holds no lock any more.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '');
  } catch {
    return startTimeByPs(pid); // no /proc: macOS, the BSDs
  }
}

function startTimeByPs(pid: number): string {
  try {
    const environment = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: environment }).trim();
  } catch {
    return ''; // it runs, as `exists` saw; without a start time it is taken for the one that is meant
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's
  }
}

/** Names the machine's boot; empty where the system does not say. At most 64 bytes. */
export function machineBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return bootIdBySysctl(); // no /proc
  }
}

function bootIdBySysctl(): string {
  try {
    return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim().slice(0, 64);
  } catch {
    return ''; // unknown: every start then counts as after a reboot, the careful answer
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // no namespaces
  }
}
