import { MessageChannel } from 'node:worker_threads';

import type { Message } from '../../../runtime/contract/actor.js';
import type { Transport, TransportReceiver } from '../../../runtime/contract/transport.js';
import { InlineNetwork } from '../../../runtime/threads/inline-network.js';
import { LinkMeter } from '../../../runtime/threads/link-meter.js';
import { PortTransport } from '../../../runtime/threads/port-transport.js';
import { RouterTransport } from '../../../runtime/threads/router-transport.js';
import { describeTransport, type TransportWorld } from '../../contract/transport.js';
import { textCodec } from '../../support/text-codec.js';
import { until } from '../../support/until.js';

interface Numbered extends Message {
  readonly number: number;
}

const common = {
  until: (condition: () => boolean) => until('it has arrived', condition),
  /** Ports and microtasks are done long before; a few turns of the event loop are what "long" means here. */
  quiesce: async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  },
  message: (number: number): Message => ({ kind: 'numbered', number }) as Message,
  numberOf: (message: Message) => (message as Numbered).number,
  places: [
    { host: 'h', worker: 0 },
    { host: 'h', worker: 1 },
    { host: 'h', worker: 255 },
  ] as const,
  close: () => Promise.resolve(),
} satisfies Partial<TransportWorld>;

/** Threads need no threads to be linked: both ends of a port may be in one. */
function portWorld(): TransportWorld {
  const attached = new Map<number, PortTransport>();
  return {
    ...common,
    attach(host: string, worker: number, receiver: TransportReceiver): Transport {
      const fail = (error: Error): void => {
        throw error;
      };
      const transport = new PortTransport({ host, worker, codec: textCodec, receiver, fail });
      for (const [otherWorker, other] of attached) {
        const { port1, port2 } = new MessageChannel();
        const meter = new LinkMeter(0).buffer;
        transport.attach(otherWorker, { port: port1, meter, side: 0 });
        other.attach(worker, { port: port2, meter, side: 1 });
      }
      attached.set(worker, transport);
      return new RouterTransport(host, transport);
    },
  };
}

function inlineWorld(): TransportWorld {
  const network = new InlineNetwork();
  return { ...common, attach: (host, worker, receiver) => network.join(host, worker, receiver) };
}

describe('runtime/threads: transports', () => {
  describeTransport('the port transport behind its router', portWorld);
  describeTransport('the inline network', inlineWorld);
});
