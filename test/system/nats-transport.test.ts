// The NATS transport against a real nats-server

import { expect } from 'chai';
import { connect } from 'nats';
import type { Envelope } from '../../runtime/contract/transport.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import {
  connectNats,
  type NatsTransport,
  type NatsTransportOptions,
  type TransportStatus,
} from '../../messaging/transport/nats-transport.js';
import { TransportError } from '../../messaging/transport/transport-error.js';
import { until } from '../support/until.js';
import { TestNatsServer } from './nats-server.js';

const clusterId = new Uint8Array(16).fill(7);

class Inbox {
  readonly envelopes: Envelope[] = [];
  readonly gaps: string[] = [];
  /** Messages taken out of the mailbox; undefined: all of them, at once. */
  taken: number | undefined;

  backlog(): number {
    return this.taken === undefined ? 0 : this.envelopes.length - this.taken;
  }

  deliver(envelope: Envelope): void {
    this.envelopes.push(envelope);
  }

  gap(host: string, worker: number): void {
    this.gaps.push(`${host}/${worker}`);
  }
}

function snapshotChunk(index: number, bytes: Uint8Array): Envelope['message'] {
  return {
    kind: 'snapshot-chunk',
    link: { partition: 1, lineage: 0, epoch: 1, from: 1, to: 1 },
    snapshot: 1,
    index,
    last: false,
    bytes,
  } as Envelope['message'];
}

const indexOf = ({ message }: Envelope): number => (message as unknown as { readonly index: number }).index;
const bytesOf = ({ message }: Envelope): Uint8Array => (message as unknown as { readonly bytes: Uint8Array }).bytes;

