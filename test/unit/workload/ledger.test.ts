// The ledger and the witness, on histories that are wrong in one place
// =============================================================================

import { expect } from 'chai';
import { judgeByLog } from '../../../actors/simulated/witness.js';
import { replay, type Replay } from '../../../actors/simulated/replay.js';
import { encodeKey } from '../../../messaging/protocol/key.js';
import { encodeBatch, type BatchBody } from '../../../messaging/protocol/log-batch.js';
import { encodeValue } from '../../../messaging/protocol/value.js';
import { type Asked, type HeldItem, History, type Told } from '../../../messaging/workload/history.js';
import { judgeLedger } from '../../../messaging/workload/ledger.js';

const once = (key: string): Asked => ({ kind: 'put', key, value: `value of ${key}`, ifVersion: 0 });
const add = (by: number): Asked => ({ kind: 'increment', key: 'n', by });
const written = (offset: number, version = 1, value?: number): Told => ({
  kind: 'written',
  status: 'applied',
  version,
  value,
  partition: 1,
  lineage: 1,
  epoch: 1,
  offset,
});
const failed: Told = { kind: 'failed', code: 'UNAVAILABLE', message: '' };
const unknown: Told = { kind: 'unknown' };

/** One after the other. */
function historyOf(...rows: readonly (readonly [Asked, Told | undefined])[]): History {
  const history = new History(() => 0);
  for (const [asked, told] of rows) {
    const entry = history.call('c', 't', asked);
    if (told !== undefined) history.return(entry, told);
  }
  return history;
}

function rules(history: History, final: Readonly<Record<string, HeldItem>>): string[] {
  return judgeLedger(history.entries, (_, key) => final[key]).map((finding) => finding.rule);
}

describe('ledger', () => {
  const there = { a: { value: 'value of a', version: 1 } };

  it('R21 an acknowledged key must be there', () => {
    expect(rules(historyOf([once('a'), written(1)]), there)).to.deep.equal([]);
    expect(rules(historyOf([once('a'), written(1)]), {})).to.deep.equal(['R21']);
    expect(rules(historyOf([once('a'), written(1)]), { a: { value: 'value of b', version: 1 } })).to.deep.equal([
      'R21',
    ]);
  });

  it('R22 a failed key must not be there', () => {
    expect(rules(historyOf([once('a'), failed]), {})).to.deep.equal([]);
    expect(rules(historyOf([once('a'), failed]), there)).to.deep.equal(['R22']);
  });

  it('an unknown or unanswered key may be there or not, but as it was written', () => {
    for (const told of [unknown, undefined]) {
      expect(rules(historyOf([once('a'), told]), {})).to.deep.equal([]);
      expect(rules(historyOf([once('a'), told]), there)).to.deep.equal([]);
      expect(rules(historyOf([once('a'), told]), { a: { value: 'value of a', version: 2 } })).to.deep.equal(['R1']);
    }
  });

  it('S2 R23 increments count once', () => {
    const history = historyOf(
      [add(2), written(1, 1, 2)],
      [add(3), written(2, 2, 5)],
      [add(1), unknown],
      [add(9), failed],
    );
    for (const [value, version] of [
      [5, 2],
      [6, 3],
    ] as const)
      expect(rules(history, { n: { value, version } }), String(value)).to.deep.equal([]);
    expect(rules(history, { n: { value: 3, version: 1 } })).to.deep.equal(['R21']);
    expect(rules(history, { n: { value: 8, version: 3 } })).to.deep.equal(['R23']);
    expect(rules(history, { n: { value: 6, version: 4 } })).to.deep.equal(['R23']);
    expect(
      rules(historyOf([add(1), written(1, 1, 1)], [add(1), written(2, 2, 1)]), { n: { value: 2, version: 2 } }),
    ).to.deep.equal(['S2']);
  });
});

