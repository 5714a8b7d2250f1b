// One item, as clients may expect it
// =============================================================================
//
// The sequential meaning of put, delete, increment and get on one key: `version` counts the writes since the item came into being, a
// condition that does not hold changes nothing.

import type { WriteStatus } from '../protocol/client-messages.js';
import type { Held, HeldItem } from './history.js';
import type { Model } from './linearizability.js';

export type ItemInput =
  | { readonly kind: 'put'; readonly value: Held; readonly ifVersion: number | undefined }
  | { readonly kind: 'delete'; readonly ifVersion: number | undefined }
  | { readonly kind: 'increment'; readonly by: number }
  | { readonly kind: 'get' };

export type ItemOutput =
  | {
      readonly kind: 'written';
      readonly status: WriteStatus;
      readonly version: number;
      readonly value: Held | undefined;
    }
  | { readonly kind: 'got'; readonly item: HeldItem | undefined };

export type ItemState = HeldItem | undefined;

export interface ItemEffect {
  readonly state: ItemState;
  readonly output: ItemOutput;
}

/** What the operation does and answers when the item is in that state. */
export function effectOn(item: ItemState, input: ItemInput): ItemEffect {
  const version = item?.version ?? 0;
  const written = (state: ItemState, status: WriteStatus, now: number, value?: Held): ItemEffect => ({
    state,
    output: { kind: 'written', status, version: now, value },
  });
  if (input.kind === 'get') return { state: item, output: { kind: 'got', item } };
  if (input.kind !== 'increment' && input.ifVersion !== undefined && input.ifVersion !== version)
    return written(item, 'condition-failed', version);
  if (input.kind === 'put') return written({ value: input.value, version: version + 1 }, 'applied', version + 1);
  if (input.kind === 'delete') return written(undefined, 'applied', version);
  if (item !== undefined && typeof item.value !== 'number') return written(item, 'invalid', version);
  const value = (item === undefined ? 0 : (item.value as number)) + input.by;
  return written({ value, version: version + 1 }, 'applied', version + 1, value);
}

export function sameOutput(a: ItemOutput, b: ItemOutput): boolean {
  if (a.kind === 'got' || b.kind === 'got') return a.kind === b.kind && sameItem(itemOf(a), itemOf(b));
  return a.status === b.status && a.version === b.version && a.value === b.value;
}

function itemOf(output: ItemOutput): ItemState {
  return output.kind === 'got' ? output.item : undefined;
}

export function sameItem(a: ItemState, b: ItemState): boolean {
  return a === undefined || b === undefined ? a === b : a.value === b.value && a.version === b.version;
}

export const itemModel: Model<ItemState, ItemInput, ItemOutput> = {
  initial: undefined,
  step: (state, input, output) => {
    const effect = effectOn(state, input);
    return output === undefined || sameOutput(effect.output, output) ? effect : undefined;
  },
  identity: (state) => (state === undefined ? '' : `${state.version}:${String(state.value)}`),
};
