// Sixty histories that are wrong in one place: each must be rejected, by the rule that it breaks
// =============================================================================
//
// A checker that accepts one of these is worth nothing. Three checkers: the witness (against a committed log), the ledger (against what is there
// at the end), the search (against nothing but real time). What is right is accepted in the tests of each checker.

import { expect } from 'chai';
import { replay, type Replay } from '../../../actors/simulated/replay.js';
import { judgeByLog } from '../../../actors/simulated/witness.js';
import type { WriteOp } from '../../../messaging/protocol/client-messages.js';
import { encodeKey } from '../../../messaging/protocol/key.js';
import { type BatchBody, encodeBatch } from '../../../messaging/protocol/log-batch.js';
import { encodeValue } from '../../../messaging/protocol/value.js';
import type { Asked, Entry, Held, HeldItem, Told } from '../../../messaging/workload/history.js';
import { checkKey, keyHistories } from '../../../messaging/workload/key-histories.js';
import { judgeLedger } from '../../../messaging/workload/ledger.js';

type Consistency = 'linearizable' | 'session' | 'stale';
type Page = { readonly after?: string; readonly reverse?: boolean; readonly limit?: number };

const put = (key: string, value: Held, ifVersion?: number): Asked => ({ kind: 'put', key, value, ifVersion });
const once = (key: string): Asked => put(key, `value of ${key}`, 0);
const drop = (key: string): Asked => ({ kind: 'delete', key, ifVersion: undefined });
const add = (key: string, by: number): Asked => ({ kind: 'increment', key, by });
const get = (key: string, consistency: Consistency = 'linearizable'): Asked => ({ kind: 'get', key, consistency });
const scan = (consistency: Consistency = 'linearizable', page: Page = {}): Asked => ({
  kind: 'scan',
  partition: 1,
  consistency,
  ...page,
});
const done = (offset: number, version = 1, value?: number): Told => ({
  kind: 'written',
  status: 'applied',
  version,
  value,
  partition: 1,
  lineage: 1,
  epoch: 1,
  offset,
});
const refused = (offset: number, version: number): Told =>
  ({ ...done(offset, version), status: 'condition-failed' }) as Told;
const got = (value: Held, version = 1): Told => ({ kind: 'got', item: { value, version } });
const none: Told = { kind: 'got', item: undefined };
const items = (...rows: readonly (readonly [string, Held, number])[]): ReadonlyMap<string, HeldItem> =>
  new Map(rows.map(([key, value, version]) => [key, { value, version }]));
const seen = (...rows: readonly (readonly [string, Held, number])[]): Told => ({
  kind: 'scanned',
  items: items(...rows),
  more: false,
});
const page = (...rows: readonly (readonly [string, Held, number])[]): Told =>
  ({ ...seen(...rows), more: true }) as Told;
const failed: Told = { kind: 'failed', code: 'UNAVAILABLE', message: '' };
const unknown: Told = { kind: 'unknown' };

/** One after the other, unless times are given. A third element is the client. */
type Row = readonly [Asked, Told | undefined, string?];

function entriesOf(rows: readonly Row[]): Entry[] {
  return rows.map(([asked, told, client = 'c'], i) => ({
    client,
    table: 't',
    asked,
    calledAt: 2 * i,
    calledMs: 2 * i,
    returnedAt: told === undefined ? Number.POSITIVE_INFINITY : 2 * i + 1,
    returnedMs: told === undefined ? Number.POSITIVE_INFINITY : 2 * i + 1,
    told,
  }));
}

// --- the witness ------------------------------------------------------------------------------------------------------

function op(sequence: number, asked: Asked): WriteOp {
  if (asked.kind === 'get' || asked.kind === 'scan') throw new TypeError('a log holds writes');
  const value = asked.kind === 'put' ? asked.value : asked.kind === 'increment' ? asked.by : '';
  const ifVersion = asked.kind === 'increment' ? undefined : asked.ifVersion;
  return { sequence, operation: asked.kind, key: encodeKey(asked.key), value: encodeValue(value), ifVersion };
}

function logOf(bodies: readonly BatchBody[]): Replay {
  return replay(
    bodies.map((body, base) => {
      const bytes = encodeBatch({ base, count: 1, lineage: 1, epoch: 1, timeMs: 0, partitionTimeMs: 0, body });
      return { base, end: base + 1, epoch: 1, bytes, checksum: 0, host: 'h' };
    }),
  );
}

