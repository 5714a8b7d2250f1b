// A worker's journal as production opens it, for a bench
// =============================================================================
//
// When it grows beyond its bound it asks for a snapshot and gets one, so that it is trimmed and a bench may append for ever: rotation, switching and trimming
// have their share in what a record costs, as in production.

import type { Disk } from '../../../runtime/contract/disk.js';
import type { JournalListener } from '../../../runtime/contract/journal.js';
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

/** Begins when its disk has done what it asked for. `pressure`: who owns the stream writes a snapshot; absent: an empty one is written here. */
export function openBenchJournal(
  disk: Disk,
  limits: Partial<JournalLimits>,
  listener: Pick<JournalListener, 'durable'> & Partial<Pick<JournalListener, 'pressure'>>,
): WriteAheadJournal {
  let isSwitching = false;
  const writeEmptySnapshot = (stream: string): void => {
    if (isSwitching) return;
    isSwitching = true;
    journal.beginSnapshot(stream, journal.nextLsn, emptyBytes).commit(() => {
      isSwitching = false;
    });
  };
  const { journal } = openJournal({
    disk,
    directory: 'w0',
    binding: { clusterId: 'bench', host: 'h1', diskId: 'd' },
    bootId: 'boot',
    crc32: nativeCrc32,
    sha256: nativeSha256,
    limits,
    listener: {
      durable: (lsnEnd) => listener.durable(lsnEnd),
      pressure: (stream) => (listener.pressure ?? writeEmptySnapshot)(stream),
      fatal: (error) => {
        throw error;
      },
    },
  });
  return journal;
}
