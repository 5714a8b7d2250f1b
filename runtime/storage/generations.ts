// Chooses the generation to go on with, and says what was found
// =============================================================================
//
// FORMAT.md, "Recovery", steps 1 and 6. Reads only.

import type { Disk } from '../contract/disk.js';
import { sometimes } from '../probes/probes.js';
import type { Crc32 } from '../std/crc32.js';
import { snapshotSeed } from './binding.js';
import { generationPath, numberIn, snapshotName, taintName } from './paths.js';
import { type GenerationFiles, type Reading, readGeneration } from './recovery.js';
import type { Sha256 } from './snapshot-format.js';
import { isSnapshotReadable, type SnapshotPlace } from './snapshot-reader.js';
import type { StreamEntry, StreamRegistry } from './stream-registry.js';

/** Corrupt generations that are kept for whoever wants to look into them. */
const quarantinedCountMax = 2;

export interface FoundJournal {
  /** The generation read, and the next free number. */
  readonly files: GenerationFiles;
  readonly nextGeneration: number;
  /** `unborn` means that there is no journal yet. */
  readonly reading: Reading;
  /** Paths of generations that may go: never established, or quarantined beyond the quota. */
  readonly leftovers: readonly string[];
}

export function findJournal(disk: Disk, crc32: Crc32, directory: string, seed: number): FoundJournal {
  const names = disk.list(directory);
  const generations = names
    .map((name) => numberIn(name, 'generation'))
    .filter((number) => number !== undefined)
    .sort((a, b) => b - a);
  const nextGeneration = (generations[0] ?? 0) + 1;
  const filesOf = (generation: number): GenerationFiles => ({
    disk,
    crc32,
    path: generationPath(directory, generation),
    generation,
    seed,
  });
  const unborn: string[] = [];
  for (const [at, generation] of generations.entries()) {
    const files = filesOf(generation);
    const reading = readGeneration(files);
    if (reading.verdict === 'unborn') {
      sometimes('journal/generation-was-never-born');
      unborn.push(files.path);
      continue;
    }
    const kept = reading.verdict === 'corrupt' ? quarantinedCountMax - 1 : quarantinedCountMax;
    const surplus = generations.slice(at + 1 + kept).map((number) => generationPath(directory, number));
    const isTainted = names.includes(taintName(generation));
    return {
      files,
      nextGeneration,
      reading: isTainted ? distrust(reading) : reading,
      leftovers: [...unborn, ...surplus],
    };
  }
  return { files: filesOf(nextGeneration), nextGeneration, reading: { verdict: 'unborn' }, leftovers: unborn };
}

/** After a failed sync the files may read well and not be on disk (D11). */
function distrust(reading: Exclude<Reading, { readonly verdict: 'unborn' }>): Reading {
  if (reading.verdict === 'corrupt') return reading;
  sometimes('journal/tainted-generation-found');
  return {
    verdict: 'corrupt',
    reason: 'a write or sync failed in an earlier process, so nothing here is sure to be on disk',
    salvaged: reading.registry.salvaged(),
    bootId: reading.bootId,
  };
}

export function snapshotPlace(
  files: GenerationFiles,
  stream: number,
  id: number,
  sha256: (() => Sha256) | undefined,
): SnapshotPlace {
  return {
    disk: files.disk,
    crc32: files.crc32,
    path: `${files.path}/${snapshotName(stream, id)}`,
    seed: snapshotSeed(files.crc32, files.seed, files.generation, stream, id),
    stream,
    sha256,
  };
}

/** The last position of `entry.snapshots` that can be read, -1 when none can. */
export function newestReadable(files: GenerationFiles, entry: StreamEntry, sha256: (() => Sha256) | undefined): number {
  for (let at = entry.snapshots.length - 1; at >= 0; at--) {
    const snapshot = entry.snapshots[at];
    if (snapshot === undefined) continue;
    if (isSnapshotReadable(snapshotPlace(files, entry.number, snapshot.id, sha256), snapshot)) return at;
  }
  return -1;
}

/** Takes unreadable snapshots out of the registry and marks whose they were. @returns streams of which nothing is left. */
export function checkSnapshots(
  files: GenerationFiles,
  registry: StreamRegistry,
  sha256: (() => Sha256) | undefined,
): StreamEntry[] {
  const gone: StreamEntry[] = [];
  for (const entry of Array.from(registry.streams())) {
    if (entry.snapshots.length === 0) continue;
    const newest = newestReadable(files, entry, sha256);
    if (newest === entry.snapshots.length - 1) continue;
    if (newest >= 0) {
      // Its records lead from the older one to where it was: one that was received from elsewhere keeps no older one beside it.
      sometimes('journal/older-snapshot-used');
      entry.snapshots = entry.snapshots.slice(0, newest + 1);
      if (entry.damage === 'none') registry.setDamage(entry, 'torn');
    } else {
      // A new number, so that the records of the old one are not taken for its own.
      sometimes('journal/no-snapshot-readable');
      gone.push(entry);
      registry.remove(entry.number);
      registry.add({ ...entry, number: registry.nextStream, damage: 'corrupt', snapshots: [] });
    }
  }
  return gone;
}
