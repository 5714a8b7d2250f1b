// Whose data directory this is (D16)
// =============================================================================
//
// Written once, when the directory is formatted. Opening one that belongs to another cluster or host is refused before anything in it
// is read, and names both.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isName, workerCountMax } from '../contract/address.js';
import { makeDirectoryDurably, writeFileDurably } from './node-disk.js';

export const identityFormat = 1;
const fileName = 'identity.json';

export interface DirectoryIdentity {
  /** Of the whole directory; a later one is refused. */
  readonly format: number;
  /** UUID of the cluster. */
  readonly clusterId: string;
  readonly host: string;
  /** Drawn when the directory was formatted: a host that lost its disk is told apart from the one it was (M8). */
  readonly diskId: string;
  /** Fixed for ever: a partition's journal lives with its worker. */
  readonly workers: number;
  /** For people: ISO 8601. */
  readonly createdAt: string;
}

export type IdentityProblem = 'DAMAGED' | 'NEWER_FORMAT' | 'OTHER_CLUSTER' | 'OTHER_HOST' | 'OTHER_WORKERS' | 'EXISTS';

/** The directory is not what it should be. `code` is stable; the message is for people. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityProblem;

  constructor(code: IdentityProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The identity of a directory, or undefined when it was never formatted. @throws IdentityError `DAMAGED`, `NEWER_FORMAT` */
export function readIdentity(root: string): DirectoryIdentity | undefined {
  const path = join(root, fileName);
  if (!existsSync(path)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new IdentityError('DAMAGED', `${path} cannot be read`, { cause });
  }
  if (typeof parsed !== 'object' || parsed === null) throw new IdentityError('DAMAGED', `${path} holds no identity`);
  const fields = parsed as Record<string, unknown>;
  const { format, clusterId, host, diskId, workers, createdAt } = fields;
  if (typeof format === 'number' && format > identityFormat)
    throw new IdentityError(
      'NEWER_FORMAT',
      `${root} was written by a newer version (format ${format}, known: ${identityFormat})`,
    );
  if (
    format !== identityFormat ||
    typeof clusterId !== 'string' ||
    clusterId === '' ||
    typeof host !== 'string' ||
    !isName(host) ||
    typeof diskId !== 'string' ||
    diskId === '' ||
    typeof workers !== 'number' ||
    !isWorkerCount(workers)
  )
    throw new IdentityError('DAMAGED', `${path} holds no identity`);
  return { format, clusterId, host, diskId, workers, createdAt: typeof createdAt === 'string' ? createdAt : '' };
}

/** Formats a directory, durably; creates it when it is missing. @throws IdentityError `EXISTS` when it has an identity already. */
export function writeIdentity(root: string, identity: Omit<DirectoryIdentity, 'format'>): DirectoryIdentity {
  if (!isName(identity.host)) throw new TypeError(`${identity.host} is no host name`);
  if (!isWorkerCount(identity.workers)) throw new TypeError(`a host has 1 to ${workerCountMax} workers`);
  if (readIdentity(root) !== undefined) throw new IdentityError('EXISTS', `${root} is formatted already`);
  const { clusterId, host, diskId, workers, createdAt } = identity;
  const whole: DirectoryIdentity = { format: identityFormat, clusterId, host, diskId, workers, createdAt };
  makeDirectoryDurably(root);
  writeFileDurably(join(root, fileName), new TextEncoder().encode(`${JSON.stringify(whole, undefined, 2)}\n`));
  return whole;
}

/** Holds what was found against what is asked for; what is not asked for may be anything. @throws IdentityError */
export function checkIdentity(
  root: string,
  found: DirectoryIdentity,
  expected: {
    readonly clusterId?: string | undefined;
    readonly host?: string | undefined;
    readonly workers?: number | undefined;
  },
): void {
  if (expected.clusterId !== undefined && found.clusterId !== expected.clusterId)
    throw new IdentityError(
      'OTHER_CLUSTER',
      `${root} belongs to cluster ${found.clusterId}, not to ${expected.clusterId}`,
    );
  if (expected.host !== undefined && found.host !== expected.host)
    throw new IdentityError('OTHER_HOST', `${root} belongs to host ${found.host}, not to ${expected.host}`);
  if (expected.workers !== undefined && found.workers !== expected.workers)
    throw new IdentityError(
      'OTHER_WORKERS',
      `${root} was formatted for ${found.workers} workers, not for ${expected.workers}; that cannot be changed`,
    );
}

function isWorkerCount(workers: number): boolean {
  return Number.isInteger(workers) && workers >= 1 && workers <= workerCountMax;
}
