// Turns of the actor loop: from a message in the mailbox to what the turn sent
// =============================================================================
//
// The production loop in the manual world of its tests, whose ports do next to nothing. An operation is one turn, which sends one message.

import assert from 'node:assert/strict';
import type { Context, Message } from '../../../../runtime/contract/actor.js';
import type { Address } from '../../../../runtime/contract/address.js';
import { ManualWorld } from '../../../unit/kernel/manual-world.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, clientAddress } from '../samples.js';

const turnsEach = 1024;

type Numbered = Message & { readonly number: number };

export const mailboxBenches: readonly MicroBench[] = [
  ...batchSizes.map((count) =>
    cpuBench(`mailbox turn that answers, runs of ${count}`, turnsEach, () => {
      const world = new ManualWorld({
        subject: {
          receive: (message: Message, _from: Address, context: Context) =>
            context.send(clientAddress, { kind: 'answer', number: (message as Numbered).number } as Message),
        },
      });
      world.spawn('subject');
      world.settle();
      const ask = { kind: 'ask', number: 7 } as Message;
      const round = (): number => {
        for (let i = 0; i < count; i++) world.deliver('subject', ask);
        world.settle();
        let sum = 0;
        for (const { message } of world.flushed) sum += (message as Numbered).number;
        world.flushed.length = 0;
        return sum;
      };
      return {
        check: () => {
          world.deliver('subject', ask);
          world.settle();
          assert.deepEqual(world.flushed, [
            { to: clientAddress, from: world.at('subject'), message: { kind: 'answer', number: 7 } },
          ]);
          world.flushed.length = 0;
          assert.equal(round(), 7 * count);
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < turnsEach; i += count) sum += round();
          return sum;
        },
      };
    }),
  ),
  cpuBench('mailbox turn between two actors', turnsEach, () => {
    let turns = 0;
    const onwards = (message: Message, _from: Address, context: Context): void => {
      turns++;
      const { number } = message as Numbered;
      const to = { ...context.self, actor: context.self.actor === 'left' ? 'right' : 'left' };
      if (number > 1) context.send(to, { kind: 'ball', number: number - 1 } as Message);
    };
    const world = new ManualWorld({ left: { receive: onwards }, right: { receive: onwards } });
    world.spawn('left');
    world.spawn('right');
    world.settle();
    const play = (count: number): void => {
      world.deliver('left', { kind: 'ball', number: count } as Message);
      world.settle();
    };
    return {
      check: () => {
        turns = 0;
        play(9);
        assert.equal(turns, 9);
        assert.equal(world.escalations.length, 0);
      },
      run: () => {
        play(turnsEach);
        return turns;
      },
    };
  }),
];
