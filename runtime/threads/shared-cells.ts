// The cells of a host in shared memory
// =============================================================================
//
// A BigInt64Array, because Atomics knows no 64-bit floats: the load of a lease costs one short-lived BigInt (some 30 ns),
// which saves a message to the main thread at every read.

import { mainWorker } from '../contract/address.js';
import { type Cells, workerCell, workerCellCount } from '../contract/cells.js';
import { assert } from '../std/assert.js';

const cellCount = workerCell(mainWorker) + workerCellCount; // 4112 cells, 32 KiB: main's block is the last

export class SharedCells implements Cells {
  /** Give it to another thread, and build SharedCells over it there. */
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(cellCount * 8)) {
    assert(buffer.byteLength === cellCount * 8, 'the cells have another layout');
    this.buffer = buffer;
    this.#cells = new BigInt64Array(buffer);
  }

  load(index: number): number {
    return Number(Atomics.load(this.#cells, index));
  }

  store(index: number, value: number): void {
    assert(Number.isSafeInteger(value), 'a cell holds a safe integer');
    Atomics.store(this.#cells, index, BigInt(value));
  }
}
