// The link layer and the local transport keep the contract of transports

import { crc32 } from '../../../runtime/std/crc32.js';
import type { Place, SubjectSender } from '../../../messaging/protocol/subject.js';
import { LinkLayer } from '../../../messaging/transport/link-layer.js';
import { defaultLinkLimits } from '../../../messaging/transport/link-limits.js';
import { localNetwork } from '../../../messaging/transport/local-transport.js';
import { describeTransport, type TransportWorld } from '../../contract/transport.js';
import { textCodec } from '../../support/text-codec.js';
import { until } from '../../support/until.js';

const places: TransportWorld['places'] = [
  { host: 'h1', worker: 0 },
  { host: 'h2', worker: 1 },
  { host: 'h3', worker: 0 },
];
const world = {
  places,
  until: (condition: () => boolean) => until('the contract’s condition', condition),
  async quiesce() {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  },
  message: (number: number) => Object.freeze({ kind: 'number', number }),
  numberOf: (message: unknown) => (message as { readonly number: number }).number,
  close: () => Promise.resolve(),
};

describeTransport('the local network', () => {
  const network = localNetwork((run) => setImmediate(run));
  return { ...world, attach: (host, worker, receiver) => network.join({ host, worker }, receiver) };
});

describeTransport('the link layer over a network made by hand', () => {
  const ends = new Map<string, LinkLayer>();
  const lost = new Set<string>();
  let instance = 1;
  return {
    ...world,
    attach(host, worker, receiver) {
      const sender: SubjectSender = { host, worker };
      const links = new LinkLayer(
        {
          place: { host, worker },
          clusterId: new Uint8Array(16),
          instance: instance++,
          chunkBytesMax: () => 512,
          limits: defaultLinkLimits,
        },
        {
          receiver,
          codec: textCodec,
          crc32,
          publish(to, bytes) {
            if (lost.has(`${host} ${to.host}`)) return true;
            setImmediate(() => ends.get(`${to.host}/${to.worker}`)?.receive(sender, bytes));
            return true;
          },
          mayPublish: () => true,
          nowMs: () => performance.now(),
          hostEpoch: () => 0,
          backlog: () => 0,
        },
      );
      links.connected();
      ends.set(`${host}/${worker}`, links);
      return {
        post: (envelope) => links.post(envelope),
        flush: () => links.flush(),
        close() {
          links.disconnected();
          ends.delete(`${host}/${worker}`);
          return Promise.resolve();
        },
      };
    },
    lose(from: Place, to: Place) {
      lost.add(`${from.host} ${to.host}`);
      return () => {
        lost.delete(`${from.host} ${to.host}`);
      };
    },
  };
});