const open: BatchBody = { kind: 'open-session', client: '@c' };
const writes = (sequence: number, asked: Asked, session = 0): BatchBody => ({
  kind: 'writes',
  session,
  answeredThrough: 0,
  ops: [op(sequence, asked)],
});

/** Offsets: 0 the session, 1 a=a1, 2 b=b1, 3 a=a2, 4 b deleted, 5 n=2, 6 n=5, 7 c=c1, 8 c=c2 refused. */
const log = logOf([
  open,
  writes(1, put('a', 'a1')),
  writes(2, put('b', 'b1')),
  writes(3, put('a', 'a2')),
  writes(4, drop('b')),
  writes(5, add('n', 2)),
  writes(6, add('n', 3)),
  writes(7, put('c', 'c1', 0)),
  writes(8, put('c', 'c2', 0)),
]);
const a2: Row = [put('a', 'a2'), done(3, 2)];
const dropped: Row = [drop('b'), done(4)];

const againstTheLog: readonly (readonly [string, string, readonly Row[], Replay?])[] = [
  ['a receipt beyond the end of the log', 'J3', [[put('x', 'x1'), done(99)]]],
  ['a receipt for the record that opened the session', 'J3', [[put('a', 'a0'), done(0)]]],
  ['a receipt for the write of another key', 'J3', [[put('b', 'b1'), done(1)]]],
  ['a receipt for another value', 'J3', [[put('a', 'zz'), done(1)]]],
  ['a receipt with another version', 'J3', [[put('a', 'a1'), done(1, 2)]]],
  [
    'two receipts of one offset',
    'J3',
    [
      [put('a', 'a1'), done(1)],
      [put('a', 'a1'), done(1)],
    ],
  ],
  ['an increment by another amount', 'J3', [[add('n', 9), done(5, 1, 2)]]],
  ['an increment with another result', 'J3', [[add('n', 2), done(5, 1, 7)]]],
  ['an increment without its result', 'J3', [[add('n', 2), done(5, 1)]]],
  ['a refused condition that is told as applied', 'J3', [[put('c', 'c2', 0), done(8, 2)]]],
  ['an applied condition that is told as refused', 'J3', [[put('c', 'c1', 0), refused(7, 0)]]],
  ['a delete that is told as a put', 'J3', [[put('b', 'b1'), done(4)]]],
  ['a delete of another version', 'J3', [[drop('b'), done(4, 2)]]],
  ['a failed put that is in the log', 'J4', [[put('a', 'a1'), failed]]],
  ['a failed conditional put that was evaluated all the same', 'J4', [[put('c', 'c2', 0), failed]]],
  [
    'a later write before an earlier one',
    'J5',
    [
      [put('b', 'b1'), done(2)],
      [put('a', 'a1'), done(1)],
    ],
  ],
  [
    'a read that misses an acknowledged write',
    'J5',
    [
      [put('a', 'a1'), done(1)],
      [get('a'), none],
    ],
  ],
  ['a read of the value before the last', 'J5', [a2, [get('a'), got('a1')]]],
  [
    'a read that goes back behind what another client read',
    'J5',
    [
      [get('a'), got('a2', 2), 'd'],
      [get('a'), got('a1')],
    ],
  ],
  [
    'a read of one key that is older than a read of another',
    'J5',
    [
      [get('n'), got(2)],
      [get('a'), got('a1')],
    ],
  ],
  ['a read of what was deleted', 'J5', [dropped, [get('b'), got('b1')]]],
  [
    'nothing, where something had been read',
    'J5',
    [
      [get('a'), got('a1')],
      [get('a'), none],
    ],
  ],
  [
    'a counter that goes back',
    'J5',
    [
      [get('n'), got(5, 2)],
      [get('n'), got(2)],
    ],
  ],
  [
    'a counter that is gone',
    'J5',
    [
      [add('n', 2), done(5, 1, 2)],
      [get('n'), none],
    ],
  ],
  ['a session that does not see its own write', 'J5', [a2, [get('a', 'session'), got('a1')]]],
  [
    'a session that goes back',
    'J5',
    [
      [get('a', 'session'), got('a2', 2)],
      [get('a', 'session'), got('a1')],
    ],
  ],
  [
    'a write behind what was read before it was asked',
    'J5',
    [
      [get('a'), got('a2', 2)],
      [put('b', 'b1'), done(2)],
    ],
  ],
  [
    'an increment behind a read of a later one',
    'J5',
    [
      [get('n'), got(5, 2)],
      [add('n', 2), done(5, 1, 2)],
    ],
  ],
  [
    'a scan that misses an acknowledged key',
    'J5',
    [
      [put('a', 'a1'), done(1)],
      [scan(), seen()],
    ],
  ],
  ['a scan that shows what was overwritten', 'J5', [a2, [scan(), seen(['a', 'a1', 1], ['b', 'b1', 1])]]],
  ['a scan that shows what was deleted', 'J5', [dropped, [scan(), seen(['a', 'a2', 2], ['b', 'b1', 1])]]],
  [
    'a read that goes back behind a scan',
    'J5',
    [
      [scan(), seen(['a', 'a2', 2])],
      [get('b'), got('b1')],
    ],
  ],
  [
    'a page that passes over an acknowledged key',
    'J5',
    [
      [put('c', 'c1', 0), done(7)],
      [scan('linearizable', { after: 'a', limit: 1 }), page(['n', 5, 2])],
    ],
  ],
  [
    'a last page that ends too early',
    'J5',
    [
      [put('c', 'c1', 0), done(7)],
      [scan('linearizable', { after: 'b' }), seen()],
    ],
  ],
  [
    'a page downwards that passes over an acknowledged key',
    'J5',
    [
      [put('c', 'c1', 0), done(7)],
      [scan('linearizable', { after: 'n', reverse: true, limit: 1 }), page(['a', 'a2', 2])],
    ],
  ],
  ['a stale read of what nobody wrote', 'J6', [[get('a', 'stale'), got('zz')]]],
  ['a stale read of a value in a version that it never had', 'J6', [[get('a', 'stale'), got('a1', 2)]]],
  ['a stale read of the value of another key', 'J6', [[get('a', 'stale'), got('b1')]]],
  ['a stale read of a refused write', 'J6', [[get('c', 'stale'), got('c2', 2)]]],
  ['a scan of two moments', 'J6', [[scan('stale'), seen(['a', 'a1', 1], ['n', 2, 1])]]],
  ['a scan with a key from nowhere', 'J6', [[scan('stale'), seen(['a', 'a1', 1], ['z', 'z1', 1])]]],
  ['a scan without a key that was there all the time', 'J6', [[scan('stale'), seen(['n', 5, 2])]]],
  ['a scan out of order', 'J6', [[scan('stale'), seen(['b', 'b1', 1], ['a', 'a1', 1])]]],
  [
    'a page downwards in upward order',
    'J6',
    [[scan('stale', { reverse: true }), seen(['a', 'a1', 1], ['b', 'b1', 1])]],
  ],
  ['a page that begins before its beginning', 'J6', [[scan('stale', { after: 'b' }), seen(['a', 'a1', 1])]]],
  ['a page that is longer than was asked', 'J6', [[scan('stale', { limit: 1 }), seen(['a', 'a1', 1], ['b', 'b1', 1])]]],
  ['an empty page that promises more', 'J6', [[scan('stale', { limit: 1 }), page()]]],
  [
    'a put that took effect in two sessions',
    'J7',
    [],
    logOf([open, writes(1, put('a', 'a1')), open, writes(1, put('a', 'a1'), 2)]),
  ],
  [
    'a put that took effect under two sequences',
    'J7',
    [],
    logOf([open, writes(1, put('a', 'a1')), writes(2, put('a', 'a1'))]),
  ],
];

