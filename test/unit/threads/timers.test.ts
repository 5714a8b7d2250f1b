import type { ActorDefinition, ActorSpec } from '../../../runtime/contract/actor.js';
import type { Transport } from '../../../runtime/contract/transport.js';
import { ActorLoop } from '../../../runtime/kernel/actor-loop.js';
import { machineClock } from '../../../runtime/threads/clock.js';
import { driveLoop } from '../../../runtime/threads/loop-driver.js';
import { processRandom } from '../../../runtime/threads/process-random.js';
import { SharedCells } from '../../../runtime/threads/shared-cells.js';
import { describeTimers, type TimerWorld } from '../../contract/timers.js';
import { until } from '../../support/until.js';

const nowhere: Transport = { post: () => undefined, flush: () => undefined, close: () => Promise.resolve() };

function world(definitions: ReadonlyMap<string, ActorDefinition>, roots: readonly ActorSpec[]): TimerWorld {
  const { loop, driver } = driveLoop(
    machineClock,
    (wake) =>
      new ActorLoop(
        {
          host: 'h',
          worker: 0,
          clock: machineClock,
          cells: new SharedCells(),
          random: processRandom(),
          transport: nowhere,
          emit: () => undefined,
          wake,
          escalate: (reason) => {
            throw reason;
          },
        },
        definitions,
      ),
  );
  for (const spec of roots) loop.spawn(spec);
  return {
    until: (condition) => until('the timers have gone off', condition),
    close: () => {
      driver.stop();
      loop.close();
      return Promise.resolve();
    },
  };
}

describe('runtime/threads: timers', () => {
  describeTimers('the loop of a real thread', world);
});
