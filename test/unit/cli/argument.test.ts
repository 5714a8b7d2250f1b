// What people type: keys, values, numbers, durations
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import { parseCount, parseDurationMs, parseKey, parseValue, parseWord, valueOfText } from '../../../cli/argument.js';
import { CliError } from '../../../cli/cli-error.js';
import { readAll } from '../../../cli/stdin.js';
import { Readable } from 'node:stream';

function usageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError && error.code === 'USAGE') return error.message;
    throw error;
  }
  throw new Error('no usage error');
}

describe('cli arguments', () => {
  it('a key is a string as it stands, or a tuple when it is a JSON array', () => {
    expect(parseKey('name')).to.equal('name');
    expect(parseKey('42')).to.equal('42');
    expect(parseKey('{"a":1}')).to.equal('{"a":1}');
    expect(parseKey('[not json')).to.equal('[not json');
    expect(parseKey('["c1",42,true]')).to.deep.equal(['c1', 42, true]);
  });

  it('a tuple key that cannot be is said to be so', () => {
    expect(usageOf(() => parseKey('[]'))).to.include('at least one element');
    for (const text of ['[null]', '["a",{}]', '[["a"]]']) expect(usageOf(() => parseKey(text))).to.include('holds');
  });

  it('every tuple of strings, numbers and booleans is a key as JSON writes it', () => {
    const element = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.array(element, { minLength: 1 }), (key) => {
        fc.pre(!JSON.stringify(key).includes('\ufffd'));
        expect(parseKey(JSON.stringify(key))).to.deep.equal(key);
      }),
    );
  });

  it('every JSON value is that value, every other text is itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(valueOfText(JSON.stringify(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
    for (const text of ['Ada', '', '{x', '01', 'undefined', '- ']) expect(parseValue(text)).to.equal(text);
  });

  it('bytes that are no UTF-8 are refused; the character that stands for them can be written in JSON', () => {
    expect(usageOf(() => parseKey('a\ufffd'))).to.include('UTF-8');
    expect(usageOf(() => parseValue('a\ufffd'))).to.include('UTF-8');
    expect(parseKey('["\\ufffd"]')).to.deep.equal(['\ufffd']);
    expect(parseValue('"\\ufffd"')).to.equal('\ufffd');
  });

  it('counts are whole numbers within their bounds, whatever is typed', () => {
    expect(parseCount('--limit', '10', 1, 100)).to.equal(10);
    for (const text of ['', '0', '101', '-1', '1.5', '1e2', ' 5', '0x10', 'ten', '9'.repeat(20)])
      expect(usageOf(() => parseCount('--limit', text, 1, 100))).to.include('--limit takes');
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseCount('--n', text, 1, 1000)).to.be.within(1, 1000);
        } catch (error) {
          expect(error).to.be.instanceOf(CliError);
        }
      }),
    );
  });

  it('durations have a unit or are milliseconds, and are never nothing', () => {
    const cases: [string, number][] = [
      ['250ms', 250],
      ['30s', 30_000],
      ['1.5m', 90_000],
      ['2h', 7_200_000],
      ['7', 7],
    ];
    for (const [text, ms] of cases) expect(parseDurationMs('--timeout', text)).to.equal(ms);
    for (const text of ['0', '0ms', '-1s', '1d', 's', '', '1 s', `${'9'.repeat(26)}ms`, `${'9'.repeat(400)}h`])
      expect(usageOf(() => parseDurationMs('--timeout', text))).to.include('takes a duration');
  });

  it('a word is one of those that are known', () => {
    expect(parseWord('--log', ['text', 'json'] as const, 'json')).to.equal('json');
    expect(usageOf(() => parseWord('--log', ['text', 'json'] as const, 'xml'))).to.equal(
      '--log is one of text, json, not xml',
    );
  });

  describe('standard input', () => {
    const never = new AbortController().signal;

    it('is read to its end, less one newline', async () => {
      expect(await readAll(Readable.from([Buffer.from('žlu'), Buffer.from('ť\n\n')]), never)).to.equal('žluť\n');
    });

    it('keeps characters whole that come in two parts', async () => {
      const bytes = Buffer.from('🐎');
      expect(await readAll(Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]), never)).to.equal('🐎');
    });

    it('that is no UTF-8 is refused', async () => {
      const failure = await readAll(Readable.from([Buffer.from([0xff])]), never).catch((error: unknown) => error);
      expect(failure).to.include({ code: 'INVALID_ARGUMENT' });
    });

    it('that does not end is refused at 16 MiB', async () => {
      const endless = Readable.from(
        (function* (): Generator<Buffer> {
          for (;;) yield Buffer.alloc(1024 * 1024, 'x');
        })(),
      );
      const failure = await readAll(endless, never).catch((error: unknown) => error);
      expect(failure).to.include({ code: 'TOO_LARGE' });
    });

    it('that is interrupted ends at once', async () => {
      const control = new AbortController();
      const silent = new Readable({ read: () => undefined });
      const reading = readAll(silent, control.signal).catch((error: unknown) => error);
      control.abort();
      expect(await reading).to.be.instanceOf(Error);
    });
  });
});
