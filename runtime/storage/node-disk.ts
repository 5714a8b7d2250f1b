// The disk of the real world: node:fs
// =============================================================================
//
// The only file of the project that syncs. Asynchronous operations run in libuv's pool and complete on the event loop; one journal
// has at most a handful under way.
//
// Invariants
//   O1. `done` of a write comes after all its bytes were written: short writes are continued (D4).
//   O2. A file that `create` gives is allocated in full, and its directory entry is durable (D5, D14).
//   O3. No path leads out of the root.
//   O4. Of one file at most some 2 MiB are written and not synced. Files of one disk wait for one another: a snapshot or a new segment that is synced
//       all at once holds up the journals of every worker and host there, for as long as the disk takes to write it.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { type Disk, DiskError, type DiskFile, type Done } from '../contract/disk.js';
import { assert } from '../std/assert.js';

const zeros = new Uint8Array(1024 * 1024);

/** A directory as a disk. The directory itself is created by `makeDirectory('')`. */
export function nodeDisk(root: string): Disk {
  return new NodeDisk(root);
}

class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #path(path: string): string {
    return join(this.#root, checkPath(path));
  }

  makeDirectory(path: string): void {
    blocking(path, () => makeDirectoryDurably(this.#path(path)));
  }

  list(path: string): string[] {
    return blocking(path, () => {
      try {
        return fs.readdirSync(this.#path(path)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return [];
        throw error;
      }
    });
  }

  sizeOf(path: string): number | undefined {
    return blocking(path, () => {
      const stat = fs.statSync(this.#path(path), { throwIfNoEntry: false });
      return stat?.isFile() === true ? stat.size : undefined;
    });
  }

  read(path: string, position: number, length: number): Uint8Array {
    return blocking(path, () => {
      const handle = fs.openSync(this.#path(path), 'r');
      try {
        const bytes = new Uint8Array(length);
        let count = 0;
        while (count < length) {
          const read = fs.readSync(handle, bytes, count, length - count, position + count);
          if (read === 0) break;
          count += read;
        }
        return count === length ? bytes : bytes.subarray(0, count);
      } finally {
        fs.closeSync(handle);
      }
    });
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    const full = this.#path(path);
    fs.open(full, 'wx', 0o644, (openError, handle) => {
      if (openError !== null) return done(diskError(path, openError), undefined);
      const file = new NodeFile(path, handle);
      // Half a file is of no use to anyone.
      const giveUp = (error: DiskError): void => file.close(() => fs.unlink(full, () => done(error, undefined)));
      const fill = (position: number): void => {
        if (position < sizeBytes) {
          file.write(position, zeros.subarray(0, Math.min(zeros.length, sizeBytes - position)), (error) =>
            error === undefined ? fill(position + zeros.length) : giveUp(error),
          );
          return;
        }
        fs.fsync(handle, (syncError) => {
          if (syncError !== null) return giveUp(diskError(path, syncError));
          syncDirectory(dirname(full), (error) =>
            error === null ? done(undefined, file) : giveUp(diskError(path, error)),
          ); // O2
        });
      };
      fill(0);
    });
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    fs.open(this.#path(path), 'r+', (error, handle) => {
      if (error !== null) done(diskError(path, error), undefined);
      else done(undefined, new NodeFile(path, handle));
    });
  }

  rename(from: string, to: string, done: Done): void {
    fs.rename(this.#path(from), this.#path(to), (error) => done(diskError(from, error)));
  }

  remove(path: string, done: Done): void {
    fs.rm(this.#path(path), { recursive: true, force: true }, (error) => done(diskError(path, error)));
  }

  syncDirectory(path: string, done: Done): void {
    syncDirectory(this.#path(path), (error) => done(diskError(path, error)));
  }
}

/** `fs.write` without its handle. */
export type PartialWrite = (
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: NodeJS.ErrnoException | null, count: number) => void,
) => void;

/** Writes until all bytes are written. O1. */
export function writeFully(write: PartialWrite, path: string, position: number, bytes: Uint8Array, done: Done): void {
  const from = (start: number): void =>
    write(bytes, start, bytes.length - start, position + start, (error, count) => {
      if (error !== null) return done(diskError(path, error));
      if (start + count >= bytes.length) return done(undefined);
      if (count === 0) return done(new DiskError('EIO', `${path}: a write took no bytes`));
      from(start + count);
    });
  from(0);
}

/**
 * Writes up to this long are done at once. They only copy into the page cache (some 10 µs), while a thread of the pool has to be woken and to wake us: for one
 * waiting client that was a tenth of a write's time. The sync, which does wait for the disk, stays with the pool.
 */
const directBytesMax = 64 * 1024;

/** O4. */
const unsyncedBytesMax = 2 * 1024 * 1024;

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #handle: number;
  #unsyncedBytes = 0;

  constructor(path: string, handle: number) {
    this.#path = path;
    this.#handle = handle;
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    writeFully(this.#write, this.#path, position, bytes, (error) => {
      this.#unsyncedBytes += bytes.length;
      if (error === undefined && this.#unsyncedBytes >= unsyncedBytesMax) this.sync(done);
      else done(error);
    });
  }

  readonly #write: PartialWrite = (bytes, offset, length, position, done) => {
    if (length > directBytesMax) return fs.write(this.#handle, bytes, offset, length, position, done);
    let count: number;
    try {
      count = fs.writeSync(this.#handle, bytes, offset, length, position);
    } catch (error) {
      return process.nextTick(done, error, 0);
    }
    process.nextTick(done, null, count); // never inside the call
  };

  sync(done: Done): void {
    this.#unsyncedBytes = 0;
    fs.fdatasync(this.#handle, (error) => done(diskError(this.#path, error)));
  }

  close(done: Done): void {
    fs.close(this.#handle, (error) => done(diskError(this.#path, error ?? null)));
  }
}

/** Replaces a file's content as one step, durably, blocking: for small files that are written at start. */
export function writeFileDurably(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  const handle = fs.openSync(temporary, 'w', 0o644);
  try {
    for (let count = 0; count < bytes.length; ) count += fs.writeSync(handle, bytes, count);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(temporary, path);
  syncDirectoryNow(dirname(path));
}

/** Creates a directory and those above it; each new entry is durable. */
export function makeDirectoryDurably(path: string): void {
  if (fs.existsSync(path)) return;
  makeDirectoryDurably(dirname(path));
  try {
    fs.mkdirSync(path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error; // another process was faster
  }
  syncDirectoryNow(dirname(path));
}

export function syncDirectoryNow(path: string): void {
  const handle = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

function syncDirectory(path: string, done: (error: NodeJS.ErrnoException | null) => void): void {
  fs.open(path, 'r', (openError, handle) => {
    if (openError !== null) return done(openError);
    fs.fsync(handle, (syncError) => fs.close(handle, (closeError) => done(syncError ?? closeError ?? null)));
  });
}

function checkPath(path: string): string {
  assert(!path.startsWith('/') && !path.split('/').includes('..'), `O3: ${path} leads out of the disk`);
  return path;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? 'EIO';
}

function diskError(path: string, error: NodeJS.ErrnoException): DiskError;
function diskError(path: string, error: NodeJS.ErrnoException | null): DiskError | undefined;
function diskError(path: string, error: NodeJS.ErrnoException | null): DiskError | undefined {
  return error === null ? undefined : new DiskError(codeOf(error), `${path}: ${error.message}`);
}

function blocking<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw diskError(path, error);
  }
}
