// The composition of a real host whose disks fail on demand
// =============================================================================
//
// A file in the folder `faults` says what is wrong: `sync` makes every sync of worker 0 or 1 fail, as named in it; `full` leaves no space for new
// segments and snapshots.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compose as composeHost, type ComposeConfig } from '../../actors/compose.js';
import { type Disk, DiskError, type DiskFile } from '../../runtime/contract/disk.js';
import type { Compose } from '../../runtime/threads/composition.js';

export interface FaultyConfig extends ComposeConfig {
  readonly faults: string;
}

export const compose: Compose = async (config, place) => {
  const { faults } = config as FaultyConfig;
  const isFailing = (): boolean =>
    existsSync(join(faults, 'sync')) && readFileSync(join(faults, 'sync'), 'utf8') === String(place.worker);
  const isFull = (): boolean => existsSync(join(faults, 'full'));
  return {
    ...(await composeHost(config, place)),
    wrapDisk: (disk) => faulty(disk, isFailing, isFull),
  };
};

function faulty(disk: Disk, isFailing: () => boolean, isFull: () => boolean): Disk {
  const wrap = (file: DiskFile): DiskFile => ({
    write: (position, bytes, done) => file.write(position, bytes, done),
    sync: (done) =>
      file.sync((error) => done(isFailing() ? new DiskError('EIO', 'sync: this test lets it fail') : error)),
    close: (done) => file.close(done),
  });
  return {
    makeDirectory: (path) => disk.makeDirectory(path),
    list: (path) => disk.list(path),
    sizeOf: (path) => disk.sizeOf(path),
    read: (path, position, length) => disk.read(path, position, length),
    create: (path, sizeBytes, done) => {
      if (isFull() && !path.includes('tainted'))
        setImmediate(() => done(new DiskError('ENOSPC', `${path}: this test leaves no space`), undefined));
      else disk.create(path, sizeBytes, (error, file) => done(error, file === undefined ? undefined : wrap(file)));
    },
    open: (path, done) => disk.open(path, (error, file) => done(error, file === undefined ? undefined : wrap(file))),
    rename: (from, to, done) => disk.rename(from, to, done),
    remove: (path, done) => disk.remove(path, done),
    syncDirectory: (path, done) => disk.syncDirectory(path, done),
  };
}
