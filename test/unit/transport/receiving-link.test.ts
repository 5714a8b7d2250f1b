import { expect } from 'chai';
import { AssertionError } from '../../../runtime/std/assert.js';
import { type Frame, noGrant } from '../../../messaging/protocol/frame.js';
import { ReceivingLink } from '../../../messaging/transport/receiving-link.js';

const window = 1000;

function frame(sequence: number, position: number, change: Partial<Frame> = {}): Frame {
  return {
    kind: 'messages',
    minor: 0,
    clusterId: undefined,
    instance: 77,
    epoch: 1,
    hostEpoch: 0,
    sequence,
    position,
    grant: noGrant,
    answer: false,
    from: { host: 'h1', worker: 0 },
    to: { host: 'h2', worker: 0 },
    messageCount: 1,
    body: new Uint8Array(0),
    length: 100,
    ...change,
  };
}

const control = (sequence: number, position: number, change: Partial<Frame> = {}): Frame =>
  frame(sequence, position, { kind: 'control', answer: true, ...change });

describe('receiving-link', () => {
  it('I1: frames are delivered in order, once', () => {
    const link = new ReceivingLink();
    expect(link.accept(frame(0, 0))).to.equal('deliver');
    expect(link.accept(frame(1, 100))).to.equal('deliver');
    expect(link.accept(frame(1, 100))).to.equal('duplicate');
    expect(link.accept(frame(0, 0))).to.equal('duplicate');
    expect(link.accept(frame(2, 200))).to.equal('deliver');
  });

  it('I2: a missing number is a gap; what comes late after it is a duplicate', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    expect(link.accept(frame(2, 200))).to.equal('gap');
    expect(link.accept(frame(1, 100))).to.equal('duplicate');
    expect(link.accept(frame(3, 300))).to.equal('deliver');
  });

  it('I2: a first frame that is not the first sent is a gap', () => {
    expect(new ReceivingLink().accept(frame(5, 700))).to.equal('gap');
  });

  it('I2: a control frame tells of a lost tail', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    expect(link.accept(control(1, 100))).to.equal('deliver');
    expect(link.accept(control(3, 300))).to.equal('gap');
    expect(link.accept(frame(3, 300))).to.equal('deliver');
  });

  it('I2 I3: a new epoch is a gap, and the old one is stale', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    expect(link.accept(frame(0, 0, { epoch: 2 }))).to.equal('gap');
    expect(link.accept(frame(1, 100))).to.equal('stale');
    expect(link.accept(frame(1, 100, { epoch: 2 }))).to.equal('deliver');
  });

  it('I3: an instance that was followed by another never comes back', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    expect(link.accept(frame(0, 0, { instance: 88 }))).to.equal('gap');
    expect(link.accept(frame(1, 100, { epoch: 9 }))).to.equal('stale');
    expect(link.accept(frame(1, 100, { instance: 88 }))).to.equal('deliver');
  });

  it('I3: a host epoch that was followed by a later one is stale; one that is not known yet is not', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0, { hostEpoch: 10 }));
    expect(link.accept(frame(0, 0, { instance: 99, hostEpoch: 9 }))).to.equal('stale');
    expect(link.accept(frame(0, 0, { instance: 99, hostEpoch: 0 }))).to.equal('gap');
    expect(link.accept(frame(1, 100, { instance: 99, hostEpoch: 11 }))).to.equal('deliver');
  });

  it('I4: grants a window beyond what was taken up, and never less than before', () => {
    const link = new ReceivingLink();
    expect(link.grant(window)).to.deep.equal(noGrant);
    link.accept(frame(0, 0));
    expect(link.grant(window)).to.deep.equal({ instance: 77, epoch: 1, limit: 1000, settled: 0 });
    link.takeUp(77, 1, 100);
    expect(link.grant(window)).to.deep.equal({ instance: 77, epoch: 1, limit: 1100, settled: 100 });
    expect(link.grant(10).limit).to.equal(1100);
  });

  it('I4: what is taken up of a past epoch counts for nothing, and nothing can be taken up before it came', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    link.accept(frame(0, 0, { epoch: 2 }));
    link.takeUp(77, 1, 100);
    expect(link.grant(window).settled).to.equal(0);
    expect(() => link.takeUp(77, 2, 101)).to.throw(AssertionError, 'I4');
  });

  it('I5: lost bytes count as taken up', () => {
    const link = new ReceivingLink();
    link.accept(frame(0, 0));
    link.takeUp(77, 1, 100);
    link.accept(frame(3, 300));
    expect(link.grant(window).settled).to.equal(300);
    link.takeUp(77, 1, link.receivedEnd);
    expect(link.grant(window)).to.include({ settled: 400, limit: 1400 });
    link.accept(control(9, 2000));
    expect(link.grant(window)).to.include({ settled: 2000, limit: 3000 });
  });

  it('T5: owes a grant when asked, and after a quarter of a window', () => {
    const link = new ReceivingLink();
    expect(link.owesGrant(window)).to.equal(false);
    link.accept(frame(0, 0));
    expect(link.owesGrant(window), 'never told').to.equal(true);
    link.grant(window);
    expect(link.owesGrant(window)).to.equal(false);
    for (let i = 1; i <= 3; i++) {
      link.accept(frame(i, i * 100));
      link.takeUp(77, 1, link.receivedEnd);
      expect(link.owesGrant(window), `after ${i}`).to.equal(i >= 3 || link.receivedEnd >= 250);
    }
    link.grant(window);
    link.accept(control(4, 400));
    expect(link.owesGrant(window), 'asked').to.equal(true);
  });
});
