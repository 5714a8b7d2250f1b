// What the papers say, sentence by sentence, in our words
// =============================================================================
//
// Sections are those of Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)" (§), and of
// Ongaro's dissertation "Consensus: Bridging Theory and Practice" (ch.). Each test holds one statement to one peer.

import { expect } from 'chai';
import type { RaftRecord } from '../../actors/metadata/raft/record.js';
import { decodeMembership } from '../../messaging/protocol/raft-entry.js';
import { bytesOf } from '../support/raft-node.js';
import { entryOf, entryText, RaftBench } from '../support/raft-bench.js';

function lastRecord(bench: RaftBench): Exclude<RaftRecord, { kind: 'bootstrap' }> {
  const record = bench.records.at(-1);
  if (record === undefined || record.kind === 'bootstrap') throw new Error('no record of the log');
  return record;
}

describe('raft paper §5.1: terms', () => {
  for (const role of ['follower', 'pre-candidate', 'candidate', 'leader'] as const) {
    it(`a ${role} that sees a newer term takes it and follows`, () => {
      const bench = new RaftBench(['b', 'c']);
      if (role === 'pre-candidate') bench.toDeadline();
      if (role === 'candidate') bench.becomeCandidate();
      if (role === 'leader') bench.becomeLeader();
      expect(bench.peer.role).to.equal(role);
      bench.append(9, [0, 0], []);
      expect([bench.peer.role, bench.peer.term, bench.peer.leader]).to.deep.equal(['follower', 9, 'b']);
    });
  }

  it('a request of an older term is refused, and tells its sender the newer term', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(5, [0, 0], []);
    bench.forget();
    bench.append(4, [0, 0], [entryOf(1, 4, 'x')], 1, 'c');
    expect(bench.sent('raft-refused').map((m) => [m.to, m.term])).to.deep.equal([['c', 5]]);
    expect(bench.peer.lastIndex).to.equal(0);
  });

  it('a term survives a restart, and so does the vote in it', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.step({ term: 3, pre: false, transfer: false, last: { index: 0, term: 0 } }, 'raft-vote');
    bench.restart();
    expect(bench.peer.term).to.equal(3);
    bench.step({ from: 'c', term: 3, pre: false, transfer: false, last: { index: 9, term: 2 } }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([false]);
  });
});

describe('raft paper §5.2: leader election', () => {
  it('a peer starts as a follower', () => {
    expect(new RaftBench(['b', 'c']).peer.role).to.equal('follower');
  });

  it('a follower stays one as long as it hears the leader', () => {
    const bench = new RaftBench(['b', 'c']);
    for (let i = 0; i < 50; i++) {
      bench.step({ term: 1, commit: 0, round: i + 1 }, 'raft-heartbeat');
      bench.elapse(290);
    }
    expect(bench.peer.role).to.equal('follower');
  });

  it('a leader sends signs of life to everybody, periodically', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    bench.elapse(75);
    bench.elapse(75);
    expect(bench.sent('raft-heartbeat').map((m) => m.to)).to.deep.equal(['b', 'c', 'b', 'c']);
  });

  it('a candidate enters the next term, votes for itself and asks all the others', () => {
    const bench = new RaftBench(['b', 'c', 'd', 'e']);
    bench.becomeCandidate();
    expect(bench.peer.term).to.equal(1);
    expect(lastRecord(bench).vote).to.equal('a');
    const asked = bench.sent('raft-vote').filter((m) => !m.pre);
    expect(asked.map((m) => [m.to, m.term])).to.deep.equal([
      ['b', 1],
      ['c', 1],
      ['d', 1],
      ['e', 1],
    ]);
  });

  it('M1: a candidate wins with the votes of a majority, counting its own', () => {
    const bench = new RaftBench(['b', 'c', 'd', 'e']);
    bench.becomeCandidate();
    bench.step({ term: 1, pre: false, granted: true }, 'raft-vote-reply');
    bench.step({ term: 1, pre: false, granted: true }, 'raft-vote-reply'); // the same again is no second vote
    expect(bench.peer.role).to.equal('candidate');
    bench.step({ from: 'c', term: 1, pre: false, granted: true }, 'raft-vote-reply');
    expect(bench.peer.role).to.equal('leader');
  });

  it('M1: a peer votes for at most one candidate in a term, first come first served', () => {
    const bench = new RaftBench(['b', 'c']);
    const last = { index: 0, term: 0 };
    bench.step({ term: 1, pre: false, transfer: false, last }, 'raft-vote');
    bench.step({ from: 'c', term: 1, pre: false, transfer: false, last }, 'raft-vote');
    bench.step({ term: 1, pre: false, transfer: false, last }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => [m.to, m.granted])).to.deep.equal([
      ['b', true],
      ['c', false],
      ['b', true],
    ]);
  });

  it('a candidate that hears a leader of its own term follows it', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeCandidate();
    bench.append(1, [0, 0], []);
    expect([bench.peer.role, bench.peer.leader]).to.deep.equal(['follower', 'b']);
  });

  it('a candidate that hears a leader of an older term stays one', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeCandidate();
    bench.append(0, [0, 0], []);
    expect(bench.peer.role).to.equal('candidate');
  });

  it('a candidate without a decision starts again after another timeout', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeCandidate();
    bench.becomeCandidate();
    expect(bench.peer.term).to.equal(2);
  });

  it('election timeouts are drawn from an interval, anew for each election', () => {
    const bench = new RaftBench(['b', 'c']);
    const timeouts = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const before = bench.nowMs;
      bench.toDeadline();
      timeouts.add((bench.peer.nextDeadlineMs ?? 0) - bench.nowMs);
      expect(bench.nowMs - before).to.be.within(300, 600);
    }
    expect(timeouts.size).to.be.greaterThan(50);
  });
});

