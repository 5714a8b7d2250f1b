// Model journals for every worker of a cluster
// =============================================================================

import type { JournalListener } from '../contract/journal.js';
import type { Random } from '../std/random.js';
import { type ModelDisk, ModelJournal, ModelJournalStore } from './model-journal.js';
import type { Scheduler } from './scheduler.js';
import type { SimulatedHost } from './simulated-host.js';
import type { JournalKeeper, JournalSession } from './world.js';

/** Reading a journal back takes this long, ms. */
const openMs = 10;

export class ModelJournalKeeper implements JournalKeeper {
  readonly #scheduler: Scheduler;
  readonly #stores = new Map<string, ModelJournalStore>();
  readonly #disks = new Map<string, ModelDisk>();
  readonly #syncMeanMs: number;

  /** @param syncMeanMs a flush takes an exponential time of this mean. */
  constructor(scheduler: Scheduler, syncMeanMs = 0.5) {
    this.#scheduler = scheduler;
    this.#syncMeanMs = syncMeanMs;
  }

  /** What is durable there. */
  store(host: string, worker: number): ModelJournalStore {
    const key = `${host}/${worker}`;
    let store = this.#stores.get(key);
    if (store === undefined) {
      store = new ModelJournalStore();
      this.#stores.set(key, store);
    }
    return store;
  }

  #disk(host: string): ModelDisk {
    let disk = this.#disks.get(host);
    if (disk === undefined) {
      disk = {
        syncMeanMs: this.#syncMeanMs,
        slowness: 1,
        hungUntilMs: 0,
        failNextSync: false,
        failSyncs: false,
        parked: [],
      };
      this.#disks.set(host, disk);
    }
    return disk;
  }

  open(
    host: SimulatedHost,
    worker: number,
    random: Random,
    listener: JournalListener,
    _isVital: (stream: { readonly kind: string }) => boolean,
    done: (error: Error | undefined) => void,
  ): JournalSession {
    let journal: ModelJournal | undefined;
    let gone = false;
    this.#scheduler.call(openMs, () => {
      if (gone) return;
      journal = new ModelJournal(
        this.store(host.name, worker),
        this.#scheduler,
        random.split('journal'),
        listener,
        this.#disk(host.name),
      );
      done(undefined);
    });
    return {
      journal: () => journal,
      streams: () => journal?.recoveredStreams() ?? [],
      close: (closed) => {
        if (journal === undefined) return closed();
        journal.close(closed);
      },
      abandon: () => {
        gone = true;
        journal?.abandon();
      },
    };
  }

  /** Always the same: a model loses nothing. */
  diskId(host: string): string {
    return `disk-${host}`;
  }

  hostKilled(host: SimulatedHost, powerLost: boolean): void {
    if (!powerLost) return;
    for (const { number } of host.workers) this.store(host.name, number).sameBoot = false;
  }

  slow(host: string, factor: number): void {
    this.#disk(host).slowness = factor;
  }

  hang(host: string, durationMs: number): void {
    const disk = this.#disk(host);
    disk.hungUntilMs = this.#scheduler.nowMs + durationMs;
    const go = (): void => {
      if (this.#scheduler.nowMs >= disk.hungUntilMs) for (const parked of disk.parked.splice(0)) parked();
    };
    if (durationMs > 0) this.#scheduler.callFirst(disk.hungUntilMs, go);
    else go();
  }

  failNextSync(host: string): void {
    this.#disk(host).failNextSync = true;
  }

  failSyncs(host: string, fail: boolean): void {
    this.#disk(host).failSyncs = fail;
  }

  heal(host: string): void {
    const disk = this.#disk(host);
    disk.slowness = 1;
    disk.failNextSync = false;
    disk.failSyncs = false;
    this.hang(host, 0);
  }

  diskOf(): undefined {
    return undefined;
  }

  /** There is no disk to wipe. */
  wipe(): boolean {
    return false;
  }

  /** A model does not rot. */
  rot(): void {
    return;
  }
}
