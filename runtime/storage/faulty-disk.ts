// A disk that is full, slow, hanging or failing when it is told to
// =============================================================================
//
// For tests of real processes. It stands between the journal and another disk and asks at every operation what is wrong just now.
//
// Invariants
//   F1. Full: what needs new blocks fails with ENOSPC; what was allocated can be written (D14).
//   F2. A sync that fails was not done: what it was for stays un-synced (D11).
//   F3. Nothing hangs for longer than `hangMsMax`, and no sync is slower than `delayMsMax`.

import { type Disk, DiskError, type DiskFile, type Done } from '../contract/disk.js';

/** What is wrong now. */
export interface DiskFaults {
  isFull(): boolean;
  isHanging(): boolean;
  /** Before each sync. */
  syncDelayMs(): number;
  /** Whether this sync fails; says yes once. */
  takeSyncFailure(): boolean;
  /** Whether the thread ends at this sync; says yes once. */
  takeThreadDeath(): boolean;
}

export const hangMsMax = 120_000;
export const delayMsMax = 10_000;
const lookMs = 20;
export const threadDeathReason = 'a test ends this thread';

export function faultyDisk(disk: Disk, faults: DiskFaults): Disk {
  return new FaultyDisk(disk, faults);
}

/** Runs at once, or when the disk hangs no more. F3 */
function whenAwake(faults: DiskFaults, run: () => void): void {
  if (!faults.isHanging()) return run();
  const endMs = performance.now() + hangMsMax;
  const looking = setInterval(() => {
    if (faults.isHanging() && performance.now() < endMs) return;
    clearInterval(looking);
    run();
  }, lookMs);
}

class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #faults: DiskFaults;

  constructor(disk: Disk, faults: DiskFaults) {
    this.#disk = disk;
    this.#faults = faults;
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  list(path: string): string[] {
    return this.#disk.list(path);
  }

  sizeOf(path: string): number | undefined {
    return this.#disk.sizeOf(path);
  }

  read(path: string, position: number, length: number): Uint8Array {
    return this.#disk.read(path, position, length);
  }

  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void {
    whenAwake(this.#faults, () => {
      if (sizeBytes > 0 && this.#faults.isFull()) return process.nextTick(done, full(path), undefined); // F1
      this.#disk.create(path, sizeBytes, (error, file) =>
        done(error, file === undefined ? undefined : new FaultyFile(path, file, sizeBytes, this.#faults)),
      );
    });
  }

  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void {
    whenAwake(this.#faults, () =>
      this.#disk.open(path, (error, file) =>
        done(
          error,
          file === undefined ? undefined : new FaultyFile(path, file, this.#disk.sizeOf(path) ?? 0, this.#faults),
        ),
      ),
    );
  }

  rename(from: string, to: string, done: Done): void {
    whenAwake(this.#faults, () => this.#disk.rename(from, to, done));
  }

  remove(path: string, done: Done): void {
    whenAwake(this.#faults, () => this.#disk.remove(path, done));
  }

  syncDirectory(path: string, done: Done): void {
    whenAwake(this.#faults, () => this.#disk.syncDirectory(path, done));
  }
}

class FaultyFile implements DiskFile {
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #faults: DiskFaults;
  /** Allocated, or written since. */
  #sizeBytes: number;

  constructor(path: string, file: DiskFile, sizeBytes: number, faults: DiskFaults) {
    this.#path = path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#faults = faults;
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    whenAwake(this.#faults, () => {
      const end = position + bytes.length;
      if (end > this.#sizeBytes && this.#faults.isFull()) return process.nextTick(done, full(this.#path)); // F1
      this.#sizeBytes = Math.max(this.#sizeBytes, end);
      this.#file.write(position, bytes, done);
    });
  }

  sync(done: Done): void {
    const begin = (): void =>
      whenAwake(this.#faults, () => {
        if (this.#faults.takeThreadDeath()) endThread();
        if (!this.#faults.takeSyncFailure()) return this.#file.sync(done);
        process.nextTick(done, new DiskError('EIO', `${this.#path}: sync: a test lets it fail`)); // F2
      });
    const delayMs = Math.min(delayMsMax, this.#faults.syncDelayMs());
    if (delayMs > 0) setTimeout(begin, delayMs);
    else begin();
  }

  close(done: Done): void {
    this.#file.close(done);
  }
}

/** Outside of every turn, as a bug of the runtime would. */
function endThread(): void {
  setImmediate(() => {
    throw new Error(threadDeathReason);
  });
}

function full(path: string): DiskError {
  return new DiskError('ENOSPC', `${path}: a test leaves no space`);
}
