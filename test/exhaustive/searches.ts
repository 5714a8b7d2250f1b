// How the suites of small scopes search, and what they expect
// =============================================================================
//
// TROUPE_FULL=1 searches the greater scopes, too. A search that finds nothing proves nothing unless it saw enough, and unless it finds what is
// wrong when something is: so each suite says how many states there are at least, and how short a counterexample each bug has at most.

import { expect } from 'chai';
import { explore, type Model, report, type SearchResult } from './explorer.js';
import { isFull } from './full.js';

/** Far above what a quick search needs. */
const stateCountMax = 4_000_000;

function search(model: Model, countMax: number): SearchResult {
  const result = explore(model, { stateCountMax: countMax });
  if (isFull) process.stdout.write(`${report(result)}\n`);
  return result;
}

/** Nothing is wrong in any state, and there are at least `statesMin`. */
export function expectSound(model: Model, statesMin: number): void {
  const result = search(model, stateCountMax);
  expect(result.counterexample, report(result)).to.equal(undefined);
  expect(result.complete, report(result)).to.equal(true);
  expect(result.states, report(result)).to.be.at.least(statesMin);
}

/** Nothing is wrong in the first `states` of a scope that may be too large to be searched to its end, and at least a tenth as many are there. */
export function expectSoundSoFar(model: Model, states: number): void {
  const result = search(model, states);
  expect(result.counterexample, report(result)).to.equal(undefined);
  expect(result.states, report(result)).to.be.at.least(result.complete ? states / 10 : states);
}

/** The bug is found, by its rule, in `stepsMax` steps at most. */
export function expectFound(model: Model, rule: RegExp, stepsMax: number): void {
  const result = search(model, stateCountMax);
  const found = result.counterexample;
  expect(found?.violation, report(result)).to.match(rule);
  expect(found?.actions.length, report(result)).to.be.at.most(stepsMax);
}
