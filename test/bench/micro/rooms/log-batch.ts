// Batches of the log: made once by the leader, read by everybody who applies them
// =============================================================================
//
// An operation is one put; of a header it is one batch, which is what log and replication look at.

import assert from 'node:assert/strict';
import { decodeBatch, decodeBatchHeader, encodeBatch } from '../../../../messaging/protocol/log-batch.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, counted, writesBatch } from '../samples.js';

const headersEach = 256;

export const logBatchBenches: readonly MicroBench[] = [
  ...batchSizes.flatMap((count) => {
    const calls = Math.max(4, Math.ceil(256 / count));
    return [
      cpuBench(`log batch encode, ${counted(count, 'put')}`, count * calls, () => {
        const batch = writesBatch(count);
        return {
          check: () => assert.deepEqual(decodeBatch(encodeBatch(batch)), batch),
          run: () => {
            let sum = 0;
            for (let i = 0; i < calls; i++) sum += encodeBatch(batch).length;
            return sum;
          },
        };
      }),
      cpuBench(`log batch decode, ${counted(count, 'put')}`, count * calls, () => {
        const batch = writesBatch(count);
        const bytes = encodeBatch(batch);
        return {
          check: () => assert.deepEqual(decodeBatch(bytes), batch),
          run: () => {
            let sum = 0;
            for (let i = 0; i < calls; i++) sum += decodeBatch(bytes).count;
            return sum;
          },
        };
      }),
    ];
  }),
  cpuBench('log batch header', headersEach, () => {
    const batch = writesBatch(64);
    const bytes = encodeBatch(batch);
    return {
      check: () => {
        const { body: _, ...header } = batch;
        assert.deepEqual(decodeBatchHeader(bytes), header);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < headersEach; i++) sum += decodeBatchHeader(bytes).base;
        return sum;
      },
    };
  }),
];
