import { expect } from 'chai';
import fc from 'fast-check';
import type { Asked, Entry, Told } from '../../../messaging/workload/history.js';
import { entryLine, historyHeader, parseHistory } from '../../../messaging/workload/history-lines.js';

const key = fc.string({ maxLength: 12 });
const held = fc.oneof(fc.string({ maxLength: 20 }), fc.integer());
const version = fc.nat();
const item = fc.record({ value: held, version });
const ifVersion = fc.option(version, { nil: undefined });
const consistency = fc.constantFrom('linearizable' as const, 'session' as const, 'stale' as const);

const asked: fc.Arbitrary<Asked> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key, value: held, ifVersion }),
  fc.record({ kind: fc.constant('delete' as const), key, ifVersion }),
  fc.record({ kind: fc.constant('increment' as const), key, by: fc.integer() }),
  fc.record({ kind: fc.constant('get' as const), key, consistency }),
  fc.record({ kind: fc.constant('scan' as const), partition: fc.nat(), consistency }),
);

const told: fc.Arbitrary<Told | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({
    kind: fc.constant('written' as const),
    status: fc.constantFrom('applied' as const, 'condition-failed' as const, 'invalid' as const),
    version,
    value: fc.option(held, { nil: undefined }),
    partition: fc.nat(),
    lineage: fc.nat(),
    epoch: fc.nat(),
    offset: fc.nat(),
  }),
  fc.record({ kind: fc.constant('got' as const), item: fc.option(item, { nil: undefined }) }),
  fc.record({
    kind: fc.constant('scanned' as const),
    items: fc.array(fc.tuple(key, item), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    more: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('failed' as const), code: fc.string(), message: fc.string() }),
  fc.constant({ kind: 'unknown' as const }),
);

const entry: fc.Arbitrary<Entry> = fc
  .record({
    client: key,
    table: key,
    asked,
    told,
    calledAt: fc.nat(),
    took: fc.nat(),
    calledMs: fc.nat(),
    tookMs: fc.nat(),
  })
  .map(({ took, tookMs, ...rest }) => ({
    ...rest,
    returnedAt: rest.told === undefined ? Number.POSITIVE_INFINITY : rest.calledAt + took,
    returnedMs: rest.told === undefined ? Number.POSITIVE_INFINITY : rest.calledMs + tookMs,
  }));

/** Without fields that are undefined: JSON knows none. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => [name, plain(part)]),
  );
}

describe('the lines of a history', () => {
  it('N1: what was written is read back equal', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const lines = [historyHeader({ seed: 'x' }), ...entries.map(entryLine)];
        expect(parseHistory(lines).map(plain)).to.deep.equal(entries.map(plain));
      }),
    );
  });

  const good = '{"client":"c","table":"t","asked":{"kind":"get","key":"k","consistency":"stale"},"called":[0,0]}';
  const bad: readonly [string, string[], RegExp][] = [
    ['nothing', [], /^line 1: there is no header/],
    ['another format', ['{"format":"etcd"}'], /^line 1: this is no history/],
    ['another version', ['{"format":"troupe-history","version":7}'], /^line 1: a history of version 7; this reads 1/],
    ['a line that is no JSON', [historyHeader(), good, '{"client":'], /^line 3: /],
    ['no client', [historyHeader(), '{"table":"t"}'], /^line 2: client and table/],
    [
      'an operation that nobody knows',
      [historyHeader(), good.replace('"get"', '"watch"')],
      /^line 2: nothing is asked by/,
    ],
    ['a put without a value', [historyHeader(), good.replace('"get"', '"put"')], /^line 2: value is/],
    ['a moment that is none', [historyHeader(), good.replace('[0,0]', '"now"')], /^line 2: called is/],
    [
      'a return without words',
      [historyHeader(), good.replace('[0,0]', '[0,0],"returned":[1,1]')],
      /^line 2: what returned was told/,
    ],
    [
      'a return before its call',
      [historyHeader(), good.replace('[0,0]', '[5,0],"returned":[1,1],"told":{"kind":"unknown"}')],
      /^line 2: it returned before/,
    ],
    [
      'an answer that nobody gives',
      [historyHeader(), good.replace('[0,0]', '[0,0],"returned":[1,1],"told":{"kind":"perhaps"}')],
      /^line 2: nobody is told/,
    ],
  ];
  for (const [what, lines, message] of bad)
    it(`N2: ${what} is refused with the number of its line`, () => {
      expect(() => parseHistory(lines)).to.throw(message);
    });
});
