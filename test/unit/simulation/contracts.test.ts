// The simulated world passes the suites of the real ones
// =============================================================================

import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import { Scheduler } from '../../../runtime/simulation/scheduler.js';
import { SimulatedCluster } from '../../../runtime/simulation/simulated-cluster.js';
import { SimulatedNetwork } from '../../../runtime/simulation/simulated-network.js';
import { Trace } from '../../../runtime/simulation/trace.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { describeTimers } from '../../contract/timers.js';
import { describeTransport, type Place, type TransportWorld } from '../../contract/transport.js';

interface Numbered extends Message {
  readonly number: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const jsonCodec = {
  encode: (message: Message): Uint8Array => encoder.encode(JSON.stringify(message)),
  decode: (bytes: Uint8Array): Message => JSON.parse(decoder.decode(bytes)) as Message,
};

function transportWorld(seed: string, places: readonly [Place, Place, Place], codec: boolean): TransportWorld {
  const scheduler = new Scheduler(seededRandom(`${seed}/scheduler`));
  const network = new SimulatedNetwork(
    scheduler,
    seededRandom(`${seed}/network`),
    new Trace(),
    {},
    codec ? jsonCodec : undefined,
  );
  const open = new Set<string>();
  const runFor = (durationMs: number, condition: () => boolean): boolean => {
    const untilMs = scheduler.nowMs + durationMs;
    while (!condition()) {
      const nextMs = scheduler.nextMs();
      if (nextMs === undefined || nextMs > untilMs) return condition();
      scheduler.step();
    }
    return true;
  };
  return {
    places,
    attach: (host, worker, receiver) => {
      const transport = network.attach(host, worker, receiver);
      open.add(`${host}/${worker}`);
      return {
        post: (envelope) => transport.post(envelope),
        flush: () => transport.flush(),
        close: () => {
          if (open.delete(`${host}/${worker}`)) network.detach(host, worker);
          return transport.close();
        },
      };
    },
    until: async (condition) => {
      expect(runFor(10_000, condition), 'in time').to.equal(true);
    },
    quiesce: async () => void runFor(1000, () => false),
    message: (number): Numbered => ({ kind: 'numbered', number }),
    numberOf: (message) => (message as Numbered).number,
    lose: (from, to) =>
      network.filter((envelope) =>
        envelope.from.host === from.host && envelope.to.host === to.host ? 'drop' : 'pass',
      ),
    close: async () => undefined,
  };
}

const apart: readonly [Place, Place, Place] = [
  { host: 'a', worker: 0 },
  { host: 'b', worker: 1 },
  { host: '@client', worker: 0 },
];
const together: readonly [Place, Place, Place] = [
  { host: 'a', worker: 0 },
  { host: 'a', worker: 1 },
  { host: 'a', worker: 255 },
];

describeTransport('the simulated network with a codec', () => transportWorld('codec', apart, true));
describeTransport('the simulated network without a codec', () => transportWorld('frozen', apart, false));
describeTransport('the simulated ports of one host', () => transportWorld('ports', together, true));

describeTimers('the simulated world', (definitions, roots) => {
  const cluster = new SimulatedCluster({
    seed: 'timers',
    composition: { definitions, rootActors: ({ worker }) => (worker === 0 ? roots : []) },
    hosts: [{ name: 'a', workers: 1, clockRate: 1.0007 }],
    crashes: 'supervise',
  });
  cluster.start();
  return {
    until: async (condition) => cluster.runUntil(condition, 10_000),
    close: async () => undefined,
  };
});
