import { expect } from 'chai';
import { RaftLog } from '../../../actors/metadata/raft/log.js';
import { encodeMembership, type Membership, type RaftEntry } from '../../../messaging/protocol/raft-entry.js';

const group: Membership = { voters: ['a', 'b', 'c'], outgoing: [], learners: [] };
const more: Membership = { voters: ['a', 'b', 'c'], outgoing: [], learners: ['d'] };

function command(index: number, term: number, size = 10): RaftEntry {
  return { index, term, kind: 'command', bytes: new Uint8Array(size) };
}

function change(index: number, term: number, membership: Membership): RaftEntry {
  return { index, term, kind: 'membership', bytes: encodeMembership(membership) };
}

function logOf(...terms: number[]): RaftLog {
  const log = new RaftLog({ index: 0, term: 0 }, group);
  terms.forEach((term, i) => log.append(command(i + 1, term)));
  return log;
}

describe('raft log', () => {
  it('G1: indexes rise by one and terms never fall', () => {
    const log = logOf(1, 1, 2);
    expect(log.last).to.deep.equal({ index: 3, term: 2 });
    expect(() => log.append(command(5, 2))).to.throw('G1');
    expect(() => log.append(command(4, 1))).to.throw('G1');
    expect([0, 1, 3, 4].map((index) => log.termAt(index))).to.deep.equal([0, 1, 2, undefined]);
    expect(() => log.truncateAfter(4)).to.throw('G1');
  });

  it('G2: a membership is in effect when appended, and the one before when truncated', () => {
    const log = logOf(1);
    log.append(change(2, 1, more));
    log.append(command(3, 1));
    expect(log.membership).to.deep.equal(more);
    expect(log.membershipIndex).to.equal(2);
    expect(log.membershipAt(1)).to.deep.equal(group);
    log.truncateAfter(2);
    expect(log.membership).to.deep.equal(more);
    log.truncateAfter(1);
    expect(log.membership).to.deep.equal(group);
    expect(log.membershipIndex).to.equal(0);
  });

  it('G2: a compaction keeps the membership that was in effect there', () => {
    const log = logOf(1);
    log.append(change(2, 1, more));
    log.append(command(3, 1));
    log.append(change(4, 1, group));
    log.compactTo(3);
    expect(log.membershipAt(3)).to.deep.equal(more);
    expect(log.membership).to.deep.equal(group);
    log.truncateAfter(3);
    expect(log.membership).to.deep.equal(more);
  });

  it('G3: bytes follow appends, truncations and compactions, and return to zero', () => {
    const log = logOf(1, 1, 1, 1);
    expect(log.bytes).to.equal(40);
    log.truncateAfter(3);
    expect(log.bytes).to.equal(30);
    log.compactTo(2);
    expect(log.bytes).to.equal(10);
    log.compactTo(3);
    expect(log.bytes).to.equal(0);
    expect(log.last).to.deep.equal({ index: 3, term: 1 });
  });

  it('slices by bytes, but never to nothing', () => {
    const log = logOf(1, 1, 1);
    expect(log.slice(0, 3, 1).map((entry) => entry.index)).to.deep.equal([1]);
    expect(log.slice(0, 3, 60).map((entry) => entry.index)).to.deep.equal([1, 2]);
    expect(log.slice(1, 9).map((entry) => entry.index)).to.deep.equal([2, 3]);
    log.compactTo(2);
    expect(() => log.slice(1, 3)).to.throw('G1');
  });

  it('finds where terms begin and end', () => {
    const log = logOf(1, 1, 3, 3, 5);
    expect(log.firstIndexOfTermAt(4)).to.equal(3);
    expect(log.firstIndexOfTermAt(2)).to.equal(1);
    expect(log.lastIndexAtOrBelowTerm(3, 5)).to.equal(4);
    expect(log.lastIndexAtOrBelowTerm(4, 9)).to.equal(4);
    expect(log.lastIndexAtOrBelowTerm(0, 5)).to.equal(0);
  });
});
