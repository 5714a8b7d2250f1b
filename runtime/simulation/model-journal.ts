// A journal without files: the contract's meaning in one page
// =============================================================================
//
// What is durable lives in a `ModelJournalStore`, which outlives workers and hosts; what was appended since is in the
// journal object and dies with it. Flushes take virtual time. For tests that need no disk faults, and as the model
// that the production journal is compared with.
//
// Owns:     the same order, durability and recovery as the contract promises; a crash keeps a seeded part of what was under way.
// Does not: trim, compress, checksum or tear: for those the production journal runs on the simulated disk.
//
// Invariants
//   Y1. What `durable` was called for is in the store, whole and in order, whatever crashes.
//   Y2. After `abandon` nothing is called back and nothing reaches the store.
//   Y3. The switch to a snapshot is written like a record, behind all that was appended before its commit: a snapshot that is durable replays from no number
//       that will be given out again.

import type {
  Journal,
  JournalListener,
  JournalRecord,
  RecoveredStream,
  RecoveryReport,
  SnapshotWriter,
  StreamConsumer,
} from '../contract/journal.js';
import { assert, present } from '../std/assert.js';
import type { Random } from '../std/random.js';
import type { Scheduler } from './scheduler.js';

interface ModelSnapshot {
  readonly replayFromLsn: number;
  readonly meta: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

interface ModelStream {
  readonly kind: string;
  readonly args: Uint8Array;
  records: JournalRecord[];
  snapshot: ModelSnapshot | undefined;
}

/** What is on the imaginary disk of one worker. */
export class ModelJournalStore {
  readonly streams = new Map<string, ModelStream>();
  nextLsn = 0;
  cleanShutdown = true;
  sameBoot = true;
}

/** How the imaginary disk of a host behaves just now. */
export interface ModelDisk {
  syncMeanMs: number;
  slowness: number;
  hungUntilMs: number;
  failNextSync: boolean;
  failSyncs: boolean;
  /** What was asked for while it hangs. */
  readonly parked: (() => void)[];
}

type Operation =
  | { readonly kind: 'open'; readonly stream: string; readonly actor: string; readonly args: Uint8Array }
  | { readonly kind: 'close'; readonly stream: string }
  | { readonly kind: 'record'; readonly stream: string; readonly record: JournalRecord }
  | {
      readonly kind: 'switch';
      readonly stream: string;
      readonly snapshot: ModelSnapshot;
      readonly durable: () => void;
    };

export class ModelJournal implements Journal {
  readonly #store: ModelJournalStore;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #listener: JournalListener;
  readonly #disk: ModelDisk;
  readonly #report: RecoveryReport;
  #buffered: Operation[] = [];
  #flushing: Operation[] = [];
  #idle: (() => void)[] = [];
  #nextLsn: number;
  #durableLsn: number;
  #abandoned = false;

  constructor(
    store: ModelJournalStore,
    scheduler: Scheduler,
    random: Random,
    listener: JournalListener,
    disk: ModelDisk,
  ) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#listener = listener;
    this.#disk = disk;
    this.#nextLsn = store.nextLsn;
    this.#durableLsn = store.nextLsn;
    this.#report = { end: 'clean', cleanShutdown: store.cleanShutdown, sameBoot: store.sameBoot, recordCount: 0 };
    store.cleanShutdown = false;
    store.sameBoot = true;
  }

  get nextLsn(): number {
    return this.#nextLsn;
  }

  get durableLsn(): number {
    return this.#durableLsn;
  }

