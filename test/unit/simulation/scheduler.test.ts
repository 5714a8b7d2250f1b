import { expect } from 'chai';
import fc from 'fast-check';
import { Scheduler, SimulatedEvent } from '../../../runtime/simulation/scheduler.js';
import { SimulatedClock, WorkerClock } from '../../../runtime/simulation/simulated-clock.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { seededRandom } from '../../../runtime/std/random.js';

class Noted extends SimulatedEvent {
  readonly #note: () => void;

  constructor(note: () => void) {
    super();
    this.#note = note;
  }

  fire(): void {
    this.#note();
  }
}

describe('the scheduler', () => {
  const order = (seed: string): number[] => {
    const scheduler = new Scheduler(seededRandom(seed));
    const fired: number[] = [];
    for (let i = 0; i < 30; i++) scheduler.call(i % 3, () => void fired.push(i));
    while (scheduler.step()) continue;
    return fired;
  };

  it('Q1. fires in order of due times; at one instant in an order of the seed, the same each time', () => {
    const fired = order('one');
    expect(fired.map((i) => i % 3)).to.deep.equal([...fired].map((i) => i % 3).sort((a, b) => a - b));
    expect(fired).to.deep.equal(order('one'));
    expect(fired).to.not.deep.equal(order('two'));
  });

  it('Q2. never goes back: what is scheduled in the past is due now', () => {
    const scheduler = new Scheduler(seededRandom('past'));
    const times: number[] = [];
    scheduler.call(10, () => scheduler.at(3, new Noted(() => void times.push(scheduler.nowMs))));
    while (scheduler.step()) times.push(scheduler.nowMs);
    expect(times).to.deep.equal([10, 10, 10]);
    scheduler.call(5, () => undefined);
    expect(() => scheduler.advanceTo(100)).to.throw(AssertionError, 'Q2');
    scheduler.advanceTo(15);
    expect(scheduler.nowMs).to.equal(15);
  });

  it('skips what was cancelled, counts what it fires, and holds an event once', () => {
    const scheduler = new Scheduler(seededRandom('cancel'));
    const fired: string[] = [];
    const cancelled = scheduler.call(1, () => void fired.push('cancelled'));
    cancelled.cancelled = true;
    const again = new Noted(() => void fired.push('again'));
    scheduler.after(2, again);
    expect(() => scheduler.after(3, again)).to.throw(AssertionError);
    expect(scheduler.nextMs()).to.equal(2);
    scheduler.step();
    scheduler.after(3, again);
    expect(scheduler.step()).to.equal(true);
    expect(scheduler.step()).to.equal(false);
    expect(fired).to.deep.equal(['again', 'again']);
    expect(scheduler.eventCount).to.equal(2);
  });
});

describe('a simulated clock', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.double({ min: 0, max: 500, noNaN: true }) }),
    fc.record({ kind: fc.constant('rate' as const), ms: fc.double({ min: -1e-3, max: 1e-3, noNaN: true }) }),
    fc.record({ kind: fc.constant('suspend' as const), ms: fc.double({ min: 0, max: 500, noNaN: true }) }),
    fc.record({ kind: fc.constant('wake' as const), ms: fc.constant(0) }),
    fc.record({ kind: fc.constant('wall' as const), ms: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }),
  );

  it('V1. V2. never goes back, whatever is done to it; boot time counts suspends', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 40 }),
        fc.double({ min: 0, max: 1000, noNaN: true }),
        (actions, aheadMs) => {
          const scheduler = new Scheduler(seededRandom('clock'));
          const clock = new SimulatedClock(scheduler, 1234, 1.0003);
          let [mono, boot] = [clock.monotonicAt(0), clock.bootAt(0)];
          for (const { kind, ms } of actions) {
            if (kind === 'pass') scheduler.advanceTo(scheduler.nowMs + ms);
            if (kind === 'rate') clock.setRate(1 + ms);
            if (kind === 'suspend') clock.suspend(ms);
            if (kind === 'wake') clock.wake();
            if (kind === 'wall') clock.jumpWall(ms);
            const now = clock.monotonicAt(scheduler.nowMs);
            expect(now).to.be.at.least(mono - 1e-6);
            mono = now;
            boot = Math.max(boot, clock.bootAt(scheduler.nowMs));
            expect(boot).to.be.at.least(mono - 1e-6);
            const due = mono + aheadMs;
            expect(clock.monotonicAt(clock.virtualAt(due))).to.be.at.least(due);
          }
        },
      ),
    );
  });

  it('stands still while the machine is suspended, and begins anew at a reboot', () => {
    const scheduler = new Scheduler(seededRandom('suspend'));
    const clock = new SimulatedClock(scheduler, 100, 1);
    scheduler.advanceTo(50);
    clock.suspend(1000);
    scheduler.advanceTo(600);
    expect(clock.monotonicAt(600)).to.equal(150);
    scheduler.advanceTo(1060);
    expect(clock.monotonicAt(1060)).to.equal(160);
    expect(clock.bootAt(1060)).to.equal(1160);
    clock.reboot(5);
    expect(clock.monotonicAt(1060)).to.equal(5);
    expect(clock.bootAt(1060)).to.equal(5);
  });

  it('shows a thread that stalls in a turn a later time than the world has', () => {
    const scheduler = new Scheduler(seededRandom('stall'));
    const clock = new WorkerClock(scheduler, new SimulatedClock(scheduler, 100, 1));
    expect(clock.monotonicMs()).to.equal(100);
    clock.stallMs = () => 30;
    expect(clock.monotonicMs()).to.equal(130);
    expect(clock.monotonicMs()).to.equal(160);
    expect(clock.aheadMs).to.equal(60);
  });
});