describe('raft paper §5.3: log replication', () => {
  it('M2: a leader appends a command to its log and sends it to all others', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    bench.accept('b', 1);
    bench.accept('c', 1);
    bench.forget();
    expect(bench.peer.propose([bytesOf('x')])).to.deep.equal({ accepted: true, index: 2, term: 1 });
    bench.drain();
    const sent = bench.sent('raft-append');
    expect(sent.map((m) => [m.to, m.entries.map(entryText).join()])).to.deep.equal([
      ['b', '2/1 x'],
      ['c', '2/1 x'],
    ]);
    expect(bench.log).to.equal('1/1, 2/1 x');
  });

  it('an entry is committed and applied once a majority has it', () => {
    const bench = new RaftBench(['b', 'c', 'd', 'e']);
    bench.becomeLeader();
    bench.accept('b', 1);
    expect(bench.peer.commitIndex).to.equal(0);
    bench.accept('c', 1);
    expect(bench.peer.commitIndex).to.equal(1);
    expect(bench.take('apply').map((output) => output.entries.map(entryText))).to.deep.equal([['1/1']]);
  });

  it('committing an entry commits everything before it', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 1, 'y')]);
    bench.elapse(1000);
    bench.becomeLeader();
    bench.accept('b', 3);
    expect(bench.take('apply').map((output) => output.entries.map(entryText).join())).to.deep.equal([
      '1/1 x,2/1 y,3/2',
    ]);
  });

  it('a leader tells followers how far it has committed, and they apply up to there, in order', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 1, 'y')], 1);
    expect(bench.take('apply').map((output) => output.entries.map(entryText).join())).to.deep.equal(['1/1 x']);
    bench.append(1, [2, 1], [], 2);
    expect(bench.take('apply').map((output) => output.entries.map(entryText).join())).to.deep.equal(['2/1 y']);
  });

  it('M3: an append names the entry before it, and a follower without that entry refuses', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1)]);
    bench.forget();
    bench.append(2, [1, 2], [entryOf(2, 2)]);
    bench.append(2, [2, 2], [entryOf(3, 2)]);
    expect(bench.sent('raft-refused').map((m) => [m.previous, m.conflict])).to.deep.equal([
      [1, { index: 1, term: 1 }],
      [2, { index: 2, term: 0 }],
    ]);
  });

  it('M5: entries that conflict with the leader’s are removed, with all after them', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 1, 'y'), entryOf(3, 1, 'z')]);
    bench.append(2, [1, 1], [entryOf(2, 2, 'new')]);
    expect(bench.log).to.equal('1/1 x, 2/2 new');
  });

  it('entries that are there already are left alone, with what follows them', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 1, 'y'), entryOf(3, 1, 'z')]);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')]);
    expect(bench.peer.lastIndex).to.equal(3);
    expect(bench.sent('raft-accepted').map((m) => m.match)).to.deep.equal([3, 1]);
  });

  it('a leader goes back along a follower’s log until they meet, a term at a time', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(
      3,
      [0, 0],
      [1, 1, 2, 2, 3, 3].map((term, i) => entryOf(i + 1, term)),
    );
    bench.elapse(1000);
    bench.becomeLeader();
    bench.forget();
    // c has terms 1 1 1 1 1 1: its entry 6 is of term 1, which begins at 1.
    bench.step({ from: 'c', term: 4, previous: 6, conflict: { index: 1, term: 1 } }, 'raft-refused');
    expect(bench.sent('raft-append').map((m) => m.previous)).to.deep.equal([{ index: 2, term: 1 }]);
    // b has only one entry.
    bench.step({ from: 'b', term: 4, previous: 6, conflict: { index: 2, term: 0 } }, 'raft-refused');
    expect(bench.sent('raft-append').map((m) => m.previous)).to.deep.equal([{ index: 1, term: 1 }]);
  });

  it('M2: a leader never overwrites or deletes entries of its own log', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    expect(() => bench.append(1, [0, 0], [entryOf(1, 1, 'other')])).to.throw('M1');
  });
});

