import { expect } from 'chai';
import { HashRing, partitionOf, partitionRing, xxHash32 } from '../../../messaging/hashing/index.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { seededRandom } from '../../../runtime/std/random.js';

const names = (count: number, prefix = 'h'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const hashes = (count: number, seed: string): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.u32());
};

describe('messaging/hashing', () => {
  it('hash-ring H1: the order of the nodes does not matter, and rings grow as they are made', () => {
    const ring = new HashRing(names(7));
    const shuffled = new HashRing([...names(7)].reverse());
    const grown = names(7).reduce((each, node) => each.add(node), new HashRing([]));
    const shrunk = ring.add('other').remove('other');
    for (const hash of hashes(2000, 'H1')) {
      const expected = ring.replicasFor(hash, 3);
      for (const same of [shuffled, grown, shrunk]) expect(same.replicasFor(hash, 3)).to.deep.equal(expected);
    }
    expect(ring.nodes).to.deep.equal(names(7)); // a ring is not changed by what was made of it
  });

  it('hash-ring H2: a node added takes its share, and nothing else moves', () => {
    for (const count of [1, 2, 3, 5, 10, 30]) {
      const before = new HashRing(names(count));
      const after = before.add('new');
      let moved = 0;
      const sample = hashes(20_000, `H2 ${count}`);
      for (const hash of sample) {
        const [old, now] = [before.nodeFor(hash), after.nodeFor(hash)];
        if (old === now) continue;
        moved += 1;
        expect(now).to.equal('new');
      }
      const share = after.shares().get('new') as number;
      expect(moved / sample.length).to.be.closeTo(share, 0.015);
      expect(share * (count + 1)).to.be.within(0.65, 1.4);
    }
  });

  it('hash-ring H2: replicas move only where the new node comes in', () => {
    const before = new HashRing(names(5));
    const after = before.add('new');
    for (const hash of hashes(3000, 'replicas')) {
      const kept = after.replicasFor(hash, 3).filter((node) => node !== 'new');
      expect(before.replicasFor(hash, 3).slice(0, kept.length)).to.deep.equal(kept);
    }
  });

  it('hash-ring H3: distinct nodes, the responsible one first', () => {
    const ring = new HashRing(names(5));
    for (const hash of [0, 1, 0xffff_ffff, ...hashes(500, 'H3')]) {
      const all = ring.replicasFor(hash, 5);
      expect(new Set(all).size).to.equal(5);
      expect(all[0]).to.equal(ring.nodeFor(hash));
      for (const count of [0, 1, 2, 3, 4, 9]) expect(ring.replicasFor(hash, count)).to.deep.equal(all.slice(0, count));
    }
  });

  it('hash-ring H4: shares stay within the stated bounds with 150 virtual nodes', () => {
    for (const prefix of ['h', 'node-', '10.0.0.', 'eu-west-1-']) {
      for (const count of [2, 3, 4, 5, 8, 16, 33, 64, 100]) {
        const ring = new HashRing(names(count, prefix));
        const shares = [...ring.shares().values()];
        expect(ring.virtualNodes).to.equal(150);
        expect(shares.reduce((sum, share) => sum + share, 0)).to.be.closeTo(1, 1e-9);
        for (const share of shares) expect(share * count, `${count} × ${prefix}`).to.be.within(0.65, 1.4);
      }
    }
  });

  it('shares are what nodeFor gives', () => {
    const ring = new HashRing(names(4), 3);
    const sample = hashes(50_000, 'shares');
    for (const [node, share] of ring.shares()) {
      const got = sample.filter((hash) => ring.nodeFor(hash) === node).length / sample.length;
      expect(got).to.be.closeTo(share, 0.015);
    }
  });

  it('refuses misuse', () => {
    expect(() => new HashRing(['a', 'a'])).to.throw(TypeError, /node a is there twice/);
    expect(() => new HashRing([''])).to.throw(TypeError);
    expect(() => new HashRing([5 as never])).to.throw(TypeError);
    for (const count of [0, -1, 1.5, NaN, 10_001]) expect(() => new HashRing(['a'], count)).to.throw(TypeError);
    expect(() => new HashRing(['a']).add('a')).to.throw(TypeError);
    expect(() => new HashRing(['a']).remove('b')).to.throw(TypeError, /not on the ring/);
    expect(() => new HashRing([]).nodeFor(1)).to.throw(RangeError);
    expect(new HashRing([]).replicasFor(1, 3)).to.deep.equal([]);
    for (const hash of [-1, 1.5, 2 ** 32, NaN])
      expect(() => new HashRing(['a']).nodeFor(hash)).to.throw(AssertionError);
  });

  it('partitions: every one gets keys, and only those there are', () => {
    const utf8 = new TextEncoder();
    for (const count of [1, 3, 16, 64]) {
      const ring = partitionRing(count);
      const counts = Array.from({ length: count }, () => 0);
      for (let i = 0; i < 20_000; i++) {
        const partition = partitionOf(utf8.encode(`user:${i}`), ring);
        counts[partition] = (counts[partition] as number) + 1;
      }
      expect(counts.length).to.equal(count);
      for (const each of counts) expect((each * count) / 20_000).to.be.within(0.5, 1.6);
    }
  });

  it('xxHash32 does not care where the bytes lie', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 37);
    for (let length = 0; length < 90; length++) {
      const hash = xxHash32(bytes.slice(3, 3 + length));
      expect(xxHash32(bytes.subarray(3, 3 + length))).to.equal(hash);
      expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).to.equal(true);
      expect(xxHash32(bytes.subarray(3, 3 + length), 1)).to.not.equal(hash);
    }
  });
});
