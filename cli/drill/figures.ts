// What a quiet mesh costs and how long one client waits
// =============================================================================
//
// Measured on a mesh of its own, three hosts of two workers, everything on this machine: boot until healthy, memory of a host that has
// nothing to do, and one write or read after the other from one client.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Invocation } from '../invocation.js';
import { formatTable, printValue } from '../output.js';
import { openDrillMesh } from './drill-mesh.js';

const run = promisify(execFile);
const hosts = 3;
const idleMs = 10_000;
const table = 'figures';
const valueBytes = 256;

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export async function figures({ output, signal }: Invocation, operations: number): Promise<number> {
  output.note(`booting a mesh of ${hosts} hosts …`);
  const startMs = performance.now();
  await using mesh = await openDrillMesh(hosts, 2, signal);
  const bootMs = performance.now() - startMs;
  await mesh.createTable(table, 8);
  output.note(`idle for ${idleMs / 1000} s …`);
  const pids = Array.from({ length: hosts }, (_, i) => mesh.supervisor.pidOf(`h${i + 1}`)).filter(
    (pid) => pid !== undefined,
  );
  const before = pids.map(cpuMs);
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const idleCpu = pids.map((pid, i) => ((cpuMs(pid) - (before[i] as number)) / idleMs) * 100);
  const rss = await Promise.all(pids.map(rssMb));
  output.note(`${operations} writes, then ${operations} reads …`);
  const items = mesh.db.table(table);
  const value = 'v'.repeat(valueBytes);
  await items.put('warm', value);
  const put = await timed(operations, signal, (i) => items.put(`k${i}`, value));
  const get = await timed(operations, signal, (i) => items.get(`k${i}`));
  const result = {
    bootMs: Math.round(bootMs),
    idleRssMb: rss.map(Math.round),
    idleCpuPercent: idleCpu.map((share) => Number(share.toFixed(1))),
    putMs: put,
    getMs: get,
  };
  printValue(output, result, () => [
    `boot until healthy           ${result.bootMs} ms`,
    `idle host, resident memory   ${result.idleRssMb.join(', ')} MB`,
    `idle host, CPU               ${result.idleCpuPercent.join(', ')} % of a core`,
    '',
    ...formatTable(
      ['one client', 'p50 ms', 'p99 ms', 'max ms'],
      [row(`put (${valueBytes} B)`, put), row('get, linearizable', get)],
    ),
  ]);
  return 0;
}

function row(name: string, latency: Latency): string[] {
  return [name, ...[latency.p50, latency.p99, latency.max].map((ms) => ms.toFixed(2))];
}

async function timed(count: number, signal: AbortSignal, operation: (i: number) => Promise<unknown>): Promise<Latency> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const startMs = performance.now();
    await operation(i);
    times.push(performance.now() - startMs);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((times[Math.min(count - 1, Math.floor(count * share))] as number).toFixed(3));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function rssMb(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) / 1024;
}

/** User and system time so far; 0 where there is no /proc. */
function cpuMs(pid: number): number {
  try {
    const fields = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10; // in ticks of 10 ms
  } catch {
    return 0; // no /proc on this system
  }
}
