// The data directory of a host: whose it is, and that nobody else uses it (D16)
// =============================================================================
//
// Held from before anything is read until everything is closed. One that was never used is formatted for this host. `begun` in it says that the
// journals of all workers have been there: one that is missing later was lost.

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { lockDirectory } from '../storage/directory-lock.js';
import { checkIdentity, readIdentity, writeIdentity } from '../storage/identity.js';
import { diskIdOfGeneration } from '../storage/binding.js';
import { currentGeneration } from '../storage/journal.js';
import { nodeDisk, writeFileDurably } from '../storage/node-disk.js';
import { HostError, hostExitCodes } from './exit-codes.js';

export interface HostDirectoryOptions {
  readonly clusterId: string;
  readonly name: string;
  readonly workers: number;
  readonly directory?: string;
}

export interface HostDirectory {
  /** What journals are bound to: drawn when the directory was formatted; memory is a new disk each time. */
  readonly boundTo: string;
  /** Who this disk is to other hosts, as far as can be seen before worker 0's journal was read. */
  readonly diskId: string;
  /** The journals of all workers have been there. */
  readonly begun: boolean;
  /** All workers have their journals. */
  markBegun(): void;
  /** Harmless when repeated. */
  release(): void;
}

/** Where the journal of a worker is, below the host's directory. */
export function workerDirectory(worker: number): string {
  return `worker-${worker}`;
}

/** @throws HostError `refused`: in use, not ours, damaged, or no directory. */
export function openHostDirectory(options: HostDirectoryOptions): HostDirectory {
  const { clusterId, directory, name: host, workers } = options;
  if (directory === undefined) {
    const diskId = newDiskId();
    return { boundTo: diskId, diskId, begun: false, markBegun: () => undefined, release: () => undefined };
  }
  const lock = refusing(() => lockDirectory(directory));
  let isHeld = true;
  const release = (): void => {
    if (isHeld) lock.release();
    isHeld = false;
  };
  try {
    const found = refusing(() => readIdentity(directory));
    if (found === undefined) {
      refuseUnnamedData(directory);
      const identity = { clusterId, host, diskId: newDiskId(), workers, createdAt: new Date().toISOString() };
      return held(directory, refusing(() => writeIdentity(directory, identity)).diskId, release);
    }
    refusing(() => checkIdentity(directory, found, { clusterId, host, workers }));
    return held(directory, found.diskId, release);
  } catch (error) {
    release();
    throw error;
  }
}

function held(directory: string, boundTo: string, release: () => void): HostDirectory {
  const marker = join(directory, 'begun');
  const begun = existsSync(marker);
  const generation = refusing(() => currentGeneration(nodeDisk(directory), workerDirectory(0)));
  return {
    boundTo,
    diskId: diskIdOfGeneration(boundTo, generation),
    begun,
    markBegun: () => {
      if (!begun) refusing(() => writeFileDurably(marker, new Uint8Array(0)));
    },
    release,
  };
}

/** Whoever formatted it would be given the data of somebody unknown, and find all of it damaged. */
function refuseUnnamedData(directory: string): void {
  const names = refusing(() => readdirSync(directory));
  if (names.includes(workerDirectory(0)))
    throw new HostError(
      hostExitCodes.refused,
      `${directory} holds data and nothing says whose: identity.json is missing`,
    );
}

function newDiskId(): string {
  return randomBytes(8).toString('hex');
}

function refusing<Result>(use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new HostError(hostExitCodes.refused, message, { cause: error });
  }
}
