import { expect } from 'chai';
import type { Envelope, TransportReceiver } from '../../../runtime/contract/transport.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { localNetwork } from '../../../messaging/transport/local-transport.js';

class Inbox implements TransportReceiver {
  readonly kinds: string[] = [];
  readonly envelopes: Envelope[] = [];
  readonly gaps: string[] = [];

  deliver(envelope: Envelope): void {
    this.kinds.push(envelope.message.kind);
    this.envelopes.push(envelope);
  }

  gap(host: string, worker: number): void {
    this.gaps.push(`${host}/${worker}`);
  }
}

class Later {
  readonly #runs: (() => void)[] = [];

  readonly defer = (run: () => void): void => {
    this.#runs.push(run);
  };

  /** Runs what was deferred up to now. */
  turn(): void {
    for (const run of this.#runs.splice(0)) run();
  }
}

const envelope = (from: string, to: string, kind: string): Envelope => ({
  from: { host: from, worker: 0, actor: 'a' },
  to: { host: to, worker: 0, actor: 'b' },
  message: { kind },
});

describe('local-transport', () => {
  it('Y1: delivers after the flush returned, in order', () => {
    const later = new Later();
    const network = localNetwork(later.defer);
    const inbox = new Inbox();
    const a = network.join({ host: '@c', worker: 0 }, new Inbox());
    network.join({ host: 'h1', worker: 0 }, inbox);
    a.post(envelope('@c', 'h1', 'one'));
    later.turn();
    expect(inbox.kinds).to.deep.equal([]);
    a.post(envelope('@c', 'h1', 'two'));
    a.flush();
    expect(inbox.kinds).to.deep.equal([]);
    later.turn();
    expect(inbox.kinds).to.deep.equal(['one', 'two']);
  });

  it('what is sent during a delivery waits for the next', () => {
    const later = new Later();
    const network = localNetwork(later.defer);
    const inbox = new Inbox();
    const host = network.join(
      { host: 'h1', worker: 0 },
      {
        deliver: () => {
          host.post(envelope('h1', '@c', 'echo'));
          host.flush();
        },
        gap: () => undefined,
      },
    );
    const client = network.join({ host: '@c', worker: 0 }, inbox);
    client.post(envelope('@c', 'h1', 'hello'));
    client.flush();
    later.turn();
    expect(inbox.kinds).to.deep.equal([]);
    later.turn();
    expect(inbox.kinds).to.deep.equal(['echo']);
  });

  it('whichever host: one of those who are there, in turn, under its own address', () => {
    const later = new Later();
    const network = localNetwork(later.defer);
    const inboxes = [new Inbox(), new Inbox()] as const;
    network.join({ host: 'h1', worker: 0 }, inboxes[0]);
    network.join({ host: 'h2', worker: 0 }, inboxes[1]);
    network.join({ host: 'h2', worker: 1 }, new Inbox());
    const client = network.join({ host: '@c', worker: 0 }, new Inbox());
    for (let i = 0; i < 4; i++) client.post(envelope('@c', '*', `ask-${i}`));
    client.flush();
    later.turn();
    expect(inboxes.map(({ envelopes }) => envelopes.map(({ to }) => to.host))).to.deep.equal([
      ['h1', 'h1'],
      ['h2', 'h2'],
    ]);
  });

  it('Y1: drops and counts what is for nobody, and nothing reaches whoever left', async () => {
    const later = new Later();
    const network = localNetwork(later.defer);
    const inbox = new Inbox();
    const a = network.join({ host: '@c', worker: 0 }, new Inbox());
    const b = network.join({ host: 'h1', worker: 0 }, inbox);
    a.post(envelope('@c', 'h9', 'lost'));
    a.post(envelope('@c', 'h1', 'late'));
    a.flush();
    await b.close();
    later.turn();
    expect(inbox.kinds).to.deep.equal([]);
    expect(a.droppedCount).to.equal(1);
    b.post(envelope('h1', '@c', 'after closing'));
    expect(b.droppedCount).to.equal(1);
    expect(() => network.join({ host: '@c', worker: 0 }, new Inbox())).to.throw(AssertionError);
    network.join({ host: 'h1', worker: 0 }, new Inbox());
  });

  it('Y2: what waits is bounded, and the receiver hears of the rest as a gap', () => {
    const later = new Later();
    const network = localNetwork(later.defer);
    const inbox = new Inbox();
    const a = network.join({ host: '@c', worker: 0 }, new Inbox());
    network.join({ host: 'h1', worker: 0 }, inbox);
    for (let i = 0; i < 100_010; i++) a.post(envelope('@c', 'h1', 'x'));
    a.flush();
    later.turn();
    expect(inbox.kinds).to.have.length(100_000);
    expect(inbox.gaps).to.deep.equal(['@c/0']);
    expect(a.droppedCount).to.equal(10);
  });
});
