// A disk that forgets what was not synced when its process ends
// =============================================================================
//
// For tests of real processes: kill -9 leaves what the kernel's page cache has, a power loss does not. Here un-synced writes, and names that were
// changed without a sync of their directory, stay in this process's memory and reach the disk below at the sync. So kill -9 is a power loss.
//
// Owns:     un-synced writes by file, un-synced renames and removals in their order.
// Does not: decide when power is lost. Whoever kills the process does. A thread that ends takes its un-synced writes with it, too: as bad for it alone.
//
// Invariants
//   L1. While the process lives, everything reads as if it were on the disk below.
//   L2. Nothing reaches the disk below before its sync, but for what is beyond the bounds: that is written back early, oldest first, as a kernel does.
//   L3. Names change below in the order in which they were changed here, and all before a sync of a directory that it waits for.
//
// Sources: LazyFS (Pedrosa and others, "Lost writes, a trigger for crash consistency bugs", 2023); ext4's ordered journal for L3.
// We differ: what a sync was about to write when the process was killed may be there in part, as on a disk.

import { type Disk, DiskError, type DiskFile, type Done } from '../contract/disk.js';
import { assert } from '../std/assert.js';

export interface LossyLimits {
  /** Un-synced bytes of all files. */
  readonly unsyncedBytesMax: number;
  /** Un-synced renames and removals. */
  readonly unsyncedNamesMax: number;
}

export const defaultLossyLimits: LossyLimits = { unsyncedBytesMax: 64 * 1024 * 1024, unsyncedNamesMax: 64 };

/** @param isLossy asked at every write, rename and removal; while it says no, they go straight to the disk below, after what is held back. */
export function lossyDisk(disk: Disk, isLossy: () => boolean, limits: LossyLimits = defaultLossyLimits): Disk {
  return new LossyDisk(disk, isLossy, limits);
}

interface UnsyncedWrite {
  readonly position: number;
  readonly bytes: Uint8Array;
}

type NameChange =
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

/** One after the other; the next begins when the one before has called `next`. */
class Sequence {
  readonly #waiting: ((next: () => void) => void)[] = [];
  #isBusy = false;

  /** Never runs inside the call. */
  add(run: (next: () => void) => void): void {
    this.#waiting.push(run);
    if (this.#isBusy) return;
    this.#isBusy = true;
    process.nextTick(this.#runNext);
  }

  readonly #runNext = (): void => {
    const run = this.#waiting.shift();
    if (run === undefined) this.#isBusy = false;
    else run(this.#runNext);
  };
}

/** What is un-synced of one file, shared by all who have it open. */
interface Content {
  readonly writes: UnsyncedWrite[];
  readonly order: Sequence;
  handles: number;
}

/** Where the file seen at `path` is below, or undefined when it was renamed or removed. */
function below(changes: readonly NameChange[], path: string): string | undefined {
  let real = path;
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i] as NameChange;
    if (change.kind === 'remove') {
      if (isIn(real, change.path)) return undefined;
    } else if (isIn(real, change.to)) real = change.from + real.slice(change.to.length);
    else if (isIn(real, change.from)) return undefined;
  }
  return real;
}

