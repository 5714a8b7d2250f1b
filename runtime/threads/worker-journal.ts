// Opening the journal of a worker in the real world
// =============================================================================
//
// On node:fs below the host's directory, or in memory when there is none. A damaged journal is begun again and what it held comes from other
// hosts; where there are none, it is refused and nothing is touched (D9).

import { randomBytes } from 'node:crypto';
import { compress } from 'snappy';

import { DiskError } from '../contract/disk.js';
import type { JournalListener } from '../contract/journal.js';
import { diskIdOfGeneration } from '../storage/binding.js';
import { JournalDamagedError, type JournalSummary, openJournal } from '../storage/journal.js';
import { memoryDisk } from '../storage/memory-disk.js';
import { nativeCrc32 } from '../storage/native-crc.js';
import { nativeSha256 } from '../storage/native-sha.js';
import { machineBootId } from '../storage/process-identity.js';
import { snappyChunks } from '../storage/snappy-chunks.js';
import type { JournalLimits } from '../storage/write-ahead-journal.js';
import type { Composition, Place } from './composition.js';
import { HostError, hostExitCodes, OtherDiskError } from './exit-codes.js';
import { workerDirectory } from './host-directory.js';
import { diskOf, testDiskOf } from './test-disk.js';
import type { OpenedJournal } from './world.js';

export interface WorkerJournalOptions {
  readonly clusterId: string;
  readonly place: Place;
  /** The host's data directory; undefined keeps the journal in memory. */
  readonly directory: string | undefined;
  /** What the journals of that directory are bound to. */
  readonly boundTo: string;
  /** There has been a journal: if there is none now, it was lost. */
  readonly begun: boolean;
  readonly composition: Pick<Composition, 'alone' | 'definitions' | 'wrapDisk'>;
  readonly listener: JournalListener;
  /** Compresses in the host's pool, or answers undefined when that has no room. Undefined where there is no pool. */
  readonly compress: ((bytes: Uint8Array) => Promise<Uint8Array | undefined>) | undefined;
}

/** A journal in memory pays for its segments at once. */
const memoryLimits: Partial<JournalLimits> = { segmentBytes: 2 * 1024 * 1024, journalBytesMax: 64 * 1024 * 1024 };

const levels = { fresh: 'info', clean: 'info', torn: 'warn', corrupt: 'error' } as const;

/** How often what waits for space is tried again; a try on a full disk costs a few system calls. */
const retrySpaceMs = 1000;

/** Resolves when everything that was found is durable and may be replayed. @throws HostError */
export async function openWorkerJournal(options: WorkerJournalOptions): Promise<OpenedJournal> {
  const { clusterId, place, directory, boundTo, composition, listener } = options;
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    failed = (error) => reject(new HostError(hostExitCodes.storageFailed, `${whose(place)}: ${error.message}`));
  });
  failure.catch(() => undefined); // Once it is open, the listener alone hears of failures.
  try {
    const { disk, limits, losesUnsynced } =
      directory === undefined
        ? { disk: memoryDisk(queueMicrotask), limits: memoryLimits, losesUnsynced: false }
        : diskOf(directory, testDiskOf(process.env));
    const { journal, streams, summary } = openJournal({
      disk: composition.wrapDisk?.(disk, place) ?? disk,
      directory: workerDirectory(place.worker),
      binding: { clusterId, host: place.host, diskId: boundTo },
      bootId: losesUnsynced ? unknownBoot() : machineBootId() || unknownBoot(),
      crc32: nativeCrc32,
      sha256: nativeSha256,
      codec: snappyChunks(async (chunk) => (await options.compress?.(chunk)) ?? compress(chunk)),
      mustExist: options.begun,
      refuseDamage: composition.alone === true,
      isVital: ({ kind }) => composition.definitions.get(kind)?.vital === true,
      listener: {
        durable: (lsnEnd) => listener.durable(lsnEnd),
        pressure: (stream) => listener.pressure(stream),
        space: (level) => listener.space?.(level),
        fatal: (error) => {
          failed(error);
          listener.fatal(error);
        },
      },
      ...(limits === undefined ? {} : { limits }),
    });
    const retrying = setInterval(() => {
      if (journal.isOpen) journal.retrySpace();
      else clearInterval(retrying);
    }, retrySpaceMs);
    retrying.unref();
    const idle = new Promise<void>((resolve) => journal.whenIdle(resolve));
    await Promise.race([idle, failure]);
    const diskId = diskIdOfGeneration(boundTo, summary.generation);
    const found = { kind: 'journal-opened', level: levels[summary.end], ...summary } as const;
    const abandon = (done: () => void): void => journal.abandon(done);
    if (place.worker !== 0 || diskId === place.diskId) return { journal, streams, found, abandon };
    await Promise.race([new Promise<void>(abandon), failure]);
    throw new OtherDiskError(diskId, damageOf(summary, place));
  } catch (error) {
    if (error instanceof JournalDamagedError) throw new HostError(hostExitCodes.refused, refusalOf(error, place));
    if (!(error instanceof DiskError)) throw error;
    const exitCode = error.code === 'EIO' ? hostExitCodes.storageFailed : hostExitCodes.refused;
    throw new HostError(exitCode, `${whose(place)}: ${error.message}`, { cause: error });
  }
}

function damageOf({ reason, quarantined }: JournalSummary, place: Place): string {
  const kept = quarantined === undefined ? '' : ` (kept in ${quarantined})`;
  return `the journal of worker ${place.worker} was lost${reason === undefined ? '' : `: ${reason}`}${kept}`;
}

function refusalOf(error: JournalDamagedError, place: Place): string {
  return `${whose(place)}: it is damaged and nobody else has what is in it; restore the directory from a copy, or move it away to begin empty. ${error.message}`;
}

function whose(place: Place): string {
  return `the journal of worker ${place.worker} cannot be opened`;
}

/** Where nobody names the boot, every start counts as after a reboot: the careful answer. */
function unknownBoot(): string {
  return randomBytes(16).toString('hex');
}
