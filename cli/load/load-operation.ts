// One operation of a load: asked of the SDK, and what it came to
// =============================================================================

import { ConditionFailedError, type Receipt, type Table, TroupeError } from '../../messaging/client/index.js';
import type { Asked, Told } from '../../messaging/workload/history.js';
import { unreachable } from '../../runtime/std/assert.js';
import { loadValue, markOf } from './load-value.js';

export type KeyAsked = Exclude<Asked, { readonly kind: 'scan' }>;

export interface AskOptions {
  readonly timeoutMs: number;
  /** Of every value put, at least; undefined where only reads are asked and the values may have any size. */
  readonly valueBytes: number | undefined;
  readonly signal: AbortSignal;
}

/** Never rejects for what a mesh may answer. @throws what is a mistake of the program */
export async function ask(table: Table, asked: KeyAsked, { timeoutMs, valueBytes, signal }: AskOptions): Promise<Told> {
  const options = { timeout: timeoutMs, signal };
  const conditional = 'ifVersion' in asked && asked.ifVersion !== undefined ? { ifVersion: asked.ifVersion } : {};
  try {
    switch (asked.kind) {
      case 'put': {
        const value = loadValue(String(asked.value), valueBytes ?? 0);
        return written(await table.put(asked.key, value, { ...options, ...conditional }), undefined);
      }
      case 'delete':
        return written(await table.delete(asked.key, { ...options, ...conditional }), undefined);
      case 'increment': {
        const receipt = await table.increment(asked.key, asked.by, options);
        return written(receipt, Number(receipt.value));
      }
      case 'get': {
        const entry = await table.entry(asked.key, { ...options, consistency: asked.consistency });
        if (entry === undefined) return { kind: 'got', item: undefined };
        return { kind: 'got', item: { value: markOf(entry.value, valueBytes), version: entry.version } };
      }
      default:
        return unreachable(asked);
    }
  } catch (error) {
    return toldOfError(error, signal);
  }
}

function written({ version, partition, epoch, offset }: Receipt, value: number | undefined): Told {
  return { kind: 'written', status: 'applied', version, value, partition, lineage: 0, epoch, offset };
}

/** @throws the error, when it is none that a mesh answers */
export function toldOfError(error: unknown, signal: AbortSignal): Told {
  if (error instanceof ConditionFailedError) {
    const nowhere = { partition: 0, lineage: 0, epoch: 0, offset: 0 };
    return { kind: 'written', status: 'condition-failed', version: error.version, value: undefined, ...nowhere };
  }
  if (error instanceof TroupeError)
    return error.code === 'OUTCOME_UNKNOWN'
      ? { kind: 'unknown' }
      : { kind: 'failed', code: error.code, message: error.message };
  // Aborted before it was sent; otherwise its outcome would be unknown.
  if (signal.aborted && error === signal.reason) return { kind: 'failed', code: 'ABORTED', message: 'interrupted' };
  throw error;
}
