// Writes one snapshot file and makes it the one that recovery starts from
// =============================================================================
//
// Temporary file → blocks → footer → sync → rename → directory sync → a `switch` record in the journal, durable → only then is
// anything older given up (D12, M11). A full disk is no failure here: the writer waits until space was found (D14),
// its owner may abort meanwhile, and the older snapshot stays in force.
//
// Invariants
//   P1. `accepted` and `durable` are called only for what was really written and switched; after `abort` never.
//   P2. One disk operation at a time; bytes given to the disk are not touched before it is done (D4).

import type { Disk, DiskError, DiskFile } from '../contract/disk.js';
import type { SnapshotWriter } from '../contract/journal.js';
import { planted, sometimes } from '../probes/probes.js';
import { assert } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';
import { isOutOfSpace } from './disk-space.js';
import {
  type ChunkCodec,
  chunkBytesMax,
  encodeBlockHeader,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  type Sha256,
  snapshotFooterBytes,
} from './snapshot-format.js';
import type { SnapshotEntry } from './stream-registry.js';

export interface SnapshotTarget {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly directory: string;
  /** The file's name when it is whole. */
  readonly name: string;
  readonly seed: number;
  readonly stream: number;
  readonly id: number;
  readonly replayFromLsn: number;
  readonly codec: ChunkCodec | undefined;
  readonly sha256: (() => Sha256) | undefined;
  /** The file is whole and durable under its name: write the switch record, and call `durable` when that is. */
  switchTo(entry: SnapshotEntry, durable: () => void): void;
  /** The disk failed, not for want of space: D11. */
  failed(error: Error): void;
  /** Waits for space; `resume` continues. */
  stalled(resume: () => void): void;
  /** Committed or aborted, and nothing is under way any more. */
  ended(): void;
}

type Phase = 'open' | 'aborted' | 'switching' | 'ended';

export class SnapshotFileWriter implements SnapshotWriter {
  readonly #target: SnapshotTarget;
  readonly #temporary: string;
  readonly #steps: ((next: () => void) => void)[] = [];
  #phase: Phase = 'open';
  #digest: Sha256 | undefined;
  /** Continues what waits for space. */
  #resume: (() => void) | undefined;
  #file: DiskFile | undefined;
  #busy = false;
  #chunkInFlight = false;
  #committed = false;
  #position = 0;
  #chain = 0;
  #blockCount = 0;

  constructor(target: SnapshotTarget, meta: Uint8Array) {
    assert(meta.length <= chunkBytesMax, 'a snapshot has at most 16 MiB of meta');
    this.#target = target;
    this.#temporary = `${target.directory}/${target.name}.tmp`;
    this.#digest = target.sha256?.();
    const { bytes, crc } = encodeSnapshotHeader(
      target.crc32,
      target.seed,
      target.stream,
      target.id,
      target.replayFromLsn,
      meta,
    );
    this.#chain = crc;
    this.#do((next) => this.#create(next));
    this.#do((next) => this.#write(bytes, next));
  }

