// What is on a simulated disk, and what a crash makes of it
// =============================================================================
//
// Every file has two sides: what a running process reads (the page cache) and what is on the platter. Every name, too. Syncing moves
// one to the other; a crash keeps the platter and a seeded choice of what was on its way there.
//
// Owns:     contents, names, the choice of a possible state after a crash.
// Does not: know time, errors or who writes.
//
// Invariants
//   F1. What was written before a successful sync of its file, and named before a sync of its directory, survives.
//   F2. Of an unsynced write each 512-byte sector survives or not by itself; no sector is ever half old and half new.
//   F3. An unsynced name (created, renamed, removed) is there or not after a crash; one rename within a directory happens whole or not at all.
//
// Sources: CORRECTNESS §2.0, §3.2 K1–K6; ALICE's persistence models.

import { assert, present } from '../std/assert.js';
import type { Random } from '../std/random.js';

export const sectorBytes = 512;

interface UnsyncedWrite {
  readonly position: number;
  readonly bytes: Uint8Array;
}

export interface Inode {
  readonly id: number;
  /** What a process reads; the array is longer than the file, to grow. */
  live: Uint8Array;
  liveSize: number;
  durable: Uint8Array;
  durableSize: number;
  /** Written, but not durable yet, oldest first. */
  unsynced: UnsyncedWrite[];
}

/**
 * Which of the possible states a crash leaves: any; all unsynced writes lost; each torn at a sector; some kept and some lost, each whole; each
 * sector by itself; or all contents kept, and names (created, removed) or renames lost.
 */
export type CrashStyle = 'any' | 'lost' | 'torn' | 'reordered' | 'scattered' | 'names' | 'renames';

/** What a crash did. */
export interface CrashEffects {
  /** Unsynced writes of which something is missing. */
  writesHurt: number;
  /** Unsynced changes of names that did not happen, and how many of them were renames. */
  namesLost: number;
  renamesLost: number;
}

/** Changes of names in one directory that happen together: name → file, undefined when it goes. */
type NameChange = readonly { readonly path: string; readonly inode: Inode | undefined }[];

/** What is on a disk at one time. */
export interface DiskCopy {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly directories: readonly string[];
}

export class DiskImage {
  readonly #live = new Map<string, Inode>();
  readonly #durable = new Map<string, Inode>();
  readonly #pending = new Map<string, NameChange[]>();
  readonly #directories = new Set<string>();
  readonly #crashEffects: CrashEffects = { writesHurt: 0, namesLost: 0, renamesLost: 0 };
  #inodes = 0;
  #usedBytes = 0;

  /** Of all crashes so far. */
  get crashEffects(): Readonly<CrashEffects> {
    return this.#crashEffects;
  }

