// What arrives in a metadata peer's mailbox
// =============================================================================

import type { HostMessage } from '../../messaging/protocol/host-messages.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import type { Context } from '../../runtime/contract/actor.js';

/** Its own completions and timers. */
export type OwnMessage =
  | { readonly kind: 'raft-persisted'; readonly token: number }
  | { readonly kind: 'raft-tick' }
  | { readonly kind: 'snapshot-accepted'; readonly snapshot: number; readonly next: number }
  | { readonly kind: 'snapshot-stored'; readonly snapshot: number }
  | { readonly kind: 'controller-tick' }
  | { readonly kind: 'map-tick' };

export type Asked = Extract<
  HostMessage,
  {
    readonly kind:
      | 'register'
      | 'heartbeat'
      | 'register-replicas'
      | 'map-fetch'
      | 'admin'
      | 'change-in-sync'
      | 'confirm-epoch'
      | 'host-died';
  }
>;

export type MetadataMessage = OwnMessage | Asked | RaftMessage;

export type Of<Kind extends MetadataMessage['kind']> = Extract<MetadataMessage, { readonly kind: Kind }>;

export type MetadataContext = Context<OwnMessage>;
