// How micro-benchmarks are measured: in turn, checked first, closed last
// =============================================================================

import { expect } from 'chai';
import { spin, spinNs } from '../../bench/micro/calibration.js';
import { measureEngineMemory } from '../../bench/micro/engine-memory.js';
import { measureLongestPause } from '../../bench/micro/longest-pause.js';
import { figureOf, measure } from '../../bench/micro/meter.js';
import type { MicroBench, Prepared } from '../../bench/micro/micro-bench.js';
import { medianOf, spreadOf } from '../../bench/micro/statistics.js';

function bench(name: string, prepared: Partial<Prepared>, kind: MicroBench['kind'] = 'cpu'): MicroBench {
  return { name, operations: 10, kind, prepare: () => ({ check: () => undefined, run: () => 1, ...prepared }) };
}

describe('micro-benchmark statistics', () => {
  it('give the middle of samples in any order', () => {
    expect(medianOf([5])).to.equal(5);
    expect(medianOf([9, 1, 5])).to.equal(5);
    expect(medianOf([4, 1, 3, 2])).to.equal(2.5);
    expect(() => medianOf([])).to.throw(RangeError);
  });

  it('give a spread that one outlier does not change', () => {
    expect(spreadOf([7, 7, 7])).to.equal(0);
    expect(spreadOf([8, 9, 10, 11, 12])).to.be.closeTo(0.1, 1e-12);
    expect(spreadOf([8, 9, 10, 11, 5000])).to.be.closeTo(0.1, 1e-12);
  });

  it('make a figure of one operation from samples and spins', () => {
    const samples = [
      { nsPerOperation: 100, spinNs: 1000 },
      { nsPerOperation: 300, spinNs: 3000 }, // the machine was slow for a while
      { nsPerOperation: 110, spinNs: 1000 },
    ];
    const figure = figureOf({ name: 'x', kind: 'cpu', operations: 64 }, samples, 12);
    expect(figure).to.deep.include({
      name: 'x',
      kind: 'cpu',
      operations: 64,
      nsPerOperation: 110,
      spins: 0.1,
      heapBytes: 12,
    });
    expect(figure.operationsPerSecond).to.be.closeTo(1e9 / 110, 1e-3);
  });
});

describe('micro-benchmark calibration', () => {
  it('does the same work each time, and takes time for it', () => {
    expect(spin(1)).to.equal(spin(1));
    expect(spin(1)).to.not.equal(spin(3));
    let nowMs = 0;
    const steps = [5, 1, 2, 90, 3];
    let call = 0;
    const clock = (): number => (call++ % 2 === 0 ? nowMs : (nowMs += steps.shift() as number));
    expect(spinNs(clock), 'the median of five').to.equal(3e6);
  });
});

describe('micro-benchmark meter', () => {
  it('takes the samples of all benches in turn, and closes every one', async () => {
    const told: string[] = [];
    const closed: string[] = [];
    const benches = [
      bench('a', { close: () => void closed.push('a') }),
      bench('b', { run: () => Promise.resolve(2), close: () => void closed.push('b') }, 'disk'),
    ];
    const figures = await measure(benches, { timeMs: 1, rounds: 3 }, (name, round) => told.push(`${name}${round}`));
    expect(told).to.deep.equal(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
    expect(closed).to.deep.equal(['a', 'b']);
    expect(figures.map(({ name, operations }) => [name, operations])).to.deep.equal([
      ['a', 10],
      ['b', 10],
    ]);
    for (const { nsPerOperation, spins, spread } of figures)
      for (const value of [nsPerOperation, spins, spread]) expect(Number.isFinite(value)).to.equal(true);
  });

  it('counts the heap that an operation takes', async () => {
    let kept: number[][] = [];
    const allocating = bench('allocating', {
      run: () => {
        kept = Array.from({ length: 10 }, () => Array.from({ length: 100 }, (_, i) => i + 0.5));
        return kept.length;
      },
    });
    const [figure, other] = await measure([allocating, bench('disk', {}, 'disk')], { timeMs: 1, rounds: 1 });
    expect(figure?.heapBytes).to.be.within(800, 8000);
    expect(other?.heapBytes).to.equal(undefined);
  });

  it('measures nothing that gives a wrong answer, and closes what was prepared', async () => {
    const closed: string[] = [];
    let runs = 0;
    const wrong = bench('wrong', {
      check: () => {
        throw new Error('two and two are five');
      },
      run: () => ++runs,
      close: () => void closed.push('wrong'),
    });
    const error = await measure([bench('a', { close: () => void closed.push('a') }), wrong], {
      timeMs: 1,
      rounds: 1,
    }).catch((failure: unknown) => failure);
    expect(String(error)).to.include('wrong');
    expect(String((error as Error).cause)).to.include('two and two are five');
    expect(runs).to.equal(0);
    expect(closed).to.have.members(['a', 'wrong']);
  });

  it('tells of a bench that fails while it is measured', async () => {
    const failing = bench('failing', {
      run: () => {
        throw new Error('out of order');
      },
    });
    const error = await measure([failing], { timeMs: 1, rounds: 1 }).catch((failure: unknown) => failure);
    expect(String(error)).to.include('out of order');
  });
});

describe('engine memory and pauses', () => {
  it('keeps items off the JavaScript heap', () => {
    const memory = measureEngineMemory(20_000);
    expect(memory.items).to.equal(20_000);
    // A Map of Buffers has 200 and more.
    expect(memory.heapBytesPerItem).to.be.lessThan(64);
    expect(memory.externalBytesPerItem).to.be.greaterThan(300);
    expect(memory.usedBytesPerItem).to.be.within(300, memory.externalBytesPerItem);
  });

  it('puts all items, in turns', async () => {
    const pause = await measureLongestPause(3000);
    expect(pause.items).to.equal(3000);
    expect(pause.longestTurnMs).to.be.greaterThan(0);
    expect(pause.longestWaitMs).to.be.at.least(pause.longestTurnMs);
  });
});
