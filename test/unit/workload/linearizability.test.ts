// Checkers must be checked: histories that are right, and histories that are wrong in one place
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import {
  effectOn,
  type ItemInput,
  type ItemOutput,
  itemModel,
  type ItemState,
} from '../../../messaging/workload/item-model.js';
import { type Call, checkLinearizable } from '../../../messaging/workload/linearizability.js';

type ItemCall = Call<ItemInput, ItemOutput>;

const put = (value: string, ifVersion?: number): ItemInput => ({ kind: 'put', value, ifVersion });
const get: ItemInput = { kind: 'get' };
const drop: ItemInput = { kind: 'delete', ifVersion: undefined };
const add = (by: number): ItemInput => ({ kind: 'increment', by });
const ok = (version: number, value?: number): ItemOutput => ({ kind: 'written', status: 'applied', version, value });
const refused = (version: number): ItemOutput => ({
  kind: 'written',
  status: 'condition-failed',
  version,
  value: undefined,
});
const got = (value: string | number, version: number): ItemOutput => ({ kind: 'got', item: { value, version } });
const none: ItemOutput = { kind: 'got', item: undefined };
const unknown = undefined;

/** From, to, what, answer. To = undefined: never answered. */
type Row = readonly [number, number | undefined, ItemInput, ItemOutput | undefined];

function judge(rows: readonly Row[]): string {
  const calls: ItemCall[] = rows.map(([calledAt, returnedAt, input, output]) => ({
    calledAt,
    returnedAt: returnedAt ?? Number.POSITIVE_INFINITY,
    input,
    output,
  }));
  return checkLinearizable<ItemState, ItemInput, ItemOutput>(itemModel, calls).kind;
}

const good: Readonly<Record<string, readonly Row[]>> = {
  'nothing at all': [],
  'one after the other': [
    [0, 1, put('a'), ok(1)],
    [2, 3, get, got('a', 1)],
    [4, 5, drop, ok(1)],
    [6, 7, get, none],
  ],
  'a read beside a write sees either': [
    [0, 9, put('a'), ok(1)],
    [1, 2, get, none],
    [3, 4, get, got('a', 1)],
  ],
  'an unknown write that took effect': [
    [0, undefined, put('a'), unknown],
    [5, 6, get, got('a', 1)],
  ],
  'an unknown write that took effect late': [
    [0, undefined, put('a'), unknown],
    [5, 6, get, none],
    [7, 8, get, got('a', 1)],
  ],
  'an unknown write that never did': [
    [0, undefined, put('a'), unknown],
    [5, 6, get, none],
    [7, 8, put('b'), ok(1)],
  ],
  'concurrent writes in the order that their versions say': [
    [0, 9, put('a'), ok(2)],
    [1, 8, put('b'), ok(1)],
    [10, 11, get, got('a', 2)],
  ],
  'a condition that no longer held': [
    [0, 1, put('a'), ok(1)],
    [2, 9, put('b', 1), ok(2)],
    [2, 9, put('c', 1), refused(2)],
  ],
  'versions begin anew after a delete': [
    [0, 1, put('a'), ok(1)],
    [2, 3, drop, ok(1)],
    [4, 5, put('b', 0), ok(1)],
  ],
  increments: [
    [0, 9, add(2), ok(2, 5)],
    [0, 9, add(3), ok(1, 3)],
    [10, 11, get, got(5, 2)],
  ],
  'an unknown increment between two others': [
    [0, 1, add(1), ok(1, 1)],
    [2, undefined, add(1), unknown],
    [3, 4, add(1), ok(3, 3)],
  ],
  'an unknown condition that did not hold': [
    [0, 1, put('a'), ok(1)],
    [2, undefined, put('b', 7), unknown],
    [3, 4, get, got('a', 1)],
  ],
};

