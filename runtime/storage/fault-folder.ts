// What is wrong with the disk of a running process, said by files in a folder
// =============================================================================
//
// For tests of real processes: whoever makes trouble writes an empty file, the process looks whether it is there. Nothing has to be sent, nothing is
// lost when a process is started again, and `ls` shows what is wrong.
//
//   lossy      un-synced writes are held back (lossy-disk.ts)
//   full       no new blocks
//   hang       nothing comes back
//   slow       every sync takes so many milliseconds more: the file's content
//   fail-sync  one sync fails; whoever removes the file is the one
//   end-thread one thread throws at its next sync, and ends; likewise

import { existsSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskFaults } from './faulty-disk.js';

export const diskFaultNames = ['lossy', 'full', 'hang', 'slow', 'fail-sync', 'end-thread'] as const;
export type DiskFaultName = (typeof diskFaultNames)[number];

export class FaultFolder implements DiskFaults {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Beside a host's data directory, so that it is no part of it. */
  static of(directory: string): FaultFolder {
    return new FaultFolder(`${directory}.faults`);
  }

  // --- whoever makes trouble ----------------------------------------------------------------------------------------

  /** @param text `slow`: milliseconds */
  set(fault: DiskFaultName, text = ''): void {
    mkdirSync(this.path, { recursive: true });
    writeFileSync(join(this.path, fault), text);
  }

  has(fault: DiskFaultName): boolean {
    return existsSync(join(this.path, fault));
  }

  clear(fault?: DiskFaultName): void {
    rmSync(fault === undefined ? this.path : join(this.path, fault), { recursive: true, force: true });
  }

  // --- the process that has it --------------------------------------------------------------------------------------

  isLossy(): boolean {
    return this.has('lossy');
  }

  isFull(): boolean {
    return this.has('full');
  }

  isHanging(): boolean {
    return this.has('hang');
  }

  syncDelayMs(): number {
    if (!this.has('slow')) return 0;
    try {
      return Number(readFileSync(join(this.path, 'slow'), 'utf8')) || 0;
    } catch {
      return 0; // it was taken away meanwhile
    }
  }

  takeSyncFailure(): boolean {
    return this.#take('fail-sync');
  }

  takeThreadDeath(): boolean {
    return this.#take('end-thread');
  }

  #take(fault: DiskFaultName): boolean {
    if (!this.has(fault)) return false;
    try {
      unlinkSync(join(this.path, fault));
      return true;
    } catch {
      return false; // another worker was faster: it is theirs
    }
  }
}
