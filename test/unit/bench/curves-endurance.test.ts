import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoadFigures } from '../../../cli/load/load-figures.js';
import { UsageError } from '../../bench/curves/arguments.js';
import { describeMachine } from '../../bench/machine.js';
import { fullFolder, parseEnduranceWish, shortFolder } from '../../bench/endurance/arguments.js';
import { type FlatRule, flatnessOf, median, ruleText, samplesMin } from '../../bench/endurance/flatness.js';
import { chartsOf, describeEndurance, reportOf, writeEndurance } from '../../bench/endurance/report.js';
import { Sampler } from '../../bench/endurance/sampler.js';
import { client, idOf, kinds, natsServer, type Sample, seriesOf } from '../../bench/endurance/series.js';
import { barsMax, sparkline } from '../../bench/endurance/sparkline.js';

describe('endurance: what is asked for', () => {
  it('is half an hour when nothing is said, and goes where pages are kept', () => {
    const wish = { minutes: 30, rate: 2000, every: 10, hosts: 3, out: fullFolder };
    expect(parseEnduranceWish([])).to.deep.equal(wish);
  });

  it('goes elsewhere when it is shorter, unless a folder is named', () => {
    expect(parseEnduranceWish(['--minutes', '0.5']).out).to.equal(shortFolder);
    expect(parseEnduranceWish(['--minutes', '60']).out).to.equal(fullFolder);
    expect(parseEnduranceWish(['--minutes', '1', '--out', 'here']).out).to.equal('here');
  });

  const refusals: readonly (readonly [words: readonly string[], why: RegExp])[] = [
    [['--minutes', '0'], /--minutes takes a number from 0.05 to 10080, not "0"/],
    [['--minutes', '-1'], /minutes/],
    [['--minutes', 'long'], /--minutes takes a number .* not "long"/],
    [['--minutes', '1e3'], /not "1e3"/],
    [['--rate', '0'], /--rate/],
    [['--every', '601'], /--every/],
    [['--hosts', '1.5'], /--hosts takes a whole number from 1 to 16/],
    [['--hosts', '17'], /--hosts/],
    [['--out', ''], /--out takes a folder/],
    [['--forever'], /forever/],
    [['30'], /30/],
  ];
  for (const [words, why] of refusals)
    it(`refuses ${JSON.stringify(words)} in one line`, () => {
      expect(() => parseEnduranceWish(words))
        .to.throw(UsageError, why)
        .with.property('message')
        .not.contains('\n');
    });
});

describe('endurance: flat or not', () => {
  const memory: FlatRule = { worse: 'up', share: 0.1, slack: 1 };
  const rising = Array.from({ length: 30 }, (_, i) => 100 + i);

  it('a series that rises by more than its share and slack is not', () => {
    expect(flatnessOf(rising, memory)).to.deep.equal({ first: 104.5, last: 124.5, flat: false });
    expect(flatnessOf(rising, { ...memory, share: 0.2 })?.flat).to.equal(true);
    expect(flatnessOf(rising, { ...memory, slack: 20 })?.flat).to.equal(true);
  });

  it('better is never worse', () => {
    expect(flatnessOf([...rising].reverse(), memory)?.flat).to.equal(true);
    expect(flatnessOf(rising, { worse: 'down', share: 0, slack: 0 })?.flat).to.equal(true);
    expect(flatnessOf([...rising].reverse(), { worse: 'down', share: 0.02, slack: 1 })?.flat).to.equal(false);
  });

  it('one spike is no trend, wherever it is', () => {
    for (let at = 0; at < 12; at++) {
      const values = Array.from({ length: 12 }, (_, i) => (i === at ? 10_000 : 50));
      expect(flatnessOf(values, { worse: 'up', share: 0, slack: 0 })?.flat, String(at)).to.equal(true);
    }
  });

  it('says nothing of too few samples, and leaves out what is missing', () => {
    expect(flatnessOf([], memory)).to.equal(undefined);
    expect(flatnessOf([undefined, Number.NaN], memory)).to.equal(undefined);
    expect(flatnessOf(rising.slice(0, samplesMin - 1), memory)?.flat).to.equal(undefined);
    expect(flatnessOf([undefined, ...rising, undefined], memory)).to.deep.equal(flatnessOf(rising, memory));
  });

  it('a constant is flat by every rule', () => {
    const value = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(value, fc.integer({ min: samplesMin, max: 100 }), (constant, count) => {
        for (const { rule } of Object.values(kinds))
          if (rule !== undefined) expect(flatnessOf(Array<number>(count).fill(constant), rule)?.flat).to.equal(true);
      }),
    );
  });

  it('takes the middle', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
  });

  it('the rule can be read', () => {
    expect(ruleText(memory, 'MiB')).to.equal('up by at most 10 % and 1 MiB');
    expect(ruleText({ worse: 'up', share: 0, slack: 4 }, '')).to.equal('up by at most 4');
    expect(ruleText({ worse: 'down', share: 0.02, slack: 0 }, '/s')).to.equal('down by at most 2 %');
    expect(ruleText({ worse: 'up', share: 0, slack: 0 }, '/s')).to.equal('up by at most nothing');
  });
});

