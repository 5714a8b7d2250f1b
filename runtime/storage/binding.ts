// Whose bytes these are: the seeds of all checksums
// =============================================================================
//
// A block written by another cluster, host, disk, worker, generation or segment carries a good checksum of its own. It fails
// here because every header's checksum starts from a seed made of these names (FORMAT.md, "Who a checksum belongs to").

import { ByteWriter } from '../std/byte-writer.js';
import type { Crc32 } from '../std/crc32.js';

/** The names of a data directory, as in its identity file. */
export interface JournalBinding {
  readonly clusterId: string;
  readonly host: string;
  readonly diskId: string;
}

const encoder = new TextEncoder();

export function journalSeed(crc32: Crc32, binding: JournalBinding, directory: string): number {
  return crc32(encoder.encode(`${binding.clusterId}\n${binding.host}\n${binding.diskId}\n${directory}`));
}

/**
 * Who a disk is to other hosts. Worker 0's journal keeps the promises that were made in the disk's name; when it had to be begun again, in a
 * higher generation, they are lost, and this is another disk (M8). Its journals stay bound to `diskId`.
 */
export function diskIdOfGeneration(diskId: string, generation: number): string {
  return generation <= 1 ? diskId : `${diskId}-${generation}`;
}

function seedOf(crc32: Crc32, seed: number, kind: string, ...numbers: readonly number[]): number {
  const writer = new ByteWriter(40);
  writer.raw(encoder.encode(kind));
  for (const number of numbers) writer.u64(number);
  return crc32(writer.view(), seed);
}

export function segmentSeed(crc32: Crc32, seed: number, generation: number, segment: number): number {
  return seedOf(crc32, seed, 'segment', generation, segment);
}

export function snapshotSeed(crc32: Crc32, seed: number, generation: number, stream: number, id: number): number {
  return seedOf(crc32, seed, 'snapshot', generation, stream, id);
}