describe('raft paper §5.4: safety', () => {
  const cases = [
    { last: { index: 2, term: 2 }, granted: true, why: 'equal' },
    { last: { index: 3, term: 2 }, granted: true, why: 'longer in the same term' },
    { last: { index: 1, term: 3 }, granted: true, why: 'shorter but of a later term' },
    { last: { index: 1, term: 2 }, granted: false, why: 'shorter in the same term' },
    { last: { index: 9, term: 1 }, granted: false, why: 'longer but of an earlier term' },
  ];
  for (const { last, granted, why } of cases) {
    for (const pre of [true, false]) {
      it(`§5.4.1 M12: a ${pre ? 'pre-vote' : 'vote'} is ${granted ? 'granted' : 'refused'} to a log that is ${why}`, () => {
        const bench = new RaftBench(['b', 'c']);
        bench.append(2, [0, 0], [entryOf(1, 1), entryOf(2, 2)]);
        bench.elapse(1000);
        bench.forget();
        bench.step({ from: 'c', term: 9, pre, transfer: false, last }, 'raft-vote');
        expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([granted]);
      });
    }
  }

  it('§5.4.2 M7: an entry of an earlier term is not committed by counting', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')]);
    bench.elapse(1000);
    bench.becomeLeader();
    bench.accept('b', 1);
    bench.accept('c', 1);
    expect(bench.peer.commitIndex).to.equal(0);
    bench.accept('b', 2);
    expect(bench.peer.commitIndex).to.equal(2);
  });
});

describe('raft paper §5.5 and §5.6: crashes and timing', () => {
  it('messages may be repeated: a second append, vote or answer changes nothing', () => {
    const bench = new RaftBench(['b', 'c']);
    for (let i = 0; i < 2; i++) bench.append(1, [0, 0], [entryOf(1, 1, 'x')], 1);
    expect(bench.log).to.equal('1/1 x');
    expect(bench.take('apply').length).to.equal(1);
  });

  it('an answer to somebody who crashed and came back with another disk is not taken for it', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeCandidate();
    bench.peer.step(
      { kind: 'raft-vote-reply', from: 'b', to: 'a-before', term: 1, pre: false, granted: true },
      bench.nowMs,
    );
    expect(bench.peer.role).to.equal('candidate');
  });

  it('options that could not keep a leader are refused', () => {
    expect(() => new RaftBench(['b'], { heartbeatMs: 200, electionTimeoutMinMs: 300 })).to.throw('M9');
    expect(() => new RaftBench(['b'], { electionTimeoutMinMs: 600 })).to.throw('spread');
  });
});

