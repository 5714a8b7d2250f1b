// The open fields of a replica, for models that copy one
// =============================================================================

import type { PartitionContext } from '../../actors/partition/partition-message.js';
import type { PartitionReplica } from '../../actors/partition/replica.js';
import type { Random } from '../../runtime/std/random.js';

export interface OpenLeading {
  readonly kind: 'leader';
  _$placedAtMs: number;
  _$joinsAfterMs: number;
  _$requests: number;
  readonly _$followers: Map<string, { lastHeardMs: number; behindSinceMs: number | undefined }>;
  _$onWaiting: unknown;
}

interface OpenFollowing {
  readonly kind: 'follower';
  _$newState: unknown;
  _$quarantine: unknown;
}

interface OpenReplica {
  readonly _$clients: { _$role: unknown; onRequest(message: never, from: never, context: never): void };
  readonly _$role: OpenLeading | OpenFollowing | { readonly kind: 'idle' | 'quarantined'; readonly reason: string };
  _$newState(): unknown;
  _$quarantine(reason: string, context: PartitionContext): void;
}

export function openReplica(replica: PartitionReplica): OpenReplica {
  return replica as unknown as OpenReplica;
}

/** What stands in a replica and is a function. */
export const replicaFunctions = ['_$role', '_$onWaiting', '_$newState', '_$quarantine'] as const;

/** Nothing is written to the engine in these scopes, and a writer's content is gone when it was read. */
export const replicaConstants = ['MemoryEngine', 'ByteWriter'] as const;

/** What the functions of a copied replica capture is the copy. */
export function rebindReplica(copy: PartitionReplica): void {
  const replica = openReplica(copy);
  const clients = replica._$clients;
  clients._$role = () => copy.role;
  const role = replica._$role;
  if (role.kind === 'leader')
    role._$onWaiting = (message: never, from: never, context: never) => clients.onRequest(message, from, context);
  if (role.kind === 'follower') {
    role._$newState = () => replica._$newState();
    role._$quarantine = (reason: string, context: PartitionContext) => replica._$quarantine(reason, context);
  }
}

/** No draw decides anything here that must be right, so one is as good as another. */
export const constantRandom: Random = {
  u32: () => 0,
  below: () => 0,
  between: (_min, max) => max,
  fraction: () => 0,
  chance: () => false,
  pick: <T>(list: readonly T[]) => list[0] as T,
  split: () => constantRandom,
};
