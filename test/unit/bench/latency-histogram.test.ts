// Percentiles from a histogram, held against a sorted list

import { expect } from 'chai';
import { LatencyHistogram } from '../../bench/latency-histogram.js';
import { seededRandom } from '../../../runtime/std/random.js';

describe('bench: latency histogram', () => {
  it('says a percentile at most 1.6 % too high, over six decades', () => {
    const random = seededRandom('bench histogram');
    const histogram = new LatencyHistogram();
    const values = Array.from({ length: 20_000 }, () => Math.round(10 ** (random.fraction() * 6)) / 1000);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const percent of [0.1, 1, 10, 50, 90, 99, 99.9, 100]) {
      const exact = values[Math.ceil((values.length * percent) / 100) - 1] as number;
      expect(histogram.percentileMs(percent), `p${percent}`).to.be.within(exact, exact * 1.016);
    }
    expect(histogram.maxMs).to.equal(values.at(-1));
    expect(histogram.meanMs).to.be.closeTo(values.reduce((sum, one) => sum + one, 0) / values.length, 1e-9);
  });

  it('is exact below 128 microseconds and at the edges of buckets', () => {
    for (const microseconds of [0, 1, 127, 128, 129, 255, 256, 259, 65_535, 65_536]) {
      const histogram = new LatencyHistogram();
      histogram.record(microseconds / 1000);
      expect(histogram.percentileMs(50)).to.equal(microseconds / 1000);
    }
  });

  it('holds what is out of range as the largest, and nothing as zero', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentileMs(99)).to.equal(0);
    histogram.record(-1);
    histogram.record(1e12);
    expect(histogram.total).to.equal(2);
    expect(histogram.percentileMs(1)).to.equal(0);
    expect(histogram.percentileMs(100)).to.equal(histogram.maxMs);
  });

  it('added up is as recorded in one', () => {
    const [whole, a, b] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
    for (let i = 1; i <= 1000; i++) {
      whole.record(i / 7);
      (i % 3 === 0 ? a : b).record(i / 7);
    }
    a.add(b);
    for (const percent of [1, 50, 99, 100]) expect(a.percentileMs(percent)).to.equal(whole.percentileMs(percent));
    expect([a.total, a.maxMs]).to.deep.equal([whole.total, whole.maxMs]);
  });
});