/** A log of these batches, one offset an operation. */
function logOf(...bodies: readonly BatchBody[]): Replay {
  let base = 0;
  return replay(
    bodies.map((body) => {
      const count = body.kind === 'writes' ? body.ops.length : 1;
      const bytes = encodeBatch({ base, count, lineage: 1, epoch: 1, timeMs: 0, partitionTimeMs: 0, body });
      const batch = { base, end: base + count, epoch: 1, bytes, checksum: 0, host: 'h' };
      base += count;
      return batch;
    }),
  );
}

const open: BatchBody = { kind: 'open-session', client: '@c' };

function writes(sequence: number, key: string, answeredThrough = 0, session = 0): BatchBody {
  const op = {
    sequence,
    operation: 'put' as const,
    key: encodeKey(key),
    value: encodeValue(`value of ${key}`),
    ifVersion: 0,
  };
  return { kind: 'writes', session, answeredThrough, ops: [op] };
}

describe('replay J2', () => {
  it('J2 executes a sequence once, in an open session, above what was confirmed', () => {
    const log = logOf(
      open,
      writes(1, 'a'),
      writes(1, 'a'),
      writes(2, 'b', 1),
      writes(1, 'c', 1),
      { kind: 'expire-sessions', sessions: [0] },
      writes(3, 'd'),
    );
    expect([...log.effects.keys()]).to.deep.equal([1, 3]);
    expect([log.repeatCount, log.staleCount]).to.deep.equal([1, 2]);
  });
});

describe('witness J3 J4 J5 J6', () => {
  const get = (key: string, consistency: 'linearizable' | 'session' | 'stale' = 'linearizable'): Asked => ({
    kind: 'get',
    key,
    consistency,
  });
  const got = (key: string): Told => ({ kind: 'got', item: { value: `value of ${key}`, version: 1 } });
  const none: Told = { kind: 'got', item: undefined };
  const log = logOf(open, writes(1, 'a'), writes(2, 'b'));
  const judge = (history: History): string[] => judgeByLog(history.entries, log).map((finding) => finding.rule);

  it('accepts what the log says', () => {
    expect(
      judge(historyOf([once('a'), written(1)], [get('b'), none], [once('b'), written(2)], [get('a'), got('a')])),
    ).to.deep.equal([]);
  });

  it('J3 a receipt that the log does not have, has otherwise, or has for another', () => {
    expect(judge(historyOf([once('x'), written(7)]))).to.include('J3');
    expect(judge(historyOf([once('a'), written(1, 2)]))).to.include('J3');
    expect(judge(historyOf([once('b'), written(1)]))).to.include('J3');
    expect(judge(historyOf([once('a'), written(1)], [once('a'), written(1)]))).to.include('J3');
  });

  it('J4 a failed value that is in the log', () => {
    expect(judge(historyOf([once('a'), failed]))).to.deep.equal(['J4']);
  });

  it('J5 answers in real time that the log has the other way round, and reads of the past', () => {
    expect(judge(historyOf([once('b'), written(2)], [once('a'), written(1)]))).to.deep.equal(['J5']);
    expect(judge(historyOf([once('a'), written(1)], [get('a'), none]))).to.deep.equal(['J5']);
    expect(judge(historyOf([get('b'), got('b')], [get('a'), none]))).to.deep.equal(['J5']);
    expect(judge(historyOf([once('a'), written(1)], [get('a', 'session'), none]))).to.deep.equal(['J5']);
  });

  it('J6 a state that never was; the past is allowed where it was asked for', () => {
    expect(judge(historyOf([once('a'), written(1)], [get('a', 'stale'), none]))).to.deep.equal([]);
    expect(judge(historyOf([get('a', 'stale'), got('b')]))).to.deep.equal(['J6']);
    const scan: Asked = { kind: 'scan', partition: 1, consistency: 'stale' };
    const scanned = (...keys: string[]): Told => ({
      kind: 'scanned',
      items: new Map(keys.map((key) => [key, { value: `value of ${key}`, version: 1 }])),
      more: false,
    });
    expect(judge(historyOf([scan, scanned('a', 'b')], [scan, scanned('a')], [scan, scanned()]))).to.deep.equal([]);
    expect(judge(historyOf([scan, scanned('b')]))).to.deep.equal(['J6']);
  });
});
