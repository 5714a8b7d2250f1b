import { expect } from 'chai';
import fc from 'fast-check';
import { SampledHistory } from '../../../messaging/workload/sampled-history.js';

const increment = (key: string) => ({ kind: 'increment', key, by: 1 }) as const;

describe('a sampled history', () => {
  it('H1 H2: holds every operation of a key or none, and never more than its maximum', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat({ max: 30 }), { maxLength: 300 }),
        (entriesMax, keys) => {
          const history = new SampledHistory(entriesMax, () => 0);
          const asked = new Map<string, number>();
          for (const n of keys) {
            const key = `key ${n}`;
            asked.set(key, (asked.get(key) ?? 0) + 1);
            history.return(history.call('c', 't', increment(key)), { kind: 'unknown' });
            expect(history.entryCount, 'H2').to.be.at.most(entriesMax);
          }
          const found = new Map<string, number>();
          for (const { asked: one } of history.entries)
            if (one.kind !== 'scan') found.set(one.key, (found.get(one.key) ?? 0) + 1);
          for (const [key, count] of found) expect(count, `H1 ${key}`).to.equal(asked.get(key));
          expect(history.entries.length).to.equal(history.entryCount);
          expect(history.operations).to.equal(keys.length);
          if (keys.length <= entriesMax) expect(history.share).to.equal(1);
        },
      ),
    );
  });

  it('says which share of the keys it holds, and keeps about that share', () => {
    const history = new SampledHistory(1000, () => 0);
    for (let n = 0; n < 10_000; n++) history.return(history.call('c', 't', increment(`k${n}`)), { kind: 'unknown' });
    expect(history.share).to.be.oneOf([1 / 8, 1 / 16, 1 / 32]);
    expect([...history.keys()].length / 10_000).to.be.within(history.share / 2, history.share * 2);
  });

  it('a read that is noted when it has returned began when it began', () => {
    const history = new SampledHistory(10, () => 0);
    const began = history.moment();
    const write = history.call('c', 't', increment('k'));
    history.return(write, { kind: 'unknown' });
    const get = { kind: 'get', key: 'k', consistency: 'linearizable' } as const;
    history.noteRead('d', 't', get, began, { kind: 'got', item: undefined });
    const [first, second] = history.entries;
    expect(first).to.include({ client: 'd', calledAt: began });
    expect(second).to.include({ client: 'c' });
    expect(first?.returnedAt).to.be.greaterThan(second?.returnedAt ?? Number.NaN);
  });
});
