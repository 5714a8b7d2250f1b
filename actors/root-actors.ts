// What runs on a host from its first start
// =============================================================================
//
// The agent on the main thread, a manager in every worker, and in worker 0 of a founder its metadata peer. Later members' peers and partition replicas are started by the managers. The same for every world.

import { agentActor, managerActor, metadataActor } from '../messaging/protocol/cluster-map.js';
import type { ActorSpec } from '../runtime/contract/actor.js';
import { mainWorker } from '../runtime/contract/address.js';
import { encodeAgentArguments, encodeManagerArguments, type MemberSeed } from './host/host-arguments.js';
import { memberIdOf } from './metadata/member-id.js';
import { encodeMetadataArguments } from './metadata/metadata-arguments.js';

/** What a host process knows of itself and of the cluster when it starts. */
export interface HostProfile {
  /** A UUID. */
  readonly clusterId: string;
  /** Unique for this start of the process. */
  readonly startId: string;
  readonly rack: string;
  readonly pid: number;
  /** Troupe's version. */
  readonly version: string;
  /** Founders of the metadata group, or where to ask for it. */
  readonly members: readonly MemberSeed[];
  /** Hosts that were members as far as this host knew when it ran before (known-members.ts): asked, too, and never founders. */
  readonly remembered?: readonly string[];
}

export function rootActors(
  profile: HostProfile,
  place: { readonly host: string; readonly worker: number; readonly workers: number; readonly diskId: string },
): readonly ActorSpec[] {
  const { clusterId, startId, rack, pid, version, members, remembered = [] } = profile;
  const { host, worker, workers, diskId } = place;
  const asked = [...members, ...seedsOf(remembered.filter((one) => !members.some((member) => member.host === one)))];
  if (worker === mainWorker) {
    return [
      {
        name: agentActor,
        kind: 'agent',
        args: encodeAgentArguments({ clusterId, host, startId, diskId, workers, rack, pid, version, members: asked }),
      },
    ];
  }
  const manager: ActorSpec = {
    name: managerActor,
    kind: 'manager',
    args: encodeManagerArguments({ clusterId, host, startId, diskId, members: asked }),
  };
  if (worker !== 0) return [manager];
  const memberId = memberIdOf(host, diskId);
  if (!members.some((member) => member.id === memberId)) return [manager];
  return [
    {
      name: metadataActor,
      kind: 'metadata',
      args: encodeMetadataArguments({ clusterId, memberId, founders: members }),
    },
    manager,
  ];
}

/** Hosts as whom to ask, and never as founders: no member has such an id. */
export function seedsOf(hosts: readonly string[]): MemberSeed[] {
  return hosts.map((host) => ({ id: `${host}.ask`, host }));
}
