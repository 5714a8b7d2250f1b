import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { facts } from '../../../runtime/probes/facts.js';
import { seldomSites, sites } from '../../../runtime/probes/sites.js';

const root = process.cwd();
const production = ['actors', 'messaging', 'runtime'];

/** Calls of one probe in production code, with what is between their brackets. */
function callsOf(probe: 'buggify' | 'sometimes'): { readonly path: string; readonly argument: string }[] {
  const calls: { readonly path: string; readonly argument: string }[] = [];
  for (const room of production)
    for (const entry of readdirSync(join(root, room), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !path.endsWith('.ts') || /runtime\/(probes|simulation)\//.test(path)) continue;
      const code = readFileSync(path, 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
      for (const [, argument] of code.matchAll(new RegExp(`\\b${probe}\\(([^()]*(?:\\([^()]*\\)[^()]*)*)\\)`, 'g')))
        calls.push({ path, argument: argument ?? '' });
    }
  return calls;
}

function idsOf(probe: 'buggify' | 'sometimes'): Map<string, number> {
  const ids = new Map<string, number>();
  for (const { path, argument } of callsOf(probe)) {
    // A choice between two facts names both.
    const named = [...argument.matchAll(/'([a-z]+\/[a-z0-9-]+)'/g)].map(([, id]) => id as string);
    expect(named, `${path}: ${probe}(${argument}) names what it asks for`).to.have.length.above(0);
    for (const id of named) ids.set(id, (ids.get(id) ?? 0) + 1);
  }
  return ids;
}

const sorted = (ids: Iterable<string>): string[] => [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

describe('catalogues of probes', () => {
  it('every site is asked in production code, at one place, and every site asked is in the catalogue', () => {
    const asked = idsOf('buggify');
    expect(sorted(asked.keys())).to.deep.equal(sorted(Object.keys(sites)));
    for (const [site, count] of asked) expect(count, `${site} is asked at ${count} places`).to.equal(1);
  });

  it('every fact is counted in production code, and every fact counted is in the catalogue', () => {
    expect(sorted(idsOf('sometimes').keys())).to.deep.equal(sorted(Object.keys(facts)));
  });

  it('there are at least 60 sites and 40 facts', () => {
    expect(Object.keys(sites)).to.have.length.of.at.least(60);
    expect(Object.keys(facts)).to.have.length.of.at.least(40);
  });

  it('nothing is asked by a state machine: its members would be told different things', () => {
    const inState = callsOf('buggify').filter(({ path }) =>
      /actors\/(metadata\/state\/|partition\/(state|sessions|engine))/.test(path),
    );
    expect(inState).to.deep.equal([]);
  });

  it('a site that fires seldom is a site', () => {
    for (const site of seldomSites) expect(Object.keys(sites)).to.include(site);
  });
});