const bad: Readonly<Record<string, readonly Row[]>> = {
  'a lost write': [
    [0, 1, put('a'), ok(1)],
    [2, 3, get, none],
  ],
  'a stale read': [
    [0, 1, put('a'), ok(1)],
    [2, 3, put('b'), ok(2)],
    [4, 5, get, got('a', 1)],
  ],
  'a read that goes back': [
    [0, 9, put('a'), ok(1)],
    [1, 2, get, got('a', 1)],
    [3, 4, get, none],
  ],
  'a value from nowhere': [
    [0, 1, put('a'), ok(1)],
    [2, 3, get, got('x', 1)],
  ],
  'a read of a write that began later': [
    [0, 1, get, got('a', 1)],
    [2, 3, put('a'), ok(1)],
  ],
  'a failed write that is seen (it is left out of the history)': [[0, 1, get, got('failed', 1)]],
  'two writers with one version': [
    [0, 1, put('a'), ok(1)],
    [2, 3, put('b'), ok(1)],
  ],
  'a condition that could not hold': [
    [0, 1, put('a'), ok(1)],
    [2, 3, put('b', 5), ok(2)],
  ],
  'a condition that held and was refused': [
    [0, 1, put('a'), ok(1)],
    [2, 3, put('b', 1), refused(1)],
  ],
  'both of two conditional writes on one version': [
    [0, 1, put('a'), ok(1)],
    [2, 9, put('b', 1), ok(2)],
    [2, 9, put('c', 1), ok(2)],
  ],
  'an increment applied twice': [
    [0, 1, add(1), ok(1, 1)],
    [2, 3, get, got(2, 2)],
  ],
  'an increment lost': [
    [0, 1, add(1), ok(1, 1)],
    [2, 3, add(1), ok(1, 1)],
  ],
  'an item after its delete': [
    [0, 1, put('a'), ok(1)],
    [2, 3, drop, ok(1)],
    [4, 5, get, got('a', 1)],
  ],
  'an unknown write seen, then gone': [
    [0, undefined, put('a'), unknown],
    [1, 2, get, got('a', 1)],
    [3, 4, get, none],
  ],
  'an unknown write applied twice': [
    [0, undefined, add(1), unknown],
    [1, 2, get, got(1, 1)],
    [3, 4, get, got(2, 2)],
  ],
  'a delete that took nothing away': [
    [0, 1, put('a'), ok(1)],
    [2, 3, drop, ok(0)],
  ],
  'a jump of versions': [
    [0, 1, put('a'), ok(1)],
    [2, 3, put('b'), ok(3)],
  ],
};

describe('linearizability', () => {
  for (const [name, rows] of Object.entries(good))
    it(`accepts: ${name}`, () => expect(judge(rows)).to.equal('linearizable'));
  for (const [name, rows] of Object.entries(bad))
    it(`rejects: ${name}`, () => expect(judge(rows)).to.equal('violation'));

  it('gives up when the budget is used up, and says so', () => {
    const rows: Row[] = Array.from({ length: 12 }, (_, i) => [0, 100, put(`v${i}`), ok(12 - i)]);
    const calls = rows.map(([calledAt, returnedAt, input, output]) => ({
      calledAt,
      returnedAt: returnedAt ?? 0,
      input,
      output,
    }));
    expect(checkLinearizable<ItemState, ItemInput, ItemOutput>(itemModel, calls, 5).kind).to.equal('inconclusive');
  });

  const input = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      value: fc.constantFrom('a', 'b', 'c'),
      ifVersion: fc.option(fc.nat(3), { nil: undefined }),
    }),
    fc.constant(drop),
    fc.constant(get),
  );

  /** Takes effect at the point i; calls and returns lie around it, by at most `slack` points. */
  const history = fc
    .array(fc.record({ input, before: fc.nat(3), after: fc.nat(3), lost: fc.boolean() }), { maxLength: 14 })
    .map((steps) => {
      let state: ItemState;
      return steps.map(({ input: asked, before, after, lost }, i): ItemCall => {
        const effect = effectOn(state, asked);
        state = effect.state;
        const isUnknown = lost && asked.kind !== 'get';
        return {
          input: asked,
          output: isUnknown ? undefined : effect.output,
          calledAt: i - before - 0.4,
          returnedAt: isUnknown ? Number.POSITIVE_INFINITY : i + after + 0.4,
        };
      });
    });

  it('accepts whatever a single item really did', () => {
    fc.assert(
      fc.property(history, (calls) => {
        expect(checkLinearizable<ItemState, ItemInput, ItemOutput>(itemModel, calls).kind).to.equal('linearizable');
      }),
      { numRuns: 300 },
    );
  });

  it('agrees with trying every order', () => {
    const spoiled = fc
      .tuple(
        history.filter((calls) => calls.length > 0 && calls.length <= 6),
        fc.nat(),
        fc.constantFrom<ItemOutput>(got('a', 1), got('b', 2), none),
      )
      .map(([calls, at, output]) =>
        calls.map((call, i) => (i === at % calls.length && call.input.kind === 'get' ? { ...call, output } : call)),
      );
    fc.assert(
      fc.property(spoiled, (calls) => {
        const verdict = checkLinearizable<ItemState, ItemInput, ItemOutput>(itemModel, calls).kind;
        expect(verdict === 'linearizable').to.equal(someOrderExplains(calls, undefined, new Set()));
      }),
      { numRuns: 300 },
    );
  });
});

/** The definition itself: some order that respects real time and gives every answer. */
function someOrderExplains(calls: readonly ItemCall[], state: ItemState, taken: ReadonlySet<number>): boolean {
  const open = calls.map((_, i) => i).filter((i) => !taken.has(i));
  if (open.every((i) => (calls[i] as ItemCall).output === undefined)) return true;
  const firstReturn = Math.min(...open.map((i) => (calls[i] as ItemCall).returnedAt));
  return open.some((i) => {
    const call = calls[i] as ItemCall;
    if (call.calledAt > firstReturn) return false;
    const effect = itemModel.step(state, call.input, call.output);
    return effect !== undefined && someOrderExplains(calls, effect.state, new Set([...taken, i]));
  });
}
