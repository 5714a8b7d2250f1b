// What applying a command came to
// =============================================================================

import type { PartitionInfo } from '../../../messaging/protocol/cluster-map.js';
import type { AdminFailure } from '../../../messaging/protocol/host-messages.js';
import type { SystemEvent } from '../../../runtime/contract/events.js';
import type { Deposed } from './partition-record.js';

/** The answer to whoever asked. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly failure: AdminFailure }
  | { readonly kind: 'registered'; readonly epoch: number; readonly startId: string }
  | { readonly kind: 'register-refused'; readonly reason: 'after-mismatch' | 'removed'; readonly epoch: number }
  | { readonly kind: 'in-sync-changed'; readonly accepted: boolean; readonly info: PartitionInfo | undefined }
  /** What it was decided on is no longer so; nothing happened. */
  | { readonly kind: 'overtaken' };

export interface Applied {
  readonly outcome: Outcome;
  /** The map changed at this index. */
  readonly changed: boolean;
  /** Leaders deposed, for the commit holds of later elections (L5). */
  readonly deposals: readonly { readonly partition: number; readonly deposed: Deposed }[];
  /** For the audit: emitted by the leader only, so that each happens once. */
  readonly events: readonly SystemEvent[];
}

export function failed(code: string, message: string): Outcome {
  return { kind: 'failed', failure: { code, message } };
}

export const overtaken: Outcome = { kind: 'overtaken' };
