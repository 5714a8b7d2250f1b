// Cells of a simulated host, in which threads tick by themselves
// =============================================================================
//
// A real thread stores the time whenever its event loop turns. Here that would be an event every few milliseconds for every worker; instead
// the cell is worked out when somebody looks at it.

import { cellTickMs, hostCellCount, workerCellCount } from '../contract/cells.js';
import { PlainCells } from './plain-cells.js';

export class HostCells extends PlainCells {
  readonly #tickOf: (worker: number) => number;

  /** @param tickOf monotonic milliseconds at which the worker's event loop last turned; 0 = it is not there */
  constructor(tickOf: (worker: number) => number) {
    super();
    this.#tickOf = tickOf;
  }

  override load(index: number): number {
    const inBlock = index - hostCellCount;
    if (inBlock >= 0 && inBlock % workerCellCount === cellTickMs)
      return this.#tickOf(Math.floor(inBlock / workerCellCount));
    return super.load(index);
  }
}
