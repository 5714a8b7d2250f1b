// Opening the journal of a worker in the real world
// =============================================================================
//
// On node:fs below the host's directory, or in memory when there is none.

import { randomBytes } from 'node:crypto';
import { compress } from 'snappy';

import { DiskError } from '../contract/disk.js';
import type { JournalListener } from '../contract/journal.js';
import { openJournal } from '../storage/journal.js';
import { memoryDisk } from '../storage/memory-disk.js';
import { nativeCrc32 } from '../storage/native-crc.js';
import { nativeSha256 } from '../storage/native-sha.js';
import { nodeDisk } from '../storage/node-disk.js';
import { machineBootId } from '../storage/process-identity.js';
import { snappyChunks } from '../storage/snappy-chunks.js';
import type { JournalLimits } from '../storage/write-ahead-journal.js';
import type { Place } from './composition.js';
import { HostError, hostExitCodes } from './exit-codes.js';
import { workerDirectory } from './host-directory.js';
import type { OpenedJournal } from './world.js';

export interface WorkerJournalOptions {
  readonly clusterId: string;
  readonly place: Place;
  /** The host's data directory; undefined keeps the journal in memory. */
  readonly directory: string | undefined;
  readonly listener: JournalListener;
  /** Compresses in the host's pool, or answers undefined when that has no room. Undefined where there is no pool. */
  readonly compress: ((bytes: Uint8Array) => Promise<Uint8Array | undefined>) | undefined;
}

/** A journal in memory pays for its segments at once. */
const memoryLimits: Partial<JournalLimits> = { segmentBytes: 2 * 1024 * 1024, journalBytesMax: 64 * 1024 * 1024 };

const levels = { fresh: 'info', clean: 'info', torn: 'warn', corrupt: 'error' } as const;

/** Resolves when everything that was found is durable and may be replayed. @throws HostError */
export async function openWorkerJournal(options: WorkerJournalOptions): Promise<OpenedJournal> {
  const { clusterId, place, directory, listener } = options;
  let failed: (error: Error) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    failed = (error) => reject(new HostError(hostExitCodes.storageFailed, `${whose(place)}: ${error.message}`));
  });
  failure.catch(() => undefined); // Once it is open, the listener alone hears of failures.
  try {
    const { journal, streams, summary } = openJournal({
      disk: directory === undefined ? memoryDisk(queueMicrotask) : nodeDisk(directory),
      directory: workerDirectory(place.worker),
      binding: { clusterId, host: place.host, diskId: place.diskId },
      bootId: bootId(),
      crc32: nativeCrc32,
      sha256: nativeSha256,
      codec: snappyChunks(async (chunk) => (await options.compress?.(chunk)) ?? compress(chunk)),
      listener: {
        durable: (lsnEnd) => listener.durable(lsnEnd),
        pressure: (stream) => listener.pressure(stream),
        fatal: (error) => {
          failed(error);
          listener.fatal(error);
        },
      },
      ...(directory === undefined ? { limits: memoryLimits } : {}),
    });
    await Promise.race([new Promise<void>((resolve) => journal.whenIdle(resolve)), failure]);
    return { journal, streams, found: { kind: 'journal-opened', level: levels[summary.end], ...summary } };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    const exitCode = error.code === 'EIO' ? hostExitCodes.storageFailed : hostExitCodes.refused;
    throw new HostError(exitCode, `${whose(place)}: ${error.message}`, { cause: error });
  }
}

function whose(place: Place): string {
  return `the journal of worker ${place.worker} cannot be opened`;
}

/** Where nobody names the boot, every start counts as after a reboot: the careful answer. */
function bootId(): string {
  return machineBootId() || randomBytes(16).toString('hex');
}
