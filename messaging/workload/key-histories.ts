// A history, key by key, for the search of linearizability.ts
// =============================================================================
//
// What failed had no effect and is left out, so that an effect of it is one that nothing explains (R22). What has no answer, or an unknown
// one, may take effect at any time. A scan is a get of every key that it covers.
//
// Sources: CORRECTNESS §2.0, §3.5 (3).

import type { Entry, HeldItem } from './history.js';
import { type ItemInput, type ItemOutput, itemModel, type ItemState } from './item-model.js';
import { type Call, checkLinearizable, type Linearizability } from './linearizability.js';
import { covers } from './scan-cover.js';

export type ItemCall = Call<ItemInput, ItemOutput> & { readonly entry: Entry };

export interface KeyHistory {
  readonly table: string;
  readonly key: string;
  readonly calls: readonly ItemCall[];
}

/** @param partitionOf of a key, for scans; undefined when it is not known: then scans say nothing of it. */
export function keyHistories(
  entries: readonly Entry[],
  partitionOf: (table: string, key: string) => number | undefined,
): KeyHistory[] {
  const byKey = new Map<string, { readonly table: string; readonly key: string; readonly calls: ItemCall[] }>();
  const scans: Entry[] = [];
  for (const entry of entries) {
    if (entry.asked.kind === 'scan') {
      scans.push(entry);
      continue;
    }
    const call = callOf(entry);
    if (call === undefined) continue;
    const { key } = entry.asked;
    const id = `${entry.table}\n${key}`;
    let history = byKey.get(id);
    if (history === undefined) byKey.set(id, (history = { table: entry.table, key, calls: [] }));
    history.calls.push(call);
  }
  const byPartition = new Map<number, { readonly key: string; readonly calls: ItemCall[] }[]>();
  for (const history of byKey.values()) {
    const partition = partitionOf(history.table, history.key);
    if (partition === undefined) continue;
    const group = byPartition.get(partition);
    if (group === undefined) byPartition.set(partition, [history]);
    else group.push(history);
  }
  for (const scan of scans) {
    if (scan.asked.kind !== 'scan' || scan.asked.consistency !== 'linearizable') continue;
    if (scan.told?.kind !== 'scanned') continue;
    for (const { key, calls } of byPartition.get(scan.asked.partition) ?? [])
      if (covers(scan.asked, scan.told, key)) calls.push(getCall(scan, scan.told.items.get(key)));
  }
  return [...byKey.values()];
}

function callOf(entry: Entry): ItemCall | undefined {
  const { asked, told, calledAt } = entry;
  if (told?.kind === 'failed' || asked.kind === 'scan') return undefined;
  if (asked.kind === 'get') {
    if (asked.consistency !== 'linearizable' || told?.kind !== 'got') return undefined;
    return getCall(entry, told.item);
  }
  const { key: _, ...input } = asked;
  if (told?.kind !== 'written')
    return { entry, input, output: undefined, calledAt, returnedAt: Number.POSITIVE_INFINITY };
  const { status, version, value } = told;
  const output: ItemOutput = { kind: 'written', status, version, value };
  return { entry, input, output, calledAt, returnedAt: entry.returnedAt };
}

function getCall(entry: Entry, item: HeldItem | undefined): ItemCall {
  const { calledAt, returnedAt } = entry;
  return { entry, input: { kind: 'get' }, output: { kind: 'got', item }, calledAt, returnedAt };
}

export function checkKey(history: KeyHistory, stepsMax?: number): Linearizability {
  return checkLinearizable<ItemState, ItemInput, ItemOutput>(itemModel, history.calls, stepsMax);
}
