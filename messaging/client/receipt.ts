// Receipts: what was true when a write was answered
// =============================================================================

import type { Durability } from '../protocol/cluster-map.js';
import type { Key } from '../protocol/key.js';

export interface Receipt {
  readonly key: Key;
  /** The item's version after the write; after a delete the version that was deleted, 0 if there was none. */
  readonly version: number;
  readonly partition: number;
  readonly epoch: number;
  readonly offset: number;
  /** `sync`: on disk on every host of `replicas` when it was answered. */
  readonly durability: Durability;
  readonly replicas: readonly string[];
}

export interface DeleteReceipt extends Receipt {
  /** Whether there was such an item. */
  readonly existed: boolean;
}

export interface IncrementReceipt extends Receipt {
  /** The new value. */
  readonly value: number | bigint;
}
