// Applying committed writes: sessions, state, engine
// =============================================================================
//
// What every replica does with each write, once it is committed: decodes its batch, asks the session, writes the item, keeps the result.
// An operation is one put of an item that is there.

import assert from 'node:assert/strict';
import { Sessions } from '../../../../actors/partition/sessions.js';
import { PartitionState } from '../../../../actors/partition/state.js';
import type { WriteOp } from '../../../../messaging/protocol/client-messages.js';
import { decodeBatch, encodeBatch } from '../../../../messaging/protocol/log-batch.js';
import { limits } from '../../../../messaging/protocol/limits.js';
import { emptyBytes } from '../../../../runtime/std/bytes.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, puts, writesBatch } from '../samples.js';
import { newStockedEngine, once } from '../stocked-engine.js';

const session = 42;
const opsEach = limits.sessionWindowMax;
const ops: () => readonly WriteOp[] = once(() => puts(opsEach));
const stockedState: () => PartitionState = once(() => new PartitionState(newStockedEngine().engine));

/** As many puts as a session's window holds; before each call the session is opened anew, so that the same bytes can be applied again. */
function encodedBatches(count: number): Uint8Array[] {
  const batches: Uint8Array[] = [];
  for (let from = 0; from < opsEach; from += count) {
    const some = ops().slice(from, from + count);
    const body = { kind: 'writes', session, answeredThrough: from, ops: some } as const;
    batches.push(encodeBatch({ ...writesBatch(1), base: 5_000_000 + from, count: some.length, body }));
  }
  return batches;
}

function applyAll(state: PartitionState, batches: readonly Uint8Array[]): number {
  state.sessions.expire(session);
  state.sessions.open(session, 0);
  let sum = 0;
  for (const bytes of batches) {
    const applied = state.apply(decodeBatch(bytes));
    if (applied.kind === 'writes' && !applied.stale) sum += applied.results.length;
  }
  return sum;
}

export const applyBenches: readonly MicroBench[] = [
  ...batchSizes.map((count) =>
    cpuBench(`apply, batches of ${count}`, opsEach, () => {
      const state = stockedState();
      const batches = encodedBatches(count);
      return {
        check: () => {
          const last = ops().at(-1) as WriteOp;
          const { version } = state.get(last.key) ?? { version: 0 };
          assert.equal(applyAll(state, batches), opsEach);
          const item = state.get(last.key);
          assert.deepEqual(item?.value, last.value);
          assert.equal(item?.version, version + 1);
          const again = state.apply(decodeBatch(batches.at(-1) as Uint8Array));
          assert.equal(again.kind === 'writes' && again.results.at(-1)?.version, version + 1, 'applied once');
        },
        run: () => applyAll(state, batches),
      };
    }),
  ),
  ...[1, 256].map((outstanding) =>
    cpuBench(`session judge, store and forget, ${outstanding} outstanding`, opsEach, () => {
      const sessions = new Sessions();
      sessions.open(session, 0);
      let sequence = 0;
      return {
        check: () => {
          const result = { sequence: 1, status: 'applied' as const, offset: 1, version: 1, value: emptyBytes };
          sessions.store(session, result);
          assert.deepEqual(sessions.judge(session, 1), { kind: 'repeat', result });
          sessions.answered(session, 1, 1);
          assert.equal(sessions.judge(session, 1).kind, 'stale');
          sequence = 1;
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < opsEach; i++) {
            sequence++;
            sessions.answered(session, Math.max(0, sequence - outstanding), sequence);
            if (sessions.judge(session, sequence).kind !== 'execute') continue;
            sessions.store(session, { sequence, status: 'applied', offset: sequence, version: 1, value: emptyBytes });
            sum++;
          }
          return sum;
        },
      };
    }),
  ),
];
