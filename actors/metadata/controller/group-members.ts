// Who should be in the metadata group
// =============================================================================
//
// Keeps as many voters as the group was founded with, and grows a group of one to three once three hosts are there. A member whose host
// is gone for good, or came back with another disk, is replaced by a healthy host: first as a learner, then, when it has caught up, in
// the same change that takes the old one out (M8). A host that is only down keeps its place.
//
// Invariants
//   X3. A step changes learners or voters, never both ends of a replacement before the newcomer has been a learner.
//   X4. Nobody is taken out before somebody comes in: the group never shrinks by itself.

import { memberIdOf } from '../member-id.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import type { MemberId, Membership } from '../../../messaging/protocol/raft-entry.js';

export interface MembershipPlan {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

/** The part of a member id that says where it runs. */
export function hostOfMember(id: MemberId): string {
  const dot = id.indexOf('.');
  return dot === -1 ? id : id.slice(0, dot);
}

/**
 * The next step, or undefined when the group is as it should be, or nothing can be done.
 * @param healthy hosts that may take a place: up and heard of.
 */
export function planMembers(
  membership: Membership,
  hosts: ReadonlyMap<string, HostInfo>,
  healthy: ReadonlySet<string>,
): MembershipPlan | undefined {
  if (membership.outgoing.length > 0) return undefined; // the peer ends the joint phase by itself
  const { voters, learners } = membership;
  const gone = voters.filter((id) => isGone(id, hosts));
  const keptLearners = learners.filter((id) => !isGone(id, hosts));
  if (keptLearners.length < learners.length) return { voters, learners: keptLearners };

  const [learner] = keptLearners;
  const wanted = wantedVoters(voters.length, healthy.size);
  const [leaving] = gone;
  if (learner !== undefined) {
    if (leaving === undefined && voters.length >= wanted) return { voters, learners: [] }; // not needed any more
    const staying = voters.filter((id) => id !== leaving);
    return { voters: [...staying, learner], learners: keptLearners.filter((id) => id !== learner) }; // X4; refused until it has caught up
  }
  if (leaving === undefined && voters.length >= wanted) return undefined;
  const candidate = newcomer(voters, hosts, healthy, gone);
  return candidate === undefined ? undefined : { voters, learners: [candidate] }; // X3
}

function wantedVoters(present: number, healthy: number): number {
  if (present >= 3) return present % 2 === 1 ? present : present + 1;
  return healthy >= 3 ? 3 : 1;
}

/** For good: removed, or another disk. A host that was never heard of may yet come. */
export function isGone(id: MemberId, hosts: ReadonlyMap<string, HostInfo>): boolean {
  const host = hosts.get(hostOfMember(id));
  return host !== undefined && (host.state === 'removed' || memberIdOf(host.name, host.diskId) !== id);
}

/** Rather the same host with its new disk than another one. */
function newcomer(
  voters: readonly MemberId[],
  hosts: ReadonlyMap<string, HostInfo>,
  healthy: ReadonlySet<string>,
  gone: readonly MemberId[],
): MemberId | undefined {
  const taken = new Set(voters.filter((id) => !gone.includes(id)).map(hostOfMember));
  const free = [...healthy].filter((name) => !taken.has(name)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const name = free.find((host) => gone.some((id) => hostOfMember(id) === host)) ?? free[0];
  const host = name === undefined ? undefined : hosts.get(name);
  return host === undefined ? undefined : memberIdOf(host.name, host.diskId);
}
