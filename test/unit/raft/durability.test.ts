import { expect } from 'chai';
import { Durability } from '../../../actors/metadata/raft/durability.js';
import type { RaftMessage } from '../../../messaging/protocol/raft-messages.js';

function message(term: number): RaftMessage {
  return { kind: 'raft-timeout-now', from: 'a', to: 'b', term };
}

describe('raft durability', () => {
  it('V1: a message leaves with the record it depends on, and with none before', () => {
    const durability = new Durability(0, 10);
    expect(durability.hold(message(1), 0)).to.equal(false);
    durability.handOut(1, 0);
    expect(durability.hold(message(2), 1)).to.equal(true);
    durability.handOut(2, 0);
    expect(durability.hold(message(3), 2)).to.equal(true);
    expect(durability.persisted(1)).to.deep.equal([message(2)]);
    expect(durability.persisted(2)).to.deep.equal([message(3)]);
    expect(durability.durableIndex).to.equal(2);
    expect(() => durability.persisted(3)).to.throw('M6');
  });

  it('V2: a truncation takes the durable end back, and a completion under way does not raise it again', () => {
    const durability = new Durability(0, 10);
    durability.handOut(5, 0);
    durability.handOut(8, 0);
    durability.persisted(1);
    expect(durability.durableIndex).to.equal(5);
    durability.truncated(3);
    expect(durability.durableIndex).to.equal(3);
    durability.handOut(4, 0);
    durability.persisted(2); // wrote 6 … 8, which are gone
    expect(durability.durableIndex).to.equal(3);
    durability.persisted(3);
    expect(durability.durableIndex).to.equal(4);
    durability.covered(9);
    expect(durability.durableIndex).to.equal(9);
  });

  it('V3: beyond its bound the newest messages are dropped', () => {
    const durability = new Durability(0, 2);
    durability.handOut(1, 0);
    for (const term of [1, 2, 3]) expect(durability.hold(message(term), 1)).to.equal(true);
    expect(durability.persisted(1)).to.deep.equal([message(1), message(2)]);
  });

  it('M9: it says since when the disk keeps the oldest record waiting', () => {
    const durability = new Durability(0, 10);
    expect(durability.waitingSinceMs).to.equal(undefined);
    durability.handOut(1, 100);
    durability.handOut(2, 200);
    expect(durability.waitingSinceMs).to.equal(100);
    durability.persisted(1);
    expect(durability.waitingSinceMs).to.equal(200);
    durability.persisted(2);
    expect(durability.waitingSinceMs).to.equal(undefined);
  });
});