describe('raft paper §6, ch. 4: membership changes', () => {
  function leaderWith(learner: string): RaftBench {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    for (const id of ['b', 'c']) bench.accept(id, 1);
    bench.peer.proposeMembership({ voters: ['a', 'b', 'c'], learners: [learner] });
    bench.drain();
    for (const id of ['b', 'c', learner]) bench.accept(id, 2);
    bench.forget();
    return bench;
  }

  it('M8: a peer uses the newest membership in its log, committed or not', () => {
    const bench = leaderWith('d');
    bench.peer.proposeMembership({ voters: ['a', 'b', 'd'], learners: [] });
    expect(bench.peer.membership).to.deep.equal({ voters: ['a', 'b', 'd'], outgoing: ['a', 'b', 'c'], learners: [] });
  });

  it('M8 Q1: in the joint phase an entry needs a majority of both memberships', () => {
    const bench = leaderWith('d');
    bench.peer.proposeMembership({ voters: ['a', 'd', 'b'], learners: [] });
    bench.drain();
    bench.accept('c', 3); // a and c of the old, only a of the new
    expect(bench.peer.commitIndex).to.equal(2);
    bench.accept('d', 3);
    expect(bench.peer.commitIndex).to.equal(3);
  });

  it('M8: when the joint membership is committed, the leader appends the new one by itself', () => {
    const bench = leaderWith('d');
    bench.peer.proposeMembership({ voters: ['a', 'b', 'd'], learners: [] });
    bench.drain();
    bench.accept('b', 3);
    bench.accept('d', 3);
    const record = lastRecord(bench);
    const left = record.entries.at(-1);
    expect(left === undefined ? undefined : decodeMembership(left.bytes)).to.deep.equal({
      voters: ['a', 'b', 'd'],
      outgoing: [],
      learners: [],
    });
  });

  it('M8: a new leader that finds a committed joint membership ends it', () => {
    const bench = leaderWith('d');
    bench.peer.proposeMembership({ voters: ['a', 'b', 'd'], learners: [] });
    bench.drain();
    bench.append(2, [3, 1], [], 2); // b leads term 2, the joint entry is not known to be committed
    bench.elapse(1000);
    bench.becomeLeader(['b', 'c', 'd']);
    for (const id of ['b', 'c', 'd']) bench.accept(id, 4);
    expect(bench.peer.membership.outgoing).to.deep.equal([]);
    expect(bench.peer.lastIndex).to.equal(5);
  });

  it('ch. 4.2.1 M8: a newcomer is a learner first, and becomes a voter when it has caught up', () => {
    const bench = new RaftBench(['b', 'c'], { promotionLagMax: 1 });
    bench.becomeLeader();
    for (const id of ['b', 'c']) bench.accept(id, 1);
    const join = { voters: ['a', 'b', 'c', 'd', 'e'], learners: [] };
    expect(bench.peer.proposeMembership(join)).to.include({ accepted: false, reason: 'not-caught-up' });
    bench.peer.proposeMembership({ voters: ['a', 'b', 'c'], learners: ['d', 'e'] });
    bench.drain();
    for (const id of ['b', 'c', 'd']) bench.accept(id, 2);
    expect(bench.peer.proposeMembership(join)).to.include({ accepted: false, reason: 'not-caught-up' });
    bench.accept('e', 2);
    expect(bench.peer.proposeMembership(join)).to.include({ accepted: true });
  });

  it('ch. 4.2.2 M8: a leader that is not in the new membership steps down once that is committed', () => {
    const bench = leaderWith('d');
    bench.peer.proposeMembership({ voters: ['b', 'c', 'd'], learners: [] });
    bench.drain();
    bench.accept('b', 3);
    bench.accept('c', 3);
    expect(bench.peer.role, 'still needed').to.equal('leader');
    bench.accept('b', 4);
    expect(bench.peer.role, 'its own copy does not count').to.equal('leader');
    bench.accept('c', 4);
    expect(bench.peer.role).to.equal('follower');
    expect(bench.sent('raft-timeout-now').length).to.equal(1);
  });

  it('ch. 4.2.3 M9: a peer that hears a leader ignores candidates, and keeps its term', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], []);
    bench.elapse(299);
    bench.step({ from: 'c', term: 5, pre: false, transfer: false, last: { index: 9, term: 4 } }, 'raft-vote');
    expect([bench.peer.term, bench.peer.leader]).to.deep.equal([1, 'b']);
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([false]);
  });

  it('ch. 4.2.3 M9: but not when the leader itself asked for the election', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], []);
    bench.step({ from: 'c', term: 2, pre: false, transfer: true, last: { index: 0, term: 0 } }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([true]);
  });

  it('a peer answers requests of members that are not in its membership', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')], 0, 'stranger');
    expect(bench.sent('raft-accepted').map((m) => m.to)).to.deep.equal(['stranger']);
  });
});

