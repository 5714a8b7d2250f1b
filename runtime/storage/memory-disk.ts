// A disk in memory: for the embedded mode without a directory, and for tests
// =============================================================================
//
// Keeps nothing beyond the process, so "durable" here means written. Completions come through `defer`, in the order asked: the
// contract's callbacks are never called inside the call.

import { type Disk, DiskError, type DiskFile, type Done } from '../contract/disk.js';
import { assert } from '../std/assert.js';

/** @param defer runs a function soon, after the present one returned, in the order given; `queueMicrotask` or `setImmediate`. */
export function memoryDisk(defer: (run: () => void) => void): Disk {
  return new MemoryDisk(defer);
}

interface Content {
  bytes: Uint8Array;
  length: number;
}

class MemoryDisk implements Disk {
  readonly #defer: (run: () => void) => void;
  readonly #files = new Map<string, Content>();
  readonly #directories = new Set<string>(['']);

  constructor(defer: (run: () => void) => void) {
    this.#defer = defer;
  }

  makeDirectory(path: string): void {
    const names = checkPath(path).split('/');
    for (let count = 1; count <= names.length; count++) this.#directories.add(names.slice(0, count).join('/'));
  }

  list(path: string): string[] {
    const prefix = checkPath(path) === '' ? '' : `${path}/`;
    const names = new Set<string>();
    for (const entry of [...this.#files.keys(), ...this.#directories]) {
      if (entry === path || !entry.startsWith(prefix)) continue;
      names.add(entry.slice(prefix.length).split('/', 1)[0] as string);
    }
    return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  sizeOf(path: string): number | undefined {
    return this.#files.get(checkPath(path))?.length;
  }

  read(path: string, position: number, length: number): Uint8Array {
    const content = this.#files.get(checkPath(path));
    if (content === undefined) throw missing(path);
    return content.bytes.slice(Math.min(position, content.length), Math.min(position + length, content.length));
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    checkPath(path);
    this.#defer(() => {
      if (this.#files.has(path) || this.#directories.has(path))
        return done(new DiskError('EEXIST', `${path} exists`), undefined);
      if (!this.#directories.has(parentOf(path))) return done(missing(parentOf(path)), undefined);
      const content: Content = { bytes: new Uint8Array(sizeBytes), length: sizeBytes };
      this.#files.set(path, content);
      done(undefined, new MemoryFile(content, this.#defer));
    });
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    checkPath(path);
    this.#defer(() => {
      const content = this.#files.get(path);
      if (content === undefined) done(missing(path), undefined);
      else done(undefined, new MemoryFile(content, this.#defer));
    });
  }

  rename(from: string, to: string, done: Done): void {
    checkPath(from);
    checkPath(to);
    this.#defer(() => {
      const content = this.#files.get(from);
      if (content === undefined) return done(missing(from));
      if (!this.#directories.has(parentOf(to))) return done(missing(parentOf(to)));
      this.#files.delete(from);
      this.#files.set(to, content);
      done(undefined);
    });
  }

  remove(path: string, done: Done): void {
    checkPath(path);
    this.#defer(() => {
      this.#files.delete(path);
      this.#directories.delete(path);
      const prefix = `${path}/`;
      for (const entry of this.#files.keys()) if (entry.startsWith(prefix)) this.#files.delete(entry);
      for (const entry of this.#directories) if (entry.startsWith(prefix)) this.#directories.delete(entry);
      done(undefined);
    });
  }

  syncDirectory(path: string, done: Done): void {
    checkPath(path);
    this.#defer(() => done(this.#directories.has(path) ? undefined : missing(path)));
  }
}

class MemoryFile implements DiskFile {
  readonly #content: Content;
  readonly #defer: (run: () => void) => void;

  constructor(content: Content, defer: (run: () => void) => void) {
    this.#content = content;
    this.#defer = defer;
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    this.#defer(() => {
      const content = this.#content;
      const end = position + bytes.length;
      if (end > content.bytes.length) {
        const larger = new Uint8Array(Math.max(end, content.bytes.length * 2));
        larger.set(content.bytes);
        content.bytes = larger;
      }
      content.bytes.set(bytes, position);
      content.length = Math.max(content.length, end);
      done(undefined);
    });
  }

  sync(done: Done): void {
    this.#defer(() => done(undefined));
  }

  close(done: Done): void {
    this.#defer(() => done(undefined));
  }
}

function missing(path: string): DiskError {
  return new DiskError('ENOENT', `${path} does not exist`);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function checkPath(path: string): string {
  assert(!path.startsWith('/') && !path.split('/').includes('..'), `${path} leads out of the disk`);
  return path;
}
