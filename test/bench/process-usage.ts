// What processes used: CPU seconds and memory
// =============================================================================
//
// Linux: /proc/<pid>/stat and /proc/<pid>/status, exact to a clock tick (10 ms). Elsewhere: ps, which says the same less exactly. This process knows itself
// to the microsecond.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system, since the process began. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** The most that it ever had; as `rssBytes` where the system does not say. */
  readonly peakRssBytes: number;
}

const onLinux = process.platform === 'linux';
const ticksPerSecond = onLinux ? clockTicks() : 100;

function clockTicks(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8', timeout: 5000 })) || 100;
  } catch {
    return 100; // what it is on every Linux in use
  }
}

/** Undefined when there is no such process any more. */
export function usageOf(pid: number): ProcessUsage | undefined {
  try {
    return onLinux ? fromProc(pid) : fromPs(pid);
  } catch {
    return undefined; // it ended meanwhile
  }
}

export function ownUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  const { rss } = process.memoryUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    rssBytes: rss,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function fromProc(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return { cpuSeconds: cpuSecondsOf(stat, ticksPerSecond), ...memoryOf(readFileSync(`/proc/${pid}/status`, 'latin1')) };
}

/** Fields 14 and 15 of /proc/<pid>/stat, counted after the command, which stands in parentheses and may hold anything. */
export function cpuSecondsOf(stat: string, ticks: number): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

export function memoryOf(status: string): Pick<ProcessUsage, 'rssBytes' | 'peakRssBytes'> {
  const bytes = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { rssBytes: bytes('VmRSS'), peakRssBytes: bytes('VmHWM') };
}

function fromPs(pid: number): ProcessUsage {
  const text = execFileSync('ps', ['-o', 'time=,rss=', '-p', String(pid)], { encoding: 'utf8', timeout: 5000 });
  const [time = '', rss = '0'] = text.trim().split(/\s+/);
  return { cpuSeconds: psSeconds(time), rssBytes: Number(rss) * 1024, peakRssBytes: Number(rss) * 1024 };
}

/** `[[days-]hours:]minutes:seconds`, as ps writes times. */
export function psSeconds(time: string): number {
  const [clock = '', days = '0'] = time.split('-').reverse();
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}

export interface CpuTimes {
  /** Seconds of all cores together, since the machine began. */
  readonly busy: number;
  /** Of interrupts, which belong to no process. Part of `busy`. */
  readonly interrupts: number;
  /** Taken by other guests of the same hardware. */
  readonly stolen: number;
  readonly total: number;
}

/** Of the whole machine; undefined where there is no /proc/stat. */
export function machineTimes(): CpuTimes | undefined {
  if (!onLinux) return undefined;
  return timesOf(readFileSync('/proc/stat', 'latin1'), ticksPerSecond);
}

/** The first line: user nice system idle iowait irq softirq steal … */
export function timesOf(procStat: string, ticks: number): CpuTimes {
  const line = procStat.slice(0, procStat.indexOf('\n'));
  const of = line
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map((word) => Number(word) / ticks);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = of;
  const interrupts = irq + softirq;
  const busy = user + nice + system + interrupts;
  return { busy, interrupts, stolen, total: busy + idle + iowait + stolen };
}
