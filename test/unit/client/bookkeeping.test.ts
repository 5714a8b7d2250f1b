import { expect } from 'chai';
import fc from 'fast-check';
import { AssertionError } from '../../../runtime/std/assert.js';
import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { DeadlineWheel } from '../../../messaging/client/core/deadline-wheel.js';
import { Lane } from '../../../messaging/client/core/lane.js';
import { Outbox } from '../../../messaging/client/core/outbox.js';
import { Pace } from '../../../messaging/client/core/pace.js';
import type { Pending } from '../../../messaging/client/core/pending.js';
import { Session } from '../../../messaging/client/core/session.js';

describe('client: deadline wheel', () => {
  it('W1: gives each item once, not before its time, and never after it was removed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: fc.nat(500), removed: fc.boolean() }), { maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 20 }),
        (items, steps) => {
          const wheel = new DeadlineWheel<(typeof items)[number]>();
          for (const item of items) {
            const bucket = wheel.add(item, item.atMs);
            if (item.removed) wheel.remove(item, bucket);
          }
          const given: typeof items = [];
          let nowMs = 0;
          for (const step of [...steps, 10_000]) {
            nowMs += step;
            for (const item of wheel.takeDue(nowMs)) {
              expect(item.atMs).to.be.at.most(nowMs);
              given.push(item);
            }
          }
          expect(new Set(given).size).to.equal(given.length);
          expect(given.length).to.equal(items.filter((item) => !item.removed).length);
          expect(wheel.nextMs()).to.equal(undefined);
        },
      ),
    );
  });

  it('names the next time, never later than the earliest item by more than a bucket', () => {
    const wheel = new DeadlineWheel<string>();
    wheel.add('b', 1000);
    wheel.add('a', 500);
    expect(wheel.nextMs()).to.be.within(500, 508);
    expect(wheel.takeDue(508)).to.deep.equal(['a']);
    expect(wheel.nextMs()).to.be.within(1000, 1008);
  });
});

describe('client: session', () => {
  it('E1 E2: numbers rise by one, and answered-through passes only what was answered', () => {
    const session = new Session(7, 1, 8);
    expect([session.take(), session.take(), session.take()]).to.deep.equal([1, 2, 3]);
    session.answer(2);
    expect(session.answeredThrough).to.equal(0);
    session.answer(1);
    expect(session.answeredThrough).to.equal(2);
    session.answer(3);
    expect(session.answeredThrough).to.equal(3);
    expect(() => session.answer(3)).to.throw(AssertionError, 'E2');
    expect(() => session.answer(4)).to.throw(AssertionError, 'E2');
  });

  it('E3: the window bounds what is above answered-through, in any order of answers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), (choices) => {
        const session = new Session(7, 1, 8);
        const open: number[] = [];
        for (const choice of choices) {
          if (session.room > 0 && choice % 2 === 0) open.push(session.take());
          else if (open.length > 0) session.answer(open.splice(choice % open.length, 1)[0] as number);
          const lowest = Math.min(...open, Number.POSITIVE_INFINITY);
          if (open.length > 0) expect(session.answeredThrough).to.equal(lowest - 1);
          expect(session.room).to.be.within(0, 8);
        }
      }),
    );
    const full = new Session(7, 1, 2);
    full.take();
    full.take();
    expect(() => full.take()).to.throw(AssertionError, 'E3');
  });
});

describe('client: lane', () => {
  const op = (order: number): Pending => ({ order }) as Pending;

  it('Q1: what is sent again comes first, in the order issued', () => {
    const { writes } = new Lane(1, 't', 8);
    const ops = [0, 1, 2, 3, 4, 5].map(op);
    for (const one of ops) writes.push(one);
    const first = writes.takeWhile((one) => one.order < 2);
    const second = writes.takeWhile((one) => one.order < 4);
    writes.pushAgain(second);
    writes.pushAgain(first);
    expect(writes.peek()).to.equal(ops[0]);
    expect(writes.takeWhile(() => true)).to.deep.equal(ops);
    expect(writes.size).to.equal(0);
  });

  it('Q1: what is fresh does not overtake what is to be sent again', () => {
    const { writes } = new Lane(1, 't', 8);
    writes.push(op(2));
    writes.pushAgain([op(0), op(1)]);
    expect(writes.takeWhile((one) => one.order !== 1).map((one) => one.order)).to.deep.equal([0]);
    expect(writes.waiting().map((one) => one.order)).to.deep.equal([1, 2]);
  });

  it('Q2: what was removed is in no queue', () => {
    const { writes } = new Lane(1, 't', 8);
    const [a, b] = [op(0), op(1)];
    writes.push(b);
    writes.pushAgain([a]);
    writes.remove(a);
    writes.remove(b);
    writes.remove(b);
    expect(writes.size).to.equal(0);
    expect(writes.peek()).to.equal(undefined);
  });

  it('L8: the mark only rises, by lineage before offset', () => {
    const lane = new Lane(1, 't', 8);
    lane.saw({ lineage: 1, offset: 9 });
    lane.saw({ lineage: 1, offset: 5 });
    expect(lane.mark).to.deep.equal({ lineage: 1, offset: 9 });
    lane.saw({ lineage: 2, offset: 3 });
    lane.saw({ lineage: 1, offset: 99 });
    expect(lane.mark).to.deep.equal({ lineage: 2, offset: 3 });
  });
});

describe('client: pace', () => {
  it('P1: a batch stops counting once, by its last answer or because it is slow', () => {
    const pace = new Pace('h1', 0);
    const [quick, slow] = [pace.open(), pace.open()];
    quick.add();
    quick.add();
    slow.add();
    expect(pace.inFlight).to.equal(2);
    expect(quick.release()).to.equal(false);
    expect(quick.release()).to.equal(true);
    expect(slow.stopCounting()).to.equal(true);
    expect(slow.release()).to.equal(false);
    expect(pace.inFlight).to.equal(0);
    expect(() => quick.release()).to.throw(AssertionError, 'P1');
  });
});

describe('client: outbox', () => {
  it('X1: a later incarnation never repeats a request number', () => {
    const [first, second] = [new Outbox(), new Outbox()];
    first.start(0);
    second.start(1);
    for (let i = 0; i < 1000; i++) first.nextRequest();
    expect(second.nextRequest()).to.be.greaterThan(first.nextRequest() + 2 ** 39);
  });

  it('sends the outcomes of a turn in one message to each submitter', () => {
    const outbox = new Outbox();
    const [a, b]: Address[] = [
      { host: '@c', worker: 0, actor: 'a' },
      { host: '@c', worker: 0, actor: 'b' },
    ];
    const sent: { readonly to: Address; readonly message: unknown }[] = [];
    const context = {
      send: (to: Address, message: unknown) => sent.push({ to, message }),
    } as unknown as Context<never>;
    outbox.fail(a as Address, 1, 'CLOSED', '');
    outbox.fail(b as Address, 2, 'CLOSED', '');
    outbox.fail({ ...(a as Address) }, 3, 'CLOSED', '');
    outbox.flush(context);
    outbox.flush(context);
    expect(sent.map(({ to }) => to.actor)).to.deep.equal(['a', 'b']);
    expect(sent[0]).to.have.nested.property('message.outcomes.length', 2);
  });
});
