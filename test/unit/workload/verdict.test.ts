// Hand-made histories, good and bad: a checker that accepts a bad one is worth nothing
// =============================================================================

import { expect } from 'chai';
import type { Asked, Entry, HeldItem, Told } from '../../../messaging/workload/history.js';
import { judgeHistory, type Verdict } from '../../../messaging/workload/verdict.js';

type KeyAsked = Exclude<Asked, { readonly kind: 'scan' }>;

const put = (value: string, ifVersion?: number): KeyAsked => ({ kind: 'put', key: 'k', value, ifVersion });
const remove: KeyAsked = { kind: 'delete', key: 'k', ifVersion: undefined };
const increment: KeyAsked = { kind: 'increment', key: 'k', by: 1 };
const get: KeyAsked = { kind: 'get', key: 'k', consistency: 'linearizable' };
const nowhere = { partition: 0, lineage: 0, epoch: 0, offset: 0 };

function ok(version: number, value?: number, status: 'applied' | 'condition-failed' = 'applied'): Told {
  return { kind: 'written', status, version, value, ...nowhere };
}
const got = (value?: string | number, version = 0): Told => ({
  kind: 'got',
  item: value === undefined ? undefined : { value, version },
});
const failed: Told = { kind: 'failed', code: 'UNAVAILABLE', message: '' };
const unknown: Told = { kind: 'unknown' };

/** [asked, called, returned, told]; a missing `told` never returned. */
type Row = readonly [asked: KeyAsked, from: number, to: number, told?: Told];

function judge(rows: readonly Row[], last: HeldItem | undefined | 'unread', isOver = false): Verdict {
  const entries = rows.map(
    ([asked, calledAt, returnedAt, told], i): Entry => ({
      client: `c${i}`,
      table: 't',
      asked,
      calledAt,
      calledMs: calledAt,
      returnedAt: told === undefined ? Number.POSITIVE_INFINITY : returnedAt,
      returnedMs: returnedAt,
      told,
    }),
  );
  return judgeHistory(entries, { finally: () => last, isOver: () => isOver });
}