// --- the ledger -------------------------------------------------------------------------------------------------------

const increments: readonly Row[] = [
  [add('n', 2), done(1, 1, 2)],
  [add('n', 3), done(2, 2, 5)],
  [add('n', 1), unknown],
  [add('n', 9), failed],
];

const againstTheEnd: readonly (readonly [string, string, readonly Row[], ReturnType<typeof items>])[] = [
  ['an acknowledged key that is lost', 'R21', [[once('k'), done(1)]], items()],
  ['an acknowledged key with the value of another', 'R21', [[once('k'), done(1)]], items(['k', 'x', 1])],
  ['an acknowledged key that was written again', 'R21', [[once('k'), done(1)]], items(['k', 'value of k', 2])],
  ['a failed key that is there', 'R22', [[once('k'), failed]], items(['k', 'value of k', 1])],
  ['an unknown key with what nobody wrote', 'R1', [[once('k'), unknown]], items(['k', 'x', 1])],
  ['an unanswered key that was written twice', 'R1', [[once('k'), undefined]], items(['k', 'value of k', 2])],
  [
    'a first write that is told that it was not the first',
    'S2',
    [[once('k'), refused(1, 1)]],
    items(['k', 'value of k', 1]),
  ],
  ['a counter that lost an increment', 'R21', increments, items(['n', 3, 1])],
  ['a counter that is gone at the end', 'R21', increments, items()],
  ['a counter with an increment too few and the right sum', 'R21', increments, items(['n', 5, 1])],
  ['a counter that counted twice', 'R23', increments, items(['n', 10, 3])],
  ['a counter with a write too many', 'R23', increments, items(['n', 6, 4])],
  ['a counter that counted what failed', 'R23', increments, items(['n', 14, 3])],
  [
    'two increments with one result',
    'S2',
    [
      [add('n', 1), done(1, 1, 1)],
      [add('n', 1), done(2, 2, 1)],
    ],
    items(['n', 2, 2]),
  ],
];

