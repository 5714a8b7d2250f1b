// The journal: staging records, one write and one sync for all of them
// =============================================================================
//
// A record is a batch of one put as a leader journals it, 300 bytes. In memory: from `append` to "durable", every callback included, no disk. On disk: the same
// in a folder of the system's temporary one (TMPDIR chooses another), with fdatasync; what waits there is the disk, so it is not judged.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatchRecord, recordBatch } from '../../../../actors/partition/record.js';
import { encodeBatch } from '../../../../messaging/protocol/log-batch.js';
import { emptyBytes } from '../../../../runtime/std/bytes.js';
import { nodeDisk } from '../../../../runtime/storage/node-disk.js';
import type { WriteAheadJournal } from '../../../../runtime/storage/write-ahead-journal.js';
import { benchStream, memoryJournalLimits, openBenchJournal } from '../bench-journal.js';
import { cpuBench, type MicroBench, type Prepared } from '../micro-bench.js';
import { batchSizes, counted, writesBatch } from '../samples.js';
import { steppedDisk } from '../stepped-disk.js';

const recordsEach = 1024;

function batchRecord(): Uint8Array {
  return encodeBatchRecord(5_000_000, encodeBatch(writesBatch(1)));
}

function appendAll(journal: WriteAheadJournal, payload: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) journal.append(benchStream, recordBatch, payload);
  journal.flush();
}

/** What was appended last is what is read back, and nothing else. REQUIRES an idle journal. */
function checkReplay(journal: WriteAheadJournal, payload: Uint8Array, count: number): void {
  const found: Uint8Array[] = [];
  journal.replay(benchStream, {
    snapshot: () => undefined,
    snapshotChunk: () => undefined,
    record: (record) => found.push(record.payload),
  });
  assert.equal(found.length, count);
  for (const one of found) assert.deepEqual(one, payload);
}

const inMemory = batchSizes.map((count) =>
  cpuBench(`journal append and flush in memory, ${counted(count, 'record')}`, recordsEach, () => {
    const { disk, settle } = steppedDisk();
    const payload = batchRecord();
    let durableEnd = 0;
    const journal = openBenchJournal(disk, memoryJournalLimits, {
      durable: (lsnEnd) => {
        durableEnd = lsnEnd;
      },
    });
    settle();
    journal.openStream(benchStream, 'partition', emptyBytes);
    return {
      check: () => {
        appendAll(journal, payload, count);
        settle();
        assert.equal(durableEnd, journal.nextLsn);
        checkReplay(journal, payload, count);
      },
      run: () => {
        for (let i = 0; i < recordsEach; i += count) {
          appendAll(journal, payload, count);
          settle();
        }
        assert.equal(durableEnd, journal.nextLsn, 'all of it is durable');
        return durableEnd;
      },
      close: () => {
        journal.close(() => undefined);
        settle();
      },
    };
  }),
);

async function onDisk(count: number): Promise<Prepared> {
  const root = mkdtempSync(join(tmpdir(), 'troupe-micro-'));
  const payload = batchRecord();
  let wake = (): void => undefined;
  const journal = openBenchJournal(nodeDisk(root), { journalBytesMax: 64 * 1024 * 1024 }, { durable: () => wake() });
  await new Promise<void>((resolve) => journal.whenIdle(resolve));
  journal.openStream(benchStream, 'partition', emptyBytes);
  const append = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      appendAll(journal, payload, count);
    });
  return {
    check: async () => {
      await append();
      await new Promise<void>((resolve) => journal.whenIdle(resolve));
      checkReplay(journal, payload, count);
    },
    run: async () => {
      await append();
      assert.equal(journal.durableLsn, journal.nextLsn, 'all of it is durable');
      return journal.durableLsn;
    },
    close: async () => {
      await new Promise<void>((resolve) => journal.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export const journalBenches: readonly MicroBench[] = [
  ...inMemory,
  ...batchSizes.map(
    (count): MicroBench => ({
      name: `journal append and flush on disk, ${counted(count, 'record')}`,
      operations: count,
      kind: 'disk',
      prepare: () => onDisk(count),
    }),
  ),
];
