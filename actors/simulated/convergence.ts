// Has the cluster come to rest?
// =============================================================================
//
// After everything is healed: every partition is led, every replica in sync and equal to its leader, every client answered.

import type { LoadActor } from '../../messaging/workload/load-actor.js';
import { equalBytes } from '../../runtime/std/bytes.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import type { PartitionReplica } from '../partition/replica.js';
import type { SimulatedMesh } from './simulated-mesh.js';

/** @returns what is missing, or undefined. */
export function missingForRest(mesh: SimulatedMesh, loads: readonly LoadActor[]): string | undefined {
  const busy = loads.filter((load) => !load.isIdle).length;
  if (busy > 0) return `${busy} clients wait for answers`;
  const map = mesh.newestMap;
  if (map === undefined) return 'no metadata';
  for (const host of map.hosts.values()) if (host.state !== 'up') return `${host.name} is ${host.state}`;
  if (map.hosts.size < mesh.hostNames.length) return 'not every host is registered';
  const running = mesh.replicas();
  for (const info of map.partitions.values()) {
    const name = `partition ${info.id} of ${info.table}`;
    if (info.leader === undefined) return `${name} has no leader: ${info.reason}`;
    const replicas = running.filter(({ replica }) => replica.core.partition === info.id);
    for (const { host, replica } of replicas)
      if (replica.role.kind === 'quarantined') return `${name} is quarantined at ${host}: ${replica.role.reason}`;
    if (info.inSync.length < info.replicas.length)
      return `${name} has ${info.inSync.join(', ')} in sync of ${info.replicas.map((one) => one.host).join(', ')}`;
    const leader = replicas.find(({ host }) => host === info.leader)?.replica;
    if (leader?.role.kind !== 'leader') return `${name}: ${info.leader} does not lead`;
    const { log, highWatermark, state } = leader.core;
    if (highWatermark < log.end) return `${name}: ${log.end - highWatermark} records are not committed`;
    const { high, low } = state.hash();
    const sessions = sessionsOf(leader);
    for (const { host } of info.replicas) {
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
  return undefined;
}

function sessionsOf(replica: PartitionReplica): Uint8Array {
  const writer = new ByteWriter(1024);
  replica.core.state.sessions.encode(writer);
  return writer.finish();
}
