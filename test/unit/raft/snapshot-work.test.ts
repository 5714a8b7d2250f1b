import { expect } from 'chai';
import { SnapshotWork } from '../../../actors/metadata/raft/snapshot-work.js';
import type { RaftSnapshot } from '../../../messaging/protocol/raft-messages.js';

function chunk(number: number, changes: Partial<RaftSnapshot> = {}): RaftSnapshot {
  return {
    kind: 'raft-snapshot',
    from: 'a',
    to: 'b',
    term: 3,
    snapshot: 1,
    last: { index: 9, term: 2 },
    membership: { voters: ['a'], outgoing: [], learners: [] },
    number,
    count: 3,
    bytes: new Uint8Array([number]),
    ...changes,
  };
}

describe('raft snapshot transfers', () => {
  it('K1: chunks are taken in order, once, and only of one transfer', () => {
    const work = new SnapshotWork();
    expect(work.take(chunk(1), 100)).to.equal(undefined);
    work.take(chunk(0), 100);
    work.take(chunk(2), 100);
    work.take(chunk(0), 100);
    expect(work.incoming?.chunks.length).to.equal(1);
    expect(work.take(chunk(1, { snapshot: 2 }), 100)).to.equal(undefined);
    expect(work.take(chunk(1, { term: 4 }), 100)).to.equal(undefined);
    expect(work.take(chunk(1, { from: 'c' }), 100)).to.equal(undefined);
    work.take(chunk(1), 100);
    expect(work.incoming?.chunks).to.deep.equal([new Uint8Array([0]), new Uint8Array([1])]);
    work.take(chunk(0, { snapshot: 2, bytes: new Uint8Array([7]) }), 100);
    expect(work.incoming?.chunks).to.deep.equal([new Uint8Array([7])]);
  });

  it('takes no more bytes than it may', () => {
    const work = new SnapshotWork();
    work.take(chunk(0, { bytes: new Uint8Array(60) }), 100);
    work.take(chunk(1, { bytes: new Uint8Array(60) }), 100);
    expect(work.incoming?.bytes).to.equal(60);
  });

  it('K2 K3: one snapshot is written at a time, and none is finished before it was switched on', () => {
    const work = new SnapshotWork();
    const writing = {
      snapshot: 1,
      last: { index: 1, term: 1 },
      received: undefined,
      rebaseToken: 1,
      written: false,
      switching: false,
    };
    work.beginWriting(writing);
    expect(() => work.beginWriting(writing)).to.throw('K3');
    expect(() => work.finishWriting(2)).to.throw('K3');
    expect(() => work.finishWriting(1)).to.throw('K2');
    writing.switching = true;
    expect(work.finishWriting(1)).to.equal(writing);
    expect(work.writing).to.equal(undefined);
  });
});
