// The load, on stores that are made to go wrong

import { expect } from 'chai';
import { KeySpace } from '../../bench/key-space.js';
import { Load } from '../../bench/load.js';
import { Meter } from '../../bench/meter.js';
import { OperationFeed } from '../../bench/operation-feed.js';
import type { Driver } from '../../bench/peer.js';
import type { Choice, Mix } from '../../bench/scenario.js';
import { until } from '../../support/until.js';

const none: Mix = { get: 0, put: 0, insert: 0, scan: 0, modify: 0 };
const space = new KeySpace(64, 200);

/** Right in everything, one turn of the event loop late. */
class Store implements Driver {
  readonly items = new Map<string, string>();
  underWay = 0;
  mostUnderWay = 0;
  asked = 0;
  readonly wrong: Partial<Driver>;

  constructor(wrong: Partial<Driver> = {}) {
    this.wrong = wrong;
    for (let i = 0; i < space.count; i++) this.items.set(space.name(i), space.value(i));
  }

  async #answer<T>(answer: () => T): Promise<T> {
    this.asked++;
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    await new Promise((resolve) => setImmediate(resolve));
    this.underWay--;
    return answer();
  }

  put(key: string, value: string): Promise<unknown> {
    return this.wrong.put?.(key, value) ?? this.#answer(() => this.items.set(key, value));
  }

  get(key: string): Promise<string | null | undefined> {
    return this.wrong.get?.(key) ?? this.#answer(() => this.items.get(key));
  }

  scan(start: string, count: number): Promise<readonly string[]> {
    const sorted = (): string[] => [...this.items.keys()].sort((a, b) => (a < b ? -1 : 1));
    const answer = (): string[] => {
      const keys = sorted();
      const at = keys.indexOf(start);
      return keys.slice(at, at + count).map((key) => this.items.get(key) as string);
    };
    return this.wrong.scan?.(start, count) ?? this.#answer(answer);
  }

  async close(): Promise<void> {}
}

interface Ran {
  readonly meter: Meter;
  readonly store: Store;
}

async function closed(mix: Mix, store: Store, choice: Choice = 'uniform', isReadCurrent = true): Promise<Ran> {
  space.trim();
  const meter = new Meter(false);
  const feed = new OperationFeed(mix, choice, space.count, space.count, 'test');
  const load = new Load({ driver: store, space, feed, meter, outstanding: 8, isReadCurrent });
  meter.open(performance.now());
  load.begin();
  const errors = (): number => Object.values(meter.errors).reduce((sum, count) => sum + count, 0);
  try {
    await until('enough answers', () => meter.answered + errors() >= 500 || errors() >= 16);
  } finally {
    meter.close(performance.now());
    await load.stop();
  }
  return { meter, store };
}

describe('bench: load', () => {
  it('keeps so many operations under way, and all of YCSB’s are answered rightly', async () => {
    const mix = { get: 30, put: 20, insert: 20, scan: 15, modify: 15 };
    const { meter, store } = await closed(mix, new Store(), 'latest');
    expect(meter.errors).to.deep.equal({});
    expect(meter.stale).to.equal(0);
    expect(store.mostUnderWay).to.equal(8);
    expect(store.underWay, 'nothing is left under way').to.equal(0);
    expect(store.items.size).to.be.greaterThan(space.count);
  });

  it('a wrong value, a missing one, a refused write and a short scan are errors', async () => {
    const said = async (mix: Mix, wrong: Partial<Driver>): Promise<string[]> =>
      Object.keys((await closed(mix, new Store(wrong))).meter.errors);
    const other = async (): Promise<string> => space.value(0).replace('v', 'w');
    expect(await said({ ...none, get: 100 }, { get: other })).to.deep.equal([
      `another value: ${space.value(0).replace('v', 'w').slice(0, 32)}…`,
    ]);
    expect(await said({ ...none, get: 100 }, { get: async () => null })).to.deep.equal([
      'an item that was acknowledged is missing',
    ]);
    expect(await said({ ...none, modify: 100 }, { get: async () => undefined })).to.deep.equal([
      'an item that was acknowledged is missing',
    ]);
    const refuse = async (): Promise<never> => {
      throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    };
    expect(await said({ ...none, put: 100 }, { put: refuse })).to.deep.equal(['ENOSPC disk full']);
    const short = await said({ ...none, scan: 100 }, { scan: async () => [] });
    expect(short[0]).to.match(/^a scan of \d+ gave 0$/);
    const reversed = async (_start: string, count: number): Promise<string[]> =>
      Array.from({ length: count }, () => space.value(0));
    expect(await said({ ...none, scan: 100 }, { scan: reversed })).to.include('a scan gave another item');
  });

  it('where no more is promised, a missing item is stale and no error', async () => {
    const { meter } = await closed(
      { ...none, get: 100 },
      new Store({
        get: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return undefined;
        },
      }),
      'uniform',
      false,
    );
    expect(meter.errors).to.deep.equal({});
    expect(meter.stale).to.be.greaterThan(0);
  });

  it('an open loop asks everything that is due, and times it from when it was due', async () => {
    let isStopped = true;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const store = new Store({
      get: async (key) => {
        if (isStopped) await held;
        return store.items.get(key);
      },
    });
    const meter = new Meter(true);
    const feed = new OperationFeed({ ...none, get: 100 }, 'uniform', space.count, space.count, 'open');
    // Two may be under way: all others wait for those, and have been due all the time.
    const load = new Load({ driver: store, space, feed, meter, outstanding: 2, isReadCurrent: true });
    const startMs = performance.now();
    meter.open(startMs);
    meter.close(startMs + 50);
    const ran = load.atRate(2000, startMs, 50);
    await until('all of it is due', () => performance.now() > startMs + 100);
    isStopped = false;
    const heldMs = performance.now() - startMs - 50;
    release();
    expect(await ran, 'never asked').to.equal(0);
    expect(meter.answered).to.equal(100);
    expect(meter.errors).to.deep.equal({});
    expect(meter.histogram().percentileMs(1), 'all of them waited, not two').to.be.at.least(heldMs * 0.98);
  });
});

describe('bench: meter', () => {
  it('counts in a closed loop what was answered in the window, in an open one what was due in it', () => {
    const answered = (isOpenLoop: boolean): number[] => {
      const meter = new Meter(isOpenLoop);
      meter.open(100);
      meter.close(200);
      return [
        [50, 99],
        [50, 100],
        [150, 160],
        [199, 200],
        [199, 500],
        [200, 210],
      ].map(([start, now]) => {
        const before = meter.answered;
        meter.note(0, start as number, now as number);
        return meter.answered - before;
      });
    };
    expect(answered(false)).to.deep.equal([0, 1, 1, 0, 0, 0]);
    expect(answered(true)).to.deep.equal([0, 0, 1, 1, 1, 0]);
  });

  it('counts errors by what they say, the most frequent first, of few kinds', () => {
    const meter = new Meter(false);
    for (let i = 0; i < 100; i++) meter.fail(new Error(`e${i}`));
    meter.fail(new Error('e3'));
    const errors = meter.errors;
    expect(Object.keys(errors)).to.have.length(21);
    expect(Object.keys(errors).slice(0, 2)).to.deep.equal(['others', 'e3']);
  });
});
