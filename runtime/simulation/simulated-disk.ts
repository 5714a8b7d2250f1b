// A disk that takes virtual time, fails on demand, and forgets in a crash
// =============================================================================
//
// Owns:     latency, faults, and which process an operation belongs to. What is stored where is `DiskImage`'s.
// Does not: know journals.
//
// Invariants
//   E1. A completion is called from the event queue, never inside the call, and never once its process is gone.
//   E2. A buffer that changed between `write` and its completion is an assertion failure (D4).
//   E3. Operations under way on one file complete in any order; a sync covers the writes that had completed when it was asked for.
//
// Sources: CORRECTNESS §2.0, §3.2 K1–K18.

import { type Disk, DiskError, type DiskFile, type Done } from '../contract/disk.js';
import { assert } from '../std/assert.js';
import { equalBytes } from '../std/bytes.js';
import type { Random } from '../std/random.js';
import { type CrashStyle, directoryOf, DiskImage, type Inode } from './disk-image.js';
import { type Scheduler, SimulatedEvent } from './scheduler.js';

export type DiskOperation =
  | 'create'
  | 'open'
  | 'rename'
  | 'remove'
  | 'sync-directory'
  | 'write'
  | 'sync'
  | 'close'
  | 'read';

export interface DiskOptions {
  /** A write into the page cache, and anything else that does not wait for the platter. */
  writeMeanMs: number;
  syncMeanMs: number;
  /** Multiplies all times: a slow disk. */
  slowness: number;
  /** Chances that an operation fails with EIO. */
  writeErrorProbability: number;
  syncErrorProbability: number;
  /** Beyond it, what would make the disk fuller fails with ENOSPC. */
  capacityBytes: number;
}

export const soundDisk: DiskOptions = {
  writeMeanMs: 0.02,
  syncMeanMs: 0.5,
  slowness: 1,
  writeErrorProbability: 0,
  syncErrorProbability: 0,
  capacityBytes: Number.MAX_SAFE_INTEGER,
};

/** What a fault does to a disk while it lasts; each is told of by the fault's own calls, so that it can count. */
export interface DiskTrouble {
  /** Asked at each read. @returns the bytes that are read instead; throws for an error. */
  readonly reads?: (path: string, position: number, bytes: Uint8Array) => Uint8Array;
  /** Asked at each write. @returns where it goes instead. */
  readonly redirects?: (
    path: string,
    position: number,
    length: number,
  ) => { path: string; position: number } | undefined;
  /** Asked at each write of more than one byte. @returns how many bytes are written first, and the rest later; 0: all at once. */
  readonly splits?: (length: number) => number;
  /** Asked at each sync. @returns true: it says that it succeeded and does nothing. */
  readonly lies?: () => boolean;
  /** Told of each operation that took effect. */
  readonly happened?: (operation: DiskOperation) => void;
  /** Told when something was refused since the disk is full. */
  readonly refused?: () => void;
}

export class SimulatedDisk {
  /** May be changed while running: faults do. */
  readonly options: DiskOptions;
  readonly image = new DiskImage();
  /** Asked before each operation takes effect; the error it gives is the operation's. For scripts. */
  fault: ((operation: DiskOperation, path: string) => DiskError | undefined) | undefined;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #underWay = new Set<Operation>();
  readonly #failNext = new Set<DiskOperation>();
  readonly #sound: DiskOptions;
  readonly #troubles = new Set<DiskTrouble>();
  /** Begun while the disk hangs. */
  #parked: { readonly operation: Operation; readonly delayMs: number }[] = [];
  #hungUntilMs = 0;

