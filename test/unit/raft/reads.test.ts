import { expect } from 'chai';
import { ReadRounds } from '../../../actors/metadata/raft/reads.js';

describe('raft read rounds', () => {
  it('I1: a read gets no index before this term has committed something', () => {
    const reads = new ReadRounds();
    reads.add(1);
    reads.begin(undefined);
    reads.confirmThrough(1);
    expect(reads.takeReady(99)).to.deep.equal([]);
    reads.begin(7);
    reads.confirmThrough(2);
    expect(reads.takeReady(7)).to.deep.equal([{ request: 1, index: 7 }]);
  });

  it('I2: a round that was under way when the read came does not count for it', () => {
    const reads = new ReadRounds();
    reads.begin(3);
    reads.add(1);
    reads.confirmThrough(1);
    expect(reads.takeReady(9)).to.deep.equal([]);
    expect(reads.wantsRound).to.equal(true);
    reads.begin(4);
    reads.add(2);
    expect(reads.wantsRound, 'the next waits until this one is answered').to.equal(false);
    reads.confirmThrough(2);
    expect(reads.takeReady(9)).to.deep.equal([{ request: 1, index: 4 }]);
    expect(reads.wantsRound).to.equal(true);
  });

  it('I3: rounds are numbered upward, and nothing is answered before it was asked', () => {
    const reads = new ReadRounds();
    expect([reads.begin(1), reads.begin(1), reads.begin(1)]).to.deep.equal([1, 2, 3]);
    expect(() => reads.confirmThrough(4)).to.throw('I3');
  });

  it('I4: an answer waits until its index was applied', () => {
    const reads = new ReadRounds();
    reads.add(1);
    reads.begin(5);
    reads.confirmThrough(1);
    expect(reads.takeReady(4)).to.deep.equal([]);
    expect(reads.takeReady(5)).to.deep.equal([{ request: 1, index: 5 }]);
  });

  it('gives up all of them at once', () => {
    const reads = new ReadRounds();
    reads.add(1);
    reads.begin(5);
    reads.add(2);
    expect(reads.takeAll()).to.deep.equal([1, 2]);
    expect(reads.size).to.equal(0);
    expect(reads.wantsRound).to.equal(false);
  });
});
