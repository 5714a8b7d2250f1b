// The peers, in the order in which they take turns
// =============================================================================

import type { Peer } from './peer.js';
import { type EtcdRoute, etcdPeer } from './peers/etcd.js';
import { jetstreamPeer } from './peers/jetstream.js';
import { redisPeer } from './peers/redis.js';
import { redisWaitPeer } from './peers/redis-wait.js';
import { troupePeer } from './peers/troupe.js';

export const peerNames = ['troupe', 'etcd', 'jetstream', 'redis', 'redis-wait'] as const;
export type PeerName = (typeof peerNames)[number];

const others: Readonly<Record<Exclude<PeerName, 'etcd'>, Peer>> = {
  troupe: troupePeer,
  jetstream: jetstreamPeer,
  redis: redisPeer,
  'redis-wait': redisWaitPeer,
};

export function peerOf(name: PeerName, etcdRoute: EtcdRoute): Peer {
  return name === 'etcd' ? etcdPeer(etcdRoute) : others[name];
}
