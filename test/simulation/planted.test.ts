// Bugs put in on purpose are found out, and each that the catalogue names is somewhere in the code
// =============================================================================
//
// Here those that a few short seeds show; all of them: `make simulate-planted`.

import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawScenario, type ScenarioBounds } from '../../actors/simulated/scenario.js';
import { simulate } from '../../actors/simulated/simulate.js';
import { type PlantedBug, plantedBugs } from '../../runtime/probes/planted-bugs.js';

const seedCount = 30;
const bounds: ScenarioBounds = { safetyMs: 5000, overBudget: false };

/** Whose words a bug is found out by. */
const finders: readonly (readonly [PlantedBug, RegExp])[] = [
  ['PB01', /K5|J1|W3/],
  ['PB06', /K5/],
  ['PB07', /V3/],
  ['PB09', /K5/],
  ['PB10', /K5/],
  ['PB21', /K6|J5/],
  ['PB40', /R19|R24|another hash/],
  ['PB50', /K5/],
];

describe('planted bugs', function () {
  this.timeout(60_000);

  for (const [bug, words] of finders)
    it(`${bug} is found within ${seedCount} short seeds: ${plantedBugs[bug].wrong}`, () => {
      const said: string[] = [];
      for (let seed = 1; seed <= seedCount; seed++) {
        const { failure } = simulate(drawScenario(String(seed), { ...bounds, planted: bug }));
        if (failure === undefined) continue;
        said.push(`seed ${seed}: ${failure.message}`);
        if (words.test(failure.message)) return;
      }
      expect.fail(`${bug} was not found:\n${said.join('\n')}`);
    });

  it('the catalogue and the code name the same bugs', () => {
    const named = new Set<string>();
    for (const room of ['runtime', 'messaging', 'actors'])
      for (const path of readdirSync(room, { recursive: true, encoding: 'utf8' })) {
        if (!path.endsWith('.ts') || path.startsWith('probes')) continue;
        for (const [, bug] of readFileSync(join(room, path), 'utf8').matchAll(/\bplanted\('(\w+)'\)/g))
          if (bug !== undefined) named.add(bug);
      }
    const sorted = (bugs: Iterable<string>): string[] => [...bugs].sort((a, b) => (a < b ? -1 : 1));
    expect(sorted(named)).to.deep.equal(sorted(Object.keys(plantedBugs)));
  });
});
