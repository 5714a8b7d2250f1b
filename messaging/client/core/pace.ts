// How fast one worker is sent batches
// =============================================================================
//
// Few batches in flight and much in each: what is issued while they are out goes in the next (PERFORMANCE 1), and a second one beside the first
// must be worth its messages. Writes and reads have a pace each, so that reads do not wait for disks.
//
// Invariants
//   P1. A batch stops counting exactly once: when all its messages were answered or given up, or when it is slow.

import { assert } from '../../../runtime/std/assert.js';
import type { LaneQueue } from './lane.js';

export class Pace {
  readonly host: string;
  readonly worker: number;
  /** Queues that have something to send to this worker, in the order of their turn. */
  readonly waiting = new Set<LaneQueue>();
  /** The last batch ended because of its bytes: the next need not have many operations. */
  wasCut = false;
  #inFlight = 0;

  constructor(host: string, worker: number) {
    this.host = host;
    this.worker = worker;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  open(): Batch {
    this.#inFlight++;
    return new Batch(this, () => {
      assert(this.#inFlight > 0, 'P1: a batch ended twice');
      this.#inFlight--;
    });
  }
}

/** The messages that were sent to one worker in one go. */
export class Batch {
  readonly pace: Pace;
  readonly #uncount: () => void;
  #messages = 0;
  #counted = true;
  slowBucket = 0;

  constructor(pace: Pace, uncount: () => void) {
    this.pace = pace;
    this.#uncount = uncount;
  }

  get isCounted(): boolean {
    return this.#counted;
  }

  add(): void {
    this.#messages++;
  }

  /** One message less. @returns whether the pace has room because of it. */
  release(): boolean {
    this.#messages--;
    assert(this.#messages >= 0, 'P1: more answers than messages');
    return this.#messages === 0 && this.stopCounting();
  }

  /** @returns whether it had counted. */
  stopCounting(): boolean {
    if (!this.#counted) return false;
    this.#counted = false; // P1
    this.#uncount();
    return true;
  }
}
