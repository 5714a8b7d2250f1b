// A disk whose crashes can be chosen: what was synced stays, what was not may stay, in any part and order
// =============================================================================
//
// Operations wait until `step` or `run`, so a test decides how far the disk has come when the power fails. `crash` gives the
// disk as the next start may find it. `fault` lets an operation fail.

import { type Disk, DiskError, type DiskFile, type Done } from '../../runtime/contract/disk.js';
import { Queue } from '../../runtime/std/queue.js';
import type { Random } from '../../runtime/std/random.js';

const sectorBytes = 512;

interface Inode {
  current: Uint8Array;
  durable: Uint8Array;
  /** Sectors written since the last sync. */
  readonly unsynced: Set<number>;
}

export interface Operation {
  readonly kind: 'create' | 'open' | 'rename' | 'remove' | 'sync-directory' | 'write' | 'sync' | 'close';
  readonly path: string;
}

type EntryChange =
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string };

export class CrashDisk implements Disk {
  readonly entries = new Map<string, Inode>();
  readonly #directories = new Set<string>(['']);
  /** Entry changes not made durable yet, in order, applied already to `entries`. */
  #changes: EntryChange[] = [];
  #durableEntries = new Map<string, Inode>();
  readonly #waiting = new Queue<() => void>();
  /** An error for this operation, or undefined to let it happen. */
  fault: (operation: Operation) => string | undefined = () => undefined;
  /** Flips bits or fails while reading. */
  readFault: (path: string, position: number, bytes: Uint8Array) => string | undefined = () => undefined;
  readonly log: Operation[] = [];
  readCount = 0;
  readBytes = 0;

  /** Carries out the oldest waiting operation. @returns whether there was one. */
  step(): boolean {
    const operation = this.#waiting.shift();
    operation?.();
    return operation !== undefined;
  }

