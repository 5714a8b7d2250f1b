// A disk in memory that notes what it did, step by step
// =============================================================================
//
// Operations wait until `step` or `run`. What each does to the platter is appended to `trace`, so that a test can look at every state in
// which a crash might have found it (platter.ts).
//
// Invariants
//   A4. Bytes given to a write and changed before it is done are an error (D4).
//   A5. A sync covers the writes that had completed when it was asked for, no others.

import { type Disk, DiskError, type DiskFile, type Done } from '../../runtime/contract/disk.js';
import { equalBytes } from '../../runtime/std/bytes.js';
import type { Random } from '../../runtime/std/random.js';
import { directoryOf, type DiskContents, type NameChange, Platter, type TraceStep } from './platter.js';

interface LiveFile {
  readonly number: number;
  bytes: Uint8Array;
  /** Its array is nobody else's. */
  isOwn: boolean;
}

export interface TracedOperation {
  readonly kind: 'create' | 'open' | 'rename' | 'remove' | 'sync-directory' | 'write' | 'sync' | 'close';
  readonly path: string;
}

export class TracedDisk implements Disk {
  /** As it was when this process began. */
  readonly start: Platter;
  readonly trace: TraceStep[] = [];
  /** An error for this operation, or undefined to let it happen. */
  fault: (operation: TracedOperation) => string | undefined = () => undefined;
  /** Called after each operation. */
  afterStep: () => void = () => undefined;
  readonly #files = new Map<string, LiveFile>();
  readonly #directories: Set<string>;
  readonly #waiting: (() => void)[] = [];
  readonly #order: Random | undefined;
  #fileCount: number;

  /** @param order draws which waiting operation is next; absent: the oldest. */
  constructor(start: Platter, order?: Random) {
    this.start = start;
    const { directories, files } = start.live();
    this.#directories = new Set(directories);
    const numbers = start.liveNames();
    for (const [path, bytes] of files)
      this.#files.set(path, { number: numbers.get(path) as number, bytes, isOwn: false });
    this.#fileCount = start.fileCount;
    this.#order = order;
  }

  static of(contents: DiskContents): TracedDisk {
    return new TracedDisk(Platter.of(contents));
  }