// --- the search -------------------------------------------------------------------------------------------------------

const byThemselves: readonly (readonly [string, readonly Row[]])[] = [
  [
    'a scan without what was acknowledged before',
    [
      [put('k', 'v'), done(1)],
      [scan(), seen()],
    ],
  ],
  [
    'a scan with what was written only later',
    [
      [scan(), seen(['k', 'v', 1])],
      [put('k', 'v'), done(1)],
    ],
  ],
  [
    'a scan with what failed',
    [
      [put('k', 'w'), unknown],
      [put('k', 'v'), failed],
      [scan(), seen(['k', 'v', 1])],
    ],
  ],
  [
    'two scans of which the second goes back',
    [
      [put('k', 'v'), unknown],
      [scan(), seen(['k', 'v', 1])],
      [scan(), seen()],
    ],
  ],
  [
    'a page that covers an acknowledged key and does not show it',
    [
      [put('k', 'v'), done(1)],
      [scan('linearizable', { after: 'a', limit: 1 }), page(['z', 'z', 1])],
    ],
  ],
];

describe('bad histories', () => {
  for (const [name, rule, rows, ownLog] of againstTheLog)
    it(`${rule}: the witness rejects ${name}`, () => {
      const rules = judgeByLog(entriesOf(rows), ownLog ?? log).map((finding) => finding.rule);
      expect(rules).to.include(rule);
    });

  for (const [name, rule, rows, final] of againstTheEnd)
    it(`${rule}: the ledger rejects ${name}`, () => {
      const rules = judgeLedger(entriesOf(rows), (_, key) => final.get(key)).map((finding) => finding.rule);
      expect(rules).to.include(rule);
    });

  for (const [name, rows] of byThemselves)
    it(`the search rejects ${name}`, () => {
      const histories = keyHistories(entriesOf(rows), () => 1);
      const kinds = histories.filter(({ key }) => key === 'k').map((history) => checkKey(history).kind);
      expect(kinds).to.deep.equal(['violation']);
    });

  it('are sixty or more, and no two are the same', () => {
    const all = [...againstTheLog, ...againstTheEnd, ...byThemselves];
    expect(new Set(all.map(([name]) => name)).size)
      .to.equal(all.length)
      .and.to.be.at.least(60);
    const bodies = all.map((row) =>
      JSON.stringify(row.slice(1), (_, value: unknown) => (value instanceof Map ? [...value] : value)),
    );
    expect(new Set(bodies).size, 'distinct').to.be.at.least(60);
  });

  it('become good ones when what is wrong is put right', () => {
    const right: readonly Row[] = [
      [put('a', 'a1'), done(1)],
      [scan('linearizable', { limit: 1 }), page(['a', 'a1', 1])],
      [put('b', 'b1'), done(2)],
      a2,
      [get('a', 'session'), got('a2', 2)],
      dropped,
      [scan('linearizable', { after: 'a', reverse: true }), seen()],
      [add('n', 2), done(5, 1, 2)],
      [add('n', 3), done(6, 2, 5)],
      [put('c', 'c1', 0), done(7)],
      [put('c', 'c2', 0), refused(8, 1)],
      [scan('linearizable', { reverse: true, limit: 2 }), page(['n', 5, 2], ['c', 'c1', 1])],
    ];
    expect(judgeByLog(entriesOf(right), log)).to.deep.equal([]);
  });
});
