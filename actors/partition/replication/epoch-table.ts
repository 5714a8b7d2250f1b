// Which leader epoch wrote which offsets
// =============================================================================
//
// A list of (epoch, start), both rising. It outlives the records themselves: a snapshot carries it, so that two replicas whose logs were
// trimmed can still find where they agree (R12, KIP-101).
//
// Invariants
//   E1. Epochs and starts rise strictly together; an epoch without records is not in the table.

import { assert } from '../../../runtime/std/assert.js';

export interface EpochStart {
  readonly epoch: number;
  readonly start: number;
}

/** Entries kept at most; older ones fall away, and a replica that far behind gets a snapshot. */
const entryCountMax = 4096;

export class EpochTable {
  #entries: EpochStart[] = [];

  constructor(entries: readonly EpochStart[] = []) {
    for (const { epoch, start } of entries) this.note(epoch, start);
  }

  entries(): readonly EpochStart[] {
    return this.#entries;
  }

  /** The newest epoch with records; 0 when the log never had any. */
  lastEpoch(): number {
    return this.#entries[this.#entries.length - 1]?.epoch ?? 0;
  }

  /** A record of `epoch` stands at `offset`. */
  note(epoch: number, offset: number): void {
    const last = this.#entries[this.#entries.length - 1];
    if (last !== undefined && last.epoch === epoch) return;
    assert(
      last === undefined || (epoch > last.epoch && offset > last.start),
      'E1: epochs and their starts rise together',
    );
    this.#entries.push({ epoch, start: offset });
    if (this.#entries.length > entryCountMax) this.#entries.shift();
  }

  /** Epoch of the record at `offset`; 0 before the first one known. */
  epochAt(offset: number): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i] as EpochStart;
      if (entry.start <= offset) return entry.epoch;
    }
    return 0;
  }

  /** The largest epoch ≤ `epoch` that has records, and where it ends; undefined when all known epochs are larger. */
  endOf(epoch: number, logEnd: number): { readonly epoch: number; readonly end: number } | undefined {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i] as EpochStart;
      if (entry.epoch <= epoch) return { epoch: entry.epoch, end: this.#entries[i + 1]?.start ?? logEnd };
    }
    return undefined;
  }

  /** Forgets what starts at or above `end`. */
  truncateTo(end: number): void {
    while (this.#entries.length > 0 && (this.#entries[this.#entries.length - 1] as EpochStart).start >= end)
      this.#entries.pop();
  }
}
