import { expect } from 'chai';
import fc from 'fast-check';
import { parseCurvesWish, quickFolder, fullFolder, UsageError } from '../../bench/curves/arguments.js';
import { catalogue } from '../../bench/curves/catalogue.js';
import { lineOf, measuredAt, pointsOf } from '../../bench/curves/curve.js';
import { keyBytesOf, writeItemKey } from '../../bench/curves/measures/item-key.js';
import { loadItems } from '../../bench/curves/measures/item-loading.js';
import { keyOfEachPartition } from '../../bench/curves/partition-keys.js';
import { cpuPercentOver, processFigures } from '../../bench/curves/processes.js';
import { partitionOf, partitionRing } from '../../../messaging/hashing/partition-ring.js';
import { partitionKeyBytes } from '../../../messaging/protocol/key.js';
import { keyBytes } from '../../../messaging/client/item-bytes.js';

const known = [
  { name: 'items', sizeMax: 100 },
  { name: 'hosts', sizeMax: 5 },
];

describe('curves: what is asked for', () => {
  it('is everything when nothing is said', () => {
    expect(parseCurvesWish([], known)).to.deep.equal({
      curves: ['items', 'hosts'],
      quick: false,
      sizes: undefined,
      out: fullFolder,
    });
  });

  it('is taken in the order of the catalogue, each once', () => {
    expect(parseCurvesWish(['--curves', 'hosts, items,hosts'], known).curves).to.deep.equal(['items', 'hosts']);
  });

  it('leaves the pages of full runs alone when it is quick or measures other points', () => {
    expect(parseCurvesWish(['--quick'], known).out).to.equal(quickFolder);
    const wish = parseCurvesWish(['--curves', 'items', '--sizes', '1,20,100'], known);
    expect(wish.out).to.equal(quickFolder);
    expect(wish.sizes).to.deep.equal([1, 20, 100]);
    expect(parseCurvesWish(['--quick', '--out', 'here'], known).out).to.equal('here');
  });

  const refusals: readonly (readonly [words: readonly string[], why: RegExp])[] = [
    [['--curves', 'item'], /--curves knows items, hosts, not "item"/],
    [['--curves', ''], /--curves knows/],
    [['--curves'], /curves/],
    [['--quick=1'], /quick/],
    [['--fast'], /fast/],
    [['items'], /items/],
    [['--out', ''], /--out takes a folder/],
    [['--sizes', '1'], /--sizes are of one curve/],
    [['--curves', 'hosts', '--sizes', '6'], /from 1 to 5, not "6"/],
    [['--curves', 'hosts', '--sizes', '0'], /from 1 to 5, not "0"/],
    [['--curves', 'hosts', '--sizes', '1.5'], /not "1.5"/],
    [['--curves', 'hosts', '--sizes', '1,'], /not ""/],
    [['--curves', 'hosts', '--sizes', '3,2'], /grow/],
  ];
  for (const [words, why] of refusals)
    it(`refuses ${JSON.stringify(words)} in one line`, () => {
      expect(() => parseCurvesWish(words, known))
        .to.throw(UsageError, why)
        .with.property('message')
        .not.contains('\n');
    });
});

describe('curves: the catalogue', () => {
  it('has curves of different names, each with columns that its charts and claims are drawn from', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).to.equal(catalogue.length);
    for (const curve of catalogue) {
      const ids = curve.columns.map(({ id }) => id);
      expect(new Set(ids).size, curve.name).to.equal(ids.length);
      const row = Object.fromEntries(ids.map((id, i) => [id, i === 0 ? curve.sizeMax : i + 1]));
      for (const chart of curve.charts([row]))
        for (const line of chart.lines) expect(line.points, `${curve.name} ${chart.id} ${line.name}`).to.have.length(1);
      for (const claim of curve.claims([row])) expect(claim.measured, claim.what).to.be.a('number');
      for (const claim of curve.claims([])) expect(claim.measured, claim.what).to.equal(undefined);
      expect(curve.settings(true), curve.name).to.not.deep.equal([]);
    }
  });

  it('measures its own points unless others are asked for', () => {
    const context = { quick: false, sizes: undefined, signal: new AbortController().signal, note: () => undefined };
    const own = { full: [1, 2], quick: [1] };
    expect(pointsOf(context, own)).to.deep.equal([1, 2]);
    expect(pointsOf({ ...context, quick: true }, own)).to.deep.equal([1]);
    expect(pointsOf({ ...context, quick: true, sizes: [7] }, own)).to.deep.equal([7]);
  });

  it('draws and judges only what was measured', () => {
    const rows = [{ n: 1, ms: 5 }, { n: 2 }, { n: 4, ms: undefined }, { n: 8, ms: 7 }];
    expect(lineOf('ms', rows, 'n', 'ms').points).to.deep.equal([
      [1, 5],
      [8, 7],
    ]);
    expect(measuredAt(rows, 'n', 1, 'ms')).to.equal(5);
    expect(measuredAt(rows, 'n', 5, 'ms')).to.equal(7);
    expect(measuredAt(rows, 'n', 9, 'ms')).to.equal(undefined);
  });
});

describe('curves: processes', () => {
  it('knows this process, where there is /proc, and none that is not there', async function () {
    expect(processFigures(2 ** 30)).to.equal(undefined);
    const figures = processFigures(process.pid);
    if (figures === undefined) {
      this.skip(); // no /proc
      return;
    }
    expect(figures.rssMib).to.be.greaterThan(10);
    expect(figures.handles).to.be.greaterThan(2);
    const [own, ...none] = await cpuPercentOver([process.pid, 2 ** 30], 1, new AbortController().signal);
    expect(own).to.be.at.least(0);
    expect(none).to.deep.equal([]);
  });

  it('stops waiting when it is interrupted', async () => {
    const reason = new Error('enough');
    const waiting = cpuPercentOver([process.pid], 60_000, AbortSignal.abort(reason));
    expect(await waiting.catch((error: unknown) => error)).to.equal(reason);
  });
});

describe('curves: keys', () => {
  it('finds a key of each partition', () => {
    for (const partitions of [1, 7, 64]) {
      const keys = keyOfEachPartition(partitions);
      const ring = partitionRing(partitions);
      expect(keys.map((key) => partitionOf(partitionKeyBytes(keyBytes(key)), ring))).to.deep.equal(
        Array.from({ length: partitions }, (_, i) => i),
      );
    }
  });

  it('no two items have the same key', () => {
    const first = new Uint8Array(keyBytesOf);
    const second = new Uint8Array(keyBytesOf);
    const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        writeItemKey(first, a);
        writeItemKey(second, b);
        expect(Buffer.compare(first, second) === 0).to.equal(a === b);
        const word = (first[0] ?? 0) | ((first[1] ?? 0) << 8) | ((first[2] ?? 0) << 16) | ((first[3] ?? 0) << 24);
        writeItemKey(second, a ^ 1);
        expect(Buffer.from(second.buffer).readInt32LE(0)).to.not.equal(word);
      }),
    );
  });

  it('loads items, finds all of them, and says what they cost', async () => {
    const figures = await loadItems(3000);
    for (const [name, value] of Object.entries(figures))
      expect(value, name).to.be.a('number').and.satisfy(Number.isFinite);
    expect(figures.insertsPerSecond).to.be.greaterThan(0);
  });
});