  append(chunk: Uint8Array, accepted: () => void): void {
    assert(!this.#committed && this.#phase === 'open', 'P1: a snapshot takes no chunk after commit or abort');
    assert(!this.#chunkInFlight, 'P2: one chunk of a snapshot in flight at a time');
    assert(chunk.length <= chunkBytesMax, 'a chunk has at most 16 MiB');
    this.#chunkInFlight = true;
    this.#do((next) => {
      const store = (stored: Uint8Array | undefined): void => {
        if (this.#phase === 'aborted') return next();
        const smaller = stored !== undefined && stored.length < chunk.length ? stored : undefined;
        this.#writeBlock(chunk.length, smaller === undefined ? 0 : this.#codecId(), smaller ?? chunk, () => {
          this.#chunkInFlight = false;
          if (this.#phase === 'open') accepted(); // P1
          next();
        });
      };
      if (this.#target.codec === undefined || chunk.length === 0) store(undefined);
      else this.#target.codec.compress(chunk, store);
    });
  }

  commit(durable: () => void): void {
    assert(!this.#committed && this.#phase === 'open', 'P1: a snapshot is committed once, and not after abort');
    this.#committed = true;
    const { directory, disk } = this.#target;
    this.#do((next) => this.#writeFooter(next));
    this.#do((next) => this.#file?.sync((error) => this.#check(error, next)));
    this.#do((next) => this.#close(next));
    this.#do((next) => this.#rename(next));
    this.#do((next) => {
      if (planted('PB11')) return next();
      disk.syncDirectory(directory, (error) => this.#check(error, next));
    });
    this.#do((next) => {
      this.#phase = 'switching';
      const { id, replayFromLsn } = this.#target;
      this.#target.switchTo({ id, replayFromLsn, fileBytes: this.#position }, () => {
        this.#end();
        durable();
        next();
      });
    });
  }

  abort(): void {
    if (this.#phase !== 'open') return; // a switch under way cannot be taken back, and need not be
    this.#phase = 'aborted';
    const waits = this.#resume !== undefined;
    this.#resume = undefined;
    if (waits || !this.#busy) this.#cleanUp();
  }

  #codecId(): number {
    return this.#target.codec?.id ?? 0;
  }

  #end(): void {
    this.#phase = 'ended';
    this.#target.ended();
  }

  /** Runs `step` after those before it. Steps are bounded: two at begin, one a chunk in flight, six at commit. */
  #do(step: (next: () => void) => void): void {
    this.#steps.push(step);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    this.#busy = false;
    if (this.#phase === 'aborted') return this.#cleanUp();
    const step = this.#steps.shift();
    if (step === undefined) return;
    this.#busy = true;
    step(() => this.#next());
  }

  #cleanUp(): void {
    this.#steps.length = 0;
    this.#busy = true;
    const { directory, disk, name } = this.#target;
    this.#close(() => disk.remove(this.#temporary, () => disk.remove(`${directory}/${name}`, () => this.#end()))); // What a failed removal leaves, the next start removes.
  }

  #create(next: () => void): void {
    this.#target.disk.create(this.#temporary, 0, (error, file) => {
      if (error !== undefined && isOutOfSpace(error)) return this.#stall(() => this.#create(next));
      this.#file = file;
      this.#check(error, next);
    });
  }

  #write(bytes: Uint8Array, next: () => void): void {
    const file = this.#file;
    assert(file !== undefined, 'P2: the file was created before it is written');
    file.write(this.#position, bytes, (error) => {
      if (error !== undefined && isOutOfSpace(error)) return this.#stall(() => this.#write(bytes, next));
      if (error !== undefined) return this.#target.failed(error);
      this.#position += bytes.length;
      this.#digest?.update(bytes);
      next();
    });
  }

  #writeBlock(chunkBytes: number, codec: number, stored: Uint8Array, next: () => void): void {
    const header = encodeBlockHeader(this.#target.crc32, this.#chain, chunkBytes, codec, stored);
    this.#chain = header.crc;
    this.#blockCount++;
    this.#write(header.bytes, () => this.#write(stored, next));
  }

  #writeFooter(next: () => void): void {
    const footer = encodeSnapshotFooter(this.#target.crc32, this.#target.seed, {
      blockCount: this.#blockCount,
      fileBytes: this.#position + snapshotFooterBytes,
      sha256: this.#digest?.digest(),
      chain: this.#chain,
    });
    this.#digest = undefined;
    this.#write(footer, next);
  }

  #rename(next: () => void): void {
    const { directory, disk, name } = this.#target;
    disk.rename(this.#temporary, `${directory}/${name}`, (error) => {
      if (error !== undefined && isOutOfSpace(error)) return this.#stall(() => this.#rename(next));
      this.#check(error, next);
    });
  }

  #close(next: () => void): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return next();
    file.close((error) => this.#check(error, next));
  }

  #check(error: DiskError | undefined, next: () => void): void {
    if (error !== undefined) this.#target.failed(error);
    else next();
  }

  /** `again` when there may be space, unless it was aborted meanwhile. */
  #stall(again: () => void): void {
    sometimes('journal/snapshot-waits-for-space');
    this.#resume = again;
    this.#target.stalled(() => {
      if (this.#resume !== again) return;
      this.#resume = undefined;
      again();
    });
  }
}
