// A directory of files, as storage sees it
// =============================================================================
//
// Two fillings (node:fs and the simulated disk) pass one contract suite. Completions are callbacks, not promises, so
// that the journal runs unchanged in the simulator; they are called from the event loop, never inside the call itself.
// Reading is blocking: it happens at start, before the host is registered, and when one actor is restarted.
//
// What a crash does (fault model, CORRECTNESS §2.0): bytes written but not synced may be lost, torn at 512 bytes or
// kept, in any order; a file created, renamed or removed without `syncDirectory` may be there or not.

/** Why an operation failed; `code` as in errno (`EIO`, `ENOSPC`, `ENOENT`, …). */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Done = (error: DiskError | undefined) => void;

/** Paths are relative to the disk's root, with `/` between names; no `..`. */
export interface Disk {
  // --- at start, blocking -----------------------------------------------------------------------------------------
  /** Creates the directory and those above it, durably. */
  makeDirectory(path: string): void;
  /** Names in the directory, sorted bytewise; empty when it does not exist. */
  list(path: string): string[];
  /** Bytes of the file, or undefined when there is none. */
  sizeOf(path: string): number | undefined;
  /** Reads up to `length` bytes from `position`; fewer at the end of the file. @throws DiskError */
  read(path: string, position: number, length: number): Uint8Array;

  // --- while running ----------------------------------------------------------------------------------------------
  /** A new file of `sizeBytes` zero bytes, its blocks allocated and synced, its directory entry synced. Fails with EEXIST, ENOSPC. */
  create(
    path: string,
    sizeBytes: number,
    done: (error: DiskError | undefined, file: DiskFile | undefined) => void,
  ): void;
  /** An existing file, for writing. */
  open(path: string, done: (error: DiskError | undefined, file: DiskFile | undefined) => void): void;
  /** Replaces `to` when it is there. Durable only after `syncDirectory` of both. */
  rename(from: string, to: string, done: Done): void;
  /** Removes a file, or a directory with what is in it. Missing is no error. */
  remove(path: string, done: Done): void;
  syncDirectory(path: string, done: Done): void;
}

export interface DiskFile {
  /** Writes all of `bytes` at `position`. The bytes must not change before `done`; they belong to the disk until then (D4). */
  write(position: number, bytes: Uint8Array, done: Done): void;
  /** Makes everything written before durable. After an error nothing about earlier writes is known (D11). */
  sync(done: Done): void;
  close(done: Done): void;
}
