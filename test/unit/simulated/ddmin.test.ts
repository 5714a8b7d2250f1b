import { expect } from 'chai';
import fc from 'fast-check';
import { ddmin } from '../../../actors/simulated/ddmin.js';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Fails when all of these are there. */
function needs(...wanted: readonly number[]): (part: readonly number[]) => Promise<boolean> {
  return (part) => Promise.resolve(wanted.every((one) => part.includes(one)));
}

describe('ddmin', () => {
  it('keeps what is needed, wherever it is, in its order (D1)', async () => {
    expect(await ddmin(upTo(100), needs(3, 57, 98))).to.deep.equal([3, 57, 98]);
    expect(await ddmin(upTo(8), needs(0))).to.deep.equal([0]);
    expect(await ddmin(upTo(7), needs(...upTo(7)))).to.deep.equal(upTo(7));
  });

  it('nothing is left of a list that has nothing to do with it', async () => {
    expect(await ddmin(upTo(50), needs())).to.deep.equal([]);
  });

  it('finds a single culprit of a thousand within thirty tries', async () => {
    let tries = 0;
    const culprit = needs(617);
    await ddmin(upTo(1000), (part) => {
      tries++;
      return culprit(part);
    });
    expect(tries).to.be.at.most(30);
  });

  it('D2 whatever makes it fail, no single element of the result can be left out', async () => {
    // A failure of any kind: a set of alternatives, each a set of elements.
    const alternatives = fc.array(fc.uniqueArray(fc.nat(19), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(alternatives, async (ways) => {
        const fails = (part: readonly number[]): boolean => ways.some((way) => way.every((one) => part.includes(one)));
        if (!fails(upTo(20))) return;
        const result = await ddmin(upTo(20), (part) => Promise.resolve(fails(part)));
        expect(fails(result), 'it fails').to.equal(true);
        for (const one of result)
          expect(fails(result.filter((other) => other !== one)), `without ${one}`).to.equal(false);
      }),
      { numRuns: 200 },
    );
  });

  it('D3 tries nothing when it is told to stop, and gives what it has', async () => {
    let tries = 0;
    const fails = needs(1, 60);
    const result = await ddmin(
      upTo(64),
      (part) => {
        tries++;
        return fails(part);
      },
      { goOn: () => tries < 14 },
    );
    expect(tries).to.equal(14);
    expect(await fails(result)).to.equal(true);
    expect(result.length).to.be.lessThan(64);
    expect(await ddmin(upTo(5), () => expect.fail('tried'), { goOn: () => false })).to.deep.equal(upTo(5));
  });

  it('says how it gets on', async () => {
    const left: number[] = [];
    await ddmin(upTo(16), needs(2, 13), { onSmaller: (count) => left.push(count) });
    expect(left).to.deep.equal([...left].sort((a, b) => b - a));
    expect(left.at(-1)).to.equal(2);
  });
});