/** Itself, or in a directory of that name. */
function isIn(path: string, of: string): boolean {
  return path === of || path.startsWith(`${of}/`);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function touches(change: NameChange, directory: string): boolean {
  return change.kind === 'remove'
    ? parentOf(change.path) === directory
    : parentOf(change.from) === directory || parentOf(change.to) === directory;
}

class LossyDisk implements Disk {
  readonly #disk: Disk;
  readonly #isLossy: () => boolean;
  readonly #limits: LossyLimits;
  /** By where they are below. */
  readonly #contents = new Map<string, Content>();
  readonly #changes: NameChange[] = [];
  readonly #order = new Sequence();
  /** The first change is being made below: nobody knows whether it is there yet. */
  #isChanging = false;
  #unsyncedBytes = 0;

  constructor(disk: Disk, isLossy: () => boolean, limits: LossyLimits) {
    this.#disk = disk;
    this.#isLossy = isLossy;
    this.#limits = limits;
  }

  // --- at start, blocking -----------------------------------------------------------------------------------------

  makeDirectory(path: string): void {
    assert(below(this.#changes, path) === path, 'L3: directories are made before names change');
    this.#disk.makeDirectory(path);
  }

  list(path: string): string[] {
    const at = (name: string): string => (path === '' ? name : `${path}/${name}`);
    const real = this.#real(path);
    const names = new Set(real === undefined ? [] : this.#disk.list(real));
    for (const change of this.#changes)
      if (change.kind === 'rename' && parentOf(change.to) === path) names.add(change.to.slice(at('').length));
    return [...names]
      .filter((name) => below(this.#changes, at(name)) !== undefined)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  sizeOf(path: string): number | undefined {
    const real = this.#real(path);
    const size = real === undefined ? undefined : this.#disk.sizeOf(real);
    if (size === undefined) return undefined;
    return this.#unsyncedOf(path).reduce((most, { position, bytes }) => Math.max(most, position + bytes.length), size);
  }

  read(path: string, position: number, length: number): Uint8Array {
    const size = this.sizeOf(path);
    const real = this.#real(path);
    if (real === undefined || size === undefined) throw missing(path);
    const base = this.#disk.read(real, position, length);
    const writes = this.#unsyncedOf(path);
    if (writes.length === 0) return base;
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - position)));
    bytes.set(base);
    for (const write of writes) {
      const from = Math.max(position, write.position);
      const end = Math.min(position + bytes.length, write.position + write.bytes.length);
      if (from < end) bytes.set(write.bytes.subarray(from - write.position, end - write.position), from - position);
    }
    return bytes;
  }

  #unsyncedOf(path: string): readonly UnsyncedWrite[] {
    return this.#contents.get(below(this.#changes, path) ?? '')?.writes ?? [];
  }

  #real(path: string): string | undefined {
    const real = below(this.#changes, path);
    if (real === undefined || !this.#isChanging || this.#disk.sizeOf(real) !== undefined) return real;
    return below(this.#changes.slice(1), path);
  }

  // --- names ------------------------------------------------------------------------------------------------------

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    this.#order.add((next) =>
      this.#changeNames(this.#countTouching(parentOf(path)), (changeError) => {
        if (changeError !== undefined) return done(changeError, undefined), next();
        this.#disk.create(path, sizeBytes, (error, file) => {
          done(error, file === undefined ? undefined : this.#opened(path, file));
          next();
        });
      }),
    );
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    this.#order.add((next) => {
      const real = this.#real(path);
      if (real === undefined) return done(missing(path), undefined), next();
      this.#disk.open(real, (error, file) => {
        done(error, file === undefined ? undefined : this.#opened(real, file));
        next();
      });
    });
  }

  #opened(real: string, file: DiskFile): DiskFile {
    const content = this.#contents.get(real) ?? { writes: [], order: new Sequence(), handles: 0 };
    this.#contents.set(real, content);
    content.handles++;
    return new LossyFile(file, content, this.#bounds, () => {
      content.handles--;
      this.#forget(content);
    });
  }

  /** What a file needs to know of all others. */
  readonly #bounds: FileBounds = {
    isHeldBack: () => this.#isLossy() && this.#unsyncedBytes <= this.#limits.unsyncedBytesMax,
    count: (bytes) => {
      this.#unsyncedBytes += bytes;
    },
  };

  #forget(content: Content): void {
    if (content.handles > 0 || content.writes.length > 0) return;
    for (const [real, one] of this.#contents) if (one === content) this.#contents.delete(real);
  }

  rename(from: string, to: string, done: Done): void {
    this.#order.add((next) => {
      if (this.sizeOf(from) === undefined) return done(missing(from)), next(); // directories are never renamed here
      this.#change({ kind: 'rename', from, to }, done, next);
    });
  }

  remove(path: string, done: Done): void {
    this.#order.add((next) => {
      if (below(this.#changes, path) === undefined) return done(undefined), next();
      this.#change({ kind: 'remove', path }, done, next);
    });
  }

  #change(change: NameChange, done: Done, next: () => void): void {
    this.#changes.push(change);
    const excess = this.#isLossy() ? this.#changes.length - this.#limits.unsyncedNamesMax : this.#changes.length;
    this.#changeNames(excess, (error) => {
      done(error);
      next();
    });
  }

  syncDirectory(path: string, done: Done): void {
    this.#order.add((next) =>
      this.#changeNames(this.#countTouching(path), (changeError) => {
        if (changeError !== undefined) return done(changeError), next();
        this.#disk.syncDirectory(path, (error) => {
          done(error);
          next();
        });
      }),
    );
  }

  /** Changes up to the last one in that directory. L3 */
  #countTouching(directory: string): number {
    return this.#changes.findLastIndex((change) => touches(change, directory)) + 1;
  }

  /** Makes the oldest `count` changes below. */
  #changeNames(count: number, done: Done): void {
    const change = this.#changes[0];
    if (count <= 0 || change === undefined) return done(undefined);
    this.#isChanging = true;
    const changed = (error: DiskError | undefined): void => {
      this.#isChanging = false;
      this.#changes.shift();
      this.#moveContents(change);
      if (error === undefined) this.#changeNames(count - 1, done);
      else done(error);
    };
    if (change.kind === 'rename') this.#disk.rename(change.from, change.to, changed);
    else this.#disk.remove(change.path, changed);
  }

  #moveContents(change: NameChange): void {
    const goes = change.kind === 'rename' ? change.to : change.path;
    for (const [real, content] of this.#contents) {
      if (!isIn(real, goes)) continue;
      this.#contents.delete(real); // whoever has it open goes on with a file that has no name
      for (const { bytes } of content.writes.splice(0)) this.#unsyncedBytes -= bytes.length;
    }
    if (change.kind !== 'rename') return;
    const moved = this.#contents.get(change.from);
    if (moved === undefined) return;
    this.#contents.delete(change.from);
    this.#contents.set(change.to, moved);
  }
}

