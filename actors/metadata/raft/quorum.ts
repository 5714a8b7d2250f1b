// Majorities, simple and joint
// =============================================================================
//
// Invariants
//   Q1. In the joint phase nothing is decided by fewer than a majority of the old and a majority of the new voters (M8).
//   Q2. Two quorums of the same membership, or of two successive ones, have a member in common.
//
// Sources: Ongaro's dissertation 4.3; etcd-io/raft `quorum`.

import type { MemberId, Membership } from '../../../messaging/protocol/raft-entry.js';
import { planted } from '../../../runtime/probes/probes.js';

/** How many of `voterCount` voters are a majority. */
export function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

export function isVoter(membership: Membership, member: MemberId): boolean {
  return membership.voters.includes(member) || membership.outgoing.includes(member);
}

export function isMember(membership: Membership, member: MemberId): boolean {
  return isVoter(membership, member) || membership.learners.includes(member);
}

/** Everyone whose vote may count, sorted. */
export function votersOf(membership: Membership): MemberId[] {
  return sorted([...membership.voters, ...membership.outgoing]);
}

/** Everyone who is sent the log, sorted. */
export function membersOf(membership: Membership): MemberId[] {
  return sorted([...membership.voters, ...membership.outgoing, ...membership.learners]);
}

/** The highest value that a quorum has reached, where `valueOf` says how far each member is. 0 for a group without voters. */
export function quorumValue(membership: Membership, valueOf: (member: MemberId) => number): number {
  const incoming = majorityValue(membership.voters, valueOf);
  if (membership.outgoing.length === 0 || planted('PB23')) return incoming;
  return Math.min(incoming, majorityValue(membership.outgoing, valueOf)); // Q1
}

export function hasQuorum(membership: Membership, agrees: (member: MemberId) => boolean): boolean {
  return quorumValue(membership, (member) => (agrees(member) ? 1 : 0)) === 1;
}

function majorityValue(voters: readonly MemberId[], valueOf: (member: MemberId) => number): number {
  const values = voters.map(valueOf).sort((a, b) => b - a);
  return values[majorityOf(voters.length) - 1] ?? 0;
}

function sorted(members: MemberId[]): MemberId[] {
  return [...new Set(members)].sort(compareMembers);
}

/** By UTF-16 code units, the order memberships are encoded in. */
export function compareMembers(a: MemberId, b: MemberId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
