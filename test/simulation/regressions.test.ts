// Schedules that once failed, run for ever
// =============================================================================
//
// Each file in regressions/ is a replay file, made small by `troupe sim --replay FILE --minimize`. Two sorts:
//
//   <what-was-mended>.json      a bug that was found and mended: the run must be good
//   planted-<bug>.json          a planted bug: it must be found, by the rule that found it then; and without the bug the run must be good
//
// What a seed draws within a schedule (delays, ties) moves when the code changes, and a small schedule may need some luck: a planted one may be
// tried with a few seeds.

import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReplayFile, type ReplayFile } from '../../actors/simulated/replay-file.js';
import type { Scenario } from '../../actors/simulated/scenario.js';
import { simulate } from '../../actors/simulated/simulate.js';
import { violatedBy } from '../../actors/simulated/violated.js';

const folder = join(process.cwd(), 'test/simulation/regressions');
const seedsTried = 20;

/** The rule that the run breaks; undefined when it is good. */
function violatedIn(scenario: Scenario): string | undefined {
  const { failure } = simulate(scenario);
  return failure === undefined ? undefined : violatedBy(failure.message);
}

function* seeded(scenario: Scenario): Generator<Scenario> {
  yield scenario;
  for (let i = 1; i < seedsTried; i++) yield { ...scenario, seed: `${scenario.seed}~${i}` };
}

function findsPlanted(replay: ReplayFile): Scenario | undefined {
  for (const scenario of seeded(replay.scenario)) if (violatedIn(scenario) === replay.violated) return scenario;
  return undefined;
}

describe('regressions', function () {
  this.timeout(60_000);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort((a, b) => (a < b ? -1 : 1));

  it('there are some of both sorts', () => {
    expect(names.filter((name) => name.startsWith('planted-'))).not.to.have.length(0);
    expect(names.filter((name) => !name.startsWith('planted-'))).not.to.have.length(0);
  });

  for (const name of names) {
    const replay = parseReplayFile(readFileSync(join(folder, name), 'utf8'));
    const { planted, ...sound } = replay.scenario;
    const again = `npx troupe sim --replay test/simulation/regressions/${name}`;
    if (planted === undefined)
      it(`${name}: good (it was ${replay.violated})`, () => {
        expect(violatedIn(replay.scenario), again).to.equal(undefined);
      });
    else
      it(`${name}: ${planted} is found by ${replay.violated}, and without it all is good`, () => {
        const found = findsPlanted(replay);
        expect(found, `${again}: not found with any of ${seedsTried} seeds`).not.to.equal(undefined);
        expect(violatedIn({ ...sound, seed: found?.seed ?? sound.seed }), again).to.equal(undefined);
      });
  }
});
