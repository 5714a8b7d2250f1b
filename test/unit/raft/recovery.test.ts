import { expect } from 'chai';
import {
  encodeRecord,
  encodeSnapshotMeta,
  type LogRecord,
  type RaftRecord,
} from '../../../actors/metadata/raft/record.js';
import { RaftRecovery, type RecoveredRaft } from '../../../actors/metadata/raft/recovery.js';
import type { RaftEntry } from '../../../messaging/protocol/raft-entry.js';
import { bytesOf, textOf } from '../../support/raft-node.js';

const founded: RaftRecord = { kind: 'bootstrap', membership: { voters: ['a', 'b'], outgoing: [], learners: [] } };

function entries(after: number, term: number, ...commands: string[]): RaftEntry[] {
  return commands.map((command, i) => ({ index: after + 1 + i, term, kind: 'command', bytes: bytesOf(command) }));
}

function log(term: number, index: number, baseTerm: number, list: readonly RaftEntry[], vote?: string): LogRecord {
  return { kind: 'log', term, vote, base: { index, term: baseTerm }, entries: list };
}

function recover(records: readonly RaftRecord[], snapshot?: { index: number; term: number }): RecoveredRaft {
  const recovery = new RaftRecovery();
  if (snapshot !== undefined)
    recovery.snapshot(
      encodeSnapshotMeta({ last: snapshot, membership: { voters: ['s'], outgoing: [], learners: [] } }),
    );
  for (const record of records) recovery.record(encodeRecord(record));
  const recovered = recovery.finish();
  if (recovered === undefined) throw new Error('nothing recovered');
  return recovered;
}

function commandsOf({ log: found }: RecoveredRaft): string {
  return found
    .slice(found.base.index, found.lastIndex)
    .map((entry) => `${entry.index}/${entry.term} ${textOf(entry.bytes)}`)
    .join(', ');
}

describe('raft recovery', () => {
  it('gives nothing for nothing', () => {
    expect(new RaftRecovery().finish()).to.equal(undefined);
  });

  it('Y1: replays appends, truncations, terms and votes in order', () => {
    const found = recover([
      founded,
      log(1, 0, 0, entries(0, 1, 'x', 'y', 'lost'), 'a'),
      log(2, 3, 1, [], 'b'),
      log(2, 2, 1, entries(2, 2, 'z'), 'b'),
    ]);
    expect(found.term).to.equal(2);
    expect(found.vote).to.equal('b');
    expect(commandsOf(found)).to.equal('1/1 x, 2/1 y, 3/2 z');
    expect(found.log.membership.voters).to.deep.equal(['a', 'b']);
  });

  it('Y1 M11: a snapshot and the rebase at its replay start are all that is needed', () => {
    const rebase: LogRecord = { ...log(3, 5, 2, entries(5, 3, 'six'), 'a'), kind: 'rebase' };
    const found = recover([rebase, log(3, 6, 3, entries(6, 3, 'seven'), 'a')], { index: 5, term: 2 });
    expect(found.snapshotIndex).to.equal(5);
    expect(found.log.base).to.deep.equal({ index: 5, term: 2 });
    expect(found.log.membership.voters).to.deep.equal(['s']);
    expect(commandsOf(found)).to.equal('6/3 six, 7/3 seven');
    expect(found.vote).to.equal('a');
  });

  it('Y2: a rebase whose snapshot was never switched on takes nothing away, even when only its first part is there', () => {
    const base = [founded, log(1, 0, 0, entries(0, 1, 'x', 'y', 'z'), 'a')];
    const part: LogRecord = { ...log(1, 1, 1, entries(1, 1, 'y'), 'a'), kind: 'rebase' };
    expect(commandsOf(recover([...base, part]))).to.equal('1/1 x, 2/1 y, 3/1 z');
    const received: LogRecord = { ...log(2, 100, 2, entries(100, 2, 'later')), kind: 'rebase' };
    const found = recover([...base, received]);
    expect(commandsOf(found)).to.equal('1/1 x, 2/1 y, 3/1 z');
    expect(found.term).to.equal(2);
  });

  it('Y1 M6: a vote cast while a received snapshot was being stored fits the log before and after the switch', () => {
    const rebase: LogRecord = { ...log(2, 9, 2, [], 'a'), kind: 'rebase' };
    const vote: LogRecord = { ...log(3, 2, 1, [], 'b'), kind: 'vote' };
    const before = recover([founded, log(1, 0, 0, entries(0, 1, 'x', 'y'), 'a'), rebase, vote]);
    expect([before.term, before.vote, commandsOf(before)]).to.deep.equal([3, 'b', '1/1 x, 2/1 y']);
    const after = recover([rebase, vote, log(3, 9, 2, entries(9, 3, 'ten'), 'b')], { index: 9, term: 2 });
    expect([after.term, after.vote, commandsOf(after)]).to.deep.equal([3, 'b', '10/3 ten']);
  });

  it('Y3 M1: what cannot be is a defect: a gap, a term that falls, a second vote, a rebase that contradicts', () => {
    expect(() => recover([founded, log(1, 3, 1, [])])).to.throw('Y3');
    expect(() => recover([founded, log(2, 0, 0, []), log(1, 0, 0, [])])).to.throw('M1');
    expect(() => recover([founded, log(2, 0, 0, [], 'a'), log(2, 0, 0, [], 'b')])).to.throw('M1');
    const contradiction: LogRecord = { ...log(3, 0, 0, entries(0, 2, 'y')), kind: 'rebase' };
    expect(() => recover([founded, log(1, 0, 0, entries(0, 1, 'x')), contradiction])).to.throw('Y2');
  });
});
