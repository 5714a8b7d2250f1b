import { expect } from 'chai';
import {
  isJoint,
  isValidChange,
  membershipAfterJoint,
  membershipToward,
  settledMembership,
} from '../../../actors/metadata/raft/membership.js';

describe('raft membership', () => {
  const now = settledMembership({ voters: ['c', 'a', 'b'], learners: ['d'] });

  it('is kept in canonical order', () => {
    expect(now).to.deep.equal({ voters: ['a', 'b', 'c'], outgoing: [], learners: ['d'] });
  });

  it('N1: a change of voters goes through a joint phase and ends with the voters it was for', () => {
    const target = settledMembership({ voters: ['a', 'b', 'd'], learners: [] });
    const joint = membershipToward(now, target);
    expect(joint).to.deep.equal({ voters: ['a', 'b', 'd'], outgoing: ['a', 'b', 'c'], learners: [] });
    expect(isJoint(joint)).to.equal(true);
    expect(membershipAfterJoint(joint)).to.deep.equal(target);
    expect(() => membershipToward(joint, target)).to.throw('M8');
    expect(() => membershipAfterJoint(target)).to.throw('N1');
  });

  it('a change of learners only needs no joint phase', () => {
    const target = settledMembership({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    expect(membershipToward(now, target)).to.deep.equal(target);
  });

  it('N2: a member is a voter or a learner, and is listed once', () => {
    expect(isValidChange({ voters: ['a'], learners: ['a'] })).to.equal(false);
    expect(isValidChange({ voters: ['a', 'a'], learners: [] })).to.equal(false);
    expect(isValidChange({ voters: [], learners: ['a'] })).to.equal(false);
    expect(isValidChange({ voters: [''], learners: [] })).to.equal(false);
    expect(isValidChange({ voters: ['a'], learners: ['b'] })).to.equal(true);
    expect(() => settledMembership({ voters: ['a'], learners: ['a'] })).to.throw('N2');
  });
});
