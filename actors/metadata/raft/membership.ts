// One change of membership at a time, through a joint phase when voters change
// =============================================================================
//
//   settled ──change of learners only──▶ settled
//   settled ──change of voters──▶ joint (voters = new, outgoing = old) ──when committed, by whoever leads──▶ settled
//
// Invariants
//   N1. A joint membership is left for the very voters it was entered for.
//   N2. A member is a voter or a learner, never both.
//
// Sources: Ongaro's dissertation 4.1–4.3. We differ: members of the joint phase are all in one list each, and a new voter
// must have been a learner that caught up, so joining never slows commitment.

import { assert } from '../../../runtime/std/assert.js';
import { memberCountMax, type MemberId, type Membership } from '../../../messaging/protocol/raft-entry.js';
import { compareMembers } from './quorum.js';

export const noMembership: Membership = { voters: [], outgoing: [], learners: [] };

export interface MembershipChange {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

/** A membership in canonical order. Asserts that it is one. */
export function settledMembership(change: MembershipChange): Membership {
  const voters = [...change.voters].sort(compareMembers);
  const learners = [...change.learners].sort(compareMembers);
  assert(new Set([...voters, ...learners]).size === voters.length + learners.length, 'N2: a member is listed once');
  return { voters, outgoing: [], learners };
}

export function isValidChange(change: MembershipChange): boolean {
  const all = [...change.voters, ...change.learners];
  return (
    change.voters.length > 0 &&
    change.voters.length <= memberCountMax &&
    change.learners.length <= memberCountMax &&
    new Set(all).size === all.length && // N2
    all.every((member) => member.length > 0)
  );
}

/** What to append to bring `now` to `target`. REQUIRES that `now` is settled. */
export function membershipToward(now: Membership, target: Membership): Membership {
  assert(!isJoint(now), 'M8: one change at a time');
  const sameVoters =
    now.voters.length === target.voters.length && now.voters.every((voter, i) => voter === target.voters[i]);
  return sameVoters ? target : { ...target, outgoing: now.voters };
}

/** What ends the joint phase. */
export function membershipAfterJoint(joint: Membership): Membership {
  assert(isJoint(joint), 'N1: only a joint membership is left');
  return { ...joint, outgoing: [] }; // N1
}

export function sameMembership(a: Membership, b: Membership): boolean {
  return sameList(a.voters, b.voters) && sameList(a.outgoing, b.outgoing) && sameList(a.learners, b.learners);
}

function sameList(a: readonly MemberId[], b: readonly MemberId[]): boolean {
  return a.length === b.length && a.every((member, i) => member === b[i]);
}
