// Shared cells where nothing is shared
// =============================================================================

import { mainWorker } from '../contract/address.js';
import { type Cells, workerCell, workerCellCount } from '../contract/cells.js';
import { assert } from '../std/assert.js';

const cellCount = workerCell(mainWorker) + workerCellCount;

export class PlainCells implements Cells {
  readonly #values = new Float64Array(cellCount);

  load(index: number): number {
    assert(index >= 0 && index < cellCount, 'there is no such cell');
    return this.#values[index] as number;
  }

  store(index: number, value: number): void {
    assert(index >= 0 && index < cellCount, 'there is no such cell');
    assert(Number.isSafeInteger(value), 'a cell holds a safe integer');
    this.#values[index] = value;
  }
}
