// Linearizable reads by rounds of heartbeats
// =============================================================================
//
// Each round of heartbeats has a number, unique in the term. A read is confirmed when a quorum answered a round that began after the read
// arrived, or any later one: an answer to round r proves that its sender still followed this leader after r began.
//
// Invariants
//   I1. A read's index is the commit index at a time after it arrived, and an entry of this term was committed by then (M10a, M10b).
//   I2. A read waits for a round begun after it got its index; older rounds never count, however late they are answered (M10c).
//   I3. Round numbers are never reused: they rise by one through the term, also for retries.
//   I4. An answer waits until everything up to the read's index was applied (M10d).
//
// Sources: Ongaro's dissertation 6.4; etcd issue 20418 for I3.

import { planted } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import { Queue } from '../../../runtime/std/queue.js';

interface Read {
  readonly request: number;
  /** The round that must be answered; undefined until one began. */
  round: number | undefined;
  index: number;
}

export class ReadRounds {
  readonly #reads = new Queue<Read>();
  /** How many at the front of the queue have a round. */
  #assigned = 0;
  #round = 0;
  #confirmed = 0;

  get size(): number {
    return this.#reads.size;
  }

  /** The newest round begun. */
  get round(): number {
    return this.#round;
  }

  add(request: number): void {
    this.#reads.push({ request, round: undefined, index: 0 });
  }

  /** Some reads wait for a round, and none is under way: reads that come while one is share the next. */
  get wantsRound(): boolean {
    return this.#reads.size > this.#assigned && this.#confirmed >= this.#round;
  }

  /** Begins a round. `commitIndex` undefined: nothing of this term is committed, so reads go on waiting (I1). */
  begin(commitIndex: number | undefined): number {
    if (!planted('PB20')) this.#round++; // I3
    if (commitIndex !== undefined) {
      for (let read = this.#reads.at(this.#assigned); read !== undefined; read = this.#reads.at(this.#assigned)) {
        read.index = commitIndex; // I1
        read.round = this.#round; // I2
        this.#assigned++;
      }
    }
    return this.#round;
  }

  /** A quorum answered `round` or a later one. */
  confirmThrough(round: number): void {
    assert(round <= this.#round, 'I3: no answer comes before its round');
    this.#confirmed = Math.max(this.#confirmed, round);
  }

  /** Takes the reads that may be answered. */
  takeReady(appliedIndex: number): { readonly request: number; readonly index: number }[] {
    const ready: { readonly request: number; readonly index: number }[] = [];
    for (let read = this.#reads.peek(); read !== undefined; read = this.#reads.peek()) {
      if (read.round === undefined || read.round > this.#confirmed || read.index > appliedIndex) break; // I2, I4
      ready.push({ request: read.request, index: read.index });
      this.#reads.shift();
      this.#assigned--;
    }
    return ready;
  }

  /** Takes all of them, when leadership ends. */
  takeAll(): number[] {
    const requests: number[] = [];
    for (let read = this.#reads.shift(); read !== undefined; read = this.#reads.shift()) requests.push(read.request);
    this.#assigned = 0;
    return requests;
  }
}
