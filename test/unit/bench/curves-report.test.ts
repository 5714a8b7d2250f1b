import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chart, Curve } from '../../bench/curves/curve.js';
import { lineChart } from '../../bench/curves/line-chart.js';
import { describeMachine, type Machine, machineLine } from '../../bench/machine.js';
import { cellOf, claimLine, describeCurve, reportOf, writeCurve } from '../../bench/curves/report.js';
import { marksOf, shortNumber } from '../../bench/curves/ticks.js';

const machine: Machine = {
  cores: 2,
  cpu: 'a processor',
  memoryGib: 8,
  system: 'a system',
  node: 'v20',
  natsServer: 'nats-server: v2',
  troupe: '0.1.0',
  commit: '',
  loadBefore: 0,
  date: '2026-01-01T00:00:00.000Z',
};

const curve: Curve = {
  name: 'example',
  title: 'An example',
  sizeMax: 10,
  settings: () => ['nothing was started'],
  columns: [
    { id: 'n', title: 'things', unit: '', digits: 0 },
    { id: 'ms', title: 'time', unit: 'ms', digits: 1 },
  ],
  points: async function* () {
    yield { n: 1, ms: 2 };
  },
  charts: (rows) => [
    {
      id: 'time',
      title: 'Time & things',
      x: { title: 'things', scale: 'log' },
      y: { title: 'ms', scale: 'linear' },
      lines: [{ name: '<time>', points: rows.map((row) => [row['n'] ?? 0, row['ms'] ?? 0] as const) }],
    },
    {
      id: 'empty',
      title: 'Nothing',
      x: { title: 'things', scale: 'log' },
      y: { title: 'ms', scale: 'linear' },
      lines: [{ name: 'none', points: [] }],
    },
  ],
  claims: (rows) => [{ what: 'a thing takes', unit: 'ms', limit: 10, measured: rows[0]?.['ms'] }],
};

describe('curves: marks of an axis', () => {
  const positive = fc.double({ min: 1e-6, max: 1e9, noNaN: true });

  it('hold every value, grow, and are not too many', () => {
    for (const scale of ['linear', 'log'] as const)
      fc.assert(
        fc.property(fc.array(positive, { maxLength: 20 }), (values) => {
          const { min, max, marks } = marksOf(scale, values);
          for (const value of values) {
            expect(value * (1 + 1e-6)).to.be.at.least(min);
            expect(value * (1 - 1e-6)).to.be.at.most(max);
          }
          expect(min).to.be.lessThan(max);
          expect(marks.length).to.be.within(1, 20);
          marks.forEach((mark, i) => expect(mark).to.be.greaterThan(marks[i - 1] ?? Number.NEGATIVE_INFINITY));
        }),
      );
  });

  it('are round', () => {
    expect(marksOf('linear', [7]).marks).to.deep.equal([0, 2, 4, 6, 8]);
    expect(marksOf('log', [1, 1000]).marks).to.deep.equal([1, 10, 100, 1000]);
    expect(marksOf('log', [1, 5]).marks).to.deep.equal([1, 2, 5]);
    expect(marksOf('linear', []).marks).to.deep.equal([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });

  it('are short', () => {
    expect([0, 0.05, 12, 1500, 2_000_000, 3e9].map(shortNumber)).to.deep.equal(['0', '0.05', '12', '1.5k', '2M', '3G']);
  });
});

describe('curves: the chart', () => {
  const chart = (
    curve.charts([
      { n: 1, ms: 2 },
      { n: 10, ms: 4 },
    ]) as [Chart]
  )[0];

  it('is one SVG with its words escaped and every point within its edges', () => {
    const svg = lineChart(chart);
    expect(svg).to.match(/^<svg [^]*<\/svg>\n$/);
    expect(svg).to.include('Time &amp; things').and.include('&lt;time&gt;').and.not.include('NaN');
    const [, path] = /<polyline points="([^"]+)"/.exec(svg) ?? [];
    expect((path as string).split(' ')).to.have.length(2);
    for (const point of (path as string).split(' ')) {
      const [x, y] = point.split(',').map(Number) as [number, number];
      expect(x).to.be.within(64, 560);
      expect(y).to.be.within(40, 304);
    }
    expect(svg).to.equal(lineChart(chart));
  });

  it('leaves out what a logarithm does not know, and draws nothing of nothing', () => {
    const points = [
      [0, 1],
      [1, Number.NaN],
      [2, 3],
    ] as const;
    const svg = lineChart({
      ...chart,
      lines: [
        { name: 'a', points },
        { name: 'b', points: [] },
      ],
    });
    expect(svg).to.not.include('NaN').and.not.include('Infinity').and.not.include('<polyline');
  });

  it('keeps the names of lines apart', () => {
    const lines = Array.from({ length: 7 }, (_, i) => ({ name: `line ${i}`, points: [[1, 5] as const] }));
    const places = [...lineChart({ ...chart, lines }).matchAll(/<text x="584" y="([\d.]+)"/g)].map(([, y]) =>
      Number(y),
    );
    expect(places).to.have.length(7);
    places.forEach((y, i) => expect(y - (places[i - 1] ?? 0)).to.be.at.least(15));
  });
});

