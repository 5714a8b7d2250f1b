// The search itself
// =============================================================================

import { expect } from 'chai';
import { explore, type Model } from './explorer.js';
import { ObjectGraph } from './object-graph.js';

/** Two counters that go up to `max`; wrong where they meet at `bad`. */
function counters(max: number, bad: number): Model {
  return {
    name: 'counters',
    initial: () => [0, 0],
    expand: ([a = 0, b = 0], visit) => {
      if (a < max) visit(0, [a + 1, b]);
      if (b < max) visit(1, [a, b + 1]);
    },
    violation: ([a, b]) => (a === bad && b === bad ? 'they met' : undefined),
    describe: (action) => 'ab'[action] as string,
  };
}

describe('explorer', () => {
  it('X3: visits every state once', () => {
    const result = explore(counters(99, -1), { stateCountMax: 1_000_000 });
    expect(result).to.include({ states: 10_000, transitions: 2 * 99 * 100, depth: 198, complete: true });
  });

  it('a counterexample has the fewest steps there are', () => {
    const { counterexample, complete } = explore(counters(50, 3), { stateCountMax: 1_000_000 });
    expect(counterexample?.violation).to.equal('they met');
    expect(counterexample?.actions.join('')).to.match(/^[ab]{6}$/);
    expect(complete).to.equal(false);
  });

  it('X4: a search that was stopped says so', () => {
    expect(explore(counters(99, -1), { stateCountMax: 100 })).to.include({ states: 100, complete: false });
  });

  it('a transition that breaks an assertion is a counterexample', () => {
    const model: Model = { ...counters(1, -1), expand: (_state, visit) => visit(1, undefined, 'M1: broken') };
    expect(explore(model, { stateCountMax: 100 }).counterexample).to.deep.equal({
      violation: 'M1: broken',
      actions: ['b'],
    });
  });
});

describe('object graph', () => {
  it('X1: a copy shares nothing and has the same shape', () => {
    const shared = { n: 1 };
    const original = { one: shared, two: shared, list: [new Map([['k', new Set([1])]])], bytes: new Uint8Array([7]) };
    const graph = new ObjectGraph();
    const copy = graph.copy(original);
    expect(copy).to.deep.equal(original);
    expect(copy.one).to.equal(copy.two);
    expect(copy.one).not.to.equal(shared);
    copy.bytes[0] = 8;
    copy.list[0]?.get('k')?.add(2);
    expect(original.bytes[0]).to.equal(7);
    expect(graph.text(copy)).not.to.equal(graph.text(original));
  });

  it('X2: a function where none was expected is an error', () => {
    const graph = new ObjectGraph({ functions: ['known'] });
    expect(() => graph.copy({ known: () => 1 })).not.to.throw();
    expect(() => graph.copy({ other: () => 1 })).to.throw(/^X2/);
  });
});