interface FileBounds {
  /** Or written straight on. */
  isHeldBack(): boolean;
  /** Bytes that are un-synced from now on, or, negative, not any more. */
  count(bytes: number): void;
}

class LossyFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #content: Content;
  readonly #bounds: FileBounds;
  readonly #closed: () => void;

  constructor(file: DiskFile, content: Content, bounds: FileBounds, closed: () => void) {
    this.#file = file;
    this.#content = content;
    this.#bounds = bounds;
    this.#closed = closed;
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    this.#content.order.add((next) => {
      if (this.#bounds.isHeldBack()) {
        this.#content.writes.push({ position, bytes: bytes.slice() });
        this.#bounds.count(bytes.length);
        done(undefined);
        return next();
      }
      this.#writeBack((backError) => {
        if (backError !== undefined) return done(backError), next();
        this.#file.write(position, bytes, (error) => {
          done(error);
          next();
        });
      });
    });
  }

  sync(done: Done): void {
    this.#content.order.add((next) =>
      this.#writeBack((backError) => {
        if (backError !== undefined) return done(backError), next();
        this.#file.sync((error) => {
          done(error);
          next();
        });
      }),
    );
  }

  /** What is un-synced stays so: closing is no sync. */
  close(done: Done): void {
    this.#content.order.add((next) => {
      this.#file.close((error) => {
        this.#closed();
        done(error);
        next();
      });
    });
  }

  #writeBack(done: Done): void {
    const write = this.#content.writes[0];
    if (write === undefined) return done(undefined);
    this.#file.write(write.position, write.bytes, (error) => {
      if (error !== undefined) return done(error);
      if (this.#content.writes[0] === write) {
        this.#content.writes.shift();
        this.#bounds.count(-write.bytes.length);
      }
      this.#writeBack(done);
    });
  }
}

function missing(path: string): DiskError {
  return new DiskError('ENOENT', `${path} does not exist`);
}
