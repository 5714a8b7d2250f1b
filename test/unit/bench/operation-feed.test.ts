// Which operation comes next, and on which key

import { expect } from 'chai';
import { KeySpace } from '../../bench/key-space.js';
import { OperationFeed, operations } from '../../bench/operation-feed.js';

const none = { get: 0, put: 0, insert: 0, scan: 0, modify: 0 };

describe('bench: operation feed', () => {
  it('gives the shares that were asked for, to a per cent', () => {
    const mix = { get: 50, put: 20, insert: 5, scan: 10, modify: 15 };
    const feed = new OperationFeed(mix, 'uniform', 1000, 1000, 'shares');
    const counts = operations.map(() => 0);
    for (let i = 0; i < 60_000; i++) {
      const kind = feed.take();
      counts[kind] = (counts[kind] as number) + 1;
    }
    operations.forEach((name, kind) => expect((counts[kind] as number) / 600, name).to.be.closeTo(mix[name], 1));
  });

  it('gives the same to everybody who asks with the same words', () => {
    const take = (): number[] => {
      const feed = new OperationFeed({ ...none, get: 50, put: 50 }, 'zipf', 500, 500, 'same');
      return Array.from({ length: 200 }, () => feed.take() * 1000 + feed.key);
    };
    expect(take()).to.deep.equal(take());
  });

  it('chooses uniformly, or by Zipf with the hot keys spread over all', () => {
    const hottest = (choice: 'uniform' | 'zipf'): number[] => {
      const feed = new OperationFeed({ ...none, get: 100 }, choice, 1000, 1000, 'hot');
      const counts = new Float64Array(1000);
      for (let i = 0; i < 100_000; i++) {
        feed.take();
        counts[feed.key] = (counts[feed.key] as number) + 1;
      }
      const order = [...counts.keys()].sort((a, b) => (counts[b] as number) - (counts[a] as number));
      return order.slice(0, 3).flatMap((key) => [key, counts[key] as number]);
    };
    const [, evenMost = 0] = hottest('uniform');
    expect(evenMost).to.be.lessThan(200);
    const [first = 0, most = 0, second = 0] = hottest('zipf');
    // 1 / (sum of 1/k^0.99 for k up to 1000) is 12.9 %.
    expect(most).to.be.within(12_000, 14_000);
    expect(Math.abs(first - second), 'the two hottest are no neighbours').to.be.greaterThan(1);
  });

  it('inserts new keys in order, and reads of the latest stop before an insert without its answer', () => {
    const feed = new OperationFeed({ ...none, get: 50, insert: 50 }, 'latest', 100, 130, 'latest');
    const insert = operations.indexOf('insert');
    const open: number[] = [];
    let readable = 130;
    let next = 130;
    for (let i = 0; i < 5000; i++) {
      if (feed.take() === insert) {
        expect(feed.key).to.equal(next++);
        open.push(feed.key);
      } else {
        expect(feed.key).to.be.within(readable - 100, readable - 1);
      }
      // Answers come out of order: the oldest one is held back.
      if (open.length === 4) {
        for (const key of [open[2], open[1], open[3]]) feed.inserted(key as number);
        feed.inserted(open[0] as number);
        readable = next;
        open.length = 0;
      }
    }
    expect(feed.firstFree).to.equal(next);
  });

  it('scans never go beyond what is there', () => {
    const feed = new OperationFeed({ ...none, scan: 100 }, 'uniform', 50, 50, 'scan');
    const lengths = new Set<number>();
    for (let i = 0; i < 5000; i++) {
      feed.take();
      const length = feed.scanLength();
      expect(length).to.be.within(1, 50 - feed.key);
      lengths.add(length);
    }
    expect(lengths.size).to.be.greaterThan(40);
  });
});

describe('bench: key space', () => {
  it('names sort as numbers do, and every value is its key’s own, of the right size', () => {
    const space = new KeySpace(256, 1100);
    const names = Array.from({ length: 1100 }, (_, i) => space.name(i));
    expect([...names].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal(names);
    expect(new Set(names.map((name) => name.length))).to.deep.equal(new Set([16]));
    const values = names.map((_, i) => space.value(i));
    expect(new Set(values).size).to.equal(1100);
    for (const [i, value] of values.entries()) {
      expect(Buffer.byteLength(value)).to.equal(256);
      expect(value.startsWith(names[i] as string)).to.equal(true);
    }
  });

  it('is the same for every run, grows by inserts, and forgets them', () => {
    const [a, b] = [new KeySpace(64, 10), new KeySpace(64, 10)];
    expect(a.value(25)).to.equal(b.value(25));
    expect(a.name(25)).to.equal('v64-000000000025');
    a.trim();
    expect(a.value(9)).to.equal(b.value(9));
    expect(a.value(25)).to.equal(b.value(25));
    expect(() => new KeySpace(8, 1)).to.throw(RangeError);
  });
});
