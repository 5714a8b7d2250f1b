// A worker's journal as production opens it, for a bench
// =============================================================================
//
// When it grows beyond its bound it asks for a snapshot and gets an empty one, so that it is trimmed and a bench may append for ever: rotation,
// switching and trimming have their share in what a record costs, as in production.

import type { Disk } from '../../../runtime/contract/disk.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { openJournal } from '../../../runtime/storage/journal.js';
import { nativeCrc32 } from '../../../runtime/storage/native-crc.js';
import { nativeSha256 } from '../../../runtime/storage/native-sha.js';
import type { JournalLimits, WriteAheadJournal } from '../../../runtime/storage/write-ahead-journal.js';

export const benchStream = 'partition-3';

/** As of a worker that keeps its journal in memory. */
export const memoryJournalLimits: Partial<JournalLimits> = {
  segmentBytes: 2 * 1024 * 1024,
  journalBytesMax: 16 * 1024 * 1024,
};

/** @param durable is called with the end of what is on disk. */
export function openBenchJournal(
  disk: Disk,
  limits: Partial<JournalLimits>,
  durable: (lsnEnd: number) => void,
): WriteAheadJournal {
  let isSwitching = false;
  const { journal } = openJournal({
    disk,
    directory: 'w0',
    binding: { clusterId: 'bench', host: 'h1', diskId: 'd' },
    bootId: 'boot',
    crc32: nativeCrc32,
    sha256: nativeSha256,
    limits,
    listener: {
      durable,
      pressure: (stream) => {
        if (isSwitching) return;
        isSwitching = true;
        journal.beginSnapshot(stream, journal.nextLsn, emptyBytes).commit(() => {
          isSwitching = false;
        });
      },
      fatal: (error) => {
        throw error;
      },
    },
  });
  return journal;
}
