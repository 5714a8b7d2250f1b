import { expect } from 'chai';
import { buggify, installProbes, planted, sometimes } from '../../../runtime/probes/probes.js';
import { seldomSites, type Site, sites } from '../../../runtime/probes/sites.js';
import { type ActiveSite, drawSites, SimulatedProbes } from '../../../runtime/simulation/simulated-probes.js';
import { seededRandom } from '../../../runtime/std/random.js';

const [first, second, third] = Object.keys(sites) as [Site, Site, Site];

function probesOf(active: readonly ActiveSite[]): SimulatedProbes {
  return new SimulatedProbes(seededRandom('probes'), active, undefined);
}

/** What a site answers when it is asked between questions to the others. */
function answersOf(probes: SimulatedProbes, site: Site, others: readonly Site[]): boolean[] {
  return Array.from({ length: 200 }, () => {
    for (const other of others) probes.buggify(other);
    return probes.buggify(site);
  });
}

describe('probes', () => {
  it('B1: with nothing installed nothing is asked for, and nothing is noted', () => {
    const before = installProbes(undefined);
    try {
      for (const site of Object.keys(sites) as Site[]) expect(buggify(site), site).to.equal(false);
      expect(planted('PB09')).to.equal(false);
      sometimes('partition/truncated');
    } finally {
      installProbes(before);
    }
    const probes = probesOf([]);
    probes.during(() => sometimes('partition/truncated'));
    sometimes('partition/truncated');
    expect([...probes.facts]).to.deep.equal([['partition/truncated', 1]]);
  });

  it('what was installed before comes back, also after an error', () => {
    const outer = probesOf([{ site: first, probability: 1 }]);
    const inner = probesOf([]);
    outer.during(() => {
      expect(() =>
        inner.during(() => {
          expect(buggify(first)).to.equal(false);
          throw new Error('the run failed');
        }),
      ).to.throw('the run failed');
      expect(buggify(first)).to.equal(true);
    });
    expect(buggify(first)).to.equal(false);
    expect(outer.fired.get(first)).to.equal(1);
  });

  it('a site that is not active never fires, one with probability 1 always does', () => {
    const probes = probesOf([{ site: second, probability: 1 }]);
    expect(answersOf(probes, first, [])).to.not.include(true);
    expect(answersOf(probes, second, [])).to.not.include(false);
  });

  it('a run that has to come to rest is unsettled no more, and the other sites go on', () => {
    const [seldom] = seldomSites;
    const probes = probesOf(Object.keys(sites).map((site) => ({ site: site as Site, probability: 1 })));
    expect(probes.buggify(seldom as Site)).to.equal(true);
    probes.settle();
    for (const site of Object.keys(sites) as Site[])
      expect(probes.buggify(site), site).to.equal(!seldomSites.has(site));
  });

  it('a site answers the same whatever other sites are active, and however often they are asked', () => {
    const one = { site: first, probability: 0.5 };
    const alone = answersOf(probesOf([one]), first, []);
    const others = [
      { site: second, probability: 0.9 },
      { site: third, probability: 0.25 },
    ];
    expect(answersOf(probesOf([...others, one]), first, [second, third, second])).to.deep.equal(alone);
    expect(alone).to.include(true);
    expect(alone).to.include(false);
  });

  it('what is drawn for a site does not depend on the other sites, and a quarter is active', () => {
    let active = 0;
    for (let seed = 0; seed < 100; seed++) {
      const drawn = drawSites(seededRandom(`${seed}`));
      expect(drawSites(seededRandom(`${seed}`))).to.deep.equal(drawn);
      active += drawn.length;
      for (const { site, probability } of drawn)
        expect(probability, site).to.be.within(0.01, seldomSites.has(site) ? 0.1 : 0.9);
    }
    const share = active / 100 / Object.keys(sites).length;
    expect(share).to.be.within(0.2, 0.3);
  });
});
