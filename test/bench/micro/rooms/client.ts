// The client actor: from operations that are submitted to their outcomes
// =============================================================================
//
// On a table of 8 partitions of 3 hosts with 2 workers: so 64 operations at once become 8 messages. An operation is one put or one get.

import assert from 'node:assert/strict';
import type { Operation } from '../../../../messaging/client/core/operations.js';
import { BenchClient } from '../bench-client.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, randomBytes, shuffledKeys, valueBytes } from '../samples.js';

const opsEach = 256;
const timeoutMs = 5000;

/** Operations on keys in turn, with numbers of their own. */
function asker(kind: 'put' | 'get'): (count: number) => Operation[] {
  const keys = shuffledKeys(4096);
  const value = randomBytes(valueBytes);
  let id = 0;
  return (count) => {
    const operations: Operation[] = [];
    for (let i = 0; i < count; i++) {
      id++;
      const key = keys[id % keys.length] as Uint8Array;
      operations.push(
        kind === 'get'
          ? { kind: 'read', id, timeoutMs, table: 't', key, consistency: 'linearizable' }
          : {
              kind: 'write',
              id,
              timeoutMs,
              table: 't',
              operation: 'put',
              key,
              value,
              ifVersion: undefined,
              durability: undefined,
            },
      );
    }
    return operations;
  };
}

export const clientBenches: readonly MicroBench[] = batchSizes.flatMap((count) =>
  (['put', 'get'] as const).map((kind) =>
    cpuBench(`client ${kind}s, ${count} at once`, opsEach, () => {
      const client = new BenchClient();
      const ask = asker(kind);
      return {
        check: () => {
          const operations = ask(count);
          const outcomes = client.run(operations);
          assert.deepEqual(
            outcomes.map(({ id }) => id).sort((a, b) => a - b),
            operations.map(({ id }) => id),
          );
          for (const outcome of outcomes) {
            if (kind === 'put') assert.ok(outcome.kind === 'written' && outcome.status === 'applied');
            else assert.ok(outcome.kind === 'read' && outcome.item?.value.length === valueBytes);
          }
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < opsEach; i += count) sum += client.run(ask(count)).length;
          return sum;
        },
      };
    }),
  ),
);