  /** What a start finds. */
  recoveredStreams(): RecoveredStream[] {
    return [...this.#store.streams].map(([name, { kind, args, records }]) => ({
      name,
      kind,
      args,
      report: { ...this.#report, recordCount: records.length },
    }));
  }

  openStream(name: string, kind: string, args: Uint8Array): void {
    this.#buffered.push({ kind: 'open', stream: name, actor: kind, args: args.slice() });
  }

  closeStream(name: string): void {
    this.#buffered.push({ kind: 'close', stream: name });
  }

  append(stream: string, type: number, payload: Uint8Array): number {
    const lsn = this.#nextLsn++;
    this.#buffered.push({ kind: 'record', stream, record: { lsn, type, payload: payload.slice() } });
    return lsn;
  }

  flush(): void {
    if (this.#flushing.length > 0 || this.#buffered.length === 0 || this.#abandoned) return;
    this.#flushing = this.#buffered;
    this.#buffered = [];
    this.#later(() => this.#synced());
  }

  /** As long as the disk takes, after it hangs no more. */
  #later(action: () => void): void {
    const { syncMeanMs, slowness, hungUntilMs, parked } = this.#disk;
    const delayMs = 0.05 - Math.log(1 - this.#random.fraction()) * syncMeanMs * slowness;
    if (this.#scheduler.nowMs >= hungUntilMs) this.#scheduler.call(delayMs, action);
    else parked.push(() => this.#scheduler.call(delayMs, action));
  }

  #synced(): void {
    if (this.#abandoned) return;
    if (this.#disk.failNextSync || this.#disk.failSyncs) {
      this.#disk.failNextSync = false;
      return this.#listener.fatal(new Error('a sync failed'));
    }
    const count = this.#flushing.length;
    const written = this.#flushing;
    for (const operation of written) this.#apply(operation);
    this.#flushing = [];
    this.#durableLsn = this.#store.nextLsn;
    for (const operation of written)
      if (operation.kind === 'switch' && this.#store.streams.has(operation.stream)) operation.durable();
    this.#listener.durable(this.#durableLsn); // Y1
    assert(count > 0, 'Y1: a sync had something to write');
    this.flush();
    this.#maybeIdle();
  }

  #apply(operation: Operation): void {
    const { streams } = this.#store;
    switch (operation.kind) {
      case 'open':
        assert(!streams.has(operation.stream), `the stream ${operation.stream} is open already`);
        streams.set(operation.stream, {
          kind: operation.actor,
          args: operation.args,
          records: [],
          snapshot: undefined,
        });
        return;
      case 'close':
        streams.delete(operation.stream);
        return;
      case 'record':
        present(streams.get(operation.stream), `no stream ${operation.stream}`).records.push(operation.record);
        this.#store.nextLsn = operation.record.lsn + 1;
        return;
      case 'switch': {
        const found = streams.get(operation.stream);
        if (found === undefined) return; // closed meanwhile
        found.snapshot = operation.snapshot;
        found.records = found.records.filter((record) => record.lsn >= operation.snapshot.replayFromLsn);
        return;
      }
    }
  }

  whenIdle(idle: () => void): void {
    this.#idle.push(idle);
    this.#scheduler.call(0, () => this.#maybeIdle());
  }

  #maybeIdle(): void {
    if (this.#abandoned || this.#flushing.length > 0 || this.#buffered.length > 0) return;
    for (const idle of this.#idle.splice(0)) idle();
  }

  replay(stream: string, consumer: StreamConsumer): RecoveryReport {
    assert(this.#flushing.length === 0 && this.#buffered.length === 0, 'a replay needs an idle journal');
    const found = present(this.#store.streams.get(stream), `no stream ${stream}`);
    let fromLsn = 0;
    if (found.snapshot !== undefined) {
      fromLsn = found.snapshot.replayFromLsn;
      consumer.snapshot(found.snapshot.meta.slice());
      for (const chunk of found.snapshot.chunks) consumer.snapshotChunk(chunk.slice());
    }
    let recordCount = 0;
    for (const record of found.records) {
      if (record.lsn < fromLsn) continue;
      consumer.record({ lsn: record.lsn, type: record.type, payload: record.payload.slice() });
      recordCount++;
    }
    return { ...this.#report, recordCount };
  }

  beginSnapshot(stream: string, replayFromLsn: number, meta: Uint8Array): SnapshotWriter {
    const chunks: Uint8Array[] = [];
    const metaCopy = meta.slice();
    let aborted = false;
    const later = (action: () => void): void => {
      this.#later(() => {
        if (!aborted && !this.#abandoned) action();
      });
    };
    return {
      append: (chunk, accepted) => {
        chunks.push(chunk.slice());
        later(accepted);
      },
      commit: (durable) =>
        later(() => {
          this.#buffered.push({
            kind: 'switch',
            stream,
            snapshot: { replayFromLsn, meta: metaCopy, chunks },
            durable,
          }); // Y3
          this.flush();
        }),
      abort: () => {
        aborted = true;
      },
    };
  }

  close(done: () => void): void {
    this.flush();
    this.whenIdle(() => {
      this.#store.cleanShutdown = true;
      this.#abandoned = true;
      done();
    });
  }

  /** The worker is gone: of what was being written a part got to the disk, perhaps all of it. */
  abandon(): void {
    if (this.#abandoned) return;
    this.#abandoned = true; // Y2
    const kept = this.#random.below(this.#flushing.length + 1);
    for (let i = 0; i < kept; i++) this.#apply(this.#flushing[i] as Operation);
  }
}
