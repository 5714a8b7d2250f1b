// Keeps one empty segment ready ahead of need
// =============================================================================
//
// Appends go only into segments that were allocated in full before, so a full disk is met here, while there is still room in the current
// segment, and not in the middle of a write (D14).
//
// Invariants
//   Y1. A segment number is given out once.
//   Y2. `short` is said once when space ran out and once when it was found again.
//   Y3. A segment is given out only when its size and its name are durable (D5), also one that a killed process left.

import type { Disk, DiskError, DiskFile } from '../contract/disk.js';
import { sometimes } from '../probes/probes.js';
import { assert } from '../std/assert.js';
import { isOutOfSpace } from './disk-space.js';

export interface EmptySegment {
  readonly segment: number;
  readonly fileBytes: number;
  readonly file: DiskFile;
}

/** More unknown segments than that at start are nobody's leftovers. */
const foreignSegmentsMax = 4;

type State =
  | { readonly kind: 'empty' }
  | { readonly kind: 'creating'; readonly fileBytes: number }
  | { readonly kind: 'ready'; readonly spare: EmptySegment }
  | { readonly kind: 'short'; readonly fileBytes: number };

export interface SupplyEvents {
  /** D14. True: appends cannot go on beyond the current segment. */
  short(isShort: boolean): void;
  /** D11 */
  failed(error: Error): void;
}

export class SegmentSupply {
  readonly #disk: Disk;
  readonly #pathOf: (segment: number) => string;
  readonly #segmentBytes: number;
  readonly #events: SupplyEvents;
  readonly #firstSegment: number;
  #nextSegment: number;
  #state: State = { kind: 'empty' };
  #waiter: { readonly bytes: number; readonly taken: (segment: EmptySegment) => void } | undefined;
  #closing: (() => void) | undefined;

  constructor(
    disk: Disk,
    pathOf: (segment: number) => string,
    nextSegment: number,
    segmentBytes: number,
    events: SupplyEvents,
  ) {
    this.#disk = disk;
    this.#pathOf = pathOf;
    this.#firstSegment = nextSegment;
    this.#nextSegment = nextSegment;
    this.#segmentBytes = segmentBytes;
    this.#events = events;
  }

  get isShort(): boolean {
    return this.#state.kind === 'short';
  }

  /** An unused segment that an earlier process left. REQUIRES that nothing was taken or prepared yet, and the highest number of all. */
  adopt(segment: number, fileBytes: number): void {
    assert(this.#state.kind === 'empty' && segment < this.#nextSegment, 'Y1: a spare is adopted first');
    this.#state = { kind: 'creating', fileBytes };
    const path = this.#pathOf(segment);
    this.#disk.open(path, (error, file) => {
      if (file === undefined) return this.#opened(error, file, segment, fileBytes);
      // Y3: who created it may have been killed on the way; then its size and its name are in the page cache only.
      file.sync((syncError) => {
        if (syncError !== undefined) return this.#opened(syncError, file, segment, fileBytes);
        const directory = path.slice(0, path.lastIndexOf('/'));
        this.#disk.syncDirectory(directory, (nameError) => this.#opened(nameError, file, segment, fileBytes));
      });
    });
  }

  /** Makes one ready if none is. */
  prepare(): void {
    if (this.#state.kind === 'empty' && this.#closing === undefined) this.#create(this.#segmentBytes);
  }

  /** Gives a segment of at least `bytes`; one at a time. Waits as long as there is no space. */
  take(bytes: number, taken: (segment: EmptySegment) => void): void {
    assert(this.#waiter === undefined, 'one segment is asked for at a time');
    this.#waiter = { bytes, taken };
    this.#serve();
  }

  /** Space may have been found. */
  retry(): void {
    if (this.#state.kind === 'short') this.#create(this.#state.fileBytes);
  }

  /** Lets go of the spare, which stays on disk for the next start. */
  close(closed: () => void): void {
    this.#closing = closed;
    if (this.#state.kind !== 'creating') this.#finish();
  }

  #finish(): void {
    const closed = this.#closing;
    if (closed === undefined) return;
    const spare = this.#state.kind === 'ready' ? this.#state.spare : undefined;
    this.#state = { kind: 'empty' };
    if (spare === undefined) return closed();
    spare.file.close((error) => (error === undefined ? closed() : this.#events.failed(error)));
  }

  #create(fileBytes: number): void {
    const segment = this.#nextSegment++; // Y1
    const wasShort = this.#state.kind === 'short';
    this.#state = { kind: 'creating', fileBytes };
    this.#disk.create(this.#pathOf(segment), fileBytes, (error, file) => {
      if (error !== undefined && isOutOfSpace(error)) {
        this.#state = { kind: 'short', fileBytes };
        if (!wasShort) this.#events.short(true); // Y2
        this.#finish();
        return;
      }
      // A process that ended a moment ago may have made one after we looked.
      if (error?.code === 'EEXIST' && segment < this.#firstSegment + foreignSegmentsMax) return this.#create(fileBytes);
      if (wasShort && error === undefined) this.#events.short(false); // Y2
      this.#opened(error, file, segment, fileBytes);
    });
  }

  #opened(error: DiskError | undefined, file: DiskFile | undefined, segment: number, fileBytes: number): void {
    if (error !== undefined || file === undefined) {
      this.#state = { kind: 'empty' };
      this.#events.failed(error ?? new Error('the disk gave neither file nor error'));
      return;
    }
    this.#state = { kind: 'ready', spare: { segment, fileBytes, file } };
    if (this.#closing !== undefined) this.#finish();
    else this.#serve();
  }

  #serve(): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    const size = waiter.bytes <= this.#segmentBytes ? this.#segmentBytes : (waiter.bytes + 4095) & ~4095;
    switch (this.#state.kind) {
      case 'empty':
        return this.#create(size);
      case 'creating':
        return;
      case 'short':
        if (this.#state.fileBytes < size) this.#state = { kind: 'short', fileBytes: size };
        return;
      case 'ready': {
        const spare = this.#state.spare;
        this.#state = { kind: 'empty' };
        if (spare.fileBytes < waiter.bytes) sometimes('journal/spare-too-small');
        if (spare.fileBytes < waiter.bytes) return this.#replace(spare, size);
        this.#waiter = undefined;
        return waiter.taken(spare);
      }
    }
  }

  /** The spare is too small for one huge record. */
  #replace(spare: EmptySegment, fileBytes: number): void {
    this.#state = { kind: 'creating', fileBytes };
    spare.file.close((closeError) => {
      if (closeError !== undefined) return this.#events.failed(closeError);
      this.#disk.remove(this.#pathOf(spare.segment), (error) => {
        if (error !== undefined) return this.#events.failed(error);
        this.#create(fileBytes);
      });
    });
  }
}
