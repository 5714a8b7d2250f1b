// Words, baselines, comparisons and tables of the micro-benchmarks
// =============================================================================

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseMicroOptions, UsageError } from '../../bench/micro/arguments.js';
import {
  BaselineError,
  decodeBaseline,
  encodeBaseline,
  readBaseline,
  thisMachine,
  writeBaseline,
} from '../../bench/micro/baseline.js';
import { microBenches } from '../../bench/micro/benches.js';
import { compare, machineRatio, slowerRatio } from '../../bench/micro/comparison.js';
import type { Figure } from '../../bench/micro/meter.js';
import { comparisonTable, conclusion, figureTable, formatDuration, formatRate } from '../../bench/micro/report.js';

function figure(name: string, spins: number, kind: Figure['kind'] = 'cpu', spinNs = 1000): Figure {
  const nsPerOperation = spins * spinNs;
  const operationsPerSecond = 1e9 / nsPerOperation;
  return { name, kind, operations: 64, nsPerOperation, operationsPerSecond, spread: 0.051, spins, heapBytes: 96 };
}

describe('micro-benchmark words', () => {
  it('have defaults', () => {
    expect(parseMicroOptions([])).to.deep.equal({
      filter: '',
      timeMs: 100,
      rounds: 5,
      output: 'table',
      save: undefined,
      compare: undefined,
      pauseItems: 0,
    });
  });

  it('are taken', () => {
    const words = '--filter engine --time 20 --rounds 3 --pause 1000 -o json --save a.json --compare b.json'.split(' ');
    expect(parseMicroOptions(words)).to.deep.equal({
      filter: 'engine',
      timeMs: 20,
      rounds: 3,
      output: 'json',
      save: 'a.json',
      compare: 'b.json',
      pauseItems: 1000,
    });
  });

  const refused: readonly (readonly [string[], RegExp])[] = [
    [['--speed', '9'], /--speed/],
    [['engine'], /engine/],
    [['--time', '0'], /--time takes a whole number from 1 to 60000, not 0/],
    [['--time', '1.5'], /--time takes/],
    [['--time', ''], /not nothing/],
    [['--rounds', '100'], /--rounds takes/],
    [['--pause', '-1'], /--pause/],
    [['-o', 'xml'], /-o takes table or json, not xml/],
    [['--save', ''], /--save takes the name of a file/],
    [['--compare', 'x', '--rounds', '2'], /at least 3 rounds, not 2/],
  ];
  for (const [words, message] of refused) {
    it(`are refused: ${words.join(' ')}`, () => {
      expect(() => parseMicroOptions(words)).to.throw(UsageError, message);
    });
  }
});

describe('micro-benchmark baseline', () => {
  const whole = { machine: thisMachine(), timeMs: 100, rounds: 5, benches: [figure('a', 0.123456)], memory: [] };

  it('comes back as it was written, to four digits', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-micro-test-'));
    try {
      const file = join(folder, 'baseline.json');
      writeBaseline(file, whole);
      expect(readFileSync(file, 'utf8')).to.equal(encodeBaseline(whole));
      const back = readBaseline(file);
      expect(back.machine).to.deep.equal(whole.machine);
      expect(back.benches[0]?.spins).to.equal(0.1235);
      writeFileSync(file, '{');
      expect(() => readBaseline(file)).to.throw(BaselineError, /baseline\.json: it is no JSON/);
      expect(() => readBaseline(join(folder, 'none'))).to.throw(BaselineError, /ENOENT/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const refused: readonly (readonly [unknown, RegExp])[] = [
    [1, /no object/],
    [{ format: 2, benches: [] }, /of format 2/],
    [{ format: 1 }, /no benches/],
    [{ format: 1, benches: [{ name: 'a', nsPerOperation: 1, spins: 0 }] }, /without its figures/],
    [{ format: 1, benches: [{ name: 'a', nsPerOperation: 'fast', spins: 1 }] }, /without its figures/],
  ];
  for (const [value, message] of refused) {
    it(`is refused: ${JSON.stringify(value)}`, () => {
      expect(() => decodeBaseline(JSON.stringify(value))).to.throw(BaselineError, message);
    });
  }

  it('in the repository has every bench that there is, and no other', () => {
    const names = readBaseline('test/bench/micro/baseline.json').benches.map(({ name }) => name);
    expect(names).to.have.members(microBenches.map(({ name }) => name));
  });
});

describe('micro-benchmark comparison', () => {
  const before = [figure('a', 1), figure('b', 1), figure('c', 1), figure('d', 1, 'disk'), figure('e', 1)];
  const now = [figure('a', 1.5), figure('b', 1.7), figure('c', 0.5), figure('d', 9, 'disk'), figure('f', 1)];

  it('calls slower only what is beyond the ratio, and never a disk', () => {
    expect(compare(now, before, false).map(({ name, verdict }) => [name, verdict])).to.deep.equal([
      ['a', 'same'],
      ['b', 'slower'],
      ['c', 'faster'],
      ['d', 'not judged'],
      ['f', 'new'],
      ['e', 'gone'],
    ]);
    expect(compare([figure('a', slowerRatio)], before, true)[0]?.verdict, 'the ratio itself is allowed').to.equal(
      'same',
    );
  });

  it('does not miss what was not asked for', () => {
    expect(compare([figure('a', 1)], before, true)).to.have.length(1);
  });

  it('takes no notice of the speed of the machine, and tells it', () => {
    const slowMachine = before.map(({ name, spins, kind }) => figure(name, spins, kind, 3000));
    const compared = compare(slowMachine, before, false);
    expect(compared.filter(({ verdict }) => verdict === 'slower')).to.deep.equal([]);
    expect(machineRatio(compared)).to.be.closeTo(3, 1e-9);
    expect(machineRatio([])).to.equal(undefined);
  });

  it('says which are slower', () => {
    expect(conclusion(compare(now, before, false))).to.equal('1 slower than 1.6 times the baseline: b (1.70)');
    expect(conclusion(compare(before, before, false))).to.equal('no bench is slower than 1.6 times the baseline');
  });
});

describe('micro-benchmark tables', () => {
  it('have units that suit', () => {
    expect([1.234, 12.34, 123.4, 1234, 1_234_567].map(formatDuration)).to.deep.equal([
      '1.23 ns',
      '12.3 ns',
      '123 ns',
      '1.23 µs',
      '1.23 ms',
    ]);
    expect([12.3, 45_600, 7_890_000].map(formatRate)).to.deep.equal(['12.3', '45.6 k', '7.89 M']);
  });

  it('have a line a bench', () => {
    expect(figureTable([figure('a', 0.5)])).to.deep.equal([
      'BENCH  PER OPERATION  OPERATIONS/S  SPREAD  HEAP',
      'a      500 ns         2.00 M        ±5 %    96 B',
    ]);
    expect(comparisonTable(compare([figure('a', 2)], [figure('a', 1), figure('b', 1)], false))).to.deep.equal([
      'BENCH  NOW      BASELINE  RATIO  SPREAD  HEAP  BASELINE',
      'a      2.00 µs  1.00 µs   2.00   ±5 %    96 B  96 B      slower',
      'b      –        1.00 µs   –      –       –     96 B      gone',
    ]);
  });
});
