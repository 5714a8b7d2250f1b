// Hand-made receipts, good and bad
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import type { Entry, Told } from '../../../messaging/workload/history.js';
import { judgeReceipts } from '../../../messaging/workload/receipt-order.js';

/** [called, returned, offset, epoch, partition] */
type Row = readonly [from: number, to: number, offset: number, epoch?: number, partition?: number];

function entryOf(told: Told | undefined, calledAt: number, returnedAt: number): Entry {
  return {
    client: 'c',
    table: 't',
    asked: { kind: 'increment', key: 'k', by: 1 },
    calledAt,
    calledMs: calledAt,
    returnedAt,
    returnedMs: returnedAt,
    told,
  };
}

function entries(rows: readonly Row[]): Entry[] {
  return rows.map(([from, to, offset, epoch = 1, partition = 0]) =>
    entryOf(
      { kind: 'written', status: 'applied', version: 1, value: 1, partition, lineage: 0, epoch, offset },
      from,
      to,
    ),
  );
}

const rulesOf = (rows: readonly Row[]): string[] => judgeReceipts(entries(rows)).map(({ rule }) => rule);

describe('receipt order', () => {
  it('accepts receipts in the order of time, and any order of writes that overlap', () => {
    expect(rulesOf([])).to.deep.equal([]);
    expect(
      rulesOf([
        [0, 1, 7],
        [2, 3, 8],
        [4, 9, 11],
        [5, 8, 10, 2],
        [6, 7, 9],
      ]),
    ).to.deep.equal([]);
    expect(
      rulesOf([
        [0, 1, 7, 3, 1],
        [2, 3, 7, 1, 2],
      ]),
      'partitions have nothing to do with each other',
    ).to.deep.equal([]);
  });

  it('J1: rejects two writes at one offset', () => {
    expect(
      rulesOf([
        [0, 5, 7],
        [1, 4, 7],
      ]),
    ).to.deep.equal(['R1']);
  });

  it('J2: rejects a later write at an earlier offset, and one answered by an older epoch', () => {
    expect(
      rulesOf([
        [0, 1, 7],
        [2, 3, 6],
      ]),
    ).to.deep.equal(['R6']);
    expect(
      rulesOf([
        [0, 1, 7, 5],
        [2, 3, 8, 4],
      ]),
    ).to.deep.equal(['R1']);
  });

  it('says nothing of what failed, is unknown, did not apply, or has no receipt', () => {
    const nowhere = { partition: 0, lineage: 0, epoch: 0, offset: 0 };
    const refused: Told = { kind: 'written', status: 'condition-failed', version: 0, value: undefined, ...nowhere };
    const without: Told = { kind: 'written', status: 'applied', version: 1, value: undefined, ...nowhere };
    const failed: Told = { kind: 'failed', code: 'UNAVAILABLE', message: '' };
    const told = [failed, { kind: 'unknown' } as const, undefined, refused, refused, without, without];
    expect(judgeReceipts(told.map((one, i) => entryOf(one, 2 * i, 2 * i + 1)))).to.deep.equal([]);
  });

  it('J1 J2: agrees with a look at every pair', () => {
    const row = fc.tuple(fc.nat(20), fc.nat(8), fc.nat(12), fc.integer({ min: 1, max: 3 }));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
        const made = rows.map(([from, lasts, offset, epoch]): Row => [2 * from, 2 * (from + lasts) + 1, offset, epoch]);
        const isBad = made.some((a, i) =>
          made.some(
            (b, j) =>
              i !== j && (a[2] === b[2] || (a[1] < b[0] && (b[2] < a[2] || (b[3] as number) < (a[3] as number)))),
          ),
        );
        expect(rulesOf(made).length > 0).to.equal(isBad);
      }),
      { numRuns: 2000 },
    );
  });
});