describe('raft paper §7, ch. 5: log compaction', () => {
  it('M11: a snapshot keeps index, term and membership of the last entry it covers', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')], 1);
    expect(bench.peer.snapshot()).to.equal(true);
    bench.drain();
    expect(bench.take('begin-snapshot').length).to.equal(1);
    expect(lastRecord(bench)).to.deep.include({ kind: 'rebase', base: { index: 1, term: 1 }, entries: [] });
  });

  it('M11: the log is trimmed only after the snapshot is durable', () => {
    const bench = new RaftBench(['b', 'c'], { tailCountMax: 0 });
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')], 1);
    bench.peer.snapshot();
    bench.drain();
    expect(bench.peer.logBytes).to.equal(1);
    bench.peer.snapshotWritten(1, bench.nowMs);
    bench.drain();
    expect(bench.take('commit-snapshot').length).to.equal(1);
    expect(bench.peer.logBytes).to.equal(1);
    bench.peer.snapshotStored(1, bench.nowMs);
    expect([bench.peer.logBytes, bench.peer.snapshotIndex]).to.deep.equal([0, 1]);
  });

  it('K2: a snapshot is not switched on before the record at its replay start is on disk', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x')], 1);
    bench.isFast = false;
    bench.peer.snapshot();
    bench.drain();
    bench.peer.snapshotWritten(1, bench.nowMs);
    bench.drain();
    expect(bench.take('commit-snapshot').length).to.equal(0);
    bench.sync();
    expect(bench.take('commit-snapshot').length).to.equal(1);
  });

  it('a follower far behind is sent the snapshot in chunks, each on request', () => {
    const bench = new RaftBench(['b', 'c'], { tailCountMax: 0 });
    bench.becomeLeader();
    bench.accept('b', 1);
    bench.peer.snapshot();
    bench.drain();
    bench.peer.snapshotWritten(1, bench.nowMs);
    bench.drain();
    bench.peer.snapshotStored(1, bench.nowMs);
    bench.step({ from: 'c', term: 1, previous: 0, conflict: { index: 1, term: 0 } }, 'raft-refused');
    expect(bench.take('snapshot-wanted').length).to.equal(1);
    bench.peer.provideSnapshot([bytesOf('one'), bytesOf('two')]);
    bench.drain();
    const [first] = bench.sent('raft-snapshot');
    expect([first?.number, first?.count, first?.last]).to.deep.equal([0, 2, { index: 1, term: 1 }]);
    bench.step({ from: 'c', term: 1, snapshot: first?.snapshot ?? 0, next: 1 }, 'raft-snapshot-reply');
    expect(bench.sent('raft-snapshot').map((m) => m.number)).to.deep.equal([1]);
    bench.step({ from: 'c', term: 1, snapshot: first?.snapshot ?? 0, next: 1 }, 'raft-snapshot-reply');
    expect(bench.sent('raft-snapshot').length, 'F3: a repeated answer is no news').to.equal(0);
  });

  function receive(bench: RaftBench, index: number, term: number): void {
    const membership = { voters: ['a', 'b', 'z'], outgoing: [], learners: [] };
    const chunk = { term: 5, snapshot: 1, last: { index, term }, membership, number: 0, count: 1, bytes: bytesOf('s') };
    bench.step(chunk, 'raft-snapshot');
    const begun = bench.take('begin-snapshot');
    if (begun.length === 0) return;
    bench.peer.snapshotWritten(begun[0]?.snapshot ?? 0, bench.nowMs);
    bench.drain();
    bench.peer.snapshotStored(begun[0]?.snapshot ?? 0, bench.nowMs);
    bench.drain();
  }

  it('M11: a snapshot that describes a part of the log keeps what follows', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(5, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 2, 'y'), entryOf(3, 3, 'z')]);
    receive(bench, 2, 2);
    expect([bench.peer.commitIndex, bench.peer.lastIndex]).to.deep.equal([2, 3]);
    expect(bench.sent('raft-accepted').at(-1)?.match).to.equal(2);
  });

  for (const [why, term] of [
    ['the log has another term there', 4],
    ['the log does not reach it', 3],
  ] as const) {
    it(`M11: a snapshot takes the place of the whole log when ${why}`, () => {
      const bench = new RaftBench(['b', 'c']);
      const entries = [entryOf(1, 1, 'x'), entryOf(2, 2, 'y'), entryOf(3, 3, 'z')];
      bench.append(5, [0, 0], term === 4 ? entries : entries.slice(0, 2));
      receive(bench, 3, term);
      expect([bench.peer.commitIndex, bench.peer.lastIndex, bench.peer.logBytes]).to.deep.equal([3, 3, 0]);
      expect(bench.peer.membership.voters).to.deep.equal(['a', 'b', 'z']);
      expect(bench.take('restore-state').map((output) => [output.index, output.term])).to.deep.equal([[3, term]]);
    });
  }

  it('M11: a snapshot of what is committed already is ignored, and answered with what is there', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(5, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 2, 'y')], 2);
    bench.forget();
    receive(bench, 2, 2);
    expect(bench.take('restore-state')).to.deep.equal([]);
    expect(bench.sent('raft-accepted').map((m) => m.match)).to.deep.equal([2]);
  });
});

