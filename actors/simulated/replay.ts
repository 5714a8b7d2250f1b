// The committed log, replayed by a model
// =============================================================================
//
// A second, plain implementation of what a partition's log means: sessions that apply once, versions that count, conditions. It shares with
// the engine only the log's bytes.
//
// Invariants
//   J2. A (session, sequence) takes effect at most once, and only while its session is open and its client has not confirmed it (S1, S2, S5).

import { decodeKey } from '../../messaging/protocol/key.js';
import { decodeBatch } from '../../messaging/protocol/log-batch.js';
import { decodeValue } from '../../messaging/protocol/value.js';
import { effectOn, type ItemInput, type ItemOutput, type ItemState } from '../../messaging/workload/item-model.js';
import type { WriteOp } from '../../messaging/protocol/client-messages.js';
import type { Held } from '../../messaging/workload/history.js';
import type { CommittedBatch } from './committed-log.js';

/** A write that was executed. */
export interface Effect {
  readonly offset: number;
  readonly key: string;
  readonly input: ItemInput;
  readonly output: ItemOutput;
}

/** What an item was from `offset` on. */
export interface ItemEra {
  readonly offset: number;
  readonly state: ItemState;
}

export interface Replay {
  readonly effects: ReadonlyMap<number, Effect>;
  /** By key; before the first era there is no item. */
  readonly eras: ReadonlyMap<string, readonly ItemEra[]>;
  /** Writes in the log that were done before: the retries that would have been applied twice. */
  readonly repeatCount: number;
  readonly staleCount: number;
  readonly end: number;
}

interface ModelSession {
  answeredThrough: number;
  readonly done: Set<number>;
}

export function replay(batches: readonly CommittedBatch[]): Replay {
  const sessions = new Map<number, ModelSession>();
  const items = new Map<string, ItemState>();
  const effects = new Map<number, Effect>();
  const eras = new Map<string, ItemEra[]>();
  let [repeatCount, staleCount, end] = [0, 0, 0];
  const execute = (op: WriteOp, offset: number): void => {
    const key = String(decodeKey(op.key));
    const input = inputOf(op);
    const before = items.get(key);
    const { state, output } = effectOn(before, input);
    effects.set(offset, { offset, key, input, output });
    if (state === before) return;
    items.set(key, state);
    const known = eras.get(key);
    if (known === undefined) eras.set(key, [{ offset, state }]);
    else known.push({ offset, state });
  };
  for (const { bytes, end: batchEnd } of batches) {
    const { base, body } = decodeBatch(bytes);
    end = batchEnd;
    if (body.kind === 'open-session') sessions.set(base, { answeredThrough: 0, done: new Set() });
    else if (body.kind === 'expire-sessions') for (const session of body.sessions) sessions.delete(session);
    if (body.kind !== 'writes') continue;
    const session = sessions.get(body.session);
    if (session !== undefined) session.answeredThrough = Math.max(session.answeredThrough, body.answeredThrough);
    for (let i = 0; i < body.ops.length; i++) {
      const op = body.ops[i] as WriteOp;
      if (session?.done.has(op.sequence) === true && op.sequence > session.answeredThrough) {
        repeatCount++; // J2
        continue;
      }
      if (session === undefined || op.sequence <= session.answeredThrough) {
        staleCount++;
        break;
      }
      session.done.add(op.sequence);
      execute(op, base + i);
    }
  }
  return { effects, eras, repeatCount, staleCount, end };
}

function inputOf(op: WriteOp): ItemInput {
  const { ifVersion } = op;
  if (op.operation === 'put') return { kind: 'put', value: decodeValue(op.value) as Held, ifVersion };
  if (op.operation === 'delete') return { kind: 'delete', ifVersion };
  return { kind: 'increment', by: decodeValue(op.value) as number };
}
