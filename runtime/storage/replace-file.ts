// A small file's content, replaced as one step
// =============================================================================
//
// While a host runs, so nothing here blocks: the main thread that asks for it keeps the host's lease. Whoever reads the file, after a crash too, finds the
// old content or the new one. What an interrupted call leaves beside it goes with the next.

import { type Disk, DiskError, type Done } from '../contract/disk.js';

/** `done` without an error means durable. One call at a time for a path; the bytes must not change before `done`. */
export function replaceFile(disk: Disk, path: string, bytes: Uint8Array, done: Done): void {
  const temporary = `${path}.tmp`;
  const then =
    (next: () => void): Done =>
    (error) =>
      error === undefined ? next() : done(error);
  const putInPlace = (): void =>
    disk.rename(
      temporary,
      path,
      then(() => disk.syncDirectory(directoryOf(path), done)),
    );
  const fill = (): void =>
    disk.create(temporary, bytes.length, (error, file) => {
      if (error !== undefined || file === undefined)
        return done(error ?? new DiskError('EIO', `${temporary} is no file`));
      file.write(0, bytes, (writeError) => {
        if (writeError !== undefined) return file.close(() => done(writeError));
        file.sync((syncError) => file.close((closeError) => then(putInPlace)(syncError ?? closeError)));
      });
    });
  disk.remove(temporary, then(fill));
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
