// The journal of one worker, running
// =============================================================================
//
// Appends enter the open batch. One batch at a time is with the disk: one write, one sync; what is appended meanwhile
// is the next batch and follows by itself (group commit).
//
// Owns:     the open batch, the one under way, the current segment, the registry as far as it was written, the index.
// Does not: judge what it finds at start (recovery.ts), or know what records mean.
//
// Invariants
//   W1. `durable(lsnEnd)` is said only after a sync returned that began after everything below `lsnEnd` was written in full (D4).
//   W2. A segment is sealed, and the next one's header written, only after all its records were synced (D1).
//   W3. After the first failed write, sync or close nothing is ever reported durable again (D11).
//   W4. The registry reflects exactly the records sealed so far, so a checkpoint says what stands before it.
//   W5. Nothing is removed before the record that makes it unneeded is durable (D12, D13).
//
// Sources: etcd wal (segments, chained checksum); LevelDB log; LogDevice for sequence versus application number.

import type { Disk, DiskFile } from '../contract/disk.js';
import type {
  Journal,
  JournalListener,
  RecoveryReport,
  SnapshotWriter,
  SpaceLevel,
  StreamConsumer,
} from '../contract/journal.js';
import { buggify, planted, sometimes } from '../probes/probes.js';
import { assert, present } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';
import { Queue } from '../std/queue.js';
import { Batch } from './batch.js';
import { segmentSeed, snapshotSeed } from './binding.js';
import { newestReadable, snapshotPlace } from './generations.js';
import { segmentName, snapshotIn, snapshotName } from './paths.js';
import type { GenerationFiles } from './recovery.js';
import {
  checkpointType,
  closedType,
  closeType,
  firstJournalType,
  payloadBytesMax,
  streamType,
  switchType,
  trimType,
} from './record.js';
import { SegmentIndex } from './record-index.js';
import { replayRecords } from './replay.js';
import { encodeSegmentHeader, segmentHeaderBytes } from './segment-header.js';
import { type EmptySegment, SegmentSupply } from './segment-supply.js';
import type { ChunkCodec, Sha256 } from './snapshot-format.js';
import { readSnapshot } from './snapshot-reader.js';
import { SnapshotFileWriter } from './snapshot-writer.js';
import {
  argsBytesMax,
  encodeClose,
  encodeStream,
  encodeSwitch,
  encodeTrim,
  type SnapshotEntry,
  type StreamRegistry,
  streamNameBytesMax,
} from './stream-registry.js';
import { droppableCount, pinning, totalBytes } from './trimming.js';

/** Bounds of one journal, each with what happens beyond it. */
export interface JournalLimits {
  /** Size of a segment. A record that does not fit gets a segment of its own size. */
  readonly segmentBytes: number;
  /** A batch is closed and the next one begun; also the most that one write brings. */
  readonly batchBytesMax: number;
  /** Appended and not yet durable. Beyond it the disk is taken for dead: fatal. */
  readonly bufferedBytesMax: number;
  /** Beyond it `pressure` is told to those who keep the oldest segment. */
  readonly journalBytesMax: number;
  /** How many streams are asked for a snapshot at the same time. */
  readonly pressuredStreamsMax: number;
}

/** 16 MiB: small enough to be zeroed in a moment at start, large enough that a rotation is rare. */
export const defaultJournalLimits: JournalLimits = {
  segmentBytes: 16 * 1024 * 1024,
  batchBytesMax: 4 * 1024 * 1024,
  bufferedBytesMax: 512 * 1024 * 1024,
  journalBytesMax: 256 * 1024 * 1024,
  pressuredStreamsMax: 4,
};

export interface JournalParts {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly sha256: (() => Sha256) | undefined;
  readonly codec: ChunkCodec | undefined;
  readonly bootId: string;
  readonly listener: JournalListener;
  readonly limits: JournalLimits;
  /** Marks the generation as not to be trusted; `done` comes also when that failed. */
  taint(generation: number, done: () => void): void;
}

