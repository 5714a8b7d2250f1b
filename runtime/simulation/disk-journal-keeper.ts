// The production journal on simulated disks
// =============================================================================
//
// One disk a host, one journal a worker, opened as a real worker opens it. A thread's death keeps what it had written; a
// loss of power keeps what was synced, and a seeded choice of the rest.

import { type DiskError } from '../contract/disk.js';
import type { JournalListener, RecoveredStream } from '../contract/journal.js';
import type { Crc32 } from '../std/crc32.js';
import { type Random, seededRandom } from '../std/random.js';
import { diskIdOfGeneration } from '../storage/binding.js';
import { type OpenedJournal, openJournal } from '../storage/journal.js';
import { nativeCrc32 } from '../storage/native-crc.js';
import type { JournalLimits } from '../storage/write-ahead-journal.js';
import type { CrashStyle } from './disk-image.js';
import type { Scheduler } from './scheduler.js';
import { type DiskOptions, SimulatedDisk } from './simulated-disk.js';
import type { SimulatedHost } from './simulated-host.js';
import type { Trace } from './trace.js';
import { type JournalKeeper, type JournalSession, OtherDisk } from './world.js';

/** Reading a journal back takes this long, ms. */
const openMs = 10;

/** How often a journal that is short of space looks again, ms; as in the real world. */
const retrySpaceMs = 500;

/** Small, so that a few virtual seconds see rotation, trimming and pressure. */
export const simulatedJournalLimits: Partial<JournalLimits> = {
  segmentBytes: 64 * 1024,
  batchBytesMax: 256 * 1024,
  journalBytesMax: 512 * 1024,
};

export class DiskJournalKeeper implements JournalKeeper {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #options: Partial<DiskOptions>;
  readonly #limits: Partial<JournalLimits>;
  readonly #crc32: Crc32;
  readonly #disks = new Map<string, SimulatedDisk>();
  readonly #boots = new Map<string, number>();
  /** Of worker 0's journal, by host, as found when it was last opened. */
  readonly #generations = new Map<string, number>();
  /** Directories that had a journal: if there is none now, it was lost. */
  readonly #begun = new Set<string>();
  /** How often the disk of a host was replaced by an empty one. */
  readonly #wipes = new Map<string, number>();

  constructor(
    scheduler: Scheduler,
    random: Random,
    trace: Trace,
    options: Partial<DiskOptions> = {},
    limits: Partial<JournalLimits> = simulatedJournalLimits,
    crc32: Crc32 = nativeCrc32,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
    this.#options = options;
    this.#limits = limits;
    this.#crc32 = crc32;
  }

  disk(host: string): SimulatedDisk {
    let disk = this.#disks.get(host);
    if (disk === undefined) {
      disk = new SimulatedDisk(this.#scheduler, this.#random.split(host), this.#options);
      this.#disks.set(host, disk);
    }
    return disk;
  }

  diskOf(host: string): SimulatedDisk {
    return this.disk(host);
  }

  wipe(host: string): boolean {
    this.disk(host).image.restore({ files: new Map(), directories: [] });
    this.#generations.delete(host);
    this.#wipes.set(host, (this.#wipes.get(host) ?? 0) + 1);
    for (const directory of this.#begun) if (directory.startsWith(`${host}/`)) this.#begun.delete(directory);
    return true;
  }

  /** What the journals of a host are bound to: the identity that its disk was given when it was formatted (M8). */
  #boundTo(host: string): string {
    const wipes = this.#wipes.get(host) ?? 0;
    return wipes === 0 ? `disk-${host}` : `disk-${host}-wiped-${wipes}`;
  }

  diskId(host: string): string {
    return diskIdOfGeneration(this.#boundTo(host), this.#generations.get(host) ?? 1);
  }

  open(
    host: SimulatedHost,
    worker: number,
    _random: Random,
    listener: JournalListener,
    isVital: (stream: { readonly kind: string }) => boolean,
    done: (error: Error | undefined) => void,
  ): JournalSession {
    const disk = this.disk(host.name).session();
    let opened: OpenedJournal | undefined;
    let gone = false;
    let retrying = false;
    const retrySpace = (): void => {
      if (gone || !retrying) return;
      opened?.journal.retrySpace();
      this.#scheduler.call(retrySpaceMs, retrySpace);
    };
    this.#scheduler.call(openMs, () => {
      if (gone) return;
      try {
        opened = openJournal({
          disk,
          directory: `worker-${worker}`,
          binding: { clusterId: 'simulation', host: host.name, diskId: this.#boundTo(host.name) },
          mustExist: this.#begun.has(`${host.name}/${worker}`),
          isVital,
          bootId: `boot-${this.#boots.get(host.name) ?? 0}`,
          crc32: this.#crc32,
          listener: {
            durable: (lsnEnd) => listener.durable(lsnEnd),
            pressure: (stream) => listener.pressure(stream),
            fatal: (error) => listener.fatal(error),
            space: (level) => {
              const wasRetrying = retrying;
              retrying = level !== 'enough';
              if (retrying && !wasRetrying) this.#scheduler.call(retrySpaceMs, retrySpace);
              listener.space?.(level);
            },
          },
          limits: this.#limits,
        });
      } catch (error) {
        return done(error as DiskError);
      }
      const { summary, journal } = opened;
      this.#trace.record(
        this.#scheduler.nowMs,
        host.name,
        worker,
        '',
        'journal-opened',
        summary.end,
        summary.recordCount,
      );
      if (summary.reason !== undefined)
        this.#trace.record(this.#scheduler.nowMs, host.name, worker, '', 'journal-quarantined', summary.reason);
      journal.whenIdle(() => {
        if (gone) return;
        this.#begun.add(`${host.name}/${worker}`);
        const known = this.#generations.get(host.name) ?? 1;
        if (worker === 0) this.#generations.set(host.name, summary.generation);
        if (worker !== 0 || summary.generation === known) done(undefined);
        else done(new OtherDisk(summary.reason ?? 'the journal was begun again'));
      });
    });
    return {
      journal: () => opened?.journal,
      streams: (): readonly RecoveredStream[] => opened?.streams ?? [],
      close: (closed) => {
        if (opened === undefined) return closed();
        opened.journal.close(closed);
      },
      abandon: () => {
        gone = true;
        disk.revoke();
      },
    };
  }

  hostKilled(host: SimulatedHost, powerLost: boolean, style?: CrashStyle): void {
    if (!powerLost) return;
    this.disk(host.name).crash(style);
    this.#boots.set(host.name, (this.#boots.get(host.name) ?? 0) + 1);
  }

  slow(host: string, factor: number): void {
    this.disk(host).options.slowness = factor;
  }

  hang(host: string, durationMs: number): void {
    this.disk(host).hang(durationMs);
  }

  failNextSync(host: string): void {
    this.disk(host).failNext('sync');
  }

  failSyncs(host: string, fail: boolean): void {
    this.disk(host).options.syncErrorProbability = fail ? 1 : 0;
  }

  heal(host: string): void {
    this.disk(host).heal();
  }

  rot(host: string, seed: number): void {
    const disk = this.disk(host);
    const random = seededRandom(seed);
    const paths = disk.image.paths().filter((path) => (disk.image.find(path)?.liveSize ?? 0) > 0);
    if (paths.length > 0) disk.rot(random.pick(paths), random);
  }
}
