// One process at a time writes into a data directory (D16)
// =============================================================================
//
// Node has no flock, so the lock is a file that says whose it is, and it holds as long as that process runs. A process that was
// killed leaves its file; whoever comes next sees that its owner ended and puts a file with the next number behind it.
//
//   lock-<n>   { pid, startTime, machine, bootId, pidNamespace, released }
//
// Invariants
//   H1. The highest number is the lock. It is never removed, only followed, so a slow process cannot take a number that was given up.
//   H2. A lock file appears whole or not at all: it is written under another name and linked, which fails if the name is taken.
//   H3. After taking a number the directory is read again: a higher one that appeared meanwhile wins.
//
// We differ from a lock file with a pid: pids are reused, and "remove the stale file, create mine" lets two processes in.

import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectoryDurably } from './node-disk.js';
import { type ProcessIdentity, stateOf, thisProcess } from './process-identity.js';

/** The directory is in use, or may be. */
export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError';
  readonly pid: number;

  constructor(message: string, pid: number) {
    super(message);
    this.pid = pid;
  }
}

export interface DirectoryLock {
  /** Gives it up. Not needed before the process ends. */
  release(): void;
}

interface LockFile extends ProcessIdentity {
  readonly released: boolean;
}

const attemptsMax = 100;

/** Creates the directory when it is missing. @throws DirectoryLockedError; also when this very process holds it already. */
export function lockDirectory(root: string, here: ProcessIdentity = thisProcess()): DirectoryLock {
  makeDirectoryDurably(root);
  const temporary = join(root, `lock.${here.pid}.${process.hrtime.bigint()}.tmp`);
  write(temporary, { ...here, released: false });
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const highest = highestNumber(root);
      if (highest > 0) refuseIfHeld(root, highest, here);
      const mine = highest + 1;
      if (!tryLink(temporary, lockPath(root, mine))) continue; // somebody was faster: look again
      if (highestNumber(root) > mine) {
        rmSync(lockPath(root, mine), { force: true }); // H3
        continue;
      }
      for (const number of numbers(root)) if (number < mine) rmSync(lockPath(root, number), { force: true });
      return { release: () => release(root, mine, here) };
    }
  } finally {
    rmSync(temporary, { force: true });
  }
  throw new DirectoryLockedError(`${root} is being taken by other processes all the time`, 0);
}

function refuseIfHeld(root: string, number: number, here: ProcessIdentity): void {
  const holder = read(lockPath(root, number));
  if (holder === undefined || holder.released) return;
  switch (stateOf(holder, here)) {
    case 'ended':
      return;
    case 'running':
      throw new DirectoryLockedError(
        holder.pid === here.pid
          ? `${root} is in use by this process already`
          : `${root} is in use by process ${holder.pid}`,
        holder.pid,
      );
    case 'unknown':
      throw new DirectoryLockedError(
        `${root} was last used by process ${holder.pid} of machine ${holder.machine}, which cannot be seen from here; ` +
          `when that one surely ended, remove ${lockPath(root, number)}`,
        holder.pid,
      );
  }
}

/** Marks the lock as given up; its number stays (H1). */
function release(root: string, number: number, here: ProcessIdentity): void {
  const temporary = join(root, `lock.${here.pid}.${process.hrtime.bigint()}.tmp`);
  write(temporary, { ...here, released: true });
  renameSync(temporary, lockPath(root, number));
}

function lockPath(root: string, number: number): string {
  return join(root, `lock-${number}`);
}

function numbers(root: string): number[] {
  return readdirSync(root)
    .map((name) => /^lock-(\d{1,15})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
}

function highestNumber(root: string): number {
  return Math.max(0, ...numbers(root));
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to); // H2
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function write(path: string, file: LockFile): void {
  writeFileSync(path, `${JSON.stringify(file)}\n`);
}

/** Undefined when the file makes no sense or is gone: it cannot be a lock that `lockDirectory` linked and that survived. */
function read(path: string): LockFile | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { pid, startTime, machine, bootId, pidNamespace, released } = parsed as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return {
    pid,
    startTime: textOf(startTime),
    machine: textOf(machine),
    bootId: textOf(bootId),
    pidNamespace: textOf(pidNamespace),
    released: released === true,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
