// How long the disk takes to make a write durable
// =============================================================================
//
// 4 KiB written at a place that exists already, then fdatasync, again and again: what every store here waits for. Taken before everything and before each turn, so
// that a slow disk is seen as a slow disk.

import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LatencyHistogram } from './latency-histogram.js';

const blockBytes = 4096;
const blocks = 256;
const tmpfsMagic = 0x0102_1994;

export interface DiskFigures {
  readonly syncs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @param directory where the stores are going to write; one file is made there and removed */
export function probeDisk(directory: string, durationMs: number): DiskFigures {
  const path = join(directory, 'disk-probe');
  const block = Buffer.alloc(blockBytes, 'x');
  const histogram = new LatencyHistogram();
  const file = openSync(path, 'w');
  try {
    for (let i = 0; i < blocks; i++) writeSync(file, block, 0, blockBytes, i * blockBytes);
    fdatasyncSync(file);
    const endMs = performance.now() + durationMs;
    for (let i = 0; performance.now() < endMs; i++) {
      const startMs = performance.now();
      writeSync(file, block, 0, blockBytes, (i % blocks) * blockBytes);
      fdatasyncSync(file);
      histogram.record(performance.now() - startMs);
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  return {
    syncs: histogram.total,
    p50Ms: histogram.percentileMs(50),
    p99Ms: histogram.percentileMs(99),
    maxMs: histogram.maxMs,
  };
}

/** A folder in memory: there a sync costs nothing, and no figure here means anything. */
export function isInMemory(directory: string): boolean {
  return statfsSync(directory).type === tmpfsMagic;
}
