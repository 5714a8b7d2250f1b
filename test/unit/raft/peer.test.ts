import { expect } from 'chai';
import { assertTransition, type RoleKind } from '../../../actors/metadata/raft/roles.js';
import { RaftPeer } from '../../../actors/metadata/raft/peer.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { entryOf, RaftBench } from '../../support/raft-bench.js';
import { bytesOf } from '../../support/raft-node.js';

function leaderOf(others: readonly string[], options = {}): RaftBench {
  const bench = new RaftBench(others, options);
  bench.becomeLeader(others);
  for (const id of others) bench.accept(id, 1);
  bench.forget();
  return bench;
}

describe('raft peer', () => {
  it('O1: only the transitions of the table happen', () => {
    const roles: readonly RoleKind[] = ['follower', 'pre-candidate', 'candidate', 'leader', 'recovering'];
    const legal = roles.map((from) =>
      roles.filter((to) => {
        try {
          assertTransition(from, to);
          return true;
        } catch {
          return false; // what the table refuses
        }
      }),
    );
    expect(legal).to.deep.equal([
      ['follower', 'pre-candidate', 'candidate'],
      ['follower', 'pre-candidate', 'candidate'],
      ['follower', 'pre-candidate', 'leader'],
      ['follower'],
      [],
    ]);
  });

  it('O2 M1: two leaders in one term are a defect', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], []);
    expect(() => bench.append(1, [0, 0], [], 0, 'c')).to.throw('M1: two leaders');
  });

  it('M5: an append that contradicts what is committed is a defect', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1, 'x'), entryOf(2, 1, 'y')], 2);
    bench.append(2, [1, 1], [entryOf(2, 2, 'z')]); // late or not: answered with what is committed
    expect(bench.log).to.equal('1/1 x, 2/1 y');
    expect(bench.sent('raft-accepted').at(-1)?.match).to.equal(2);
  });

  it('P2: whoever joins gets a progress, whoever leaves loses it', () => {
    const bench = leaderOf(['b', 'c']);
    bench.peer.proposeMembership({ voters: ['a', 'b'], learners: ['d'] });
    bench.drain();
    expect(bench.peer.status().members.map((member) => member.id)).to.deep.equal(['a', 'b', 'c', 'd']);
    bench.accept('b', 2);
    bench.accept('c', 2);
    expect(bench.peer.status().members.map((member) => `${member.id}:${member.voter}`)).to.deep.equal([
      'a:true',
      'b:true',
      'd:false',
    ]);
    bench.accept('c', 3); // of somebody who is gone
    expect(bench.peer.commitIndex).to.equal(2);
  });

  it('F3: one probe at a time, until a heartbeat’s answer shows that it may be lost', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.becomeLeader();
    expect(bench.sent('raft-append').length).to.equal(2);
    bench.peer.propose([bytesOf('x')]);
    bench.drain();
    expect(bench.sent('raft-append').length).to.equal(0);
    bench.step({ term: 1, round: 1 }, 'raft-heartbeat-reply');
    expect(bench.sent('raft-append').map((m) => [m.to, m.entries.length])).to.deep.equal([['b', 2]]);
  });

  it('M15: appends to one member stop at the window, and go on when it is answered', () => {
    const bench = leaderOf(['b', 'c'], { inFlightCountMax: 2, appendBytesMax: 1 });
    for (let i = 0; i < 5; i++) bench.peer.propose([bytesOf(`${i}`)]);
    bench.drain();
    const toB = bench.sent('raft-append').filter((m) => m.to === 'b');
    expect(toB.map((m) => m.entries.map((entry) => entry.index))).to.deep.equal([[2], [3]]);
    bench.accept('b', 2);
    expect(bench.sent('raft-append').filter((m) => m.to === 'b')[0]?.entries[0]?.index).to.equal(4);
  });

  it('M15: proposals past the bound on what is uncommitted are refused, and taken again after a commit', () => {
    const bench = leaderOf(['b', 'c'], { uncommittedBytesMax: 100 });
    expect(bench.peer.propose([new Uint8Array(80)])).to.include({ accepted: true });
    expect(bench.peer.propose([new Uint8Array(80)])).to.include({ accepted: false, reason: 'backlog' });
    bench.drain();
    bench.accept('b', 2);
    expect(bench.peer.status().uncommittedBytes).to.equal(0);
    expect(bench.peer.propose([new Uint8Array(200)]), 'one alone always fits').to.include({ accepted: true });
    expect(bench.peer.propose([new Uint8Array(60), new Uint8Array(60)])).to.include({ reason: 'too-large' });
  });

  it('M15: an entry above the limit is refused, and nothing of its batch is taken', () => {
    const bench = leaderOf(['b', 'c']);
    const last = bench.peer.lastIndex;
    expect(bench.peer.propose([bytesOf('x'), new Uint8Array(1_048_577)])).to.include({ reason: 'too-large' });
    expect(bench.peer.propose([])).to.include({ reason: 'invalid' });
    expect(bench.peer.lastIndex).to.equal(last);
  });

  it('reads past the bound are refused', () => {
    const bench = leaderOf(['b', 'c'], { readCountMax: 2 });
    expect([1, 2, 3].map(() => bench.peer.readIndex().accepted)).to.deep.equal([true, true, false]);
  });

  it('M6: a slow disk delays what speaks of the log, not the sign of life', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.append(1, [0, 0], [entryOf(1, 1)]);
    bench.forget();
    bench.isFast = false;
    bench.append(1, [1, 1], [entryOf(2, 1)]);
    bench.step({ term: 1, commit: 1, round: 3 }, 'raft-heartbeat');
    expect(bench.sent('raft-accepted')).to.deep.equal([]);
    expect(bench.sent('raft-heartbeat-reply').map((m) => m.round)).to.deep.equal([3]);
    bench.sync();
    expect(bench.sent('raft-accepted').map((m) => m.match)).to.deep.equal([2]);
  });

  it('M6: but a sign of life in a term that is not on disk waits for it', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.isFast = false;
    bench.step({ term: 4, commit: 0, round: 1 }, 'raft-heartbeat');
    expect(bench.sent('raft-heartbeat-reply')).to.deep.equal([]);
    bench.sync();
    expect(bench.sent('raft-heartbeat-reply').length).to.equal(1);
  });

  it('M6: a group of one leads only when its own vote is on disk', () => {
    const bench = new RaftBench([]);
    bench.isFast = false;
    bench.toDeadline();
    expect(bench.peer.role).to.equal('candidate');
    bench.sync();
    expect(bench.peer.role).to.equal('leader');
    bench.sync();
    expect(bench.peer.isReady).to.equal(true);
    expect(bench.nowMs, 'it has nobody to wait for').to.equal(0);
  });

  it('M6: its own vote does not count because something older is on disk', () => {
    const random = seededRandom(1);
    const peer = new RaftPeer({ id: 'a', random, nowMs: 0, bootstrap: { voters: ['a'], learners: [] } });
    const [founding] = peer.takeOutputs().flatMap((output) => (output.kind === 'persist' ? [output.token] : []));
    peer.tick(0);
    peer.takeOutputs();
    peer.persisted(founding ?? 0, 0);
    expect(peer.role).to.equal('candidate');
    peer.persisted((founding ?? 0) + 1, 0);
    expect(peer.role).to.equal('leader');
  });

  it('M1 M6: a vote cast long after its term began is on disk all the same', () => {
    const bench = new RaftBench(['b', 'c']);
    bench.toDeadline();
    bench.step({ term: 7, pre: true, granted: false }, 'raft-vote-reply'); // learns term 7, without a vote
    bench.step({ term: 7, pre: false, transfer: false, last: { index: 0, term: 0 } }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([true]);
    bench.restart();
    bench.step({ from: 'c', term: 7, pre: false, transfer: false, last: { index: 0, term: 0 } }, 'raft-vote');
    expect(bench.sent('raft-vote-reply').map((m) => m.granted)).to.deep.equal([false]);
  });

  it('a group of one answers reads without asking anybody', () => {
    const bench = new RaftBench([]);
    bench.toDeadline();
    bench.peer.readIndex();
    bench.drain();
    expect(bench.take('read-ready').map((output) => output.index)).to.deep.equal([1]);
  });

  it('M13: a peer with a damaged log neither votes, campaigns nor acknowledges', () => {
    const bench = new RaftBench(['b', 'c'], {}, { recovering: true });
    bench.step({ term: 3, pre: false, transfer: false, last: { index: 9, term: 2 } }, 'raft-vote');
    bench.step({ term: 3, pre: true, transfer: false, last: { index: 9, term: 2 } }, 'raft-vote');
    bench.append(3, [0, 0], [entryOf(1, 3)]);
    bench.step({ term: 3, commit: 0, round: 1 }, 'raft-heartbeat');
    bench.peer.leaderDied('b', bench.nowMs);
    bench.elapse(10_000);
    expect(bench.outputs).to.deep.equal([]);
    expect(bench.peer.nextDeadlineMs).to.equal(undefined);
    expect(bench.peer.snapshot()).to.equal(false);
    expect(bench.peer.propose([bytesOf('x')])).to.include({ reason: 'not-leader' });
  });

  it('a peer without a group stays silent until a leader writes to it', () => {
    const peer = new RaftPeer({ id: 'x', random: seededRandom(1), nowMs: 0 });
    peer.tick(10_000);
    expect(peer.takeOutputs().filter((output) => output.kind === 'send')).to.deep.equal([]);
    expect(peer.role).to.equal('follower');
  });

  it('a membership change that makes no sense is refused, and one that changes nothing says so', () => {
    const bench = leaderOf(['b', 'c']);
    expect(bench.peer.proposeMembership({ voters: [], learners: [] })).to.include({ reason: 'invalid' });
    expect(bench.peer.proposeMembership({ voters: ['a', 'a'], learners: [] })).to.include({ reason: 'invalid' });
    expect(bench.peer.proposeMembership({ voters: ['c', 'b', 'a'], learners: [] })).to.include({ reason: 'unchanged' });
  });

  it('transfers to nobody, to itself or to a learner are refused', () => {
    const bench = leaderOf(['b', 'c']);
    expect(bench.peer.transferLeadership('a', bench.nowMs)).to.include({ reason: 'invalid' });
    expect(bench.peer.transferLeadership('z', bench.nowMs)).to.include({ reason: 'invalid' });
    const alone = new RaftBench([]);
    alone.toDeadline();
    expect(alone.peer.resign(alone.nowMs)).to.include({ reason: 'not-ready' });
  });

  it('resigning hands over to whoever is furthest', () => {
    const bench = leaderOf(['b', 'c']);
    bench.peer.propose([bytesOf('x')]);
    bench.drain();
    bench.accept('c', 2);
    expect(bench.peer.resign(bench.nowMs)).to.deep.equal({ accepted: true });
    bench.drain();
    expect(bench.sent('raft-timeout-now').map((m) => m.to)).to.deep.equal(['c']);
  });

  it('deadlines lie ahead, whoever the peer is: a timer never spins', () => {
    const bench = new RaftBench(['b', 'c']);
    for (let i = 0; i < 200; i++) {
      const before = bench.peer.nextDeadlineMs ?? 0;
      bench.toDeadline();
      expect(bench.peer.nextDeadlineMs).to.be.greaterThan(before);
      if (i === 50) bench.becomeLeader();
      if (i === 100) bench.append(bench.peer.term + 1, [0, 0], []);
    }
  });
});
