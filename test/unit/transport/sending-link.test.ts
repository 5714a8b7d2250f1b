import { expect } from 'chai';
import { AssertionError } from '../../../runtime/std/assert.js';
import { defaultLinkLimits, type LinkLimits } from '../../../messaging/transport/link-limits.js';
import { SendingLink } from '../../../messaging/transport/sending-link.js';

const limits: LinkLimits = {
  ...defaultLinkLimits,
  outboxBytesMax: 1000,
  probeMs: 100,
  probeMaxMs: 400,
  probeCountMax: 3,
};
const plenty = 1_000_000;
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const link = (window = 300): SendingLink => new SendingLink(5, false, window, limits);

/** Takes all that may leave; sequence@position. */
function take(from: SendingLink, nowMs = 0): string[] {
  const taken: string[] = [];
  for (let frame = from.take(nowMs); frame !== undefined; frame = from.take(nowMs))
    taken.push(`${frame.sequence}@${frame.position}`);
  return taken;
}

/** When it asks, within `untilMs`. */
function probes(from: SendingLink, untilMs: number, startMs = 0): number[] {
  const at: number[] = [];
  for (let now = startMs; now <= untilMs; now++) if (from.tick(now).probe) at.push(now);
  return at;
}

describe('sending-link', () => {
  it('E1: numbers frames, and counts the bytes before each', () => {
    const sending = link();
    for (const length of [100, 50, 10]) expect(sending.push(bytes(length), plenty)).to.equal(true);
    expect(take(sending)).to.deep.equal(['0@0', '1@100', '2@150']);
    expect(sending.nextSequence).to.equal(3);
    expect(sending.position).to.equal(160);
  });

  it('E2: keeps back what ends beyond the limit, until it is granted', () => {
    const sending = link();
    for (let i = 0; i < 5; i++) sending.push(bytes(100), plenty);
    expect(take(sending)).to.deep.equal(['0@0', '1@100', '2@200']);
    expect(sending.waitingBytes).to.equal(200);
    sending.granted(5, 400, 100);
    expect(take(sending)).to.deep.equal(['3@300']);
    sending.granted(5, 500, 100);
    expect(take(sending)).to.deep.equal(['4@400']);
    expect(sending.waitingBytes).to.equal(0);
  });

  it('E2: a frame longer than the window leaves when nothing is outstanding', () => {
    const sending = link();
    sending.push(bytes(10), plenty);
    sending.push(bytes(900), plenty);
    expect(take(sending)).to.deep.equal(['0@0']);
    sending.granted(5, 310, 10);
    expect(take(sending)).to.deep.equal(['1@10']);
  });

  it('E3: a frame beyond the outbox is dropped, its number used up and no window with it', () => {
    const sending = link();
    sending.push(bytes(300), plenty);
    expect(take(sending)).to.deep.equal(['0@0']);
    expect(sending.push(bytes(600), plenty)).to.equal(true);
    expect(sending.push(bytes(600), plenty)).to.equal(false);
    expect(sending.push(bytes(100), plenty)).to.equal(true);
    sending.granted(5, 2000, 300);
    expect(take(sending)).to.deep.equal(['1@300', '3@900']);
  });

  it('E3: the room of all links together bounds this one too', () => {
    const sending = link();
    sending.push(bytes(300), plenty);
    take(sending);
    expect(sending.push(bytes(100), 99)).to.equal(false);
    expect(sending.push(bytes(100), 100)).to.equal(true);
  });

  it('a frame that can leave at once needs no room', () => {
    expect(link().push(bytes(100), 0)).to.equal(true);
  });

  it('E4: asks after an idle while, at growing intervals, and then rests', () => {
    const sending = link();
    sending.push(bytes(10), plenty);
    take(sending, 0);
    expect(probes(sending, 10_000)).to.deep.equal([100, 200, 400]);
    expect(sending.isStalled).to.equal(false);
    sending.push(bytes(10), plenty);
    take(sending, 20_000);
    expect(probes(sending, 20_150, 20_000)).to.deep.equal([20_100]);
  });

  it('E4: an answer that settles everything ends the asking', () => {
    const sending = link();
    sending.push(bytes(10), plenty);
    take(sending, 0);
    sending.granted(5, 400, 10);
    expect(probes(sending, 10_000)).to.deep.equal([]);
  });

  it('E4: a blocked link asks at once, drops what waits when nobody answers, and asks on', () => {
    const sending = link();
    for (let i = 0; i < 5; i++) sending.push(bytes(100), plenty);
    take(sending, 50);
    expect(sending.tick(50)).to.deep.equal({ probe: true, dropped: 0 });
    let dropped = 0;
    let asked = 0;
    for (let now = 51; now < 5_000; now++) {
      const tick = sending.tick(now);
      dropped += tick.dropped;
      if (tick.probe) asked++;
    }
    expect(dropped).to.equal(2);
    expect(asked).to.be.within(12, 16);
    expect(sending.isStalled).to.equal(true);
    expect(sending.push(bytes(100), plenty)).to.equal(false);
    sending.granted(5, 600, 300); // somebody is there again
    expect(sending.isStalled).to.equal(false);
    expect(sending.push(bytes(100), plenty)).to.equal(true);
    expect(take(sending, 5_000)).to.deep.equal(['6@300']);
  });

  it('E4: a receiver that answers but takes nothing up is not given up', () => {
    const sending = link();
    for (let i = 0; i < 5; i++) sending.push(bytes(100), plenty);
    take(sending, 0);
    let dropped = 0;
    for (let now = 0; now < 5_000; now++) {
      const tick = sending.tick(now);
      dropped += tick.dropped;
      if (tick.probe) sending.granted(5, 300, 0);
    }
    expect(dropped).to.equal(0);
    expect(sending.waitingCount).to.equal(2);
  });

  it('E5: old grants, foreign epochs and impossible ones change nothing', () => {
    const sending = link();
    for (let i = 0; i < 4; i++) sending.push(bytes(100), plenty);
    take(sending);
    sending.granted(4, 10_000, 0);
    sending.granted(6, 10_000, 0);
    sending.granted(5, 10_000, 301); // beyond what was ever sent
    sending.granted(5, 100, 0);
    expect(take(sending)).to.deep.equal([]);
    sending.granted(5, 400, 200);
    sending.granted(5, 300, 100);
    expect(take(sending)).to.deep.equal(['3@300']);
  });

  it('E6: after a loss the first frame is not the first', () => {
    const sending = new SendingLink(5, true, 300, limits);
    sending.push(bytes(100), plenty);
    expect(take(sending)).to.deep.equal(['1@0']);
  });

  it('T3 E6: a new epoch starts from nothing but a loss, and only rises', () => {
    const sending = link();
    for (let i = 0; i < 5; i++) sending.push(bytes(100), plenty);
    take(sending);
    expect(sending.reopen(6)).to.equal(2);
    expect(sending.epoch).to.equal(6);
    sending.push(bytes(100), plenty);
    expect(take(sending)).to.deep.equal(['1@0']);
    expect(() => sending.reopen(6)).to.throw(AssertionError, 'E1');
  });
});