const good: readonly [string, Row[], HeldItem | undefined][] = [
  ['nothing at all', [], undefined],
  [
    'a put and its read',
    [
      [put('a'), 0, 1, ok(1)],
      [get, 2, 3, got('a', 1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a read of one that is under way',
    [
      [put('a'), 0, 5, ok(1)],
      [get, 1, 2, got('a', 1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a read that misses one that is under way',
    [
      [put('a'), 0, 5, ok(1)],
      [get, 1, 2, got()],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'an unknown put that took effect',
    [
      [put('a'), 0, 1, unknown],
      [get, 2, 3, got('a', 1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'an unknown put that did not',
    [
      [put('a'), 0, 1, unknown],
      [get, 2, 3, got()],
    ],
    undefined,
  ],
  [
    'an unknown put that took effect late',
    [
      [put('a'), 0, 1, unknown],
      [get, 2, 3, got()],
      [get, 4, 5, got('a', 1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a put that failed',
    [
      [put('a'), 0, 1, failed],
      [get, 2, 3, got()],
    ],
    undefined,
  ],
  [
    'increments that overlap',
    [
      [increment, 0, 5, ok(2, 2)],
      [increment, 1, 4, ok(1, 1)],
    ],
    { value: 2, version: 2 },
  ],
  [
    'an increment of unknown outcome, applied',
    [
      [increment, 0, 1, ok(1, 1)],
      [increment, 2, 3, unknown],
    ],
    { value: 2, version: 2 },
  ],
  [
    'a condition that did not hold',
    [
      [put('a', 0), 0, 1, ok(1)],
      [put('b', 0), 2, 3, ok(1, undefined, 'condition-failed')],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a delete and a new beginning',
    [
      [put('a'), 0, 1, ok(1)],
      [remove, 2, 3, ok(1)],
      [put('b'), 4, 5, ok(1)],
    ],
    { value: 'b', version: 1 },
  ],
];

const bad: readonly [string, string, Row[], HeldItem | undefined][] = [
  ['a lost insert', 'R21', [[put('a', 0), 0, 1, ok(1)]], undefined],
  ['an insert with another value', 'R21', [[put('a', 0), 0, 1, ok(1)]], { value: 'b', version: 1 }],
  ['a failed insert that is there', 'R22', [[put('a', 0), 0, 1, failed]], { value: 'a', version: 1 }],
  [
    'an insert that found its own earlier self',
    'S2',
    [[put('a', 0), 0, 1, ok(1, undefined, 'condition-failed')]],
    { value: 'a', version: 1 },
  ],
  [
    'an increment lost',
    'R21',
    [
      [increment, 0, 1, ok(1, 1)],
      [increment, 2, 3, ok(2, 2)],
    ],
    { value: 1, version: 1 },
  ],
  ['an increment applied twice', 'R23', [[increment, 0, 1, ok(1, 1)]], { value: 2, version: 2 }],
  [
    'two increments with one result',
    'S2',
    [
      [increment, 0, 3, ok(1, 1)],
      [increment, 1, 2, ok(1, 1)],
    ],
    { value: 2, version: 2 },
  ],
  [
    'a stale read',
    'linearizability',
    [
      [put('a'), 0, 1, ok(1)],
      [get, 2, 3, got()],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a read of what was overwritten',
    'linearizability',
    [
      [put('a'), 0, 1, ok(1)],
      [put('b'), 2, 3, ok(2)],
      [get, 4, 5, got('a', 1)],
    ],
    { value: 'b', version: 2 },
  ],
  [
    'reads that go back',
    'linearizability',
    [
      [put('a'), 0, 9, ok(1)],
      [get, 1, 2, got('a', 1)],
      [get, 3, 4, got()],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a read of what nobody wrote',
    'linearizability',
    [
      [put('a'), 0, 1, ok(1)],
      [get, 2, 3, got('z', 1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a read of what is written later',
    'linearizability',
    [
      [get, 0, 1, got('a', 1)],
      [put('a'), 2, 3, ok(1)],
    ],
    { value: 'a', version: 1 },
  ],
  [
    'a put whose failure was a lie',
    'linearizability',
    [
      [put('a'), 0, 1, failed],
      [put('b'), 2, 3, ok(2)],
    ],
    { value: 'b', version: 2 },
  ],
  [
    'two puts with one version',
    'linearizability',
    [
      [put('a'), 0, 3, ok(1)],
      [put('b'), 1, 2, ok(1)],
    ],
    { value: 'b', version: 1 },
  ],
  [
    'a deleted item that comes back',
    'linearizability',
    [
      [put('a'), 0, 1, ok(1)],
      [remove, 2, 3, ok(1)],
      [get, 4, 5, got('a', 1)],
    ],
    undefined,
  ],
  [
    'two winners of one condition',
    'linearizability',
    [
      [put('a', 0), 0, 3, ok(1)],
      [put('b', 0), 1, 2, ok(1)],
    ],
    { value: 'a', version: 1 },
  ],
];

describe('the verdict over a history', () => {
  for (const [what, rows, last] of good)
    it(`accepts ${what}`, () => {
      const verdict = judge(rows, last);
      expect(verdict.findings).to.deep.equal([]);
      expect(verdict.outcome).to.equal('linearizable');
    });

  for (const [what, rule, rows, last] of bad)
    it(`${rule}: rejects ${what}`, () => {
      const verdict = judge(rows, last);
      expect(verdict.findings.map((finding) => finding.rule)).to.include(rule);
      expect(verdict.outcome).to.equal('violated');
    });

  it('G1: says nothing of a key when the time is up, and no more than that', () => {
    const verdict = judge([[put('a'), 0, 1, ok(1)]], { value: 'a', version: 1 }, true);
    expect(verdict).to.include({ outcome: 'inconclusive' });
    expect(verdict.keys).to.deep.equal({ linearizable: 0, violated: 0, undecided: 1 });
  });

  it('G1: what is bad is bad even when the time is up', () => {
    expect(judge([[put('a', 0), 0, 1, ok(1)]], undefined, true).outcome).to.equal('violated');
  });

  it('G1: a key that cannot be read at the end is not taken for lost, nor the rest for good', () => {
    const verdict = judge([[put('a', 0), 0, 1, ok(1)]], 'unread');
    expect(verdict).to.include({ outcome: 'inconclusive', unread: 1 });
    expect(verdict.findings).to.deep.equal([]);
  });
});