describe('nats-transport', () => {
  let server: TestNatsServer;
  let open: NatsTransport[] = [];

  before(async () => {
    server = await TestNatsServer.start();
  });

  after(async () => {
    await server.kill();
  });

  afterEach(async () => {
    await Promise.all(open.map((transport) => transport.close()));
    open = [];
  });

  async function join(
    host: string,
    worker: number,
    inbox: Inbox,
    more: Partial<NatsTransportOptions> = {},
  ): Promise<NatsTransport> {
    const transport = await connectNats({
      servers: [server.url],
      clusterName: 'test',
      clusterId,
      place: { host, worker },
      receiver: inbox,
      codec: protocolCodec,
      waitForFirstConnection: 5_000,
      ...more,
    });
    open.push(transport);
    return transport;
  }

  function send(from: NatsTransport, fromHost: string, toHost: string, message: Envelope['message']): void {
    from.post({
      from: { host: fromHost, worker: 0, actor: 'a' },
      to: { host: toHost, worker: 0, actor: 'b' },
      message,
    });
    from.flush();
  }

  /** Sends a message and waits for it, so that the link is known to both ends. */
  async function settle(from: NatsTransport, fromHost: string, toHost: string, inbox: Inbox): Promise<void> {
    send(from, fromHost, toHost, snapshotChunk(0, new Uint8Array(1)));
    await until('the first message', () => inbox.envelopes.length > 0);
  }

  it('carries messages both ways, in order, with the addresses they were sent with', async () => {
    const inboxes = [new Inbox(), new Inbox()] as const;
    const a = await join('h1', 0, inboxes[0]);
    const b = await join('h2', 0, inboxes[1]);
    await settle(a, 'h1', 'h2', inboxes[1]);
    inboxes[1].envelopes.length = 0;
    for (let i = 1; i <= 500; i++) {
      a.post({
        from: { host: 'h1', worker: 0, actor: 'from' },
        to: { host: 'h2', worker: 0, actor: 'to' },
        message: snapshotChunk(i, new Uint8Array([i & 255])),
      });
    }
    a.flush();
    send(b, 'h2', 'h1', snapshotChunk(9, new Uint8Array(3)));
    await until('all messages', () => inboxes[1].envelopes.some((envelope) => indexOf(envelope) === 500));
    await until('the answer', () => inboxes[0].envelopes.length > 0);
    const arrived = inboxes[1].envelopes.filter((envelope) => indexOf(envelope) > 0);
    expect(arrived.map(indexOf)).to.deep.equal(Array.from({ length: 500 }, (_, i) => i + 1));
    expect(arrived[0]?.to).to.deep.equal({ host: 'h2', worker: 0, actor: 'to' });
    expect(arrived[0]?.from).to.deep.equal({ host: 'h1', worker: 0, actor: 'from' });
    expect(inboxes[1].gaps).to.deep.equal([]);
  });

  it('T5: a message of 5 MB arrives whole, in chunks', async () => {
    const inbox = new Inbox();
    const a = await join('h1', 0, new Inbox());
    await join('h2', 0, inbox);
    await settle(a, 'h1', 'h2', inbox);
    const before = a.stats().framesSent;
    const bytes = new Uint8Array(5_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 9)) & 255;
    send(a, 'h1', 'h2', snapshotChunk(77, bytes));
    await until('the big message', () => inbox.envelopes.some((envelope) => indexOf(envelope) === 77));
    const big = inbox.envelopes.find((envelope) => indexOf(envelope) === 77) as Envelope;
    expect(Buffer.compare(bytesOf(big), bytes)).to.equal(0);
    expect(a.stats().framesSent - before).to.be.at.least(10);
  });

  it('link-layer K5: what arrives is copied out of the socket’s buffer, and is no Buffer', async () => {
    const inbox = new Inbox();
    const a = await join('h1', 0, new Inbox());
    await join('h2', 0, inbox);
    send(a, 'h1', 'h2', snapshotChunk(1, new Uint8Array([1, 2, 3])));
    await until('the message', () => inbox.envelopes.length > 0);
    const bytes = bytesOf(inbox.envelopes[0] as Envelope);
    expect(Buffer.isBuffer(bytes)).to.equal(false);
    expect(bytes.slice().buffer).to.not.equal(bytes.buffer);
    expect(bytes.buffer.byteLength, 'it pins its frame only').to.be.lessThan(100);
  });

  it('a client finds a host without knowing one, and learns its cluster from the answer', async () => {
    const hostInbox = new Inbox();
    const clientInbox = new Inbox();
    const host = await join('h1', 0, hostInbox);
    const client = await join('@c1', 0, clientInbox, { clusterId: undefined });
    await until('the request', () => {
      client.post({
        from: { host: '@c1', worker: 0, actor: 'client' },
        to: { host: '*', worker: 0, actor: 'manager' },
        message: { kind: 'status-fetch', request: 1 } as Envelope['message'],
      });
      client.flush();
      return hostInbox.envelopes.length > 0;
    });
    const request = hostInbox.envelopes[0] as Envelope;
    expect(request.to).to.deep.equal({ host: 'h1', worker: 0, actor: 'manager' });
    expect(request.from).to.deep.equal({ host: '@c1', worker: 0, actor: 'client' });
    expect(client.clusterId).to.equal(undefined);
    host.post({ from: request.to, to: request.from, message: snapshotChunk(5, new Uint8Array(2)) });
    host.flush();
    await until('the answer', () => clientInbox.envelopes.length > 0);
    expect(client.clusterId).to.deep.equal(clusterId);
    send(client, '@c1', 'h1', snapshotChunk(6, new Uint8Array(2)));
    await until('the direct request', () =>
      hostInbox.envelopes.some(({ message }) => message.kind === 'snapshot-chunk'),
    );
  });

  it('T1: garbage, damaged frames and frames of another cluster are dropped and counted', async () => {
    const inbox = new Inbox();
    const host = await join('h1', 0, inbox);
    const stranger = await join('h2', 0, new Inbox(), { clusterId: new Uint8Array(16).fill(8) });
    const raw = await connect({ servers: [server.url] });
    try {
      await until('garbage to be counted', () => {
        raw.publish('troupe.test.h1.0.h2.0', new TextEncoder().encode('garbage'));
        return host.stats().garbage > 0;
      });
      const seen = host.stats().garbage;
      raw.publish('troupe.test.h1.0.h2.0', new Uint8Array(0));
      raw.publish('troupe.test.h1.0.h2.0', new Uint8Array(100_000).fill(0x54));
      raw.publish('troupe.test.client.to.h1.0.c9', new TextEncoder().encode('TRPF and no more'));
      raw.publish('troupe.test.client.any.c9', new TextEncoder().encode('TRPC and no more'));
      await until('four more', () => host.stats().garbage + host.stats().otherVersion >= seen + 4);
      await until('a frame of another cluster', () => {
        send(stranger, 'h2', 'h1', snapshotChunk(1, new Uint8Array(1)));
        return host.stats().otherCluster > 0;
      });
      expect(inbox.envelopes).to.deep.equal([]);
    } finally {
      await raw.close();
    }
  });

  it('V2, nats-connection U1 U2, T3 T6 T7: nats-server is killed and restarted under load: gaps are told and service resumes', async () => {
    const inboxes = [new Inbox(), new Inbox()] as const;
    const statuses: TransportStatus['kind'][] = [];
    const a = await join('h1', 0, inboxes[0], { onStatus: ({ kind }) => statuses.push(kind) });
    const b = await join('h2', 0, inboxes[1]);
    await settle(a, 'h1', 'h2', inboxes[1]);
    await settle(b, 'h2', 'h1', inboxes[0]);
    let index = 1;
    const load = setInterval(() => {
      for (let i = 0; i < 50; i++) send(a, 'h1', 'h2', snapshotChunk(index++, new Uint8Array(100)));
    }, 2);
    try {
      await until('traffic', () => inboxes[1].envelopes.length > 500);
      await server.kill('SIGKILL');
      await until('both to notice', () => a.status === 'disconnected' && b.status === 'disconnected');
      const arrived = inboxes[1].envelopes.length;
      await server.restart();
      await until('both to be back', () => a.status === 'connected' && b.status === 'connected');
      await until('traffic again', () => inboxes[1].envelopes.length > arrived + 500);
    } finally {
      clearInterval(load);
    }
    expect(statuses).to.deep.equal(['disconnected', 'connected']);
    expect(inboxes[1].gaps).to.include('h1/0');
    expect(inboxes[0].gaps).to.include('h2/0');
    expect(a.stats().messagesDropped).to.be.greaterThan(0);
    const indexes = inboxes[1].envelopes.map(indexOf).filter((i) => i > 0);
    for (let i = 1; i < indexes.length; i++) {
      if ((indexes[i] as number) <= (indexes[i - 1] as number)) expect.fail('a message arrived twice or out of order');
    }
  });

  it('T5: a slow receiver holds the sender back, and nothing is lost', async () => {
    const inbox = new Inbox();
    inbox.taken = 0;
    const a = await join('h1', 0, new Inbox());
    const b = await join('h2', 0, inbox);
    await settle(a, 'h1', 'h2', inbox);
    const first = inbox.envelopes.length;
    for (let i = 1; i <= 60; i++) send(a, 'h1', 'h2', snapshotChunk(i, new Uint8Array(256 * 1024)));
    await until('the sender to be blocked', () => a.stats().waitingBytes > 0 && inbox.envelopes.length > first);
    const drain = setInterval(() => {
      inbox.taken = inbox.envelopes.length;
      b.flush();
    }, 2);
    try {
      await until('everything', () => inbox.envelopes.length >= first + 60);
    } finally {
      clearInterval(drain);
    }
    expect(inbox.gaps).to.deep.equal([]);
    expect(a.stats().framesDropped).to.equal(0);
    expect(a.stats().waitingBytes).to.equal(0);
  });

  it('V1: a server that reads nothing gets a bounded number of bytes, and all of them in the end', async () => {
    const inbox = new Inbox();
    const window = { hostWindowInitialBytes: 64 * 1024 * 1024, outboxBytesMax: 64 * 1024 * 1024 };
    const a = await join('h1', 0, new Inbox(), { limits: window });
    await join('h2', 0, inbox);
    await settle(a, 'h1', 'h2', inbox);
    const before = a.stats().bytesSent;
    server.pause();
    try {
      for (let i = 1; i <= 80; i++) send(a, 'h1', 'h2', snapshotChunk(i, new Uint8Array(500_000)));
      expect(a.stats().bytesSent - before).to.be.within(16_000_000, 18_000_000);
      expect(a.stats().waitingBytes).to.be.greaterThan(20_000_000);
    } finally {
      server.unpause();
    }
    await until('everything', () => inbox.envelopes.some((envelope) => indexOf(envelope) === 80));
    expect(inbox.envelopes.map(indexOf).filter((i) => i > 0)).to.deep.equal(
      Array.from({ length: 80 }, (_, i) => i + 1),
    );
    expect(inbox.gaps).to.deep.equal([]);
  });

  it('says what to do when no server answers', async () => {
    const error = await connectNats({
      servers: ['nats://127.0.0.1:1'],
      clusterName: 'test',
      clusterId,
      place: { host: 'h1', worker: 0 },
      receiver: new Inbox(),
      codec: protocolCodec,
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(TransportError);
    expect((error as TransportError).code).to.equal('CANNOT_CONNECT');
    expect((error as TransportError).message)
      .to.include('127.0.0.1:1')
      .and.include('troupe up');
  });

  it('stops waiting for a server when aborted', async () => {
    const controller = new AbortController();
    const pending = connectNats({
      servers: ['nats://127.0.0.1:1'],
      clusterName: 'test',
      clusterId,
      place: { host: 'h1', worker: 0 },
      receiver: new Inbox(),
      codec: protocolCodec,
      waitForFirstConnection: 60_000,
      signal: controller.signal,
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    controller.abort();
    const error = await pending;
    expect((error as TransportError).code).to.equal('ABORTED');
  });

  for (const [what, change] of [
    ['a cluster that is no name', { clusterName: 'a b' }],
    ['a host called client', { place: { host: 'client', worker: 0 } }],
    ['a worker that cannot be', { place: { host: 'h1', worker: 99 } }],
    ['a host without a cluster id', { clusterId: undefined }],
    ['a server that is no URL', { servers: ['http://x'] }],
    ['no server', { servers: [] }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await join('h1', 0, new Inbox(), change).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect((error as TransportError).code).to.equal('INVALID_OPTION');
    });
  }
});