/** Where to begin: what recovery found, or nothing. */
export interface JournalBeginning {
  readonly files: GenerationFiles;
  readonly registry: StreamRegistry;
  readonly segments: SegmentIndex[];
  readonly sequence: number;
  readonly chain: number;
  readonly nextLsn: number;
  readonly previousSegment: number;
  readonly nextSegment: number;
  readonly nextSnapshot: number;
  readonly spare: { readonly segment: number; readonly fileBytes: number } | undefined;
  readonly reports: ReadonlyMap<string, RecoveryReport>;
  /** Paths that nothing refers to, removed once the journal has begun. */
  readonly leftovers: readonly string[];
}

/** Of a segment, when there is no space for another: kept for what cannot be refused (D14). */
const reservedShare = 1 / 4;

interface CurrentSegment {
  readonly file: DiskFile;
  readonly segment: number;
  readonly fileBytes: number;
  readonly seed: number;
  readonly index: SegmentIndex;
  position: number;
}

type Phase = 'opening' | 'running' | 'closing' | 'closed' | 'failed';

/** The production journal: `Journal`, and what only its host needs. */
export class WriteAheadJournal implements Journal {
  readonly #parts: JournalParts;
  readonly #disk: Disk;
  readonly #crc32: Crc32;
  readonly #files: GenerationFiles;
  readonly #registry: StreamRegistry; // W4
  readonly #segments: SegmentIndex[];
  readonly #supply: SegmentSupply;
  readonly #reports: Map<string, RecoveryReport>;
  /** Streams that may be appended to, by name; ahead of the registry by what is in open batches. */
  readonly #open = new Map<string, number>();
  readonly #snapshotsUnderWay = new Set<SnapshotFileWriter>();
  readonly #stalled: (() => void)[] = [];
  readonly #idleWaiters: (() => void)[] = [];
  readonly #full = new Queue<Batch>();
  /** Stream → its newest snapshot when it was last asked for one. */
  readonly #pressured = new Map<number, number>();
  #phase: Phase = 'opening';
  #batch: Batch;
  #underWay: Batch | undefined;
  #recycled: Batch | undefined;
  #bufferedBytes = 0;
  #current: CurrentSegment | undefined;
  #previousSegment: number;
  #sequence: number;
  #chain: number;
  #durableSequence: number;
  #nextLsn: number;
  #durableLsn: number;
  #nextStream: number;
  #nextSnapshot: number;
  #toldSpace: SpaceLevel = 'enough';
  #housekeepingDue = true;
  #trimUnderWay = false;
  #removals = 0;
  #closed: (() => void) | undefined;

  constructor(parts: JournalParts, beginning: JournalBeginning) {
    this.#parts = parts;
    this.#disk = parts.disk;
    this.#crc32 = parts.crc32;
    this.#files = beginning.files;
    this.#registry = beginning.registry;
    this.#segments = beginning.segments;
    this.#reports = new Map(beginning.reports);
    this.#previousSegment = beginning.previousSegment;
    this.#sequence = beginning.sequence;
    this.#chain = beginning.chain;
    this.#durableSequence = beginning.sequence;
    this.#nextLsn = beginning.nextLsn;
    this.#durableLsn = 0; // until it has begun, W1
    this.#nextStream = beginning.registry.nextStream;
    this.#nextSnapshot = beginning.nextSnapshot;
    this.#batch = new Batch(beginning.nextLsn);
    for (const entry of beginning.registry.streams()) this.#open.set(entry.name, entry.number);
    this.#supply = new SegmentSupply(
      parts.disk,
      (segment) => this.#path(segmentName(segment)),
      beginning.nextSegment,
      parts.limits.segmentBytes,
      { failed: (error) => this.#fail(error), short: (isShort) => this.#becameShort(isShort) },
    );
    this.#begin(beginning);
  }

