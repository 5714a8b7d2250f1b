import { expect } from 'chai';
import { openEmbedded } from '../../../actors/embedded.js';
import { closedLoop, fill, keyName, noise, writesThenReads } from '../../bench/curves/load.js';
import { leadsMost } from '../../bench/curves/measures/failover.js';
import { WriteGaps } from '../../bench/curves/measures/write-gaps.js';

const signal = new AbortController().signal;
const loop = { outstanding: 4, warmUpMs: 1, durationMs: 20, signal };

describe('curves: the closed loop', () => {
  it('keeps as many under way as it is told, and no more', async () => {
    let underWay = 0;
    let most = 0;
    const figures = await closedLoop(loop, async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    });
    expect(most).to.equal(4);
    expect(underWay).to.equal(0);
    expect(figures.perSecond).to.be.at.least(0); // a busy machine may answer nothing in so short a window
    expect(figures.p50Ms).to.be.at.most(figures.p99Ms);
    expect(figures.p99Ms).to.be.at.most(figures.maxMs);
  });

  it('ends with the error of an operation, and at once', async () => {
    const error = new Error('refused');
    const run = closedLoop({ ...loop, durationMs: 3_600_000 }, () => Promise.reject(error));
    expect(await run.catch((caught: unknown) => caught)).to.equal(error);
  });

  it('ends when it is interrupted', async () => {
    const interrupted = new AbortController();
    const reason = new Error('enough');
    const run = closedLoop({ ...loop, durationMs: 3_600_000, signal: interrupted.signal }, async (n) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (n === 50) interrupted.abort(reason);
    });
    expect(await run.catch((caught: unknown) => caught)).to.equal(reason);
  });

  it('fills a table, then writes to it and reads from it', async () => {
    await using db = await openEmbedded();
    await db.admin.createTable('t', { partitions: 2 });
    const table = db.table('t');
    await fill(table, 0, 30, noise(10), 8, signal);
    await fill(table, 30, 50, noise(10), 64, signal);
    for (let i = 0; i < 50; i++) expect(await table.get(keyName(i)), keyName(i)).to.deep.equal(noise(10));
    expect(await table.has(keyName(50))).to.equal(false);
    const asked: string[] = [];
    const watched = new Proxy(table, {
      get: (of, name) => {
        if (name === 'put' || name === 'get') asked.push(name);
        const member: unknown = Reflect.get(of, name);
        return typeof member === 'function' ? member.bind(of) : member;
      },
    });
    await writesThenReads(watched, 50, 'new', loop);
    expect(asked.slice(0, 4), 'as many as are to be under way').to.deep.equal(['put', 'put', 'put', 'put']);
    expect(asked.filter((name) => name === 'get')).to.have.length.of.at.least(4);
    const missing = await writesThenReads(table, 1e9, 'new', { ...loop, durationMs: 1, outstanding: 1 }).catch(String);
    expect(missing).to.include('is not there');
  });
});

describe('curves: gaps between answers', () => {
  it('are the longest since they were begun, open ones included', () => {
    let nowMs = 0;
    const gaps = new WriteGaps(3, () => nowMs);
    const at = (ms: number, ...partitions: number[]): void => {
      nowMs = ms;
      for (const partition of partitions) gaps.answered(partition);
    };
    at(50, 0, 1, 2);
    at(60, 0, 1, 2);
    expect(gaps.longest()).to.deep.equal([50, 50, 50]);
    gaps.begin();
    at(70, 0, 1);
    at(90, 0);
    at(100, 0);
    expect(gaps.longest()).to.deep.equal([20, 30, 40]);
    expect(gaps.allSince(60)).to.equal(true);
    expect(gaps.allSince(61)).to.equal(false);
    gaps.begin();
    expect(gaps.longest(), 'an open gap began before').to.deep.equal([0, 30, 40]);
  });

  it('the busiest host is the one to be killed, the first by name of equals', () => {
    expect(leadsMost(['h2', 'h1', 'h2', undefined])).to.equal('h2');
    expect(leadsMost(['h2', 'h1'])).to.equal('h1');
    expect(() => leadsMost([undefined])).to.throw(/no partition has a leader/);
  });
});