describe('raft paper §8, ch. 6: clients', () => {
  function readyLeader(): RaftBench {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    bench.accept('b', 1);
    bench.forget();
    return bench;
  }

  it('a peer that does not lead says who does', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], []);
    expect(bench.peer.propose([bytesOf('x')])).to.deep.equal({ accepted: false, reason: 'not-leader', leader: 'b' });
    expect(bench.peer.readIndex()).to.deep.equal({ accepted: false, reason: 'not-leader', leader: 'b' });
  });

  it('P1 M10: a leader opens its term with a no-op, and answers no read before that is committed', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    expect(lastRecord(bench).entries.map((entry) => entry.kind)).to.deep.equal(['no-op']);
    expect(bench.peer.readIndex().accepted).to.equal(true);
    bench.elapse(75);
    const [beat] = bench.sent('raft-heartbeat');
    bench.step({ term: 1, round: beat?.round ?? 0 }, 'raft-heartbeat-reply');
    expect(bench.take('read-ready')).to.deep.equal([]);
    bench.accept('b', 1);
    const [next] = bench.sent('raft-heartbeat');
    bench.step({ term: 1, round: next?.round ?? 0 }, 'raft-heartbeat-reply');
    expect(bench.take('read-ready').map((output) => output.index)).to.deep.equal([1]);
  });

  it('ch. 6.4 M10: a leader confirms that it still leads, by a round begun after the read arrived', () => {
    const bench = readyLeader();
    bench.elapse(75);
    const [old] = bench.sent('raft-heartbeat');
    bench.peer.readIndex();
    bench.drain();
    bench.step({ term: 1, round: old?.round ?? 0 }, 'raft-heartbeat-reply');
    expect(bench.take('read-ready')).to.deep.equal([]);
    bench.elapse(75);
    const [fresh] = bench.sent('raft-heartbeat').slice(-2);
    bench.step({ term: 1, round: fresh?.round ?? 0 }, 'raft-heartbeat-reply');
    expect(bench.take('read-ready').length).to.equal(1);
  });

  it('ch. 6.4: reads that wait share a round', () => {
    const bench = readyLeader();
    for (let i = 0; i < 5; i++) bench.peer.readIndex();
    bench.drain();
    const [beat, ...more] = bench.sent('raft-heartbeat');
    expect(more.length).to.equal(1);
    bench.step({ term: 1, round: beat?.round ?? 0 }, 'raft-heartbeat-reply');
    expect(bench.take('read-ready').map((output) => output.request)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('ch. 6.4: reads that a leader did not confirm are lost with its leadership', () => {
    const bench = readyLeader();
    bench.peer.readIndex();
    bench.drain();
    bench.append(2, [1, 1], []);
    expect(bench.take('read-lost').map((output) => output.request)).to.deep.equal([1]);
  });

  it('ch. 6.2 M9: a leader that heard no majority for an election timeout steps down', () => {
    const bench = readyLeader();
    bench.elapse(310); // b was heard in the first window
    expect(bench.peer.role).to.equal('leader');
    bench.elapse(310);
    expect(bench.peer.role).to.equal('follower');
    bench.forget();
    bench.elapse(75);
    expect(bench.sent('raft-heartbeat')).to.deep.equal([]);
  });
});

describe('raft ch. 3.10: leadership transfer', () => {
  it('the heir is told when it has everything, and proposals are refused meanwhile', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    bench.accept('c', 1);
    expect(bench.peer.transferLeadership('b', bench.nowMs)).to.deep.equal({ accepted: true });
    bench.drain();
    expect(bench.sent('raft-timeout-now')).to.deep.equal([]);
    expect(bench.peer.propose([bytesOf('x')])).to.include({ reason: 'transferring' });
    bench.accept('b', 1);
    expect(bench.sent('raft-timeout-now').map((m) => m.to)).to.deep.equal(['b']);
  });

  it('the heir campaigns at once, without asking whether it may', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], []);
    bench.step({ term: 1 }, 'raft-timeout-now');
    expect([bench.peer.role, bench.peer.term]).to.deep.equal(['candidate', 2]);
    expect(bench.sent('raft-vote').every((m) => m.transfer && !m.pre)).to.equal(true);
  });

  it('the old leader takes proposals again when the heir did not win within an election timeout', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    bench.accept('b', 1);
    bench.peer.transferLeadership('b', bench.nowMs);
    for (let i = 0; i < 9; i++) {
      bench.accept('b', 1);
      bench.elapse(75);
    }
    expect(bench.peer.propose([bytesOf('x')])).to.include({ accepted: true });
  });
});