  get nextLsn(): number {
    return this.#nextLsn;
  }

  get durableLsn(): number {
    return this.#durableLsn;
  }

  /** There is no space for another segment: nothing should be appended, and what is may have to wait (D14). */
  get isShortOfSpace(): boolean {
    return this.#supply.isShort;
  }

  /** Neither closed nor closing nor failed. */
  get isOpen(): boolean {
    return this.#closed === undefined && (this.#phase === 'opening' || this.#phase === 'running');
  }

  /** Appended and not durable yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Size of all segments. */
  get journalBytes(): number {
    return totalBytes(this.#segments);
  }

  /** Tries again what waits for space, if anything does. The host calls it about once a second, since a journal has no clock. */
  retrySpace(): void {
    if (!this.isOpen) return;
    this.#supply.retry();
    for (const resume of this.#stalled.splice(0)) resume();
  }

  // --- streams --------------------------------------------------------------------------------------------------------

  openStream(name: string, kind: string, args: Uint8Array): void {
    assert(!this.#open.has(name), `a stream named ${name} is open already`);
    assert(name.length * 3 <= streamNameBytesMax, 'a stream has a short name');
    assert(kind.length * 3 <= streamNameBytesMax, 'a stream has a short kind');
    assert(args.length <= argsBytesMax, 'a stream has at most 64 KiB of arguments');
    const number = this.#nextStream++;
    this.#open.set(name, number);
    this.#add(streamType, 0, encodeStream({ number, name, kind, args, damage: 'none', snapshots: [] }));
  }

  closeStream(name: string): void {
    const number = this.#numberOf(name);
    this.#open.delete(name);
    this.#reports.delete(name);
    this.#add(closeType, 0, encodeClose(number));
    this.#batch.whenDurable.push(() => {
      this.#removeSnapshots(number); // W5
      for (const segment of this.#segments) segment.drop(number);
      this.#housekeepingDue = true;
    });
  }

  append(stream: string, type: number, payload: Uint8Array): number {
    assert(type >= 0 && type < firstJournalType, 'a record type is 0–127');
    const number = this.#numberOf(stream);
    const lsn = this.#nextLsn++;
    this.#add(type, number, payload, lsn);
    return lsn;
  }

  #numberOf(name: string): number {
    return present(this.#open.get(name), `no stream named ${name} is open`);
  }

  #add(type: number, stream: number, payload: Uint8Array, lsn = this.#nextLsn): void {
    assert(this.#phase !== 'closed' && this.#closed === undefined, 'nothing is appended to a closed journal');
    assert(payload.length <= payloadBytesMax, 'a payload has at most 16 MiB');
    if (this.#phase === 'failed') return; // W3
    const { batchBytesMax, bufferedBytesMax } = this.#parts.limits;
    const before = this.#batch.length;
    const isFull = before + payload.length > batchBytesMax || buggify('journal/batch-of-one');
    if (before > 0 && isFull) this.#closeBatch(lsn);
    const from = this.#batch.length;
    this.#batch.add(this.#crc32, type, stream, lsn, payload);
    this.#bufferedBytes += this.#batch.length - from;
    if (this.#toldSpace === 'short') this.#tellSpace();
    if (this.#bufferedBytes > bufferedBytesMax)
      this.#fail(new Error(`${this.#bufferedBytes} bytes wait for a disk that does not take them`));
  }

  #closeBatch(nextLsn: number): void {
    this.#full.push(this.#batch);
    this.#batch = new Batch(nextLsn);
  }

  // --- group commit ---------------------------------------------------------------------------------------------------

  flush(): void {
    if (this.#phase !== 'running' && this.#phase !== 'closing') return; // opening: follows by itself
    if (this.#underWay === undefined) this.#writeNext();
  }

  whenIdle(idle: () => void): void {
    if (this.#isIdle()) idle();
    else this.#idleWaiters.push(idle);
  }

  #isIdle(): boolean {
    return (
      this.#phase === 'running' && this.#underWay === undefined && this.#batch.count === 0 && this.#full.size === 0
    );
  }

  /** Gives the next batch to the disk. */
  #writeNext(): void {
    assert(this.#underWay === undefined, 'C1: one batch is under way at a time');
    let batch = this.#full.shift();
    if (batch === undefined) {
      if (this.#batch.count === 0) return;
      batch = this.#batch;
      this.#batch = new Batch(this.#nextLsn, planted('PB15') ? batch : this.#recycled);
      this.#recycled = undefined;
    }
    this.#underWay = batch;
    const current = this.#current;
    const fits = current !== undefined && current.position + batch.length <= current.fileBytes;
    if (fits && !buggify('journal/rotate-now')) this.#writeBatch(current, batch);
    else this.#rotate(batch);
  }

  #writeBatch(current: CurrentSegment, batch: Batch): void {
    this.#seal(current, batch, current.position);
    const position = current.position;
    current.position += batch.length;
    if (batch.length === 0) return this.#sync(current, batch);
    current.file.write(position, batch.bytes, (error) => {
      if (error !== undefined) return this.#fail(error);
      this.#sync(current, batch);
    });
  }

  #sync(current: CurrentSegment, batch: Batch): void {
    current.file.sync((error) => {
      if (error !== undefined) return planted('PB14') ? this.#sync(current, batch) : this.#fail(error);
      this.#synced(batch);
    });
  }

  /** Numbers and chains the records of a batch that will stand at `position`. */
  #seal(current: CurrentSegment, batch: Batch, position: number): void {
    const start = { sequence: this.#sequence, chain: this.#chain };
    const end = batch.seal(
      this.#crc32,
      current.seed,
      start,
      this.#durableSequence,
      (type, stream, lsn, payload, at) => {
        this.#registry.apply(type, stream, payload); // W4
        if (stream !== 0) current.index.add(stream, position + at, payload.length, lsn);
      },
    );
    this.#sequence = end.sequence;
    this.#chain = end.chain;
  }

  #synced(batch: Batch): void {
    if (this.#phase === 'failed') return; // W3
    this.#underWay = undefined;
    this.#recycled = batch; // the disk is done with its bytes (C1)
    this.#bufferedBytes -= batch.length;
    this.#durableSequence = this.#sequence;
    this.#durableLsn = batch.endLsn;
    const wasOpening = this.#phase === 'opening';
    if (wasOpening) this.#phase = 'running';
    for (const durable of batch.whenDurable) durable();
    if (this.#housekeepingDue || buggify('journal/keep-house-now')) this.#keepHouse();
    if (this.#isFailed()) return;
    this.#writeNext();
    if (this.#closed === undefined && !buggify('journal/prepare-later')) this.#supply.prepare();
    if (batch.endLsn > batch.baseLsn) this.#parts.listener.durable(batch.endLsn); // W1
    if (this.#closed !== undefined) this.#closeNext();
    if (this.#isIdle()) for (const idle of this.#idleWaiters.splice(0)) idle();
  }

  #isFailed(): boolean {
    return this.#phase === 'failed';
  }

  // --- segments -------------------------------------------------------------------------------------------------------

  #path(name: string): string {
    return `${this.#files.path}/${name}`;
  }

  /** Seals the current segment and goes on in the next, with `batch`. */
  #rotate(batch: Batch): void {
    // What the checkpoint takes does not depend on the segment's number, but for a varint.
    const need = segmentHeaderBytes + this.#encodeCheckpoint(batch.baseLsn).length + 16 + batch.length;
    this.#supply.take(need, (empty) => {
      if (this.#isFailed()) return;
      const old = this.#current;
      if (old === undefined) return this.#enter(empty, batch);
      old.file.close((error) => (error === undefined ? this.#enter(empty, batch) : this.#fail(error))); // W2
    });
  }

  #encodeCheckpoint(lsn: number, firstSegment = this.#segments[0]?.segment ?? 0): Batch {
    const head = new Batch(lsn);
    const { head: first, streams } = this.#registry.checkpoint(firstSegment);
    head.add(this.#crc32, checkpointType, 0, lsn, first);
    for (const stream of streams) head.add(this.#crc32, streamType, 0, lsn, stream);
    return head;
  }

  #enter(empty: EmptySegment, batch: Batch): void {
    const { segment, fileBytes, file } = empty;
    const seed = segmentSeed(this.#crc32, this.#files.seed, this.#files.generation, segment);
    const header = encodeSegmentHeader(this.#crc32, seed, {
      segment,
      segmentBytes: fileBytes,
      previous: this.#previousSegment,
      baseSequence: this.#sequence,
      baseLsn: batch.baseLsn,
      chain: this.#chain,
      bootId: this.#parts.bootId,
    });
    const index = new SegmentIndex(segment, fileBytes, batch.baseLsn);
    this.#segments.push(index);
    const current: CurrentSegment = { file, segment, fileBytes, seed, index, position: segmentHeaderBytes };
    this.#current = current;
    this.#previousSegment = segment;
    this.#housekeepingDue = true;
    sometimes('journal/rotated');
    const head = this.#encodeCheckpoint(batch.baseLsn);
    this.#chain = new DataView(header.buffer).getUint32(124, true);
    this.#seal(current, head, current.position);
    const bytes = new Uint8Array(segmentHeaderBytes + head.length);
    bytes.set(header, 0);
    bytes.set(head.bytes, segmentHeaderBytes);
    current.position += head.length;
    file.write(0, bytes, (error) => {
      if (error !== undefined) return this.#fail(error);
      this.#writeBatch(current, batch);
    });
  }

  #becameShort(isShort: boolean): void {
    sometimes(isShort ? 'journal/out-of-space' : 'journal/space-found-again');
    this.#tellSpace();
    if (isShort)
      this.#press(); // what the oldest records hold may be the space that is missing
    else for (const resume of this.#stalled.splice(0)) resume();
  }

  #tellSpace(): void {
    const level = this.#spaceLevel();
    if (level === this.#toldSpace) return;
    this.#toldSpace = level;
    this.#parts.listener.space?.(level);
  }

  #spaceLevel(): SpaceLevel {
    if (!this.#supply.isShort) return 'enough';
    const left = this.#current === undefined ? 0 : this.#current.fileBytes - this.#current.position;
    return left - this.#bufferedBytes < this.#parts.limits.segmentBytes * reservedShare ? 'full' : 'short';
  }

  // --- beginning and ending -------------------------------------------------------------------------------------------

  /** FORMAT.md, "Recovery", steps 7 and 8. */
  #begin(beginning: JournalBeginning): void {
    const first = new Batch(beginning.nextLsn);
    first.whenDurable.push(() => {
      for (const path of beginning.leftovers) this.#remove(path);
    });
    this.#underWay = first;
    if (beginning.spare !== undefined) this.#supply.adopt(beginning.spare.segment, beginning.spare.fileBytes);
    if (beginning.previousSegment === 0) return this.#rotate(first);
    // A killed process may have left written bytes in the page cache only; they are about to be told as durable (W1).
    this.#disk.open(this.#path(segmentName(beginning.previousSegment)), (openError, file) => {
      if (file === undefined) return this.#fail(openError ?? new Error('the disk gave neither file nor error'));
      file.sync((syncError) => {
        if (syncError !== undefined) return this.#fail(syncError);
        file.close((closeError) => (closeError === undefined ? this.#rotate(first) : this.#fail(closeError)));
      });
    });
  }

  close(done: () => void): void {
    this.#end(done, () => this.#add(closedType, 0, new Uint8Array(0)));
  }

  /** Closes the files and leaves no marker: for a start that did not come about, so that the next one finds what this one found. */
  abandon(done: () => void): void {
    this.#end(done, () => undefined);
  }

  #end(done: () => void, mark: () => void): void {
    assert(this.#closed === undefined && this.#phase !== 'closed', 'a journal is closed once');
    if (this.#phase === 'failed') return done();
    for (const writer of this.#snapshotsUnderWay) writer.abort();
    mark();
    this.#closed = done;
    if (this.#phase !== 'running') return; // opening: goes on when the first batch is durable
    this.flush();
    this.#closeNext();
  }

  /** Goes on closing when the batch with the marker, snapshots and removals are done. */
  #closeNext(): void {
    const done = this.#closed;
    if (done === undefined || this.#phase !== 'running' || !this.#isIdle()) return;
    if (this.#snapshotsUnderWay.size > 0 || this.#removals > 0) return;
    this.#phase = 'closing';
    this.#supply.close(() => {
      const end = (): void => {
        this.#phase = 'closed';
        done();
      };
      const current = this.#current;
      if (current === undefined) return end();
      current.file.close((error) => (error === undefined ? end() : this.#fail(error)));
    });
  }

  #fail(error: Error): void {
    if (this.#phase === 'failed' || this.#phase === 'closed') return;
    this.#phase = 'failed'; // W3
    sometimes('journal/write-or-sync-failed');
    this.#idleWaiters.length = 0;
    this.#parts.taint(this.#files.generation, () => this.#parts.listener.fatal(error));
  }

  // --- snapshots ------------------------------------------------------------------------------------------------------

  beginSnapshot(stream: string, replayFromLsn: number, meta: Uint8Array, replaces = false): SnapshotWriter {
    const number = this.#numberOf(stream);
    assert(replayFromLsn <= this.#nextLsn, 'D12: a snapshot covers what was appended, not what will be');
    const id = this.#nextSnapshot++;
    const writer: SnapshotFileWriter = new SnapshotFileWriter(
      {
        disk: this.#disk,
        crc32: this.#crc32,
        directory: this.#files.path,
        name: snapshotName(number, id),
        seed: snapshotSeed(this.#crc32, this.#files.seed, this.#files.generation, number, id),
        stream: number,
        id,
        replayFromLsn,
        codec: this.#parts.codec,
        sha256: this.#parts.sha256,
        switchTo: (entry, durable) => this.#switchTo(stream, number, entry, replaces, durable),
        failed: (error) => this.#fail(error),
        stalled: (resume) => this.#stalled.push(resume),
        ended: () => {
          this.#snapshotsUnderWay.delete(writer);
          this.#closeNext();
        },
      },
      meta,
    );
    this.#snapshotsUnderWay.add(writer);
    return writer;
  }

  #switchTo(stream: string, number: number, entry: SnapshotEntry, replaces: boolean, durable: () => void): void {
    if (this.#phase === 'failed') return; // W3
    if (this.#open.get(stream) !== number) {
      // The stream was closed meanwhile, and its files with it.
      this.#remove(this.#path(snapshotName(number, entry.id)));
      return durable();
    }
    const before = replaces ? undefined : this.#registry.get(number)?.snapshots.at(-1)?.id;
    const kept = before ?? entry.id; // from the older one records lead here, unless this one came from elsewhere
    this.#add(switchType, 0, encodeSwitch(number, entry, kept));
    this.#batch.whenDurable.push(() => {
      this.#removeSnapshots(number); // W5
      this.#housekeepingDue = true;
      durable();
    });
    this.flush();
  }

  // --- housekeeping ---------------------------------------------------------------------------------------------------

  /** REQUIRES that every sealed record is durable, so that the registry may be acted on (W5). */
  #keepHouse(): void {
    this.#housekeepingDue = false;
    for (const resume of this.#stalled.splice(0)) resume(); // something may have been removed since
    const count = this.#trimUnderWay ? 0 : droppableCount(this.#segments, this.#registry);
    if (count > 0 && this.#closed === undefined && !buggify('journal/trim-later')) {
      sometimes('journal/trimmed');
      this.#trimUnderWay = true;
      const firstSegment = present(this.#segments[count], 'Q1: the current segment stays').segment;
      this.#add(trimType, 0, encodeTrim(firstSegment));
      this.#batch.whenDurable.push(() => {
        this.#trimUnderWay = false;
        this.#housekeepingDue = true;
        for (const { segment } of this.#segments.splice(0, count)) this.#remove(this.#path(segmentName(segment)));
      });
    }
    this.#press();
  }

  #press(): void {
    const { journalBytesMax, pressuredStreamsMax } = this.#parts.limits;
    const isPressed = totalBytes(this.#segments) > journalBytesMax || this.isShortOfSpace;
    if (this.#trimUnderWay || !(isPressed || buggify('journal/press-now'))) return;
    let asked = 0;
    for (const stream of pinning(this.#segments, this.#registry)) {
      if (asked >= pressuredStreamsMax) return;
      const entry = this.#registry.get(stream);
      if (entry === undefined || !this.#open.has(entry.name)) continue;
      asked++;
      const newest = entry.snapshots.at(-1)?.id ?? 0;
      if (this.#pressured.get(stream) === newest) continue; // once until it moves
      this.#pressured.set(stream, newest);
      this.#parts.listener.pressure(entry.name);
    }
  }

  /** Removes the stream's snapshots that the registry does not name any more. One not switched to yet has a higher id. */
  #removeSnapshots(stream: number): void {
    const oldest = this.#registry.get(stream)?.snapshots[0]?.id ?? Number.MAX_SAFE_INTEGER;
    for (const name of this.#disk.list(this.#files.path)) {
      const snapshot = snapshotIn(name);
      if (snapshot?.stream === stream && !snapshot.temporary && snapshot.id < oldest) this.#remove(this.#path(name));
    }
  }

  /** Best effort: what stays is removed by the next start. */
  #remove(path: string): void {
    this.#removals++;
    this.#disk.remove(path, () => {
      this.#removals--;
      this.#closeNext();
    });
  }

  // --- reading back ---------------------------------------------------------------------------------------------------

  replay(stream: string, consumer: StreamConsumer): RecoveryReport {
    assert(this.#isIdle(), 'a stream is replayed while the journal is idle');
    const entry = present(this.#registry.get(this.#numberOf(stream)), 'W4: an open stream is in the registry');
    const report = this.#reports.get(stream);
    this.#reports.delete(stream);
    // At start the snapshots were checked already. Later on they may have rotted, and an owner must not be fed half of one.
    const newest =
      report === undefined ? newestReadable(this.#files, entry, this.#parts.sha256) : entry.snapshots.length - 1;
    if (newest < 0 && entry.snapshots.length > 0) throw new Error(`no snapshot of ${stream} can be read any more`);
    const snapshot = entry.snapshots[newest];
    if (snapshot !== undefined) {
      const place = snapshotPlace(this.#files, entry.number, snapshot.id, this.#parts.sha256);
      readSnapshot(place, snapshot, this.#parts.codec, consumer);
    }
    const fromLsn = snapshot?.replayFromLsn ?? 0;
    let recordCount = 0;
    for (const index of this.#segments) {
      const seed = segmentSeed(this.#crc32, this.#files.seed, this.#files.generation, index.segment);
      const path = this.#path(segmentName(index.segment));
      const place = { disk: this.#disk, crc32: this.#crc32, path, seed, index };
      recordCount += replayRecords(place, entry.number, fromLsn, (record) => consumer.record(record));
    }
    if (report !== undefined) return { ...report, recordCount };
    const end = newest === entry.snapshots.length - 1 ? 'clean' : 'torn';
    return { end, cleanShutdown: false, sameBoot: true, recordCount };
  }
}