  /** Sizes of all files that a process sees. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  // --- names ----------------------------------------------------------------------------------------------------------

  makeDirectory(path: string): void {
    for (let at = path; at !== ''; at = directoryOf(at)) this.#directories.add(at);
  }

  hasDirectory(path: string): boolean {
    return path === '' || this.#directories.has(path);
  }

  find(path: string): Inode | undefined {
    return this.#live.get(path);
  }

  /** Names of files and directories in it, sorted by code units, which is bytewise for ASCII names. */
  list(path: string): string[] {
    const names = new Set<string>();
    const add = (full: string): void => {
      if (directoryOf(full) === path) names.add(full.slice(path === '' ? 0 : path.length + 1));
    };
    for (const full of this.#live.keys()) add(full);
    for (const full of this.#directories) add(full);
    return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** All files that a process sees. */
  paths(): string[] {
    return [...this.#live.keys()];
  }

  /** A file of zeros, durable with its name. */
  create(path: string, sizeBytes: number): Inode {
    assert(!this.#live.has(path), `${path} is there already`);
    const inode: Inode = {
      id: this.#inodes++,
      live: new Uint8Array(sizeBytes),
      liveSize: sizeBytes,
      durable: new Uint8Array(sizeBytes),
      durableSize: sizeBytes,
      unsynced: [],
    };
    this.#live.set(path, inode);
    this.#usedBytes += sizeBytes;
    // Creating syncs the directory, and with it whatever else had happened in there.
    this.#change(directoryOf(path), [{ path, inode }]);
    this.syncDirectory(directoryOf(path));
    return inode;
  }

  rename(from: string, to: string): void {
    const inode = present(this.#live.get(from), `no file ${from}`);
    const replaced = this.#live.get(to);
    if (replaced !== undefined && replaced !== inode) this.#usedBytes -= replaced.liveSize;
    this.#live.delete(from);
    this.#live.set(to, inode);
    const [gone, there] = [
      { path: from, inode: undefined },
      { path: to, inode },
    ];
    if (directoryOf(from) === directoryOf(to)) return this.#change(directoryOf(from), [gone, there]); // F3
    this.#change(directoryOf(from), [gone]);
    this.#change(directoryOf(to), [there]);
  }

  /** A file, or a directory with all that is in it. */
  remove(path: string): void {
    for (const full of this.#live.keys()) {
      if (full !== path && !full.startsWith(`${path}/`)) continue;
      this.#usedBytes -= (this.#live.get(full) as Inode).liveSize;
      this.#live.delete(full);
      this.#change(directoryOf(full), [{ path: full, inode: undefined }]);
    }
    for (const directory of this.#directories) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#directories.delete(directory);
    }
  }

  syncDirectory(path: string): void {
    for (const change of this.#pending.get(path) ?? []) this.#keep(change);
    this.#pending.delete(path);
  }

  #change(directory: string, change: NameChange): void {
    const changes = this.#pending.get(directory);
    if (changes === undefined) this.#pending.set(directory, [change]);
    else changes.push(change);
  }

  #keep(change: NameChange): void {
    for (const { path, inode } of change) {
      if (inode === undefined) this.#durable.delete(path);
      else this.#durable.set(path, inode);
    }
  }

  // --- contents -------------------------------------------------------------------------------------------------------

  /** @param bytes given up. */
  write(inode: Inode, position: number, bytes: Uint8Array): void {
    const end = position + bytes.length;
    if (end > inode.live.length) inode.live = grown(inode.live, end);
    inode.live.set(bytes, position);
    if (end > inode.liveSize) {
      if (this.#isNamed(inode)) this.#usedBytes += end - inode.liveSize;
      inode.liveSize = end;
    }
    inode.unsynced.push({ position, bytes });
  }

  /** Makes the oldest `count` unsynced writes durable. F1 */
  sync(inode: Inode, count: number = inode.unsynced.length): void {
    for (const { position, bytes } of inode.unsynced.splice(0, count)) putDurable(inode, position, bytes);
  }

  /** A sync failed: the kernel has forgotten which of these pages are still to be written; a later sync that succeeds says nothing. */
  loseUnsynced(inode: Inode, random: Random): void {
    for (const write of inode.unsynced.splice(0))
      if (random.chance(0.5)) putDurable(inode, write.position, write.bytes);
  }

  /** Flips one bit on the platter and in the cache: rot. */
  flipBit(inode: Inode, position: number, bit: number): void {
    for (const side of [inode.live, inode.durable]) {
      if (position < side.length) side[position] = (side[position] as number) ^ (1 << bit);
    }
  }

  // --- the crash ------------------------------------------------------------------------------------------------------

  /** The power goes: what processes read from now on is one of the possible states. */
  crash(random: Random, style: CrashStyle = 'any'): void {
    for (const changes of this.#pending.values()) {
      for (const change of changes) {
        const renames = change.length > 1;
        if (!isLost(renames, style, random)) {
          this.#keep(change); // F3
          continue;
        }
        this.#crashEffects.namesLost++;
        if (renames) this.#crashEffects.renamesLost++;
      }
    }
    this.#pending.clear();
    this.#live.clear();
    this.#usedBytes = 0;
    for (const [path, inode] of this.#durable) {
      this.#live.set(path, inode);
      this.makeDirectory(directoryOf(path));
    }
    for (const inode of new Set(this.#durable.values())) {
      this.#crashEffects.writesHurt += crashFile(inode, random, style);
      this.#usedBytes += inode.durableSize;
    }
  }

  // --- copies ---------------------------------------------------------------------------------------------------------

  /** What processes see now, as a copy for `restore`. */
  copy(): DiskCopy {
    return {
      files: new Map([...this.#live].map(([path, inode]) => [path, inode.live.slice(0, inode.liveSize)])),
      directories: [...this.#directories],
    };
  }

  /** Everything is as it was when the copy was made, and durable. REQUIRES that no process uses the disk. */
  restore(copy: DiskCopy): void {
    this.#live.clear();
    this.#durable.clear();
    this.#pending.clear();
    this.#directories.clear();
    this.#usedBytes = 0;
    for (const directory of copy.directories) this.#directories.add(directory);
    for (const [path, bytes] of copy.files) this.write(this.create(path, bytes.length), 0, bytes.slice());
    for (const inode of this.#live.values()) this.sync(inode);
  }

  #isNamed(inode: Inode): boolean {
    for (const named of this.#live.values()) if (named === inode) return true;
    return false;
  }
}

export function directoryOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

function grown(bytes: Uint8Array, size: number): Uint8Array {
  const larger = new Uint8Array(Math.max(size, Math.min(bytes.length * 2, bytes.length + (1 << 22))));
  larger.set(bytes);
  return larger;
}

function putDurable(inode: Inode, position: number, bytes: Uint8Array): void {
  const end = position + bytes.length;
  if (end > inode.durable.length) inode.durable = grown(inode.durable, end);
  inode.durable.set(bytes, position);
  if (end > inode.durableSize) inode.durableSize = end;
}

type Fate = 'lost' | 'kept' | 'prefix' | 'scattered';

const fates: Readonly<Record<CrashStyle, readonly Fate[]>> = {
  any: ['lost', 'kept', 'prefix', 'scattered'],
  lost: ['lost'],
  torn: ['prefix'],
  reordered: ['lost', 'kept'],
  scattered: ['scattered'],
  names: ['kept'],
  renames: ['kept'],
};

function isLost(renames: boolean, style: CrashStyle, random: Random): boolean {
  if (style === 'names') return !renames;
  if (style === 'renames') return renames;
  return random.chance(0.5);
}

/** F2. @returns how many writes were hurt. */
function crashFile(inode: Inode, random: Random, style: CrashStyle): number {
  let hurt = 0;
  for (const { position, bytes } of inode.unsynced.splice(0)) {
    const fate = random.pick(fates[style]);
    if (fate === 'lost') {
      hurt++;
      continue;
    }
    const firstSector = Math.floor(position / sectorBytes);
    const sectorCount = Math.ceil((position + bytes.length) / sectorBytes) - firstSector;
    const keptCount = fate === 'prefix' ? random.below(sectorCount + 1) : sectorCount;
    let missing = sectorCount - keptCount;
    for (let sector = firstSector; sector < firstSector + keptCount; sector++) {
      if (fate === 'scattered' && random.chance(0.5)) {
        missing++;
        continue;
      }
      const start = Math.max(position, sector * sectorBytes);
      const end = Math.min(position + bytes.length, (sector + 1) * sectorBytes);
      putDurable(inode, start, bytes.subarray(start - position, end - position));
    }
    if (missing > 0) hurt++;
  }
  inode.live = inode.durable.slice();
  inode.liveSize = inode.durableSize;
  return hurt;
}
