// A journal on a crash disk, and what its listener was told
// =============================================================================

import type { Disk } from '../../runtime/contract/disk.js';
import type { RecoveredStream, RecoveryReport } from '../../runtime/contract/journal.js';
import { crc32 } from '../../runtime/std/crc32.js';
import { type JournalOptions, type JournalSummary, openJournal } from '../../runtime/storage/journal.js';
import type { WriteAheadJournal } from '../../runtime/storage/write-ahead-journal.js';
import type { CrashDisk } from './crash-disk.js';

/** A disk whose operations wait until they are carried out. */
export interface SteppedDisk extends Disk {
  step(): boolean;
  run(): void;
}

export interface OpenTestJournal<D extends SteppedDisk = CrashDisk> {
  readonly disk: D;
  readonly journal: WriteAheadJournal;
  readonly streams: readonly RecoveredStream[];
  readonly summary: JournalSummary;
  readonly told: string[];
  durable: number;
}

export const binding = { clusterId: 'c', host: 'h', diskId: 'd' };

/** Opens; the disk is run until the journal has begun unless `settle` is false. */
export function openOn<D extends SteppedDisk>(
  disk: D,
  options: Partial<JournalOptions> = {},
  settle = true,
): OpenTestJournal<D> {
  const told: string[] = [];
  const open: { durable: number } = { durable: 0 };
  const opened = openJournal({
    disk,
    directory: 'w0',
    binding,
    bootId: 'boot',
    crc32,
    limits: { segmentBytes: 4096 },
    ...options,
    listener: {
      durable: (lsnEnd) => {
        open.durable = lsnEnd;
      },
      pressure: (stream) => told.push(`pressure ${stream}`),
      space: (level) => told.push(level),
      fatal: (error) => told.push(`fatal ${error.message}`),
      ...options.listener,
    },
  });
  if (settle) disk.run();
  return Object.assign(open, { disk, told, ...opened });
}

export interface Replayed {
  readonly report: RecoveryReport;
  readonly snapshot: string | undefined;
  readonly records: readonly string[];
}

/** A stream's snapshot and records as text. */
export function replayText(journal: WriteAheadJournal, stream: string): Replayed {
  const records: string[] = [];
  let snapshot: string | undefined;
  const decoder = new TextDecoder();
  const report = journal.replay(stream, {
    snapshot: (meta) => {
      snapshot = decoder.decode(meta);
    },
    snapshotChunk: (chunk) => {
      snapshot += `|${decoder.decode(chunk)}`;
    },
    record: ({ lsn, payload }) => records.push(`${lsn} ${decoder.decode(payload)}`),
  });
  return { report, snapshot, records };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Writes a whole snapshot; runs the disk until it is durable. */
export function snapshotNow(
  open: { readonly journal: WriteAheadJournal; readonly disk: SteppedDisk },
  stream: string,
  replayFromLsn: number,
  meta: string,
  chunks: readonly string[],
  replaces = false,
): boolean {
  const writer = open.journal.beginSnapshot(stream, replayFromLsn, text(meta), replaces);
  let isDurable = false;
  for (const chunk of chunks) {
    writer.append(text(chunk), () => undefined);
    open.disk.run();
  }
  writer.commit(() => {
    isDurable = true;
  });
  open.disk.run();
  return isDurable;
}
