// Each micro-benchmark measures something that gives the right answer
// =============================================================================
//
// No time is asserted: each bench is checked and called once.

import { expect } from 'chai';
import { chosenBenches, microBenches } from '../../bench/micro/benches.js';
import { ready } from '../../bench/micro/meter.js';

describe('micro-benchmarks', () => {
  it('have names of their own, and do something', () => {
    const names = microBenches.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(microBenches.every(({ operations }) => operations >= 1)).to.equal(true);
  });

  it('are chosen by what is in their names, in any case', () => {
    expect(chosenBenches('')).to.have.length(microBenches.length);
    const chosen = chosenBenches('HASH index');
    expect(chosen.map(({ name }) => name)).to.deep.equal(['hash index find', 'hash index remove and insert']);
    expect(chosenBenches('no such bench')).to.deep.equal([]);
  });

  for (const bench of microBenches) {
    it(`${bench.name}: what is measured is right`, async () => {
      const prepared = await ready(bench);
      try {
        const result = await prepared.run();
        expect(Number.isFinite(result)).to.equal(true);
      } finally {
        await prepared.close?.();
      }
    });
  }
});
