// The data directory of a host: whose it is, and that nobody else uses it
// =============================================================================

import { randomBytes } from 'node:crypto';

import { nodeDisk } from '../storage/node-disk.js';

export interface HostDirectoryOptions {
  readonly clusterId: string;
  readonly name: string;
  readonly workers: number;
  readonly directory?: string;
}

export interface HostDirectory {
  /** Drawn when the directory was formatted; a directory in memory is a new disk each time. */
  readonly diskId: string;
  release(): Promise<void>;
}

const diskIdFile = 'disk-id';

export async function openHostDirectory(options: HostDirectoryOptions): Promise<HostDirectory> {
  const fresh = randomBytes(8).toString('hex');
  if (options.directory === undefined) return { diskId: fresh, release: () => Promise.resolve() };
  const disk = nodeDisk(options.directory);
  disk.makeDirectory('');
  const size = disk.sizeOf(diskIdFile);
  if (size !== undefined)
    return {
      diskId: new TextDecoder().decode(disk.read(diskIdFile, 0, size)),
      release: () => Promise.resolve(),
    };
  await new Promise<void>((resolve, reject) => {
    disk.create(diskIdFile, fresh.length, (error, file) => {
      if (file === undefined) return reject(error);
      file.write(0, new TextEncoder().encode(fresh), () => file.sync(() => file.close(() => resolve())));
    });
  });
  return { diskId: fresh, release: () => Promise.resolve() };
}
