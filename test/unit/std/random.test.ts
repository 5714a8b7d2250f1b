import { expect } from 'chai';
import { AssertionError } from '../../../runtime/std/assert.js';
import { type Random, seededRandom } from '../../../runtime/std/random.js';

const take = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.u32());

describe('seeded randomness', () => {
  it('gives one sequence for one seed, and others for others', () => {
    expect(take(seededRandom('a'), 20)).to.deep.equal(take(seededRandom('a'), 20));
    expect(take(seededRandom('a'), 20)).to.not.deep.equal(take(seededRandom('b'), 20));
    expect(take(seededRandom(7), 5)).to.deep.equal(take(seededRandom('7'), 5));
  });

  it('is the same on every machine and for ever: seeds in old failure reports must replay', () => {
    expect(take(seededRandom('troupe'), 4)).to.deep.equal([3511157595, 3405806040, 2997512600, 706921288]);
  });

  it('splits by name: neither order nor use of the parent changes a stream', () => {
    const parent = seededRandom('p');
    const before = take(parent.split('x'), 10);
    take(parent, 100);
    parent.split('y');
    expect(take(parent.split('x'), 10)).to.deep.equal(before);
    expect(take(parent.split('y'), 10)).to.not.deep.equal(before);
    expect(take(parent.split('x').split('z'), 10)).to.not.deep.equal(take(parent.split('z'), 10));
  });

  it('keeps within its bounds and comes near to every value', () => {
    const random = seededRandom('bounds');
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const value = random.between(3, 12);
      expect(value).to.be.within(3, 12);
      seen.add(value);
      expect(random.fraction()).to.be.within(0, 1 - Number.EPSILON);
    }
    expect(seen.size).to.equal(10);
    expect(random.below(1)).to.equal(0);
    expect(random.chance(0)).to.equal(false);
    expect(random.chance(1)).to.equal(true);
    expect(() => random.below(0)).to.throw(AssertionError);
    expect(() => random.pick([])).to.throw(AssertionError);
  });

  it('is even: no bit and no bucket is preferred', () => {
    const random = seededRandom('even');
    const buckets = Array.from({ length: 16 }, () => 0);
    const ones = Array.from({ length: 32 }, () => 0);
    const count = 16_000;
    for (let i = 0; i < count; i++) {
      const value = random.u32();
      buckets[value >>> 28] = (buckets[value >>> 28] ?? 0) + 1;
      for (let bit = 0; bit < 32; bit++) if ((value >>> bit) & 1) ones[bit] = (ones[bit] ?? 0) + 1;
    }
    for (const size of buckets) expect(size).to.be.within(850, 1150); // five standard deviations are 153
    for (const size of ones) expect(size).to.be.within(7650, 8350);
  });
});
