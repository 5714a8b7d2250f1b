import { expect } from 'chai';
import {
  hasQuorum,
  isMember,
  isVoter,
  majorityOf,
  membersOf,
  quorumValue,
  votersOf,
} from '../../../actors/metadata/raft/quorum.js';
import type { Membership } from '../../../messaging/protocol/raft-entry.js';

const all = ['a', 'b', 'c', 'd', 'e'];

function subsets(list: readonly string[]): string[][] {
  return Array.from({ length: 2 ** list.length }, (_, bits) => list.filter((_, i) => (bits >> i) & 1));
}

function settled(voters: readonly string[]): Membership {
  return { voters, outgoing: [], learners: [] };
}

describe('raft quorum', () => {
  it('a majority is more than half', () => {
    expect([1, 2, 3, 4, 5].map(majorityOf)).to.deep.equal([1, 2, 2, 3, 3]);
  });

  it('the quorum value is the highest that a majority reached', () => {
    const match: Record<string, number> = { a: 9, b: 5, c: 7 };
    expect(quorumValue(settled(['a', 'b', 'c']), (id) => match[id] ?? 0)).to.equal(7);
    expect(quorumValue(settled(['a']), (id) => match[id] ?? 0)).to.equal(9);
    expect(quorumValue(settled([]), () => 9)).to.equal(0);
  });

  it('Q1: in the joint phase both majorities are needed, for every choice of members', () => {
    const joint = { voters: ['c', 'd', 'e'], outgoing: ['a', 'b', 'c'], learners: [] };
    for (const yes of subsets(all)) {
      const inNew = joint.voters.filter((id) => yes.includes(id)).length >= 2;
      const inOld = joint.outgoing.filter((id) => yes.includes(id)).length >= 2;
      expect(
        hasQuorum(joint, (id) => yes.includes(id)),
        yes.join(),
      ).to.equal(inNew && inOld);
    }
  });

  it('Q2: quorums of one membership, and of a settled and its joint one, always meet', () => {
    for (const outgoing of subsets(all).filter((set) => set.length > 0)) {
      for (const voters of subsets(all).filter((set) => set.length > 0)) {
        const joint = { voters, outgoing, learners: [] };
        const quorums = (membership: Membership): string[][] =>
          subsets(all).filter((yes) => hasQuorum(membership, (id) => yes.includes(id)));
        const inJoint = quorums(joint);
        for (const other of [settled(outgoing), settled(voters)]) {
          for (const one of quorums(other))
            for (const two of inJoint)
              if (!one.some((id) => two.includes(id))) expect.fail(`${one.join()} and ${two.join()}`);
        }
      }
    }
  });

  it('learners are sent the log and asked nothing', () => {
    const membership = { voters: ['b', 'a'], outgoing: ['c', 'a'], learners: ['d'] };
    expect(votersOf(membership)).to.deep.equal(['a', 'b', 'c']);
    expect(membersOf(membership)).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(isVoter(membership, 'd')).to.equal(false);
    expect(isMember(membership, 'd')).to.equal(true);
    expect(hasQuorum(settled(['a']), (id) => id === 'd')).to.equal(false);
  });
});
