// Has the cluster come to rest?
// =============================================================================
//
// After everything is healed: every partition is led, every replica in sync and equal to its leader, every client answered, nothing queued or
// under way. A partition that is rightly stuck for ever is passed over (may-be-offline.ts).

import type { LoadActor } from '../../messaging/workload/load-actor.js';
import type { HostInfo, PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { equalBytes } from '../../runtime/std/bytes.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { hostOfMember, isGone } from '../metadata/controller/group-members.js';
import type { PartitionReplica } from '../partition/replica.js';
import type { MapSight, SimulatedMesh } from './simulated-mesh.js';

/** A replica of a host that was removed goes elsewhere; where there is no other host, its place stays empty. */
function replicasWanted(info: PartitionInfo, map: MapSight): string[] {
  const hosts = info.replicas.map(({ host }) => host);
  const free = [...map.hosts.values()].some(({ name, state }) => state === 'up' && !hosts.includes(name));
  return free ? hosts : hosts.filter((host) => map.hosts.get(host)?.state !== 'removed');
}

/**
 * @param loads of the clients that are still there
 * @param isOffline whether the partition is stuck, and may be
 * @returns what is missing, or undefined.
 */
export function missingForRest(
  mesh: SimulatedMesh,
  loads: readonly LoadActor[],
  isOffline: (info: PartitionInfo) => boolean,
): string | undefined {
  const busy = loads.filter((load) => !load.isIdle).length;
  if (busy > 0) return `${busy} clients wait for answers`;
  const map = mesh.newestMap;
  if (map === undefined) return 'no metadata';
  for (const host of map.hosts.values())
    if (host.state !== 'up' && host.state !== 'removed') return `${host.name} is ${host.state}`;
  if (map.hosts.size < mesh.hostNames.length) return 'not every host is registered';
  const running = mesh.replicas();
  for (const info of map.partitions.values()) {
    const name = `partition ${info.id} of ${info.table}`;
    if (isOffline(info)) continue;
    if (info.leader === undefined) return `${name} has no leader: ${info.reason}`;
    const replicas = running.filter(({ replica }) => replica.core.partition === info.id);
    for (const { host, replica } of replicas)
      if (replica.role.kind === 'quarantined') return `${name} is quarantined at ${host}: ${replica.role.reason}`;
    const wanted = replicasWanted(info, map);
    if (info.inSync.length < wanted.length)
      return `${name} has ${info.inSync.join(', ')} in sync of ${wanted.join(', ')}`;
    const leader = replicas.find(({ host }) => host === info.leader)?.replica;
    if (leader?.role.kind !== 'leader') return `${name}: ${info.leader} does not lead`;
    const { log, highWatermark, state } = leader.core;
    if (highWatermark < log.end) return `${name}: ${log.end - highWatermark} records are not committed`;
    if (leader.role.pending.size > 0) return `${name}: ${leader.role.pending.size} requests wait for nothing`;
    const { high, low } = state.hash();
    const sessions = sessionsOf(leader);
    for (const host of wanted) {
      const replica = replicas.find((one) => one.host === host)?.replica;
      if (replica === undefined) return `${name} does not run at ${host}`;
      if (replica.core.highWatermark !== highWatermark)
        return `${name}: ${host} has applied ${replica.core.highWatermark} of ${highWatermark}`;
      const hash = replica.core.state.hash();
      if (!equalBytes(sessionsOf(replica), sessions))
        return `R24: ${name}: ${host} has other sessions than ${info.leader}`;
      if (hash.high !== high || hash.low !== low)
        return `R24: ${name}: ${host} differs from ${info.leader} at ${highWatermark}`;
    }
  }
  return missingInGroup(mesh);
}

/** The metadata group has as many voters as it should have, all of them there, and nothing is under way. */
function missingInGroup(mesh: SimulatedMesh): string | undefined {
  const peers = mesh.cluster.hosts.flatMap((host) => mesh.metadataOn(host.name)?.raftPeer ?? []);
  const leader = peers.find((peer) => peer.role === 'leader' && peer.isReady);
  if (leader === undefined) return 'the metadata group has no leader';
  const { voters, outgoing } = leader.membership;
  if (outgoing.length > 0) return 'the metadata group is between two memberships';
  const hosts = mesh.newestMap?.hosts ?? new Map<string, HostInfo>();
  const staying = voters.filter((voter) => !isGone(voter, hosts));
  // X4: it never shrinks. When nobody is left to come in, a group that was growing from one to three stays one of two, and who is gone keeps its vote.
  if (hasHostWithout(hosts, staying)) {
    if (voters.length % 2 === 0) return `the metadata group has ${voters.length} voters`;
    if (staying.length < voters.length) return `one of ${voters.join(', ')} votes in the metadata group and is gone`;
  }
  for (const voter of staying)
    if (!peers.some((peer) => peer.id === voter)) return `${voter} votes in the metadata group and is not there`;
  const { uncommittedBytes } = leader.status();
  return uncommittedBytes > 0 ? `M15: ${uncommittedBytes} bytes of the metadata log are not committed` : undefined;
}

/** Whether a host of the mesh is left that could become a voter beside these. */
function hasHostWithout(hosts: ReadonlyMap<string, HostInfo>, voters: readonly string[]): boolean {
  const taken = new Set(voters.map(hostOfMember));
  return [...hosts.values()].some(({ name, state }) => state !== 'removed' && !taken.has(name));
}

function sessionsOf(replica: PartitionReplica): Uint8Array {
  const writer = new ByteWriter(1024);
  replica.core.state.sessions.encode(writer);
  return writer.finish();
}