describe('curves: the report', () => {
  const rows = [
    { n: 1, ms: 2 },
    { n: 12_000, ms: undefined },
  ];

  it('shows numbers in groups, and a dash where there is none', () => {
    const column = { id: 'v', title: 'v', unit: '', digits: 2 };
    expect(cellOf(column, { v: 1234567.891 })).to.equal('1,234,567.89');
    expect(cellOf({ ...column, digits: 0 }, { v: 999.6 })).to.equal('1,000');
    expect(cellOf(column, { v: -1234 })).to.equal('-1,234.00');
    expect(cellOf(column, { v: Number.NaN })).to.equal('–');
    expect(cellOf(column, {})).to.equal('–');
  });

  it('says whether a figure was reached', () => {
    const claim = { what: 'it takes', unit: 's', limit: 10 };
    expect(claimLine({ ...claim, measured: 10 })).to.equal('it takes: 10 s, at most 10: yes');
    expect(claimLine({ ...claim, measured: 10.1 })).to.equal('it takes: 10.1 s, at most 10: NO');
    expect(claimLine({ ...claim, measured: undefined })).to.include('not measured');
  });

  it('is a table for the terminal', () => {
    const lines = describeCurve(reportOf(curve, rows, { quick: true, complete: false, machine }));
    expect(lines.slice(0, 5)).to.deep.equal(['An example', '', 'THINGS  TIME MS', '1       2.0', '12,000  –']);
    expect(lines.join('\n')).to.include('a thing takes: 2 ms, at most 10: yes').and.include('not complete');
  });

  it('is a page, a chart for each that has points, and JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-curves-'));
    try {
      const page = writeCurve(folder, curve, reportOf(curve, rows, { quick: false, complete: true, machine }));
      expect(readdirSync(folder).sort((a, b) => (a < b ? -1 : 1))).to.deep.equal([
        'example-time.svg',
        'example.json',
        'example.md',
      ]);
      const text = readFileSync(page, 'utf8');
      expect(text).to.include('| 12,000 | – |').and.include('![Time & things](example-time.svg)');
      expect(text).to.include('make bench-curves CURVES=example').and.include('2 cores of a processor');
      const json = JSON.parse(readFileSync(join(folder, 'example.json'), 'utf8')) as { claims: unknown };
      expect(json.claims).to.deep.equal([{ what: 'a thing takes', unit: 'ms', limit: 10, measured: 2, met: true }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names the machine', () => {
    const line = machineLine(describeMachine());
    expect(line)
      .to.match(/^\d+ cores of /)
      .and.to.include(process.version);
    expect(line).to.not.include('undefined');
  });
});
