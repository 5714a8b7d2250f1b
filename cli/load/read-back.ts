// Reading every recorded key when a load is over
// =============================================================================

import type { Table } from '../../messaging/client/index.js';
import type { HeldItem } from '../../messaging/workload/history.js';
import type { SampledHistory } from '../../messaging/workload/sampled-history.js';
import { ask, type AskOptions } from './load-operation.js';

export type ReadBack = ReadonlyMap<string, HeldItem | undefined | 'unread'>;

const atOnce = 256;
const attemptsMax = 5;

/** Linearizable reads of the keys, by `table\nkey`; they become part of the history where it has room. */
export async function readBack(
  tables: ReadonlyMap<string, Table>,
  history: SampledHistory,
  options: AskOptions,
): Promise<ReadBack> {
  const found = new Map<string, HeldItem | undefined | 'unread'>();
  const keys = [...history.keys()];
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let at = next++; at < keys.length; at = next++) {
      const { table, key } = keys[at] as (typeof keys)[number];
      found.set(`${table}\n${key}`, await readOne(tables.get(table), table, key, history, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, keys.length) }, reader));
  return found;
}

async function readOne(
  table: Table | undefined,
  name: string,
  key: string,
  history: SampledHistory,
  options: AskOptions,
): Promise<HeldItem | undefined | 'unread'> {
  const asked = { kind: 'get', key, consistency: 'linearizable' } as const;
  if (table === undefined) return 'unread';
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const entry = history.call('final', name, asked);
    const told = await ask(table, asked, options);
    history.return(entry, told);
    if (told.kind === 'got') return told.item;
  }
  return 'unread';
}
