// What timers do, in every world: an actor in the production loop, driven by whatever drives it there
// =============================================================================

import { expect } from 'chai';
import type { Actor, ActorDefinition, ActorSpec, Context, Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import { emptyBytes } from '../../runtime/std/bytes.js';

/** One worker that runs the given actors from its start. */
export interface TimerWorld {
  /** Lets time pass until the condition holds; rejects after a generous deadline. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Actors that crash on purpose come back by the supervision of the loop: that must not fail the world. */
export type MakeTimerWorld = (
  definitions: ReadonlyMap<string, ActorDefinition>,
  roots: readonly ActorSpec[],
) => TimerWorld | Promise<TimerWorld>;

interface Tick extends Message {
  readonly kind: 'tick';
  readonly label: string;
}

const tick = (label: string): Tick => ({ kind: 'tick', label });

interface Fired {
  readonly label: string;
  readonly atMs: number;
  readonly incarnation: number;
}

/** Writes down every tick; what it does at start and at a tick is the test's. */
interface Plot {
  readonly start: (context: Context<Tick>) => void;
  readonly onTick?: (label: string, context: Context<Tick>) => void;
}

export function describeTimers(name: string, make: MakeTimerWorld): void {
  describe(`${name} has timers`, () => {
    let world: TimerWorld | undefined;
    let fired: Fired[];
    let startedMs: number;

    const run = async (plot: Plot): Promise<TimerWorld> => {
      const create = (): Actor<Tick> => ({
        start: (context) => {
          startedMs = context.nowMs;
          plot.start(context);
        },
        receive: (message: Tick, _from: Address, context) => {
          fired.push({ label: message.label, atMs: context.nowMs, incarnation: context.incarnation });
          plot.onTick?.(message.label, context);
        },
      });
      world = await make(new Map([['timed', { kind: 'timed', durable: false, create }]]), [
        { name: 'timed', kind: 'timed', args: emptyBytes },
      ]);
      return world;
    };

    const labels = (): string[] => fired.map(({ label }) => label);

    beforeEach(() => {
      fired = [];
      startedMs = Number.NaN;
    });

    afterEach(async () => {
      await world?.close();
      world = undefined;
    });

    it('goes off once, and never early', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('one', 15, tick('one'));
          timers.start('end', 60, tick('end'));
        },
      });
      await running.until(() => labels().includes('end'));
      expect(labels()).to.deep.equal(['one', 'end']);
      expect(fired[0]?.atMs).to.be.at.least(startedMs + 15);
      expect(fired[1]?.atMs).to.be.at.least(startedMs + 60);
    });

    it('goes off in the order of due times, and in the order started when these are equal', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('d', 30, tick('d'));
          timers.start('b', 10, tick('b'));
          timers.start('c', 10, tick('c'));
          timers.start('a', 0, tick('a'));
        },
      });
      await running.until(() => fired.length === 4);
      expect(labels()).to.deep.equal(['a', 'b', 'c', 'd']);
    });

    it('A4. is never received once it was cancelled', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('gone', 10, tick('gone'));
          timers.cancel('gone');
          timers.cancel('never started');
          timers.start('end', 40, tick('end'));
        },
      });
      await running.until(() => labels().includes('end'));
      expect(labels()).to.deep.equal(['end']);
    });

    it('A4. is replaced by another of its key', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('key', 10, tick('old'));
          timers.start('key', 20, tick('new'));
          timers.start('end', 60, tick('end'));
        },
      });
      await running.until(() => labels().includes('end'));
      expect(labels()).to.deep.equal(['new', 'end']);
    });

    it('A4. is not received when a turn cancels it that runs after it was due', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('first', 10, tick('first'));
          timers.start('second', 10, tick('second'));
          timers.start('third', 10, tick('third'));
        },
        onTick: (label, { timers }) => {
          if (label === 'first') {
            timers.cancel('second');
            timers.start('third', 15, tick('third again'));
          } else if (label === 'third again') timers.start('end', 20, tick('end'));
        },
      });
      await running.until(() => labels().includes('end'));
      expect(labels()).to.deep.equal(['first', 'third again', 'end']);
    });

    it('can be started again by its own turn', async () => {
      const running = await run({
        start: ({ timers }) => timers.start('beat', 2, tick('beat')),
        onTick: (label, { timers }) => timers.start('beat', 2, tick(label)),
      });
      await running.until(() => fired.length >= 10);
      for (let i = 1; i < fired.length; i++)
        expect(fired[i]?.atMs).to.be.at.least((fired[i - 1]?.atMs ?? Number.NaN) + 2);
    });

    it('goes off without delay, and still lets the world run', async () => {
      const running = await run({
        start: ({ timers }) => {
          timers.start('again', 0, tick('again'));
          timers.start('end', 20, tick('end'));
        },
        onTick: (label, { timers }) => {
          if (label === 'again' && !labels().includes('end')) timers.start('again', 0, tick('again'));
        },
      });
      await running.until(() => labels().includes('end'));
      expect(fired.length).to.be.greaterThan(1);
    });

    it('A5. dies with the incarnation that started it', async () => {
      const running = await run({
        start: (context) => {
          if (context.incarnation > 0) return context.timers.start('end', 100, tick('end'));
          context.timers.start('crash', 5, tick('crash'));
          context.timers.start('orphan', 30, tick('orphan'));
        },
        onTick: (label) => {
          if (label === 'crash') throw new Error('crashes on purpose');
        },
      });
      await running.until(() => labels().includes('end'));
      expect(labels()).to.deep.equal(['crash', 'end']);
      expect(fired[1]?.incarnation).to.equal(1);
    });

    it('holds hundreds of timers at once', async () => {
      const count = 500;
      const running = await run({
        start: ({ timers }) => {
          for (let i = 0; i < count; i++) timers.start(`t${i}`, (i * 7) % 50, tick(`${i}`));
        },
      });
      await running.until(() => fired.length === count);
      expect(new Set(labels()).size).to.equal(count);
      for (let i = 1; i < count; i++)
        expect((Number(fired[i]?.label) * 7) % 50).to.be.at.least((Number(fired[i - 1]?.label) * 7) % 50);
    });
  });
}
