import { expect } from 'chai';
import { raftDefaults } from '../../../actors/metadata/raft/options.js';
import { Progress, Window } from '../../../actors/metadata/raft/progress.js';

const options = { ...raftDefaults, inFlightCountMax: 2, inFlightBytesMax: 100, appendBytesMax: 100 };

describe('raft progress', () => {
  it('F1: match < next, and match only grows', () => {
    const progress = new Progress(10, false, 0);
    progress.advanceMatchTo(4);
    progress.advanceMatchTo(2);
    expect(progress.match).to.equal(4);
    progress.becomeProbe(1);
    expect(progress.next).to.equal(5);
    progress.becomeReplicate(new Window(options));
    progress.sentThrough(7);
    expect(progress.next).to.equal(8);
    progress.advanceMatchTo(9);
    expect(progress.next).to.equal(10);
  });

  it('F2 M15: the window counts what is unanswered, by count and bytes, and is zero when all is answered', () => {
    const window = new Window(options);
    window.add(3, 60);
    expect(window.isFull).to.equal(false);
    window.add(5, 10);
    expect(window.isFull).to.equal(true);
    expect(() => window.add(6, 1)).to.throw('M15');
    window.freeThrough(4);
    expect([window.count, window.bytes]).to.deep.equal([1, 10]);
    window.add(9, 95);
    expect(window.isFull, 'by bytes').to.equal(true);
    window.freeThrough(9);
    expect([window.count, window.bytes]).to.deep.equal([0, 0]);
  });

  it('F2: replication starts from a probe only, and what was in flight is forgotten with it', () => {
    const progress = new Progress(1, false, 0);
    progress.becomeReplicate(new Window(options));
    expect(() => progress.becomeReplicate(new Window(options))).to.throw('F2');
    progress.becomeProbe(1);
    expect(progress.inFlightCount).to.equal(0);
    progress.becomeSnapshot(undefined);
    expect(progress.flow).to.deep.equal({
      kind: 'snapshot',
      snapshot: undefined,
      next: 0,
      waiting: false,
      mayGoBack: false,
    });
  });
});
