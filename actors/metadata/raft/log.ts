// The log in memory
// =============================================================================
//
// Entries after `base`, which is the last one that was dropped (or { 0, 0 }), and the membership in effect at each point.
//
// Owns: what the log says. Does not: know what is durable (durability.ts) or committed (state.ts).
//
// Invariants
//   G1. Indexes rise by one from base.index + 1, terms never fall.
//   G2. The membership in effect is the last one in the log, committed or not; a truncation brings back the one before (M8).
//   G3. `bytes` is the sum of the entries' bytes.

import { assert, present } from '../../../runtime/std/assert.js';
import {
  decodeMembership,
  type LogPosition,
  type Membership,
  type RaftEntry,
} from '../../../messaging/protocol/raft-entry.js';

interface MembershipAt {
  readonly index: number;
  readonly membership: Membership;
}

export class RaftLog {
  #base: LogPosition;
  #entries: RaftEntry[] = [];
  /** Ascending; the first is in effect at `base`. */
  #memberships: MembershipAt[];
  #bytes = 0;

  constructor(base: LogPosition, membership: Membership) {
    this.#base = base;
    this.#memberships = [{ index: base.index, membership }];
  }

  get base(): LogPosition {
    return this.#base;
  }

  get lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  get last(): LogPosition {
    const last = this.#entries.at(-1);
    return last === undefined ? this.#base : { index: last.index, term: last.term };
  }

  /** Bytes of the commands in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  get membership(): Membership {
    return this.#newest.membership;
  }

  /** Where the membership in effect was set. */
  get membershipIndex(): number {
    return this.#newest.index;
  }

  get #newest(): MembershipAt {
    return present(this.#memberships.at(-1), 'G2: some membership is in effect');
  }

  /** In effect at `index`. REQUIRES base.index ≤ index ≤ lastIndex. */
  membershipAt(index: number): Membership {
    assert(index >= this.#base.index && index <= this.lastIndex, 'G2: a membership inside the log');
    const at = this.#memberships.findLast((one) => one.index <= index);
    return present(at, 'G2: some membership is in effect').membership;
  }

  /** All that are in effect from `index` on, as far as the log goes. */
  membershipsSince(index: number): Membership[] {
    const later = this.#memberships.filter((one) => one.index > index);
    return [this.membershipAt(index), ...later.map((one) => one.membership)];
  }

  /** The term of the entry at `index`, base included; undefined outside. */
  termAt(index: number): number | undefined {
    return index === this.#base.index ? this.#base.term : this.#entries[index - this.#base.index - 1]?.term;
  }

  has(position: LogPosition): boolean {
    return this.termAt(position.index) === position.term;
  }

  entryAt(index: number): RaftEntry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  /** Entries with after < index ≤ through, fewer when their bytes pass `bytesMax`, but at least one. */
  slice(after: number, through: number, bytesMax = Number.MAX_SAFE_INTEGER): RaftEntry[] {
    assert(after >= this.#base.index, 'G1: the entry wanted is in the log');
    const entries: RaftEntry[] = [];
    let bytes = 0;
    for (let i = after - this.#base.index; i < Math.min(through, this.lastIndex) - this.#base.index; i++) {
      const entry = this.#entries[i] as RaftEntry;
      bytes += entry.bytes.length + entryOverheadBytes;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  append(entry: RaftEntry): void {
    const last = this.last;
    assert(entry.index === last.index + 1, 'G1: indexes rise by one');
    assert(entry.term >= last.term, 'G1: terms never fall');
    this.#entries.push(entry);
    this.#bytes += entry.bytes.length;
    if (entry.kind === 'membership')
      this.#memberships.push({ index: entry.index, membership: decodeMembership(entry.bytes) });
  }

  /** Drops the entries after `index`. */
  truncateAfter(index: number): void {
    assert(index >= this.#base.index && index <= this.lastIndex, 'G1: a truncation inside the log');
    for (const entry of this.#entries.splice(index - this.#base.index)) this.#bytes -= entry.bytes.length;
    while (this.#memberships.length > 1 && this.#newest.index > index) this.#memberships.pop(); // G2
  }

  /** Drops the entries up to `index`, which are in a snapshot. */
  compactTo(index: number): void {
    assert(index >= this.#base.index && index <= this.lastIndex, 'G1: a compaction inside the log');
    const term = present(this.termAt(index), 'G1: an index of the log has a term');
    const membership = this.membershipAt(index);
    for (const entry of this.#entries.splice(0, index - this.#base.index)) this.#bytes -= entry.bytes.length;
    this.#base = { index, term };
    this.#memberships = [{ index, membership }, ...this.#memberships.filter((one) => one.index > index)];
  }

  /** The last index ≤ `before` whose term is `term` or lower, base included; base.index when there is none. */
  lastIndexAtOrBelowTerm(term: number, before: number): number {
    let index = Math.min(before, this.lastIndex);
    while (index > this.#base.index && (this.termAt(index) ?? 0) > term) index--;
    return index;
  }

  /** The first index in the log of the term that the entry at `index` has. */
  firstIndexOfTermAt(index: number): number {
    const term = this.termAt(index);
    let first = index;
    while (first - 1 > this.#base.index && this.termAt(first - 1) === term) first--;
    return first;
  }
}

/** What an entry costs beside its bytes, in memory and on the wire; so that a million empty ones are not free (M15). */
export const entryOverheadBytes = 16;
