// Disks that lose, fail and fill up, for tests of real hosts
// =============================================================================
//
// Chosen by the environment variable TROUPE_DISK, a list: `lossy` holds back what is not synced, so that kill -9 is a power loss; `faulty` does what
// the files of the folder `<data directory>.faults` say; `slow` makes every sync take 200 ms more; `small` makes segments of 256 KiB, so that they are
// changed, trimmed and snapshotted often. Without the variable nothing of this is in the way of the disk.

import type { Disk } from '../contract/disk.js';
import type { SystemEvent } from '../contract/events.js';
import { FaultFolder } from '../storage/fault-folder.js';
import { type DiskFaults, faultyDisk } from '../storage/faulty-disk.js';
import { lossyDisk } from '../storage/lossy-disk.js';
import { nodeDisk } from '../storage/node-disk.js';
import type { JournalLimits } from '../storage/write-ahead-journal.js';
import { HostError, hostExitCodes } from './exit-codes.js';

const words = ['lossy', 'slow', 'faulty', 'small'] as const;
type Word = (typeof words)[number];

/** What is wished for; empty for a disk as it is. */
export type TestDisk = ReadonlySet<Word>;

export const testDiskVariable = 'TROUPE_DISK';

const smallLimits: Partial<JournalLimits> = { segmentBytes: 256 * 1024, journalBytesMax: 2 * 1024 * 1024 };

/** @throws HostError refused */
export function testDiskOf(env: Readonly<Record<string, string | undefined>>): TestDisk {
  const text = env[testDiskVariable] ?? '';
  const found = new Set<Word>();
  for (const part of text.split(',').map((word) => word.trim())) {
    if (part === '') continue;
    const word = words.find((one) => one === part);
    if (word === undefined)
      throw new HostError(hostExitCodes.refused, `${testDiskVariable} takes ${words.join(', ')}, not ${part}`);
    found.add(word);
  }
  return found;
}

const alwaysSlow: DiskFaults = {
  isFull: () => false,
  isHanging: () => false,
  syncDelayMs: () => 200,
  takeSyncFailure: () => false,
  takeThreadDeath: () => false,
};

/** The disk of a host's data directory, and what its journals should be like. */
export function diskOf(
  directory: string,
  test: TestDisk,
): { readonly disk: Disk; readonly limits: Partial<JournalLimits> | undefined; readonly losesUnsynced: boolean } {
  const plain = nodeDisk(directory);
  if (test.size === 0) return { disk: plain, limits: undefined, losesUnsynced: false };
  const faults = FaultFolder.of(directory);
  const isFaulty = test.has('faulty');
  const isLossy = (): boolean => test.has('lossy') || (isFaulty && faults.isLossy());
  const losesUnsynced = test.has('lossy') || isFaulty;
  const lossy = losesUnsynced ? lossyDisk(plain, isLossy) : plain;
  const slow = test.has('slow') ? faultyDisk(lossy, alwaysSlow) : lossy;
  return {
    disk: isFaulty ? faultyDisk(slow, faults) : slow,
    limits: test.has('small') ? smallLimits : undefined,
    losesUnsynced,
  };
}

/** Said loudly at start. */
export function testDiskEvent(directory: string, test: TestDisk): SystemEvent | undefined {
  if (test.size === 0) return undefined;
  return {
    kind: 'test-disk-in-use',
    level: 'warn',
    disk: [...test].join(','),
    ...(test.has('faulty') ? { faults: FaultFolder.of(directory).path } : {}),
    reason: `${testDiskVariable} is set: this host's disk is for tests, and may lose or refuse data`,
  };
}
