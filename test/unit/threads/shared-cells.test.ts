import { expect } from 'chai';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { machineClock } from '../../../runtime/threads/clock.js';
import { SharedCells } from '../../../runtime/threads/shared-cells.js';
import { AssertionError } from '../../../runtime/std/assert.js';

describe('runtime/threads: shared cells and clocks', () => {
  it('a cell written by one thread is read by another, up to the largest safe integer', async () => {
    const cells = new SharedCells();
    cells.store(1, Number.MAX_SAFE_INTEGER);
    const source = `
      const { workerData, parentPort } = require('node:worker_threads');
      const cells = new BigInt64Array(workerData);
      Atomics.store(cells, 2, Atomics.load(cells, 1) - 1n);
    `;
    const worker = new Worker(source, { eval: true, workerData: cells.buffer });
    await once(worker, 'exit');
    expect(cells.load(2)).equals(Number.MAX_SAFE_INTEGER - 1);
    expect(cells.load(3)).equals(0);
  });

  it('refuses what is no safe integer', () => {
    expect(() => new SharedCells().store(0, 0.5)).throws(AssertionError);
  });

  it('the monotonic clock has one origin in all threads (CORRECTNESS §2.12)', async () => {
    const beforeMs = machineClock.monotonicMs();
    const source = `
      const [s, n] = process.hrtime();
      require('node:worker_threads').parentPort.postMessage(s * 1000 + n / 1e6);
    `;
    const worker = new Worker(source, { eval: true });
    const exited = once(worker, 'exit');
    const [thereMs] = (await once(worker, 'message')) as [number];
    await exited;
    expect(thereMs).within(beforeMs, machineClock.monotonicMs());
  });
});
