// What a leader knows of one other member, and how much it may send
// =============================================================================
//
//   probe      one append at a time, until the member's log and ours are known to meet
//   replicate  appends are pipelined, up to the window
//   snapshot   what it needs is not in the log any more: chunk by chunk
//
//   probe → replicate when an append was accepted; replicate → probe when one was refused; either → snapshot; snapshot → probe when it was installed.
//
// Invariants
//   F1. match < next. match only grows.
//   F2. The window's counters are those of its elements, and it is empty outside `replicate` (M15).
//   F3. At most one probe or chunk is unanswered until a heartbeat's answer shows that it may be lost.
//
// Sources: etcd-io/raft `tracker.Progress`, `tracker.Inflights`.

import { assert } from '../../../runtime/std/assert.js';
import { Queue } from '../../../runtime/std/queue.js';
import type { LogPosition, Membership } from '../../../messaging/protocol/raft-entry.js';
import type { RaftOptions } from './options.js';

/** A snapshot being given to members that are far behind. Immutable, so every transfer pins its own (M11). */
export interface OutgoingSnapshot {
  readonly snapshot: number;
  readonly last: LogPosition;
  readonly membership: Membership;
  readonly chunks: readonly Uint8Array[];
}

export type Flow =
  | { readonly kind: 'probe'; waiting: boolean }
  | { readonly kind: 'replicate'; readonly window: Window }
  /** `snapshot` undefined: the state machine has not given it yet. `mayGoBack`: a heartbeat was answered since a chunk was. */
  | {
      readonly kind: 'snapshot';
      snapshot: OutgoingSnapshot | undefined;
      next: number;
      waiting: boolean;
      mayGoBack: boolean;
    };

export class Progress {
  #match = 0;
  #next: number;
  #flow: Flow = { kind: 'probe', waiting: false };
  /** Heard since the last look at the quorum (M9). */
  active: boolean;
  /** When it answered last, or joined the group. */
  heardMs: number;
  /** The newest heartbeat round it answered (M10). */
  round = 0;
  /** The newest commit index it was told with an append. */
  commitTold = 0;

  constructor(next: number, active: boolean, nowMs: number) {
    this.#next = next;
    this.active = active;
    this.heardMs = nowMs;
  }

  get match(): number {
    return this.#match;
  }

  get next(): number {
    return this.#next;
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** Appends that are not answered. (F2) */
  get inFlightCount(): number {
    return this.#flow.kind === 'replicate' ? this.#flow.window.count : 0;
  }

  becomeProbe(next: number): void {
    this.#next = Math.max(next, this.#match + 1); // F1
    this.#flow = { kind: 'probe', waiting: false };
  }

  becomeReplicate(window: Window): void {
    assert(this.#flow.kind === 'probe', 'F2: replication follows a probe that was accepted');
    this.#next = this.#match + 1;
    this.#flow = { kind: 'replicate', window };
  }

  becomeSnapshot(snapshot: OutgoingSnapshot | undefined): void {
    this.#flow = { kind: 'snapshot', snapshot, next: 0, waiting: false, mayGoBack: false };
  }

  /** `through` was sent and `next` moves behind it, hoping. */
  sentThrough(through: number): void {
    this.#next = Math.max(this.#next, through + 1);
    assert(this.#match < this.#next, 'F1: match < next');
  }

  /** The member has everything up to `index`, durably. */
  advanceMatchTo(index: number): void {
    this.#match = Math.max(this.#match, index);
    this.#next = Math.max(this.#next, this.#match + 1); // F1
    if (this.#flow.kind === 'replicate') this.#flow.window.freeThrough(index);
  }
}

/** Appends that are not answered, by count and bytes. */
export class Window {
  readonly #appends = new Queue<{ readonly last: number; readonly bytes: number }>();
  readonly #countMax: number;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(options: RaftOptions) {
    this.#countMax = options.inFlightCountMax;
    this.#bytesMax = options.inFlightBytesMax;
  }

  get count(): number {
    return this.#appends.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#appends.size >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  add(last: number, bytes: number): void {
    assert(!this.isFull, 'M15: nothing is sent past the window');
    this.#appends.push({ last, bytes });
    this.#bytes += bytes;
  }

  freeThrough(index: number): void {
    for (let append = this.#appends.peek(); append !== undefined && append.last <= index; ) {
      this.#bytes -= append.bytes;
      this.#appends.shift();
      append = this.#appends.peek();
    }
    assert(this.#bytes >= 0, 'F2: the window counts what is in it');
    assert(this.#appends.size > 0 || this.#bytes === 0, 'F2: an empty window is zero');
  }
}
