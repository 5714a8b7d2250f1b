import { expect } from 'chai';
import { HashIndex } from '../../../actors/partition/engine/hash-index.js';
import { innerMax, leafMax, OrderedIndex } from '../../../actors/partition/engine/ordered-index.js';
import { kindItem, Records } from '../../../actors/partition/engine/records.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { type Random, seededRandom } from '../../../runtime/std/random.js';

const utf8 = new TextEncoder();
const meta = { version: 1, createdAtMs: 0, updatedAtMs: 0, expiresAtMs: 0 };

function keyOf(index: number): Uint8Array {
  return utf8.encode(`table/key-${String(index).padStart(9, '0')}`);
}

function shuffled(count: number, random: Random): number[] {
  const list = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = random.below(i + 1);
    [list[i], list[other]] = [list[other] as number, list[i] as number];
  }
  return list;
}

describe('actors/partition/engine indexes', () => {
  it('hash-index I1 I2: finds what is there and only that, while it grows and shrinks', () => {
    const records = new Records();
    const index = new HashIndex(records);
    const random = seededRandom('hash-index');
    const live = new Map<number, { hash: number; handle: number }>();
    // Few different hashes at times, so that probes are long and deletions have to move entries.
    const hashOf = (i: number, clustered: boolean): number =>
      clustered ? (i % 50) * 3 : Math.imul(i, 0x9e3779b1) >>> 0;
    const clusters = new Map<number, boolean>();
    for (let step = 0; step < 40_000; step++) {
      const i = random.below(12_000);
      const entry = live.get(i);
      if (entry === undefined) {
        clusters.set(i, i % 40 === 0);
        const hash = hashOf(i, i % 40 === 0);
        expect(index.find(hash, keyOf(i))).to.equal(0);
        const handle = records.create(kindItem, keyOf(i), emptyBytes, meta);
        index.insert(hash, handle);
        live.set(i, { hash, handle });
      } else if (random.chance(0.5)) {
        index.remove(entry.hash, entry.handle);
        records.slab.free(entry.handle);
        live.delete(i);
      } else {
        const handle = records.create(kindItem, keyOf(i), emptyBytes, meta);
        index.replace(entry.hash, entry.handle, handle);
        records.slab.free(entry.handle);
        live.set(i, { hash: entry.hash, handle });
      }
    }
    for (const [i, { hash, handle }] of live) expect(index.find(hash, keyOf(i))).to.equal(handle);
    const grown = index.byteCount;
    for (const { hash, handle } of live.values()) index.remove(hash, handle);
    for (const [i, { hash }] of live) expect(index.find(hash, keyOf(i))).to.equal(0);
    expect(index.byteCount).to.be.below(grown / 8);
  });

  it('hash-index I3: growing by one entry never takes memory for more than a few segments', () => {
    const records = new Records();
    const index = new HashIndex(records);
    const handle = records.create(kindItem, keyOf(0), emptyBytes, meta);
    let before = index.byteCount;
    for (let i = 0; i < 200_000; i++) {
      index.insert(Math.imul(i, 0x9e3779b1) >>> 0, handle);
      expect(index.byteCount - before, `entry ${i}`).to.be.below(80_000);
      before = index.byteCount;
    }
    expect(index.byteCount / 200_000).to.be.below(24);
  });

  it('hash-index I1: keys that all have one hash are slow, but right', () => {
    const records = new Records();
    const index = new HashIndex(records);
    const handles = Array.from({ length: 4000 }, (_, i) => records.create(kindItem, keyOf(i), emptyBytes, meta));
    for (const handle of handles) index.insert(0xdead_beef, handle);
    for (const i of [0, 1, 1999, 3999]) expect(index.find(0xdead_beef, keyOf(i))).to.equal(handles[i]);
    for (const handle of handles) index.remove(0xdead_beef, handle);
    expect(index.find(0xdead_beef, keyOf(5))).to.equal(0);
  });

  for (const order of ['ascending', 'descending', 'shuffled'] as const) {
    it(`ordered-index T1 T2 T3: ${order} insertion and removal of three levels of keys`, () => {
      const count = leafMax * innerMax * 2;
      const random = seededRandom(`ordered-index ${order}`);
      const records = new Records();
      const index = new OrderedIndex(records);
      const sequence = shuffled(count, random);
      if (order !== 'shuffled') sequence.sort((a, b) => (order === 'ascending' ? a - b : b - a));
      const handles = new Map<number, number>();
      for (const i of sequence) {
        const handle = records.create(kindItem, keyOf(i), emptyBytes, meta);
        index.insert(keyOf(i), handle);
        handles.set(i, handle);
      }
      const walk = (): number[] => {
        const seen: number[] = [];
        const cursor = index.first();
        for (let handle = index.handleAt(cursor); handle !== 0; handle = index.handleAt(cursor)) {
          seen.push(handle);
          index.advance(cursor);
        }
        return seen;
      };
      const back = (): number[] => {
        const seen: number[] = [];
        const cursor = index.end();
        while (index.retreat(cursor)) seen.push(index.handleAt(cursor));
        return seen.reverse();
      };
      const expected = (): number[] => [...handles].sort(([a], [b]) => a - b).map(([, handle]) => handle);
      expect(walk()).to.deep.equal(expected());
      expect(back()).to.deep.equal(expected());
      if (order === 'ascending') {
        expect(index.byteCount / count, 'keys that come in order fill their leaves').to.be.below(8.4);
      }
      for (let removed = 0; removed < count; removed++) {
        const i = sequence[removed] as number;
        if (removed % 1000 === 0) expect(index.find(keyOf(i))).to.equal(handles.get(i));
        index.remove(keyOf(i));
        records.slab.free(handles.get(i) as number);
        handles.delete(i);
        if (removed % 7000 === 0) {
          expect(walk()).to.deep.equal(expected());
          expect(back()).to.deep.equal(expected());
        }
      }
      expect(walk()).to.deep.equal([]);
      expect(index.byteCount, 'one empty leaf is left').to.equal(1024);
      expect(records.slab.usedBytes, 'no separator is left').to.equal(0);
    });
  }

  it('ordered-index T4: after nine of ten keys are gone, so is most of the index', () => {
    const random = seededRandom('ordered-index T4');
    const records = new Records();
    const index = new OrderedIndex(records);
    const count = 30_000;
    for (const i of shuffled(count, random))
      index.insert(keyOf(i), records.create(kindItem, keyOf(i), emptyBytes, meta));
    const full = index.byteCount;
    const doomed = shuffled(count, random).filter((i) => i % 10 !== 0);
    for (const i of doomed) {
      const handle = index.find(keyOf(i));
      index.remove(keyOf(i));
      records.slab.free(handle);
    }
    expect(index.byteCount).to.be.below(full / 4);
    for (let i = 0; i < count; i += 10) expect(index.find(keyOf(i))).to.not.equal(0);
  });
});
