import { expect } from 'chai';
import type { Context, Message } from '../../../runtime/contract/actor.js';
import { cellBusySinceMs, cellQueued, cellTurns, workerCell } from '../../../runtime/contract/cells.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { actorRestartPolicy } from '../../../runtime/supervision/restart-policy.js';
import { type Behaviour, ManualWorld } from './manual-world.js';

interface Numbered extends Message {
  readonly n: number;
}

const numbered = (kind: string, n = 0): Numbered => ({ kind, n });
const crash = (): never => {
  throw new Error('on purpose');
};

/** Time enough for any restart. */
const afterRestart = actorRestartPolicy.maxMs;

describe('the actor loop', () => {
  describe('turns', () => {
    it('A1. runs no turn inside another: what a turn sends to its own worker comes later', () => {
      const log: string[] = [];
      const world: ManualWorld = new ManualWorld({
        subject: {
          receive: (message, _from, context) => {
            log.push(`begin ${message.kind}`);
            if (message.kind === 'first') context.send(context.self, numbered('second'));
            log.push(`end ${message.kind}`);
          },
        },
      });
      world.spawn('subject');
      world.deliver('subject', numbered('first'));
      world.settle();
      expect(log).to.deep.equal(['begin first', 'end first', 'begin second', 'end second']);
    });

    it('A1. refuses to be run by an actor', () => {
      const world: ManualWorld = new ManualWorld({
        subject: { receive: () => void world.loop.run() },
      });
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('outer'));
      world.deliver('subject', numbered('inner'));
      world.settle();
      expect(world.events.map(({ event }) => String(event['error']))).to.match(/A1/);
    });

    it('A2. K1. carries effects out in the order staged, after the turn returned', () => {
      let inside = -1;
      const world: ManualWorld = new ManualWorld({
        subject: {
          receive: (_message, _from, context) => {
            for (let n = 0; n < 5; n++) context.send({ host: 'x', worker: 0, actor: 'y' }, numbered('out', n));
            inside = world.posted.length;
          },
        },
      });
      world.spawn('subject');
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(inside).to.equal(0);
      expect(world.flushed.map(({ message }) => (message as Numbered).n)).to.deep.equal([0, 1, 2, 3, 4]);
    });

    it('A2. K1. drops every effect of a turn that throws', () => {
      const world = new ManualWorld(
        {
          subject: {
            receive: (_message, _from, context) => {
              context.send({ host: 'x', worker: 0, actor: 'y' }, numbered('out'));
              context.send(context.self, numbered('again'));
              context.journal.append(1, new Uint8Array(3));
              context.timers.start('t', 0, numbered('tick'));
              context.spawn({ name: 'child', kind: 'other', args: new Uint8Array(0) });
              context.emit({ kind: 'said', level: 'info' });
              crash();
            },
          },
          other: {},
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(world.flushed).to.have.length(0);
      expect(world.journal.nextLsn).to.equal(0);
      expect(world.loop.actors()).to.have.length(0);
      expect(world.events.map(({ event }) => event.kind)).to.deep.equal(['actor-crashed']);
      expect(world.loop.queuedCount).to.equal(0);
    });

    it('U1. shows nothing of a turn in progress, not even to the journal', () => {
      const seen: number[] = [];
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            receive: (_message, _from, context) => {
              const lsns = [context.journal.nextLsn, context.journal.append(1, new Uint8Array(1))];
              lsns.push(context.journal.append(1, new Uint8Array(1)), context.journal.nextLsn);
              seen.push(...lsns, world.journal.nextLsn);
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(seen).to.deep.equal([0, 0, 1, 2, 0]);
      expect(world.journal.nextLsn).to.equal(2);
    });

    it('U2. fails an assertion when a context is used after its turn', () => {
      let kept: Context | undefined;
      const world = new ManualWorld({
        subject: {
          start: (context) => {
            kept = context;
          },
        },
      });
      world.spawn('subject');
      world.settle();
      expect(() => kept?.send(world.self, numbered('late'))).to.throw(AssertionError, 'U2');
      expect(() => kept?.timers.start('t', 1, numbered('late'))).to.throw(AssertionError, 'U2');
      expect(() => kept?.emit({ kind: 'late', level: 'info' })).to.throw(AssertionError, 'U2');
    });

    it('freezes all clocks for a turn, but for the one that is asked for now', () => {
      const seen: number[] = [];
      const world: ManualWorld = new ManualWorld({
        subject: {
          receive: (_message, _from, context) => {
            seen.push(context.nowMs, context.wallMs, context.bootMs);
            world.nowMs += 5;
            world.wallMs += 5;
            world.bootMs += 5;
            seen.push(context.nowMs, context.wallMs, context.bootMs, context.readClockMs());
          },
        },
      });
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(seen).to.deep.equal([1000, 5_000_000, 7000, 1000, 5_000_000, 7000, 1005]);
    });
  });

  describe('mailboxes', () => {
    it('A3. keeps the order of messages between two actors of a worker', () => {
      const got: number[] = [];
      const world: ManualWorld = new ManualWorld({
        subject: {
          receive: (message, _from, context) => {
            for (let n = 0; n < 100; n++) context.send(world.at('other'), numbered(message.kind, n));
          },
        },
        other: { receive: (message) => void got.push((message as Numbered).n) },
      });
      world.spawn('subject');
      world.spawn('other');
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(got).to.deep.equal(Array.from({ length: 100 }, (_, n) => n));
    });

    it('K2. lets signals, completions and timers overtake messages, each queue first come first served', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            start: (context) => {
              context.journal.append(1, new Uint8Array(1), numbered('durable'));
              context.timers.start('t', 10, numbered('tick'));
            },
            receive: (message) => void log.push(message.kind),
            signal: (signal) => void log.push(signal.kind),
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('mail 1'));
      world.deliver('subject', numbered('mail 2'));
      world.loop.signal({ kind: 'draining' });
      world.sync();
      world.nowMs += 10;
      world.settle();
      expect(log).to.deep.equal(['tick', 'draining', 'durable', 'mail 1', 'mail 2']);
    });

    it('drops and counts what comes from outside beyond the bound, and what is for nobody', () => {
      const got: number[] = [];
      const world = new ManualWorld(
        { subject: { receive: (message) => void got.push((message as Numbered).n) } },
        { limits: { mailboxCountMax: 3 } },
      );
      world.spawn('subject');
      for (let n = 0; n < 5; n++) world.deliver('subject', numbered('mail', n));
      expect(world.loop.droppedCount).to.equal(2);
      world.settle();
      expect(got).to.deep.equal([0, 1, 2]);
      world.deliver('nobody', numbered('mail'));
      world.settle();
      expect(world.loop.droppedCount).to.equal(3);
    });

    it('asks to be woken once, until it was run', () => {
      const world = new ManualWorld({ subject: {} });
      world.spawn('subject');
      world.deliver('subject', numbered('a'));
      world.deliver('subject', numbered('b'));
      expect(world.wakes).to.equal(1);
      world.settle();
      world.deliver('subject', numbered('c'));
      expect(world.wakes).to.equal(2);
    });

    it('gives way after its budget of turns, timers included, and says that more waits', () => {
      let ticks = 0;
      const world = new ManualWorld(
        {
          subject: {
            start: (context) => context.timers.start('t', 0, numbered('tick')),
            receive: (_message, _from, context) => {
              ticks++;
              context.timers.start('t', 0, numbered('tick'));
            },
          },
          other: {},
        },
        { limits: { turnsPerRunMax: 10 } },
      );
      world.spawn('subject');
      world.loop.run();
      world.loop.run();
      expect(ticks).to.equal(10);
      expect(world.loop.nextWakeMs()).to.equal(world.nowMs);
      const other = new ManualWorld({ subject: {} }, { limits: { turnsPerRunMax: 10 } });
      other.spawn('subject');
      for (let n = 0; n < 30; n++) other.deliver('subject', numbered('mail', n));
      expect(other.loop.run()).to.equal(true);
      expect(other.loop.queuedCount).to.equal(21); // one turn was `start`
    });

    it('K7: a run that has lasted long ends, flushed, and says that more waits', () => {
      let turns = 0;
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            receive: (_message, _from, context) => {
              turns++;
              world.nowMs += 4;
              context.journal.append(1, new Uint8Array(1));
            },
          },
        },
        { durable: ['subject'], limits: { runMsMax: 10 } },
      );
      world.spawn('subject');
      for (let n = 0; n < 30; n++) world.deliver('subject', numbered('mail', n));
      expect(world.loop.run()).to.equal(true);
      expect(turns).to.equal(4); // the last began at 12
      expect(world.journal.bufferedCount, 'K4').to.equal(0);
      world.settle();
      expect(turns).to.equal(30);
    });

    it('K7: first turns that take long leave actors that have started their share of the run', () => {
      const order: string[] = [];
      const world: ManualWorld = new ManualWorld(
        {
          slow: {
            start: (context) => {
              order.push(`start ${context.self.actor}`);
              world.nowMs += 10;
            },
            receive: (_message, _from, context) => void order.push(`mail ${context.self.actor}`),
            signal: (_signal, context) => void order.push(`signal ${context.self.actor}`),
          },
          quick: { receive: () => void order.push('mail quick') },
        },
        { limits: { runMsMax: 10 } },
      );
      world.spawn('quick');
      world.settle();
      for (const name of ['a', 'b', 'c', 'd']) world.spawn('slow', name);
      world.deliver('quick', numbered('mail'));
      world.deliver('d', numbered('mail'));
      expect(world.loop.run()).to.equal(true);
      expect(order, 'an actor’s own first turn comes first, late or early').to.deep.equal([
        'start a',
        'start b',
        'mail quick',
        'start d',
        'mail d',
      ]);
      world.loop.signalActor('c', { kind: 'draining' });
      world.settle();
      expect(order.slice(5)).to.deep.equal(['start c', 'signal c']);
    });

    it('K8: what an actor tells itself comes after the flush, and after what waited before it', () => {
      const order: string[] = [];
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            receive: (message, _from, context) => {
              order.push(message.kind);
              if (message.kind !== 'first') return;
              context.send(context.self, numbered('own'));
              context.journal.append(1, new Uint8Array(1));
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('first'));
      world.deliver('subject', numbered('second'));
      expect(world.loop.run(), 'more waits').to.equal(true);
      expect(world.journal.bufferedCount, 'K4').to.equal(0);
      world.deliver('subject', numbered('third'));
      expect(order).to.deep.equal(['first', 'second']);
      expect(world.loop.run()).to.equal(false);
      expect(order).to.deep.equal(['first', 'second', 'third', 'own']);
    });

    it('K7: timers that are due all the time leave messages their share', () => {
      let mail = 0;
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            start: (context) => {
              for (let n = 0; n < 10; n++) context.timers.start(`t${n}`, 0, numbered('tick', n));
            },
            receive: (message) => {
              if (message.kind === 'mail') mail++;
              else world.nowMs += 10;
            },
          },
        },
        { limits: { runMsMax: 10 } },
      );
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('mail'));
      world.loop.run();
      expect(mail).to.equal(1);
    });

    it('says in its cells what it is doing', () => {
      let during = [0, 0];
      const cell = workerCell(0);
      const world: ManualWorld = new ManualWorld({
        subject: {
          receive: () => {
            during = [world.cells.load(cell + cellBusySinceMs), world.cells.load(cell + cellTurns)];
          },
        },
      });
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(during).to.deep.equal([1000, 1]);
      expect(world.cells.load(cell + cellBusySinceMs)).to.equal(0);
      expect(world.cells.load(cell + cellTurns)).to.equal(2);
      expect(world.cells.load(cell + cellQueued)).to.equal(0);
    });
  });

  describe('durability', () => {
    const writer: Behaviour = {
      receive: (message, _from, context) => {
        if (message.kind === 'write') context.journal.append(1, new Uint8Array(1), numbered('durable'));
      },
    };

    it('A6. gives a completion when everything up to it is durable, not before', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            receive: (message, from, context) => {
              log.push(message.kind);
              writer.receive?.(message, from, context);
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('write'));
      world.settle();
      expect(log).to.deep.equal(['write']);
      world.loop.durable(0);
      world.settle();
      expect(log).to.deep.equal(['write']);
      world.sync();
      world.settle();
      expect(log).to.deep.equal(['write', 'durable']);
    });

    it('K4. flushes what a run appended in that run, journal and transport', () => {
      const world = new ManualWorld({ subject: writer }, { durable: ['subject'] });
      world.spawn('subject');
      world.settle();
      const before = world.journal.flushes;
      for (let n = 0; n < 3; n++) world.deliver('subject', numbered('write'));
      world.loop.run();
      expect(world.journal.bufferedCount).to.equal(0);
      expect(world.journal.flushes).to.equal(before + 1);
      expect(world.journal.nextLsn).to.equal(3);
    });

    it('A5. K3. gives no completion to an incarnation that did not ask for it', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            receive: (message, from, context) => {
              log.push(`${message.kind}#${context.incarnation}`);
              if (message.kind === 'crash') crash();
              writer.receive?.(message, from, context);
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('write'));
      world.settle();
      world.deliver('subject', numbered('crash'));
      world.settle();
      world.sync();
      world.nowMs += afterRestart;
      world.settle();
      world.journal.becomeIdle();
      world.settle();
      expect(log).to.deep.equal(['write#0', 'crash#0']);
      expect(world.loop.actors()[0]?.incarnation).to.equal(1);
    });

    it('A5. aborts the snapshot of an incarnation that crashed', () => {
      const world = new ManualWorld(
        {
          subject: {
            receive: (message, _from, context) => {
              if (message.kind === 'crash') crash();
              if (message.kind !== 'begin') return;
              context.snapshots.begin(0, new Uint8Array(1));
              context.snapshots.append(new Uint8Array(2), numbered('accepted'));
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('begin'));
      world.settle();
      world.deliver('subject', numbered('crash'));
      world.settle();
      expect(world.journal.writers[0]?.aborted).to.equal(true);
    });

    it('brings chunks of a snapshot one at a time, and switches at the end', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            receive: (message, _from, context) => {
              log.push(message.kind);
              if (message.kind === 'begin') {
                context.snapshots.begin(0, new Uint8Array(1));
                context.snapshots.append(new Uint8Array(2), numbered('accepted'));
              }
              if (message.kind === 'accepted') context.snapshots.commit(numbered('switched'));
            },
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('begin'));
      world.settle();
      world.journal.writers[0]?.accept?.();
      world.settle();
      world.journal.writers[0]?.switch?.();
      world.settle();
      expect(log).to.deep.equal(['begin', 'accepted', 'switched']);
    });
  });

  describe('life and death', () => {
    it('restarts a crashed actor after its backoff, from its stream, and tells everybody', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            start: (context, report) => {
              log.push(`start#${context.incarnation} ${report.end} ${report.recordCount}`);
              if (context.incarnation === 0) context.journal.append(1, Uint8Array.of(42));
            },
            record: (record) => void log.push(`record ${record.payload[0]}`),
            receive: () => crash(),
            signal: (signal) => void log.push(signal.kind),
          },
          other: { signal: (signal) => void log.push(`other ${signal.kind}`) },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.spawn('other');
      world.settle();
      world.sync();
      world.deliver('subject', numbered('boom'));
      world.settle();
      expect(world.loop.actors().map(({ name }) => name)).to.deep.equal(['other']);
      expect(world.loop.nextWakeMs()).to.be.greaterThan(world.nowMs);
      world.nowMs += afterRestart;
      world.settle();
      world.journal.becomeIdle();
      world.settle();
      expect(log).to.deep.equal([
        'start#0 fresh 0',
        'record 42',
        'start#1 clean 1',
        'actor-restarted',
        'other actor-restarted',
      ]);
    });

    it('K5. takes no turn while a crashed durable actor waits for an idle journal', () => {
      const got: string[] = [];
      const world = new ManualWorld(
        { subject: { receive: () => crash() }, other: { receive: (message) => void got.push(message.kind) } },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.spawn('other');
      world.settle();
      world.deliver('subject', numbered('boom'));
      world.settle();
      world.nowMs += afterRestart;
      world.deliver('other', numbered('mail'));
      expect(world.loop.run()).to.equal(false);
      expect(got).to.deep.equal([]);
      expect(world.loop.nextWakeMs()).to.equal(undefined);
      const before = world.wakes;
      world.journal.becomeIdle();
      expect(world.wakes).to.be.greaterThan(before);
      world.settle();
      expect(got).to.deep.equal(['mail']);
    });

    it('K3. tells a new incarnation nothing that was said before its first turn', () => {
      const log: string[] = [];
      const world = new ManualWorld(
        {
          subject: {
            start: (context) => void log.push(`start#${context.incarnation}`),
            receive: () => crash(),
            signal: (signal) => void log.push(signal.kind),
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('boom'));
      world.settle();
      world.loop.signal({ kind: 'draining' });
      world.nowMs += afterRestart;
      world.settle();
      world.loop.signal({ kind: 'link-gap', host: 'x', worker: 0 });
      world.journal.becomeIdle();
      world.settle();
      expect(log).to.deep.equal(['start#0', 'start#1', 'actor-restarted']);
    });

    it('A5. lets no timer outlive its incarnation', () => {
      const log: string[] = [];
      const world = new ManualWorld({
        subject: {
          start: (context) => {
            if (context.incarnation === 0) context.timers.start('t', 5000, numbered('tick'));
          },
          receive: (message) => {
            log.push(message.kind);
            if (message.kind === 'crash') crash();
          },
        },
      });
      world.spawn('subject');
      world.deliver('subject', numbered('crash'));
      world.settle();
      world.nowMs += 10_000;
      world.settle();
      world.settle();
      expect(log).to.deep.equal(['crash']);
      expect(world.loop.actors()[0]?.incarnation).to.equal(1);
    });

    it('A4. never delivers a timer that was cancelled or replaced, even when it was due', () => {
      const log: string[] = [];
      const world = new ManualWorld({
        subject: {
          receive: (message, _from, context) => {
            log.push(message.kind);
            if (message.kind !== 'go') return;
            context.timers.start('a', 10, numbered('a'));
            context.timers.start('b', 10, numbered('b'));
            context.timers.start('a', 20, numbered('a again'));
            context.timers.cancel('b');
          },
        },
      });
      world.spawn('subject');
      world.deliver('subject', numbered('go'));
      world.settle();
      expect(world.loop.nextWakeMs()).to.equal(world.nowMs + 20);
      world.nowMs += 30;
      world.settle();
      expect(log).to.deep.equal(['go', 'a again']);
    });

    it('escalates when an actor crashes too often within the window', () => {
      const world = new ManualWorld({ subject: { start: () => crash() } });
      world.spawn('subject');
      for (let i = 0; i < actorRestartPolicy.restartCountMax + 1; i++) {
        world.settle();
        world.nowMs += afterRestart;
      }
      expect(world.escalations).to.have.length(1);
      expect(world.escalations[0]?.message).to.match(/^h\/0\/subject crashed too often: on purpose/);
    });

    it('escalates at once when an actor cannot be read back', () => {
      const world = new ManualWorld(
        {
          subject: {
            start: (context) => void context.journal.append(1, new Uint8Array(1)),
            record: () => crash(),
            receive: () => crash(),
          },
        },
        { durable: ['subject'] },
      );
      world.spawn('subject');
      world.settle();
      world.sync();
      world.deliver('subject', numbered('boom'));
      world.settle();
      world.nowMs += afterRestart;
      world.settle();
      world.journal.becomeIdle();
      expect(world.escalations.map(({ message }) => message)).to.deep.equal([
        'h/0/subject cannot be recovered: Error: on purpose',
      ]);
    });

    it('spawns and stops after the turn; a stopped actor hears nothing more, a forgotten one loses its stream', () => {
      const log: string[] = [];
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            receive: (message, _from, context) => {
              if (message.kind === 'spawn')
                context.spawn({ name: 'child', kind: 'child', args: Uint8Array.of(1, 2, 3) });
              else context.stop('child', { forget: message.kind === 'forget' });
              log.push(`${context.actors().length}`);
            },
          },
          child: {
            start: (context) => context.timers.start('t', 5, numbered('tick')),
            receive: (message) => void log.push(message.kind),
          },
        },
        { durable: ['child'] },
      );
      world.spawn('subject');
      world.deliver('subject', numbered('spawn'));
      world.settle();
      expect([...world.journal.streams.keys()]).to.deep.equal(['child']);
      expect(world.loop.actors().map(({ name, args }) => [name, args.length])).to.deep.equal([
        ['subject', 0],
        ['child', 3],
      ]);
      world.deliver('subject', numbered('forget'));
      world.deliver('child', numbered('too late'));
      world.nowMs += 10;
      world.loop.run();
      world.settle();
      expect([...world.journal.streams.keys()]).to.deep.equal([]);
      expect(log).to.deep.equal(['1', 'tick', '2']);
      expect(world.loop.inspect('child')).to.equal(undefined);
      world.deliver('subject', numbered('stop'));
      world.settle(); // an unknown name is ignored
      expect(world.events).to.deep.equal([]);
    });

    it('K6: a durable actor that was stopped and not forgotten rests; forgotten after all, its name is free', () => {
      const world: ManualWorld = new ManualWorld(
        {
          subject: {
            receive: (message, _from, context) => {
              if (message.kind === 'spawn') context.spawn({ name: 'child', kind: 'child', args: Uint8Array.of() });
              else context.stop('child', { forget: message.kind === 'forget' });
            },
          },
          child: {},
        },
        { durable: ['child'] },
      );
      world.spawn('subject');
      const streamsAfter = (...kinds: string[]): string[] => {
        for (const kind of kinds) {
          world.deliver('subject', numbered(kind));
          world.settle();
        }
        return [...world.journal.streams.keys()];
      };
      expect(streamsAfter('spawn', 'stop')).to.deep.equal(['child']);
      expect(streamsAfter('forget')).to.deep.equal([]);
      expect(streamsAfter('spawn', 'stop')).to.deep.equal(['child']);
      expect(() => streamsAfter('spawn')).to.throw('K6: child has a past here');
    });

    it('takes no turn once it is closed', () => {
      const got: string[] = [];
      const world = new ManualWorld({ subject: { receive: (message) => void got.push(message.kind) } });
      world.spawn('subject');
      world.settle();
      world.deliver('subject', numbered('mail'));
      world.loop.close();
      expect(world.loop.run()).to.equal(false);
      expect(world.loop.nextWakeMs()).to.equal(undefined);
      expect(got).to.deep.equal([]);
    });
  });
});
