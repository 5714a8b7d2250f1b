// Sessions, the in-sync set, a follower's progress: the arithmetic of a partition
// =============================================================================

import { expect } from 'chai';
import { Sessions } from '../../../actors/partition/sessions.js';
import { adopt, maximalInSync, propose, settled } from '../../../actors/partition/replication/in-sync.js';
import {
  acknowledge,
  beginReplicating,
  lags,
  newProgress,
  noteAppended,
} from '../../../actors/partition/replication/progress.js';
import { verdictOf } from '../../../actors/partition/replica.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { ByteReader } from '../../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';

function result(sequence: number) {
  return { sequence, status: 'applied' as const, offset: sequence + 100, version: 1, value: new Uint8Array(0) };
}

describe('sessions', () => {
  it('S1 a session is there from its opening to its expiry', () => {
    const sessions = new Sessions();
    expect(sessions.judge(7, 1).kind).to.equal('stale');
    sessions.open(7, 0);
    expect(() => sessions.open(7, 0)).to.throw(AssertionError, 'S1');
    expect(sessions.judge(7, 1).kind).to.equal('execute');
    sessions.expire(7);
    expect(sessions.judge(7, 1).kind).to.equal('stale');
  });

  it('S2 S5 S6 executes once, repeats the stored result, forgets what was answered, refuses beyond the window', () => {
    const sessions = new Sessions();
    sessions.open(7, 0);
    sessions.store(7, result(2));
    expect(sessions.judge(7, 2)).to.deep.equal({ kind: 'repeat', result: result(2) });
    expect(sessions.judge(7, 1).kind, 'any order').to.equal('execute');
    expect(() => sessions.store(7, result(2))).to.throw(AssertionError, 'S2');
    sessions.answered(7, 2, 10);
    expect(sessions.judge(7, 2).kind).to.equal('stale');
    sessions.answered(7, 1, 5); // old news
    expect(sessions.judge(7, 3).kind).to.equal('execute');
    expect(sessions.judge(7, 2 + 512).kind).to.equal('execute');
    expect(sessions.judge(7, 2 + 513).kind).to.equal('beyond');
  });

  it('S4 travels in a snapshot', () => {
    const sessions = new Sessions();
    sessions.open(7, 3);
    sessions.open(9, 4);
    sessions.answered(7, 5, 8);
    sessions.store(7, result(6));
    const writer = new ByteWriter();
    sessions.encode(writer);
    const copy = Sessions.decode(new ByteReader(writer.finish()));
    expect(copy.judge(7, 6)).to.deep.equal({ kind: 'repeat', result: result(6) });
    expect(copy.judge(7, 5).kind).to.equal('stale');
    expect(copy.idle(10, 5, 10)).to.deep.equal([9]);
  });

  it('S7 names the sessions idle longest first', () => {
    const sessions = new Sessions();
    for (const [session, atMs] of [
      [1, 30],
      [2, 10],
      [3, 20],
    ] as const)
      sessions.open(session, atMs);
    expect(sessions.idle(100, 75, 10)).to.deep.equal([2, 3]);
    expect(sessions.idle(100, 0, 1)).to.deep.equal([2]);
  });
});

describe('in-sync set', () => {
  it('I1 a commit waits for everybody in any proposal of this partition epoch', () => {
    const start = settled(4, ['h1', 'h2']);
    const grown = propose(start, new Set(['h1', 'h2', 'h3']), 0);
    expect([...maximalInSync(grown)]).to.have.members(['h1', 'h2', 'h3']);
    const shrunk = propose(grown, new Set(['h1']), 1);
    expect([...maximalInSync(shrunk)], 'the first proposal may still be taken').to.have.members(['h1', 'h2', 'h3']);
  });

  it('I2 a newer partition epoch settles everything, an older one is no news', () => {
    const proposed = propose(settled(4, ['h1', 'h2']), new Set(['h1', 'h2', 'h3']), 0);
    expect([...maximalInSync(adopt(proposed, 5, ['h1', 'h2']))]).to.have.members(['h1', 'h2']);
    expect(() => adopt(proposed, 4, ['h1'])).to.throw(AssertionError, 'I2');
  });
});

describe('progress of a follower', () => {
  it('P1 its acknowledged end never falls and never passes the leader’s log', () => {
    const progress = newProgress('h2', 3, 0);
    beginReplicating(progress, 0, 0);
    expect(acknowledge(progress, 5, 10, 1)).to.equal(true);
    expect(acknowledge(progress, 4, 10, 2)).to.equal(false);
    expect(progress.ackedEnd).to.equal(5);
    expect(() => acknowledge(progress, 11, 10, 3)).to.throw(AssertionError, 'P1');
  });

  it('P2 R13 lags when it stays behind one and the same point, not when it is always a little behind', () => {
    const progress = newProgress('h2', 3, 0);
    acknowledge(progress, 10, 10, 0);
    let logEnd = 10;
    for (let nowMs = 100; nowMs <= 5000; nowMs += 100) {
      acknowledge(progress, logEnd, logEnd + 1, nowMs); // one behind, for ever
      logEnd++;
      noteAppended(progress, logEnd, nowMs);
      expect(lags(progress, nowMs, 1000), `at ${nowMs}`).to.equal(false);
    }
    expect(lags(progress, 6200, 1000)).to.equal(true);
  });
});

describe('R17 what a replica found of itself', () => {
  const found = (end: 'fresh' | 'clean' | 'torn' | 'corrupt', cleanShutdown = false) => ({
    end,
    cleanShutdown,
    sameBoot: true,
    recordCount: 1,
  });

  it('a sync table’s acknowledgements were durable; an async table’s may not have been', () => {
    expect(verdictOf(found('clean'), 'sync')).to.equal('complete');
    expect(verdictOf(found('clean'), 'async')).to.equal('incomplete');
    expect(verdictOf(found('clean', true), 'async')).to.equal('complete');
    expect(verdictOf(found('torn'), 'sync')).to.equal('tail-uncertain');
    expect(verdictOf(found('torn'), 'async')).to.equal('incomplete');
    expect(verdictOf(found('corrupt'), 'sync')).to.equal('incomplete');
    expect(verdictOf(found('fresh'), 'sync')).to.equal('incomplete');
  });
});