describe('endurance: bars', () => {
  it('go from nothing to the most, with a space where nothing was measured', () => {
    expect(sparkline([0, 1, 4, 8, undefined])).to.equal('▁▁▄█ ');
    expect(sparkline([])).to.equal('');
    expect(sparkline([0, 0])).to.equal('▁▁');
  });

  it('are as high for what is flat, and fit', () => {
    const bars = sparkline(Array<number>(1000).fill(7));
    expect(bars).to.match(/^█+$/);
    expect(bars.length).to.be.within(barsMax / 2, barsMax);
  });
});

describe('endurance: the report', () => {
  const series = seriesOf(['h1']);
  const machine = describeMachine();
  const sampleAt = (i: number, leak: number): Sample => ({
    atSeconds: i * 10,
    values: {
      ...Object.fromEntries(series.map(({ id }) => [id, 100])),
      [idOf('memory', 'h1')]: 100 + leak * i,
      failures: 0,
    },
  });
  const run = { series, complete: true, rate: 100, every: 10, settings: ['nothing was started'], errors: {}, machine };
  const flatRun = { ...run, samples: Array.from({ length: 30 }, (_, i) => sampleAt(i, 0)) };
  const leakingRun = { ...run, samples: Array.from({ length: 30 }, (_, i) => sampleAt(i, 5)) };

  it('finds what creeps up, and nothing else', () => {
    const good = reportOf(flatRun);
    expect(good.flat).to.equal(true);
    expect(describeEndurance(good).at(-1)).to.equal('flat: yes');
    const bad = reportOf(leakingRun);
    expect(bad.flat).to.equal(false);
    expect(describeEndurance(bad).at(-1)).to.equal('flat: NO: h1 memory');
  });

  it('one failed operation a sample is not flat', () => {
    const samples = flatRun.samples.map((sample, i) =>
      i < 20 ? sample : { ...sample, values: { ...sample.values, failures: 0.1 } },
    );
    expect(describeEndurance(reportOf({ ...run, samples })).at(-1)).to.equal('flat: NO: failures');
  });

  it('of an interrupted run says what there is', () => {
    const report = reportOf({ ...run, complete: false, samples: flatRun.samples.slice(0, 3), errors: { TIMEOUT: 2 } });
    const text = describeEndurance(report).join('\n');
    expect(text).to.include('interrupted').and.include('failed: 2 TIMEOUT').and.include('too few samples');
    expect(describeEndurance(reportOf({ ...run, complete: false, samples: [] })).at(-1)).to.include('too few samples');
  });

  it('says when the machine stood still', () => {
    const samples = flatRun.samples.map((sample, i) => (i < 20 ? sample : { ...sample, atSeconds: i * 10 + 60 }));
    expect(reportOf(flatRun).late).to.equal(0);
    expect(describeEndurance(reportOf({ ...run, samples })).join('\n')).to.include('1 sample(s) came more than twice');
  });

  it('is a page, a chart for each kind of series, and JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-endurance-'));
    try {
      const report = reportOf(leakingRun);
      const page = writeEndurance(folder, report);
      const charts = chartsOf(report).map((chart) => `endurance-${chart.id}.svg`);
      expect(charts).to.have.length(Object.keys(kinds).length);
      expect(readdirSync(folder)).to.have.members(['endurance.json', 'endurance.md', ...charts]);
      expect(readFileSync(page, 'utf8')).to.include('| h1 memory | MiB |').and.include('nothing was started');
      const json = JSON.parse(readFileSync(join(folder, 'endurance.json'), 'utf8')) as { flat: unknown };
      expect(json.flat).to.equal(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('endurance: the sampler', () => {
  it('sees processes and answers since the look before, and what has ended is missing', function () {
    const figures = new LoadFigures();
    let pid: number | undefined = process.pid;
    using sampler = new Sampler({
      hosts: ['h1'],
      pidOf: (name) => (name === natsServer ? undefined : pid),
      figures,
      underWay: () => 7,
    });
    figures.note('get', 5, { kind: 'got', item: undefined });
    figures.note('get', 5, { kind: 'failed', code: 'TIMEOUT', message: '' });
    const first = sampler.take();
    expect(first.values['latencyP50']).to.be.closeTo(5, 0.1);
    expect(first.values['answers']).to.equal(first.values['failures']);
    expect(first.values['answers']).to.be.greaterThan(0);
    expect(first.values['underWay']).to.equal(7);
    pid = undefined;
    const second = sampler.take();
    expect(second.values['answers']).to.equal(0);
    expect(second.values['latencyP50']).to.equal(undefined);
    expect(second.values[idOf('memory', 'h1')]).to.equal(undefined);
    expect(second.atSeconds).to.be.at.least(first.atSeconds);
    if (first.values[idOf('memory', client)] === undefined) this.skip(); // no /proc
    expect(first.values[idOf('memory', 'h1')]).to.be.greaterThan(10);
    expect(first.values[idOf('processor', 'h1')]).to.be.at.least(0);
    expect(first.values[idOf('memory', natsServer)]).to.equal(undefined);
  });
});