  /** Until nothing waits. */
  run(): void {
    for (let count = 0; this.step(); count++) if (count > 1_000_000) throw new Error('the disk never comes to rest');
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  // --- what tests do to files -----------------------------------------------------------------------------------------

  bytes(path: string): Uint8Array {
    const inode = this.entries.get(path);
    if (inode === undefined) throw new Error(`no file ${path}`);
    return inode.current;
  }

  setBytes(path: string, bytes: Uint8Array): void {
    const inode: Inode = { current: bytes.slice(), durable: bytes.slice(), unsynced: new Set() };
    this.entries.set(path, inode);
    this.#durableEntries.set(path, inode);
  }

  delete(path: string): void {
    this.entries.delete(path);
    this.#durableEntries.delete(path);
  }

  paths(): string[] {
    return [...this.entries.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** An independent disk of the same content, all of it durable. */
  clone(): CrashDisk {
    const copy = new CrashDisk();
    for (const directory of this.#directories) copy.#directories.add(directory);
    for (const [path, inode] of this.entries) copy.setBytes(path, inode.current);
    return copy;
  }

  /** The process dies, the machine does not: what was carried out stays, synced or not, and what waits does not happen. */
  kill(): CrashDisk {
    const copy = new CrashDisk();
    for (const directory of this.#directories) copy.#directories.add(directory);
    const copies = new Map<Inode, Inode>();
    const copyOf = (inode: Inode): Inode => {
      const known = copies.get(inode) ?? {
        current: inode.current.slice(),
        durable: inode.durable.slice(),
        unsynced: new Set(inode.unsynced),
      };
      copies.set(inode, known);
      return known;
    };
    for (const [path, inode] of this.entries) copy.entries.set(path, copyOf(inode));
    for (const [path, inode] of this.#durableEntries) copy.#durableEntries.set(path, copyOf(inode));
    copy.#changes = [...this.#changes];
    return copy;
  }

  /** The power fails. Each unsynced sector and entry change survives with probability `survival`. */
  crash(random: Random, survival = 0.5): CrashDisk {
    const copy = new CrashDisk();
    for (const directory of this.#directories) copy.#directories.add(directory);
    const entries = new Map(this.#durableEntries);
    for (const change of this.#changes) if (random.chance(survival)) apply(entries, change);
    for (const [path, inode] of entries) {
      const isLonger = random.chance(survival);
      const bytes = new Uint8Array(isLonger ? inode.current.length : inode.durable.length);
      bytes.set(inode.durable.subarray(0, bytes.length));
      for (const sector of inode.unsynced) {
        if (!random.chance(survival)) continue;
        const from = sector * sectorBytes;
        if (from < bytes.length)
          bytes.set(inode.current.subarray(from, Math.min(from + sectorBytes, bytes.length)), from);
      }
      copy.setBytes(path, bytes);
    }
    return copy;
  }

  // --- the contract ---------------------------------------------------------------------------------------------------

  makeDirectory(path: string): void {
    const names = path.split('/');
    for (let count = 1; count <= names.length; count++) this.#directories.add(names.slice(0, count).join('/'));
  }

  list(path: string): string[] {
    const prefix = path === '' ? '' : `${path}/`;
    const names = new Set<string>();
    for (const entry of [...this.entries.keys(), ...this.#directories])
      if (entry !== path && entry.startsWith(prefix)) names.add(entry.slice(prefix.length).split('/', 1)[0] as string);
    return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  sizeOf(path: string): number | undefined {
    return this.entries.get(path)?.current.length;
  }

  read(path: string, position: number, length: number): Uint8Array {
    const inode = this.entries.get(path);
    if (inode === undefined) throw new DiskError('ENOENT', path);
    const bytes = inode.current.slice(position, position + length);
    this.readCount++;
    this.readBytes += bytes.length;
    const code = this.readFault(path, position, bytes);
    if (code !== undefined) throw new DiskError(code, path);
    return bytes;
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    this.#do({ kind: 'create', path }, (error) => {
      if (error !== undefined) return done(error, undefined);
      if (this.entries.has(path) || this.#directories.has(path)) return done(new DiskError('EEXIST', path), undefined);
      if (!this.#directories.has(parentOf(path))) return done(new DiskError('ENOENT', parentOf(path)), undefined);
      const zero = new Uint8Array(sizeBytes);
      const inode: Inode = { current: zero, durable: zero.slice(), unsynced: new Set() };
      this.entries.set(path, inode);
      this.#syncEntries();
      done(undefined, this.#file(path, inode));
    });
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    this.#do({ kind: 'open', path }, (error) => {
      const inode = this.entries.get(path);
      if (error !== undefined || inode === undefined) return done(error ?? new DiskError('ENOENT', path), undefined);
      done(undefined, this.#file(path, inode));
    });
  }

  rename(from: string, to: string, done: Done): void {
    this.#do({ kind: 'rename', path: from }, (error) => {
      if (error !== undefined) return done(error);
      if (!this.entries.has(from)) return done(new DiskError('ENOENT', from));
      this.#change({ kind: 'rename', from, to });
      done(undefined);
    });
  }

  remove(path: string, done: Done): void {
    this.#do({ kind: 'remove', path }, (error) => {
      if (error !== undefined) return done(error);
      for (const entry of Array.from(this.entries.keys()))
        if (entry === path || entry.startsWith(`${path}/`)) this.#change({ kind: 'remove', path: entry });
      for (const directory of this.#directories)
        if (directory === path || directory.startsWith(`${path}/`)) this.#directories.delete(directory);
      done(undefined);
    });
  }

  syncDirectory(path: string, done: Done): void {
    this.#do({ kind: 'sync-directory', path }, (error) => {
      if (error !== undefined) return done(error);
      if (!this.#directories.has(path)) return done(new DiskError('ENOENT', path));
      this.#syncEntries();
      done(undefined);
    });
  }

  #change(change: EntryChange): void {
    this.#changes.push(change);
    apply(this.entries, change);
  }

  #syncEntries(): void {
    this.#changes = [];
    this.#durableEntries = new Map(this.entries);
  }

  #do(operation: Operation, carryOut: (error: DiskError | undefined) => void): void {
    this.#waiting.push(() => {
      this.log.push(operation);
      const code = this.fault(operation);
      carryOut(code === undefined ? undefined : new DiskError(code, `${operation.kind} ${operation.path}`));
    });
  }

  #file(path: string, inode: Inode): DiskFile {
    return {
      write: (position, bytes, done) =>
        this.#do({ kind: 'write', path }, (error) => {
          if (error !== undefined) return done(error);
          const end = position + bytes.length;
          if (end > inode.current.length) {
            const longer = new Uint8Array(end);
            longer.set(inode.current);
            inode.current = longer;
          }
          inode.current.set(bytes, position);
          if (bytes.length > 0)
            for (let sector = Math.floor(position / sectorBytes); sector * sectorBytes < end; sector++)
              inode.unsynced.add(sector);
          done(undefined);
        }),
      sync: (done) =>
        this.#do({ kind: 'sync', path }, (error) => {
          if (error !== undefined) return done(error);
          inode.durable = inode.current.slice();
          inode.unsynced.clear();
          done(undefined);
        }),
      close: (done) => this.#do({ kind: 'close', path }, done),
    };
  }
}

function apply(entries: Map<string, Inode>, change: EntryChange): void {
  if (change.kind === 'remove') {
    entries.delete(change.path);
    return;
  }
  const inode = entries.get(change.from);
  if (inode === undefined) return;
  entries.delete(change.from);
  entries.set(change.to, inode);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
