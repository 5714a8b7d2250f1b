// What a peer wants done, as data
// =============================================================================
//
// In order. What must not be said before the disk has it is not here yet: it comes out of `persisted` (M6).

import type { MemberId, Membership, RaftEntry } from '../../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../../messaging/protocol/raft-messages.js';
import type { RoleKind } from './roles.js';

export type RaftOutput =
  /** Append to the journal; when it is durable, call `persisted(token)`. */
  | { readonly kind: 'persist'; readonly token: number; readonly record: Uint8Array }
  /** Send now. */
  | { readonly kind: 'send'; readonly message: RaftMessage }
  /** Committed: apply in order, each once (M5). */
  | { readonly kind: 'apply'; readonly entries: readonly RaftEntry[] }
  /** A read may be answered from the present state: everything up to `index` was applied (M10). */
  | { readonly kind: 'read-ready'; readonly request: number; readonly index: number }
  | { readonly kind: 'read-lost'; readonly request: number }
  | {
      readonly kind: 'role-changed';
      readonly role: RoleKind;
      readonly term: number;
      readonly leader: MemberId | undefined;
    }
  | { readonly kind: 'membership-changed'; readonly membership: Membership }
  /** Begin a snapshot whose replay starts at the next record; `chunks` undefined = of the state machine as it is at this output. */
  | {
      readonly kind: 'begin-snapshot';
      readonly snapshot: number;
      readonly meta: Uint8Array;
      readonly chunks: readonly Uint8Array[] | undefined;
    }
  /** Everything the snapshot needs is durable: switch it on. */
  | { readonly kind: 'commit-snapshot'; readonly snapshot: number }
  /** The state machine becomes this snapshot. */
  | {
      readonly kind: 'restore-state';
      readonly index: number;
      readonly term: number;
      readonly chunks: readonly Uint8Array[];
    }
  /** A follower is further behind than the log goes: `provideSnapshot` of the present state. */
  | { readonly kind: 'snapshot-wanted' };
