// The peers, in the order in which they take turns
// =============================================================================

import type { Peer } from './peer.js';
import { type EtcdRoute, etcdPeer } from './peers/etcd.js';
import { jetstreamPeer } from './peers/jetstream.js';
import { type RedisPipelining, redisPeer } from './peers/redis.js';
import { redisWaitPeer } from './peers/redis-wait.js';
import { troupeDefaultsPeer, troupePeer } from './peers/troupe.js';

export const peerNames = ['troupe', 'etcd', 'jetstream', 'redis', 'redis-wait', 'troupe-defaults'] as const;
export type PeerName = (typeof peerNames)[number];

/** What a client may do in two ways, for whoever wants to know which one measures better here. */
export interface PeerOptions {
  readonly etcdRoute: EtcdRoute;
  readonly redisPipelining: RedisPipelining;
}

const makers: Readonly<Record<PeerName, (options: PeerOptions) => Peer>> = {
  troupe: () => troupePeer,
  etcd: ({ etcdRoute }) => etcdPeer(etcdRoute),
  jetstream: () => jetstreamPeer,
  redis: ({ redisPipelining }) => redisPeer(redisPipelining),
  'redis-wait': () => redisWaitPeer,
  'troupe-defaults': () => troupeDefaultsPeer,
};

export function peerOf(name: PeerName, options: PeerOptions): Peer {
  return makers[name](options);
}
