// A session in one partition
// =============================================================================
//
// Numbers the writes of this client in that partition, so that a retried write is applied once (S2). The number of the session is
// the offset of the record that opened it.
//
// Invariants
//   E1. A sequence number is given to one operation only, and an operation keeps its number through all its retries.
//   E2. `answeredThrough` rises only over numbers whose operations were settled: the replica may forget them (S6).
//   E3. At most `windowMax` numbers are above `answeredThrough`.

import { assert } from '../../../runtime/std/assert.js';
import { limits } from '../../protocol/limits.js';

export class Session {
  readonly number: number;
  readonly lineage: number;
  readonly #windowMax: number;
  /** 1 for a number above `answeredThrough` that was answered already; index is number mod window. */
  readonly #answered: Uint8Array;
  #next = 1;
  #answeredThrough = 0;
  #alive = true;

  constructor(number: number, lineage: number, windowMax: number = limits.sessionWindowMax) {
    this.number = number;
    this.lineage = lineage;
    this.#windowMax = windowMax;
    this.#answered = new Uint8Array(windowMax);
  }

  /** False once the partition does not know it any more (S5), or its history was cut. */
  get alive(): boolean {
    return this.#alive;
  }

  get answeredThrough(): number {
    return this.#answeredThrough;
  }

  /** How many numbers can be given now. */
  get room(): number {
    return this.#windowMax - (this.#next - 1 - this.#answeredThrough);
  }

  take(): number {
    assert(this.room > 0, 'E3: the window is full');
    return this.#next++;
  }

  /** The operation of that number was settled, whatever its outcome. */
  answer(sequence: number): void {
    assert(sequence > this.#answeredThrough && sequence < this.#next, 'E2: answered twice, or never given');
    assert(this.#answered[sequence % this.#windowMax] === 0, 'E2: answered twice');
    this.#answered[sequence % this.#windowMax] = 1;
    let low = this.#answeredThrough + 1;
    while (low < this.#next && this.#answered[low % this.#windowMax] === 1) {
      this.#answered[low % this.#windowMax] = 0;
      low++;
    }
    this.#answeredThrough = low - 1;
  }

  end(): void {
    this.#alive = false;
  }
}
