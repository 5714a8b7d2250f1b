// Everything a replica may find in its mailbox
// =============================================================================

import type { ClientRequest } from '../../messaging/protocol/client-messages.js';
import type { HostMessage } from '../../messaging/protocol/host-messages.js';
import type { ReplicationMessage } from '../../messaging/protocol/replication-messages.js';
import type { Context } from '../../runtime/contract/actor.js';

type FromHost = Extract<
  HostMessage,
  { readonly kind: 'partition-metadata' | 'in-sync-changed' | 'epoch-confirmed' | 'replica-status-fetch' }
>;

/** Private: its own disk and timers. */
type Private =
  /** Everything up to `end` of log generation `generation` is on disk. */
  | { readonly kind: 'log-durable'; readonly generation: number; readonly end: number }
  | { readonly kind: 'log-truncated'; readonly generation: number; readonly end: number }
  | { readonly kind: 'born' }
  /** To itself: what is known to be committed is to be applied now. */
  | { readonly kind: 'apply' }
  /** To itself: what is committed below may leave memory, as far as it is more than is kept. */
  | { readonly kind: 'forget'; readonly below: number }
  | { readonly kind: 'snapshot-accepted' }
  | { readonly kind: 'snapshot-durable'; readonly offset: number }
  | { readonly kind: 'install-accepted'; readonly snapshot: number; readonly index: number }
  | { readonly kind: 'install-durable'; readonly snapshot: number }
  | { readonly kind: 'tick' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'housekeeping' };

export type PartitionMessage = ClientRequest | ReplicationMessage | FromHost | Private;
export type PartitionContext = Context<PartitionMessage>;
export type Of<Kind extends PartitionMessage['kind']> = Extract<PartitionMessage, { readonly kind: Kind }>;