  /** Carries out a waiting operation. @returns whether there was one. */
  step(): boolean {
    if (this.#waiting.length === 0) return false;
    const at = this.#order === undefined ? 0 : this.#order.below(this.#waiting.length);
    const [operation] = this.#waiting.splice(at, 1);
    operation?.();
    this.afterStep();
    return true;
  }

  /** Until nothing waits. */
  run(): void {
    for (let count = 0; this.step(); count++) if (count > 100_000) throw new Error('the disk never comes to rest');
  }

  contents(): DiskContents {
    return {
      directories: new Set(this.#directories),
      files: new Map(Array.from(this.#files, ([path, { bytes }]) => [path, bytes.slice()])),
    };
  }

  // --- the contract ---------------------------------------------------------------------------------------------------

  makeDirectory(path: string): void {
    for (let at = path; at !== '' && !this.#directories.has(at); at = directoryOf(at)) {
      this.#directories.add(at);
      this.trace.push({ kind: 'directory', path: at });
    }
  }

  list(path: string): string[] {
    const names = new Set<string>();
    for (const full of [...this.#files.keys(), ...this.#directories])
      if (full !== '' && directoryOf(full) === path) names.add(full.slice(path === '' ? 0 : path.length + 1));
    return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  sizeOf(path: string): number | undefined {
    return this.#files.get(path)?.bytes.length;
  }

  read(path: string, position: number, length: number): Uint8Array {
    const file = this.#files.get(path);
    if (file === undefined) throw new DiskError('ENOENT', path);
    return file.bytes.slice(position, position + length);
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    this.#do({ kind: 'create', path }, (error) => {
      if (error !== undefined) return done(error, undefined);
      if (this.#files.has(path)) return done(new DiskError('EEXIST', path), undefined);
      if (!this.#directories.has(directoryOf(path))) return done(new DiskError('ENOENT', path), undefined);
      const file: LiveFile = { number: this.#fileCount++, bytes: new Uint8Array(sizeBytes), isOwn: true };
      this.#files.set(path, file);
      this.#rename([{ path, file: file.number }]);
      this.trace.push({ kind: 'extend', file: file.number, sizeBytes });
      this.trace.push({ kind: 'sync', file: file.number, upTo: this.#clock });
      this.trace.push({ kind: 'sync-directory', path: directoryOf(path) });
      done(undefined, this.#handle(path, file));
    });
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    this.#do({ kind: 'open', path }, (error) => {
      const file = this.#files.get(path);
      if (error !== undefined || file === undefined) return done(error ?? new DiskError('ENOENT', path), undefined);
      done(undefined, this.#handle(path, file));
    });
  }

  rename(from: string, to: string, done: Done): void {
    this.#do({ kind: 'rename', path: from }, (error) => {
      const file = this.#files.get(from);
      if (error !== undefined || file === undefined) return done(error ?? new DiskError('ENOENT', from));
      this.#files.delete(from);
      this.#files.set(to, file);
      this.#rename([
        { path: from, file: undefined },
        { path: to, file: file.number },
      ]);
      done(undefined);
    });
  }

  remove(path: string, done: Done): void {
    this.#do({ kind: 'remove', path }, (error) => {
      if (error !== undefined) return done(error);
      for (const full of Array.from(this.#files.keys())) {
        if (full !== path && !full.startsWith(`${path}/`)) continue;
        this.#files.delete(full);
        this.#rename([{ path: full, file: undefined }]);
      }
      if (this.#directories.delete(path)) this.trace.push({ kind: 'remove-directory', path });
      done(undefined);
    });
  }

  syncDirectory(path: string, done: Done): void {
    this.#do({ kind: 'sync-directory', path }, (error) => {
      if (error !== undefined) return done(error);
      this.trace.push({ kind: 'sync-directory', path });
      done(undefined);
    });
  }

  /** Both names lie in one directory, as all of a journal's do: the change happens whole or not at all. */
  #rename(changes: readonly NameChange[]): void {
    this.trace.push({ kind: 'name', directory: directoryOf(changes[0]?.path ?? ''), changes });
  }

  /** What `upTo` of a sync counts. */
  get #clock(): number {
    return this.start.stepCount + this.trace.length;
  }

  #do(operation: TracedOperation, carryOut: (error: DiskError | undefined) => void): void {
    this.#waiting.push(() => {
      const code = this.fault(operation);
      carryOut(code === undefined ? undefined : new DiskError(code, `${operation.kind} ${operation.path}`));
    });
  }

  #handle(path: string, file: LiveFile): DiskFile {
    return {
      write: (position, bytes, done) => {
        const given = bytes.slice();
        this.#do({ kind: 'write', path }, (error) => {
          if (error !== undefined) return done(error);
          if (!equalBytes(bytes, given)) throw new Error(`A4: bytes for ${path} at ${position} changed under way`);
          put(file, position, given);
          this.trace.push({ kind: 'write', file: file.number, position, bytes: given });
          done(undefined);
        });
      },
      sync: (done) => {
        const upTo = this.#clock; // A5
        this.#do({ kind: 'sync', path }, (error) => {
          this.trace.push({ kind: error === undefined ? 'sync' : 'failed-sync', file: file.number, upTo });
          done(error);
        });
      },
      close: (done) => this.#do({ kind: 'close', path }, done),
    };
  }
}

function put(file: LiveFile, position: number, bytes: Uint8Array): void {
  const end = position + bytes.length;
  if (end > file.bytes.length || !file.isOwn) {
    const own = new Uint8Array(Math.max(end, file.bytes.length));
    own.set(file.bytes);
    file.bytes = own;
    file.isOwn = true;
  }
  file.bytes.set(bytes, position);
}
