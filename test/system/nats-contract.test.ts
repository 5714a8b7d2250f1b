// The NATS transport keeps the contract that the simulated network keeps

import { isName } from '../../runtime/contract/address.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import { connectNats, type NatsTransport } from '../../messaging/transport/nats-transport.js';
import { describeTransport } from '../contract/transport.js';
import { until } from '../support/until.js';
import { TestNatsServer } from './nats-server.js';

describe('nats-transport, by contract', () => {
  let server: TestNatsServer;
  let worlds = 0;

  before(async () => {
    server = await TestNatsServer.start();
  });

  after(async () => {
    await server.kill();
  });

  for (const [what, places] of [
    [
      'between hosts',
      [
        { host: 'h1', worker: 0 },
        { host: 'h2', worker: 3 },
        { host: 'h3', worker: 255 },
      ],
    ],
    [
      'from a client',
      [
        { host: '@c1', worker: 0 },
        { host: 'h1', worker: 0 },
        { host: 'h2', worker: 1 },
      ],
    ],
  ] as const)
    describeTransport(`NATS ${what}`, () => {
      const clusterName = `contract-${worlds++}`;
      if (!isName(clusterName)) throw new Error('the test itself is wrong');
      const open: NatsTransport[] = [];
      return {
        places,
        async attach(host, worker, receiver) {
          const transport = await connectNats({
            servers: [server.url],
            clusterName,
            clusterId: new Uint8Array(16).fill(3),
            place: { host, worker },
            receiver,
            codec: protocolCodec,
          });
          open.push(transport);
          return transport;
        },
        until: (condition) => until('the contract’s condition', condition),
        async quiesce() {
          // What was published has passed the server when everyone's own question has: once there, once back.
          for (let round = 0; round < 2; round++) {
            for (const transport of open) if (transport.status === 'connected') await transport.settled();
            await new Promise((resolve) => setImmediate(resolve));
          }
        },
        message: (number) => ({ kind: 'status-fetch', request: number }) as { readonly kind: string },
        numberOf: (message) => (message as unknown as { readonly request: number }).request,
        close: () => Promise.resolve(),
      };
    });
});
