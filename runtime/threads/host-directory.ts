// The data directory of a host: whose it is, and that nobody else uses it (D16)
// =============================================================================
//
// Held from before anything is read until everything is closed. One that was never used is formatted for this host.

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';

import { lockDirectory } from '../storage/directory-lock.js';
import { checkIdentity, readIdentity, writeIdentity } from '../storage/identity.js';
import { HostError, hostExitCodes } from './exit-codes.js';

export interface HostDirectoryOptions {
  readonly clusterId: string;
  readonly name: string;
  readonly workers: number;
  readonly directory?: string;
}

export interface HostDirectory {
  /** Drawn when the directory was formatted; memory is a new disk each time. */
  readonly diskId: string;
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
  if (directory === undefined) return { diskId: newDiskId(), release: () => undefined };
  const lock = refusing(() => lockDirectory(directory));
  let held = true;
  const release = (): void => {
    if (held) lock.release();
    held = false;
  };
  try {
    const found = refusing(() => readIdentity(directory));
    if (found === undefined) {
      refuseUnnamedData(directory);
      const identity = { clusterId, host, diskId: newDiskId(), workers, createdAt: new Date().toISOString() };
      return { diskId: refusing(() => writeIdentity(directory, identity)).diskId, release };
    }
    refusing(() => checkIdentity(directory, found, { clusterId, host, workers }));
    return { diskId: found.diskId, release };
  } catch (error) {
    release();
    throw error;
  }
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
