import { expect } from 'chai';
import { MessageChannel } from 'node:worker_threads';

import type { Message } from '../../../runtime/contract/actor.js';
import type { Envelope } from '../../../runtime/contract/transport.js';
import { LinkMeter } from '../../../runtime/threads/link-meter.js';
import { PortTransport } from '../../../runtime/threads/port-transport.js';
import { textCodec } from '../../support/text-codec.js';
import { until } from '../../support/until.js';

interface End {
  readonly transport: PortTransport;
  /** What arrived, in order: messages' texts, and `gap <worker>`. */
  readonly arrived: string[];
  readonly envelopes: Envelope[];
  readonly failures: Error[];
}

function end(worker: number, underWayBytesMax?: number): End {
  const arrived: string[] = [];
  const envelopes: Envelope[] = [];
  const failures: Error[] = [];
  const transport = new PortTransport({
    host: 'h',
    worker,
    codec: textCodec,
    receiver: {
      deliver: (envelope) => {
        envelopes.push(envelope);
        arrived.push((envelope.message as { readonly text?: string }).text ?? envelope.message.kind);
      },
      gap: (_, from) => arrived.push(`gap ${from}`),
    },
    fail: (error) => failures.push(error),
    ...(underWayBytesMax === undefined ? {} : { underWayBytesMax }),
  });
  return { transport, arrived, envelopes, failures };
}

function link(a: End, aWorker: number, b: End, bWorker: number): void {
  const { port1, port2 } = new MessageChannel();
  const meter = new LinkMeter(0).buffer;
  a.transport.attach(bWorker, { port: port1, meter, side: 0 });
  b.transport.attach(aWorker, { port: port2, meter, side: 1 });
}

function envelope(from: number, to: number, message: Message & { readonly text?: string }): Envelope {
  return { to: { host: 'h', worker: to, actor: 'x' }, from: { host: 'h', worker: from, actor: 'y' }, message };
}

function post(from: End, fromWorker: number, toWorker: number, text: string): void {
  from.transport.post(envelope(fromWorker, toWorker, { kind: 'say', text }));
}

describe('runtime/threads: the port transport', () => {
  const ends: End[] = [];
  const opened = (worker: number, underWayBytesMax?: number): End => {
    const made = end(worker, underWayBytesMax);
    ends.push(made);
    return made;
  };

  afterEach(async () => {
    for (const each of ends.splice(0)) await each.transport.close();
  });

  it('port-transport P1: what one run posted arrives in the order posted, both ways', async () => {
    const [a, b] = [opened(0), opened(1)];
    link(a, 0, b, 1);
    for (let i = 0; i < 100; i++) post(a, 0, 1, `a${i}`);
    a.transport.flush();
    for (let i = 0; i < 100; i++) post(b, 1, 0, `b${i}`);
    b.transport.flush();
    await until('all have arrived', () => a.arrived.length === 100 && b.arrived.length === 100);
    expect(b.arrived).deep.equals(Array.from({ length: 100 }, (_, i) => `a${i}`));
    expect(a.arrived).deep.equals(Array.from({ length: 100 }, (_, i) => `b${i}`));
  });

  it('port-transport P2: beyond the bound a frame is dropped and counted, and P1: the receiver hears of it before what follows', async () => {
    const [a, b] = [opened(0, 2000), opened(1)];
    link(a, 0, b, 1);
    const sent = 20;
    for (let i = 0; i < sent; i++) {
      post(a, 0, 1, `${i}-${'x'.repeat(500)}`);
      a.transport.flush(); // b cannot take anything meanwhile: this is one turn of the event loop
    }
    expect(a.transport.droppedCount).greaterThan(0);
    await until('the first ones have arrived', () => b.arrived.length === sent - a.transport.droppedCount);
    a.transport.flush();
    post(a, 0, 1, 'after');
    a.transport.flush();
    await until('the last has arrived', () => b.arrived.at(-1) === 'after');
    expect(b.arrived.filter((each) => each.startsWith('gap'))).deep.equals(['gap 0']);
    expect(b.arrived.indexOf('gap 0')).equals(sent - a.transport.droppedCount);
  });

  it('port-transport P2: a frame longer than the bound still fits an empty link', async () => {
    const [a, b] = [opened(0, 100), opened(1)];
    link(a, 0, b, 1);
    post(a, 0, 1, 'y'.repeat(5000));
    a.transport.flush();
    await until('it has arrived', () => b.arrived.length === 1);
  });

  it('port-transport P3: the sender is the thread at the other end of the link, whatever it says', async () => {
    const [a, b] = [opened(0), opened(1)];
    link(a, 0, b, 1);
    a.transport.post({
      to: { host: 'h', worker: 1, actor: 'x' },
      from: { host: 'other', worker: 7, actor: 'y' },
      message: { kind: 'hello' },
    });
    a.transport.flush();
    await until('it has arrived', () => b.envelopes.length === 1);
    expect(b.envelopes[0]?.from).deep.equals({ host: 'h', worker: 0, actor: 'y' });
  });

  it('port-transport P4: a link to a new thread is a gap, and what had been dropped meanwhile is one to that thread', async () => {
    const [a, b] = [opened(0), opened(1)];
    link(a, 0, b, 1);
    await b.transport.close();
    await until('the link is gone', () => {
      post(a, 0, 1, 'lost');
      a.transport.flush();
      return a.transport.droppedCount > 0;
    });
    const successor = opened(1);
    link(a, 0, successor, 1);
    expect(a.arrived).deep.equals(['gap 1']);
    post(a, 0, 1, 'hello');
    a.transport.flush();
    await until('it has arrived', () => successor.arrived.length === 2);
    expect(successor.arrived).deep.equals(['gap 0', 'hello']);
  });

  it('drops and counts what is for a thread that never was', () => {
    const a = opened(0);
    post(a, 0, 9, 'nobody');
    a.transport.flush();
    expect(a.transport.droppedCount).equals(1);
  });

  it('a message without an encoding ends the thread instead of being lost', async () => {
    const [a, b] = [opened(0), opened(1)];
    link(a, 0, b, 1);
    a.transport.post(envelope(0, 1, { kind: 'unencodable' }));
    expect(a.failures.map((error) => error.message)).deep.equals(['no encoding for unencodable']);
    post(a, 0, 1, 'next');
    a.transport.flush();
    await until('the rest has arrived', () => b.arrived.length === 1);
  });
});