  readonly #limits = new Set<{ readonly bytes: number }>();
  constructor(scheduler: Scheduler, random: Random, options: Partial<DiskOptions> = {}) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.options = { ...soundDisk, ...options };
    this.#sound = { ...this.options };
  }

  /** The disk as one thread of one process sees it. */
  session(): DiskSession {
    return new DiskSession(this);
  }

  /** The process of a session is gone: of what it had under way a seeded part happened, and nothing is called back. E1 */
  revoke(session: DiskSession): void {
    for (const operation of this.#underWay) if (operation.session === session) this.#orphan(operation);
  }

  #orphan(operation: Operation): void {
    this.#underWay.delete(operation);
    operation.cancelled = true;
    if (this.#random.chance(0.5)) operation.effect();
  }

  /** Of what is under way nothing happens, and nothing is called back: the power is about to go, and it never reached the platter. */
  loseUnderWay(): void {
    for (const operation of this.#underWay) operation.cancelled = true;
    this.#underWay.clear();
  }

  /** The power goes, and takes every process with it: of what was under way a seeded part had happened. */
  crash(style?: CrashStyle): void {
    for (const operation of this.#underWay) this.#orphan(operation);
    this.image.crash(this.#random, style);
  }

  /** No operation that begins from now on completes for so long; 0 ends it, and what waited goes on. */
  hang(durationMs: number): void {
    this.#hungUntilMs = this.#scheduler.nowMs + durationMs;
    if (durationMs > 0) this.#scheduler.callFirst(this.#hungUntilMs, () => this.#unpark());
    else this.#unpark();
  }

  #unpark(): void {
    if (this.#scheduler.nowMs < this.#hungUntilMs) return;
    for (const { operation, delayMs } of this.#parked.splice(0))
      if (this.#underWay.has(operation)) this.#scheduler.after(delayMs, operation);
  }

  /** No more than so many bytes until the answer is called. Limits may overlap and end in any order: the smallest is in force. */
  limitSpace(bytes: number): () => void {
    const limit = { bytes };
    this.#limits.add(limit);
    return () => void this.#limits.delete(limit);
  }

  get capacityBytes(): number {
    let least = this.options.capacityBytes;
    for (const { bytes } of this.#limits) least = Math.min(least, bytes);
    return least;
  }

  /** @returns what takes it away again. */
  trouble(trouble: DiskTrouble): () => void {
    this.#troubles.add(trouble);
    return () => {
      this.#troubles.delete(trouble);
    };
  }

  /** Ends hanging, slowness, fullness and whatever fails; what is damaged stays so. */
  heal(): void {
    Object.assign(this.options, this.#sound);
    this.#failNext.clear();
    this.#troubles.clear();
    this.hang(0);
  }

  /** The next operation of this kind fails with EIO. */
  failNext(operation: DiskOperation): void {
    this.#failNext.add(operation);
  }

  /** Flips a seeded bit somewhere in the file. REQUIRES a file that is not empty. */
  rot(path: string, random: Random = this.#random): void {
    const inode = this.image.find(path);
    assert(inode !== undefined && inode.liveSize > 0, `${path} has nothing that could rot`);
    this.image.flipBit(inode, random.below(inode.liveSize), random.below(8));
  }

  // --- for sessions ---------------------------------------------------------------------------------------------------

  get random(): Random {
    return this.#random;
  }

  errorOf(operation: DiskOperation, path: string): DiskError | undefined {
    if (this.#failNext.delete(operation)) return new DiskError('EIO', `${operation} ${path}: EIO`);
    const scripted = this.fault?.(operation, path);
    if (scripted !== undefined) return scripted;
    const { writeErrorProbability, syncErrorProbability } = this.options;
    const probability =
      operation === 'write'
        ? writeErrorProbability
        : operation === 'sync' || operation === 'sync-directory'
          ? syncErrorProbability
          : 0;
    if (probability > 0 && this.#random.chance(probability)) return new DiskError('EIO', `${operation} ${path}: EIO`);
    return undefined;
  }

  begin(synced: boolean, operation: Operation): void {
    const { writeMeanMs, syncMeanMs, slowness } = this.options;
    const meanMs = synced ? syncMeanMs : writeMeanMs;
    const delayMs = 0.005 - Math.log(1 - this.#random.fraction()) * meanMs * slowness;
    this.#underWay.add(operation);
    if (this.#scheduler.nowMs < this.#hungUntilMs) this.#parked.push({ operation, delayMs });
    else this.#scheduler.after(delayMs, operation);
  }

  /** What a read of these bytes gives. @throws DiskError */
  whatIsRead(path: string, position: number, bytes: Uint8Array): Uint8Array {
    let read = bytes;
    for (const { reads } of this.#troubles) if (reads !== undefined) read = reads(path, position, read);
    return read;
  }

  whereTo(path: string, position: number, length: number): { path: string; position: number } | undefined {
    for (const { redirects } of this.#troubles) {
      const elsewhere = redirects?.(path, position, length);
      if (elsewhere !== undefined) return elsewhere;
    }
    return undefined;
  }

  /** Whether reads may give an error or other bytes just now. */
  get misreads(): boolean {
    for (const { reads } of this.#troubles) if (reads !== undefined) return true;
    return false;
  }

  /** How many bytes of a write go first, alone; 0 when it is not split. */
  firstPart(length: number): number {
    if (length < 2) return 0;
    for (const { splits } of this.#troubles) {
      const first = splits?.(length) ?? 0;
      if (first > 0 && first < length) return first;
    }
    return 0;
  }

  get lies(): boolean {
    let lied = false;
    for (const { lies } of this.#troubles) if (lies?.() === true) lied = true;
    return lied;
  }

  noSpace(path: string): DiskError {
    for (const { refused } of this.#troubles) refused?.();
    return new DiskError('ENOSPC', `no space for ${path}`);
  }

  end(operation: Operation): void {
    this.#underWay.delete(operation);
    let error = this.errorOf(operation.kind, operation.path);
    if (error === undefined) {
      error = operation.effect();
      for (const { happened } of this.#troubles) happened?.(operation.kind);
    } else if (this.#random.chance(0.5)) operation.effect();
    operation.done(error);
  }
}

/** What takes a while, and takes effect at its end. */
class Operation extends SimulatedEvent {
  readonly session: DiskSession;
  readonly kind: DiskOperation;
  readonly path: string;
  readonly effect: () => DiskError | undefined;
  readonly done: Done;
  readonly #disk: SimulatedDisk;

  constructor(
    disk: SimulatedDisk,
    session: DiskSession,
    kind: DiskOperation,
    path: string,
    effect: () => DiskError | undefined,
    done: Done,
  ) {
    super();
    this.#disk = disk;
    this.session = session;
    this.kind = kind;
    this.path = path;
    this.effect = effect;
    this.done = done;
  }

  fire(): void {
    this.#disk.end(this);
  }
}

/** Ends with its process: `revoke`, and no completion is heard any more. */
export class DiskSession implements Disk {
  readonly #disk: SimulatedDisk;
  #revoked = false;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  revoke(): void {
    if (this.#revoked) return;
    this.#revoked = true;
    this.#disk.revoke(this);
  }

  makeDirectory(path: string): void {
    if (!this.#revoked) this.#disk.image.makeDirectory(checked(path));
  }

  list(path: string): string[] {
    return this.#disk.image.list(checked(path));
  }

  sizeOf(path: string): number | undefined {
    return this.#disk.image.find(checked(path))?.liveSize;
  }

  read(path: string, position: number, length: number): Uint8Array {
    const error = this.#disk.errorOf('read', path);
    if (error !== undefined) throw error;
    const inode = this.#disk.image.find(checked(path));
    if (inode === undefined) throw new DiskError('ENOENT', `no file ${path}`);
    const bytes = inode.live.slice(Math.min(position, inode.liveSize), Math.min(position + length, inode.liveSize));
    return this.#disk.whatIsRead(path, position, bytes);
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    let file: DiskFile | undefined;
    this.#operate(
      true,
      'create',
      checked(path),
      () => {
        const { image } = this.#disk;
        if (!image.hasDirectory(directoryOf(path))) return new DiskError('ENOENT', `no directory for ${path}`);
        if (image.find(path) !== undefined || image.hasDirectory(path))
          return new DiskError('EEXIST', `${path} is there already`);
        if (image.usedBytes + sizeBytes > this.#disk.capacityBytes) return this.#disk.noSpace(path);
        file = new SimulatedFile(this, path, image.create(path, sizeBytes));
        return undefined;
      },
      (error) => done(error, file),
    );
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    let file: DiskFile | undefined;
    this.#operate(
      false,
      'open',
      checked(path),
      () => {
        const inode = this.#disk.image.find(path);
        if (inode === undefined) return new DiskError('ENOENT', `no file ${path}`);
        file = new SimulatedFile(this, path, inode);
        return undefined;
      },
      (error) => done(error, file),
    );
  }

  rename(from: string, to: string, done: Done): void {
    checked(to);
    this.#operate(
      false,
      'rename',
      checked(from),
      () => {
        const { image } = this.#disk;
        if (image.find(from) === undefined) return new DiskError('ENOENT', `no file ${from}`);
        if (!image.hasDirectory(directoryOf(to))) return new DiskError('ENOENT', `no directory for ${to}`);
        image.rename(from, to);
        return undefined;
      },
      done,
    );
  }

  remove(path: string, done: Done): void {
    this.#operate(
      false,
      'remove',
      checked(path),
      () => {
        this.#disk.image.remove(path);
        return undefined;
      },
      done,
    );
  }

  syncDirectory(path: string, done: Done): void {
    this.#operate(
      true,
      'sync-directory',
      checked(path),
      () => {
        if (!this.#disk.image.hasDirectory(path)) return new DiskError('ENOENT', `no directory ${path}`);
        if (!this.#disk.lies) this.#disk.image.syncDirectory(path);
        return undefined;
      },
      done,
    );
  }

  // --- for files ------------------------------------------------------------------------------------------------------

  write(inode: Inode, path: string, position: number, bytes: Uint8Array, done: Done): void {
    const first = this.#disk.firstPart(bytes.length);
    if (first === 0) return this.#writePart(inode, path, position, bytes, done);
    // A short write is gone on with, as by whoever is behind this contract; a crash in between leaves the first part.
    this.#writePart(inode, path, position, bytes.subarray(0, first), (error) => {
      if (error !== undefined) return done(error);
      this.#writePart(inode, path, position + first, bytes.subarray(first), done);
    });
  }

  #writePart(inode: Inode, path: string, position: number, bytes: Uint8Array, done: Done): void {
    const copy = bytes.slice();
    this.#operate(
      false,
      'write',
      path,
      () => {
        if (!this.#revoked) assert(equalBytes(copy, bytes), 'E2: a buffer changed while it was being written (D4)');
        const { image } = this.#disk;
        const growth = position + bytes.length - inode.liveSize;
        if (growth > 0 && image.usedBytes + growth > this.#disk.capacityBytes) return this.#disk.noSpace(path);
        const elsewhere = this.#disk.whereTo(path, position, bytes.length);
        const other = elsewhere === undefined ? undefined : image.find(elsewhere.path);
        if (elsewhere === undefined || other === undefined) image.write(inode, position, copy);
        else image.write(other, elsewhere.position, copy);
        return undefined;
      },
      done,
    );
  }

  sync(inode: Inode, path: string, done: Done): void {
    const newest = inode.unsynced.at(-1); // E3
    this.#operate(
      true,
      'sync',
      path,
      () => {
        if (this.#disk.lies) return undefined;
        // Others may have synced some of them meanwhile; what is left of these is still the oldest.
        const count = newest === undefined ? 0 : inode.unsynced.indexOf(newest) + 1;
        this.#disk.image.sync(inode, count);
        return undefined;
      },
      (error) => {
        if (error !== undefined) this.#disk.image.loseUnsynced(inode, this.#disk.random);
        done(error);
      },
    );
  }

  close(path: string, done: Done): void {
    this.#operate(false, 'close', path, () => undefined, done);
  }

  #operate(
    synced: boolean,
    operation: DiskOperation,
    path: string,
    effect: () => DiskError | undefined,
    done: Done,
  ): void {
    if (this.#revoked) return; // E1
    this.#disk.begin(synced, new Operation(this.#disk, this, operation, path, effect, done));
  }
}

class SimulatedFile implements DiskFile {
  readonly #session: DiskSession;
  readonly #path: string;
  readonly #inode: Inode;
  #closed = false;

  constructor(session: DiskSession, path: string, inode: Inode) {
    this.#session = session;
    this.#path = path;
    this.#inode = inode;
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    assert(!this.#closed, 'a closed file is not written');
    this.#session.write(this.#inode, this.#path, position, bytes, done);
  }

  sync(done: Done): void {
    assert(!this.#closed, 'a closed file is not synced');
    this.#session.sync(this.#inode, this.#path, done);
  }

  close(done: Done): void {
    assert(!this.#closed, 'a file is closed once');
    this.#closed = true;
    this.#session.close(this.#path, done);
  }
}

function checked(path: string): string {
  assert(!path.startsWith('/') && !path.split('/').includes('..'), `${path} leaves the disk`);
  return path;
}
