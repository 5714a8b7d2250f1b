import { expect } from 'chai';
import { DeterminismError, withTripwires } from '../../../runtime/simulation/tripwires.js';
import { Trace } from '../../../runtime/simulation/trace.js';

describe('tripwires', () => {
  const leaks: readonly (readonly [string, () => unknown])[] = [
    ['Date.now', () => Date.now()],
    ['new Date()', () => new Date()],
    ['Date()', () => Date()],
    ['performance.now', () => performance.now()],
    ['Math.random', () => Math.random()],
    ['crypto.randomUUID', () => crypto.randomUUID()],
    ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
    ['setTimeout', () => setTimeout(() => undefined, 0)],
    ['setInterval', () => setInterval(() => undefined, 1000)],
    ['setImmediate', () => setImmediate(() => undefined)],
    ['queueMicrotask', () => queueMicrotask(() => undefined)],
    ['process.nextTick', () => process.nextTick(() => undefined)],
    ['process.hrtime', () => process.hrtime()],
    ['process.hrtime.bigint', () => process.hrtime.bigint()],
    ['process.uptime', () => process.uptime()],
  ];

  for (const [name, leak] of leaks) {
    it(`J1. ${name} throws inside, and names what to use instead`, () => {
      expect(() => withTripwires(leak)).to.throw(DeterminismError, 'context.');
    });
  }

  it('J1. lets through what is no leak', () => {
    expect(withTripwires(() => new Date(5).toISOString())).to.equal('1970-01-01T00:00:00.005Z');
    expect(withTripwires(() => new Date(5) instanceof Date)).to.equal(true);
    expect(withTripwires(() => Math.max(1, 2))).to.equal(2);
  });

  it('J1. leaves everything as it was, also after a throw and when nested', () => {
    const look = (): unknown[] => [Date, Date.now, Math.random, setTimeout, process.hrtime, queueMicrotask];
    const before = look();
    expect(() =>
      withTripwires(() => {
        withTripwires(() => undefined);
        expect(() => Date.now()).to.throw(DeterminismError);
        throw new Error('through');
      }),
    ).to.throw('through');
    look().forEach((value, i) => expect(value).to.equal(before[i]));
    expect(Object.hasOwn(performance, 'now')).to.equal(false);
    expect(performance.now()).to.be.a('number');
    expect(Date.now()).to.be.a('number');
  });
});

describe('the trace', () => {
  const filled = (change: (trace: Trace) => void): string => {
    const trace = new Trace();
    trace.record(1.5, 'a', 0, 'actor', 'received', 'append', 'b');
    change(trace);
    return trace.hash;
  };

  it('H1. hashes every field of what is recorded', () => {
    const hashes = [
      filled(() => undefined),
      filled((trace) => trace.record(2, 'a', 0, 'x', 'k')),
      filled((trace) => trace.record(2.0001, 'a', 0, 'x', 'k')),
      filled((trace) => trace.record(2, 'b', 0, 'x', 'k')),
      filled((trace) => trace.record(2, 'a', 1, 'x', 'k')),
      filled((trace) => trace.record(2, 'a', 0, 'y', 'k')),
      filled((trace) => trace.record(2, 'a', 0, 'x', 'l')),
      filled((trace) => trace.record(2, 'a', 0, 'x', 'k', 1)),
      filled((trace) => trace.record(2, 'a', 0, 'x', 'k', '', 1)),
      filled((trace) => trace.event(2, 'a', 0, 'x', { kind: 'k', level: 'info', n: 1 })),
      filled((trace) => trace.event(2, 'a', 0, 'x', { kind: 'k', level: 'info', n: 2 })),
      filled((trace) => trace.mix(1)),
    ];
    expect(new Set(hashes).size).to.equal(hashes.length);
    for (const hash of hashes) expect(hash).to.match(/^[0-9a-f]{16}$/);
  });

  it('H1. does not hash stack traces', () => {
    const crash = (stack: string): string =>
      filled((trace) => trace.event(2, 'a', 0, 'x', { kind: 'actor-crashed', level: 'error', error: 'e', stack }));
    expect(crash('at one.js:1')).to.equal(crash('at two.js:2'));
  });

  it('keeps the last lines, oldest first, in its columns', () => {
    const lines: string[] = [];
    const trace = new Trace((line) => void lines.push(line));
    for (let i = 0; i < 1200; i++) trace.record(i, 'host', 255, '', 'received', 'append', i);
    trace.event(1200, 'host', 1, 'partition-1', { kind: 'leader-elected', level: 'info', epoch: 4 });
    const tail = trace.tail();
    expect(tail).to.have.length(500);
    expect(tail).to.deep.equal(lines.slice(-500));
    expect(tail.at(-2)).to.match(/^\s+1199\.000 host\/main\s+-\s+received append 1199$/);
    expect(tail.at(-1)).to.match(/^\s+1200\.000 host\/1\s+partition-1\s+leader-elected epoch=4$/);
    expect(trace.tail(2)).to.deep.equal(tail.slice(-2));
  });
});