describe('raft ch. 9.6: pre-vote', () => {
  it('M9: a follower that times out asks first, and keeps its term until a majority would vote for it', () => {
    const bench = new RaftBench(['b', 'c', 'd', 'e']);
    bench.toDeadline();
    expect([bench.peer.role, bench.peer.term]).to.deep.equal(['pre-candidate', 0]);
    expect(bench.records.length, 'nothing to persist but the founding').to.equal(1);
    bench.step({ term: 1, pre: true, granted: true }, 'raft-vote-reply');
    expect(bench.peer.role).to.equal('pre-candidate');
    bench.step({ from: 'c', term: 1, pre: true, granted: true }, 'raft-vote-reply');
    expect([bench.peer.role, bench.peer.term]).to.deep.equal(['candidate', 1]);
  });

  it('M9: granting a pre-vote binds nobody', () => {
    const bench = new RaftBench(['b', 'c']);
    const last = { index: 0, term: 0 };
    bench.step({ term: 1, pre: true, transfer: false, last }, 'raft-vote');
    bench.step({ from: 'c', term: 1, pre: true, transfer: false, last }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([true, true]);
    expect(bench.peer.term).to.equal(0);
  });

  it('a pre-candidate that is refused by a newer term takes that term', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.toDeadline();
    bench.step({ term: 7, pre: true, granted: false }, 'raft-vote-reply');
    expect([bench.peer.role, bench.peer.term]).to.deep.equal(['follower', 7]);
  });
});

describe('raft ch. 10.2.1: writing to the leader’s disk in parallel', () => {
  it('M6: a leader sends entries before its own disk has them, and counts itself only after', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    for (const id of ['b', 'c']) bench.accept(id, 1);
    bench.forget();
    bench.isFast = false;
    bench.peer.propose([bytesOf('x')]);
    bench.drain();
    expect(bench.sent('raft-append').length).to.equal(2);
    bench.accept('b', 2);
    expect(bench.peer.commitIndex).to.equal(1);
    bench.sync();
    expect(bench.peer.commitIndex).to.equal(2);
  });

  it('M6: two others are a majority without the leader’s disk, but it applies only what it cannot forget', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    for (const id of ['b', 'c']) bench.accept(id, 1);
    bench.forget();
    bench.isFast = false;
    bench.peer.propose([bytesOf('x')]);
    bench.drain();
    for (const id of ['b', 'c']) bench.accept(id, 2);
    expect([bench.peer.commitIndex, bench.peer.appliedIndex]).to.deep.equal([2, 1]);
    bench.sync();
    expect(bench.peer.appliedIndex).to.equal(2);
  });
});
