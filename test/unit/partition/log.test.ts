// The log of a replica, its epochs, and where two logs part
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import { encodeBatch } from '../../../messaging/protocol/log-batch.js';
import { EpochTable } from '../../../actors/partition/replication/epoch-table.js';
import { ReplicaLog } from '../../../actors/partition/replication/log.js';
import { reconcileAnswer, truncationPoint } from '../../../actors/partition/replication/reconcile.js';
import { AssertionError } from '../../../runtime/std/assert.js';

function batch(base: number, epoch: number): Uint8Array {
  return encodeBatch({
    base,
    count: 1,
    lineage: 1,
    epoch,
    timeMs: 0,
    partitionTimeMs: 0,
    body: { kind: 'epoch-start' },
  });
}

/** A log whose record at each offset is of the epoch given. */
function logOf(epochs: readonly number[]): ReplicaLog {
  const log = new ReplicaLog();
  epochs.forEach((epoch, base) => log.append(batch(base, epoch), base));
  return log;
}

describe('epoch table', () => {
  it('E1 epochs and their starts rise together', () => {
    const table = new EpochTable([{ epoch: 2, start: 10 }]);
    expect(() => table.note(1, 20)).to.throw(AssertionError, 'E1');
    expect(() => table.note(3, 10)).to.throw(AssertionError, 'E1');
    table.note(2, 15);
    table.note(5, 20);
    expect(table.entries()).to.deep.equal([
      { epoch: 2, start: 10 },
      { epoch: 5, start: 20 },
    ]);
  });

  it('knows the epoch of an offset and the end of an epoch, also of one without records', () => {
    const table = new EpochTable([
      { epoch: 2, start: 0 },
      { epoch: 5, start: 20 },
    ]);
    expect([0, 19, 20, 99].map((offset) => table.epochAt(offset))).to.deep.equal([2, 2, 5, 5]);
    expect(table.endOf(4, 30)).to.deep.equal({ epoch: 2, end: 20 });
    expect(table.endOf(9, 30)).to.deep.equal({ epoch: 5, end: 30 });
    expect(table.endOf(1, 30)).to.equal(undefined);
  });
});

describe('replica log', () => {
  it('G1 batches follow one another without a gap', () => {
    const log = logOf([1, 1]);
    expect(() => log.append(batch(3, 1), 3)).to.throw(AssertionError, 'G1');
    expect(() => log.append(batch(1, 1), 3)).to.throw(AssertionError, 'G1');
  });

  it('G2 is cut at batch boundaries only', () => {
    const log = new ReplicaLog();
    const op = {
      sequence: 1,
      operation: 'put' as const,
      key: new Uint8Array([1]),
      value: new Uint8Array(0),
      ifVersion: undefined,
    };
    const body = { kind: 'writes' as const, session: 1, answeredThrough: 0, ops: [op, { ...op, sequence: 2 }] };
    log.append(encodeBatch({ base: 0, count: 2, lineage: 1, epoch: 1, timeMs: 0, partitionTimeMs: 0, body }), 0);
    expect(() => log.truncateTo(1)).to.throw(AssertionError, 'G2');
    expect(() => log.from(1, 1000, 10)).to.throw(AssertionError, 'G2');
  });

  it('counts its bytes through appending, truncating and trimming', () => {
    const log = logOf([1, 1, 2, 2, 3]);
    const each = batch(0, 1).length;
    expect(log.bytesFrom(2)).to.equal(3 * each);
    log.truncateTo(4);
    expect([log.end, log.lastEpoch, log.byteCount]).to.deep.equal([4, 2, 4 * each]);
    log.trim(3, 0);
    expect([log.start, log.byteCount]).to.deep.equal([3, each]);
    log.append(batch(4, 4), 9);
    expect(log.from(3, 1000, 10).map((entry) => entry.base)).to.deep.equal([3, 4]);
    expect(log.from(3, 1, 10)).to.have.length(1);
  });
});

describe('reconcile (R12)', () => {
  it('KIP-101: a follower with records of an epoch that the leader never had cuts to where that epoch began', () => {
    const leader = logOf([1, 1, 3, 3]);
    const follower = logOf([1, 1, 2, 2, 2]);
    const answer = reconcileAnswer(leader, follower.end, follower.lastEpoch);
    expect(answer).to.deep.equal({ kind: 'diverged', epoch: 1, end: 2 });
    if (answer.kind === 'diverged') expect(truncationPoint(follower, answer.epoch, answer.end)).to.equal(2);
  });

  it('a follower below the start of the log needs a snapshot', () => {
    const leader = logOf([1, 1, 1, 1]);
    leader.trim(3, 0);
    expect(reconcileAnswer(leader, 2, 1).kind).to.equal('needs-snapshot');
    expect(reconcileAnswer(leader, 3, 1).kind).to.equal('agrees');
  });

  it('KIP-279: repeated, any two histories with a common past end at their common prefix, and never below it', () => {
    // Two logs that share a prefix and then went on under different leaders: epochs differ from there on.
    const tail = (parity: number) =>
      fc
        .array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 })
        .map((steps) => steps.map((step) => step * 2 + parity));
    const rising = (epochs: number[], from: number): number[] => {
      let last = from;
      return epochs.map((epoch) => (last = Math.max(last, epoch)));
    };
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 10 }),
        tail(0),
        tail(1),
        (past, mine, theirs) => {
          const common = rising(past, 1);
          const base = (common.at(-1) ?? 1) + 2;
          const leader = logOf([
            ...common,
            ...rising(
              mine.map((epoch) => epoch + base + (base % 2)),
              base,
            ),
          ]);
          const follower = logOf([
            ...common,
            ...rising(
              theirs.map((epoch) => epoch + base + (base % 2)),
              base,
            ),
          ]);
          for (let round = 0; ; round++) {
            expect(round, 'rounds').to.be.lessThan(64);
            const answer = reconcileAnswer(leader, follower.end, follower.lastEpoch);
            if (answer.kind === 'agrees') break;
            if (answer.kind !== 'diverged') throw new Error(answer.kind);
            const end = truncationPoint(follower, answer.epoch, answer.end);
            expect(end).to.be.at.least(common.length);
            expect(end, 'no progress').to.be.lessThan(follower.end);
            follower.truncateTo(end);
          }
          for (let offset = 0; offset < follower.end; offset++)
            expect(follower.epochs.epochAt(offset)).to.equal(leader.epochs.epochAt(offset));
        },
      ),
      { numRuns: 300 },
    );
  });
});
