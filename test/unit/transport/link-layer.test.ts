// Two ends of links over a network made by hand: the test decides what is lost, repeated and reordered

import { expect } from 'chai';
import fc from 'fast-check';
import type { Envelope, TransportReceiver } from '../../../runtime/contract/transport.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { crc32 } from '../../../runtime/std/crc32.js';
import { decodeFrame, frameMajor } from '../../../messaging/protocol/frame.js';
import type { Place } from '../../../messaging/protocol/subject.js';
import { LinkLayer } from '../../../messaging/transport/link-layer.js';
import { defaultLinkLimits, type LinkLimits } from '../../../messaging/transport/link-limits.js';
import { textCodec } from '../../support/text-codec.js';

const clusterId = new Uint8Array(16).fill(1);
const small: Partial<LinkLimits> = {
  frameBytesTarget: 1000,
  frameBytesMax: 60_000,
  hostWindowInitialBytes: 3000,
  clientWindowInitialBytes: 3000,
  hostWindowTotalBytes: 8000,
  clientWindowTotalBytes: 8000,
  windowMinBytes: 2000,
  windowMaxBytes: 4000,
  outboxBytesMax: 20_000,
  outboxTotalBytesMax: 30_000,
};

class End implements TransportReceiver {
  readonly links: LinkLayer;
  readonly place: Place;
  readonly out: { readonly to: Place; readonly bytes: Uint8Array }[] = [];
  readonly got: string[] = [];
  readonly envelopes: Envelope[] = [];
  nowMs = 0;
  epoch = 0;
  waiting = 0;
  open = true;
  keepWaiting = false;

  constructor(
    place: Place,
    options: {
      instance?: number;
      clusterId?: Uint8Array | undefined;
      limits?: Partial<LinkLimits>;
      chunk?: number;
    } = {},
  ) {
    this.place = place;
    this.links = new LinkLayer(
      {
        place,
        clusterId: 'clusterId' in options ? options.clusterId : clusterId,
        instance: options.instance ?? 1000 + place.worker + (place.host.codePointAt(1) ?? 0),
        chunkBytesMax: () => options.chunk ?? 5000,
        limits: { ...defaultLinkLimits, ...options.limits },
      },
      {
        receiver: this,
        codec: textCodec,
        crc32,
        publish: (to, bytes) => {
          this.out.push({ to, bytes });
          return true;
        },
        mayPublish: () => this.open,
        nowMs: () => this.nowMs,
        hostEpoch: () => this.epoch,
        backlog: () => this.waiting,
      },
    );
    this.links.connected();
  }

  deliver(envelope: Envelope): void {
    this.got.push(envelope.message.kind);
    this.envelopes.push(envelope);
    if (this.keepWaiting) this.waiting++;
  }

  gap(host: string, worker: number): void {
    this.got.push(`gap ${host}/${worker}`);
  }

  send(to: Place, kind: string, padding = 0): void {
    const message = { kind, padding: 'x'.repeat(padding) };
    this.links.post({ from: { ...this.place, actor: 'a' }, to: { ...to, actor: 'b' }, message });
  }

  sendNow(to: Place, kind: string, padding = 0): void {
    this.send(to, kind, padding);
    this.links.flush();
  }

  take(): Uint8Array[] {
    return this.out.splice(0).map(({ bytes }) => bytes);
  }

  receive(from: End, frames: readonly Uint8Array[]): void {
    for (const bytes of frames) this.links.receive({ host: from.place.host, worker: from.place.worker }, bytes);
    this.links.flush();
  }
}

const h1: Place = { host: 'h1', worker: 0 };
const h2: Place = { host: 'h2', worker: 0 };
const c1: Place = { host: '@c1', worker: 0 };

/** Everything goes back and forth until nothing is on its way. */
function settle(a: End, b: End): void {
  for (let i = 0; i < 1000 && a.out.length + b.out.length > 0; i++) {
    b.receive(a, a.take());
    a.receive(b, b.take());
  }
}

function pair(limits: Partial<LinkLimits> = {}): { a: End; b: End } {
  return { a: new End(h1, { limits }), b: new End(h2, { limits }) };
}

describe('link-layer', () => {
  it('PERFORMANCE 1: what was posted in one turn leaves as one frame a place', () => {
    const a = new End(h1);
    for (let i = 0; i < 100; i++) {
      a.send(h2, `m${i}`);
      a.send({ host: 'h2', worker: 1 }, `n${i}`);
    }
    a.links.flush();
    expect(a.out.map(({ to }) => `${to.host}/${to.worker}`)).to.deep.equal(['h2/0', 'h2/1']);
    expect(decodeFrame(a.take()[0] as Uint8Array, crc32).messageCount).to.equal(100);
  });

  it('T3: a lost frame is told as a gap before what follows it', () => {
    const { a, b } = pair();
    for (const kind of ['one', 'two', 'three']) a.sendNow(h2, kind);
    const [first, , third] = a.take();
    b.receive(a, [first as Uint8Array, third as Uint8Array]);
    expect(b.got).to.deep.equal(['one', 'gap h1/0', 'three']);
    expect(b.links.stats().gaps).to.equal(1);
  });

  it('T1: repeated and reordered frames are delivered at most once', () => {
    const { a, b } = pair();
    for (const kind of ['one', 'two', 'three']) a.sendNow(h2, kind);
    const [first, second, third] = a.take() as [Uint8Array, Uint8Array, Uint8Array];
    b.receive(a, [first, first, third, second, third]);
    expect(b.got).to.deep.equal(['one', 'gap h1/0', 'three']);
    expect(b.links.stats().duplicates).to.equal(3);
  });

  it('K3 T3: after a reconnect both ends hear of a gap, and frames of before are stale', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'one');
    b.sendNow(h1, 'uno');
    settle(a, b);
    a.sendNow(h2, 'late');
    const late = a.take();
    a.links.disconnected();
    a.sendNow(h2, 'lost');
    a.links.connected();
    expect(a.got).to.deep.equal(['uno', 'gap h2/0']);
    a.sendNow(h2, 'two');
    b.receive(a, a.take());
    b.receive(a, late);
    expect(b.got).to.deep.equal(['one', 'gap h1/0', 'two']);
    expect(a.links.stats().messagesDropped).to.equal(1);
    expect(b.links.stats().stale).to.equal(1);
  });

  it('K3: the sender’s restart is a gap, and its former self is not heard any more', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'old');
    settle(a, b);
    const reborn = new End(h1, { instance: 5 });
    reborn.sendNow(h2, 'new');
    b.receive(reborn, reborn.take());
    a.sendNow(h2, 'zombie');
    b.receive(a, a.take());
    expect(b.got).to.deep.equal(['old', 'gap h1/0', 'new']);
  });

  it('T1: frames of an older registration of the host are dropped', () => {
    const { a, b } = pair();
    a.epoch = 20;
    a.sendNow(h2, 'registered');
    b.receive(a, a.take());
    const other = new End(h1, { instance: 6 });
    other.epoch = 19;
    other.sendNow(h2, 'zombie');
    b.receive(other, other.take());
    expect(b.got).to.deep.equal(['registered']);
  });

  it('T3: a lost tail is found by a probe', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'one');
    settle(a, b);
    a.sendNow(h2, 'lost');
    a.take();
    a.nowMs = 1000;
    a.links.tick();
    settle(a, b);
    expect(b.got).to.deep.equal(['one', 'gap h1/0']);
    a.nowMs = 100_000;
    a.links.tick();
    expect(a.out, 'settled: no more questions').to.deep.equal([]);
  });

  it('T5 K4: a receiver that takes nothing up stops its sender, and lets it go on as it does', () => {
    const { a, b } = pair(small);
    b.keepWaiting = true;
    for (let i = 0; i < 20; i++) a.sendNow(h2, `m${i}`, 700);
    settle(a, b);
    const stopped = b.got.length;
    expect(stopped).to.be.within(3, 8);
    expect(a.links.stats().waitingBytes).to.be.greaterThan(5000);
    while (b.got.length < 20) {
      expect(b.waiting, 'it is not stuck').to.be.greaterThan(0);
      b.waiting--;
      b.links.flush();
      settle(a, b);
    }
    expect(b.got).to.deep.equal(Array.from({ length: 20 }, (_, i) => `m${i}`));
    expect(a.links.stats().waitingBytes).to.equal(0);
  });

  it('T5: lost credits are asked for again', () => {
    const { a, b } = pair(small);
    for (let i = 0; i < 20; i++) a.sendNow(h2, `m${i}`, 700);
    b.receive(a, a.take());
    b.take(); // the grants are lost
    expect(a.links.stats().waitingBytes).to.be.greaterThan(0);
    for (let i = 0; i < 20 && a.links.stats().waitingBytes > 0; i++) {
      a.nowMs += 3000;
      a.links.tick();
      settle(a, b);
    }
    expect(b.got).to.deep.equal(Array.from({ length: 20 }, (_, i) => `m${i}`));
  });

  it('K1: beyond the outbox frames are dropped and counted, and the receiver hears of a gap', () => {
    const { a, b } = pair(small);
    for (let i = 0; i < 60; i++) a.sendNow(h2, `m${i}`, 700);
    const { framesDropped, waitingBytes } = a.links.stats();
    expect(framesDropped).to.be.greaterThan(10);
    expect(waitingBytes).to.be.at.most(20_000);
    settle(a, b);
    a.sendNow(h2, 'last');
    settle(a, b);
    expect(b.got.slice(-2)).to.deep.equal(['gap h1/0', 'last']);
    expect(b.got.filter((kind) => kind.startsWith('m'))).to.have.length(60 - framesDropped);
  });

  it('K1: all links together keep a bounded number of bytes', () => {
    const a = new End(h1, { limits: small });
    for (let i = 0; i < 40; i++) for (const host of ['h2', 'h3', 'h4']) a.sendNow({ host, worker: 0 }, `m${i}`, 700);
    expect(a.links.stats().waitingBytes).to.be.within(20_000, 30_000);
  });

  it('K1: what no frame can hold is dropped and counted; what has no encoding is a bug', () => {
    const { a } = pair(small);
    a.sendNow(h2, 'huge', 61_000);
    a.sendNow({ host: 'not a name', worker: 0 }, 'x');
    a.sendNow({ host: 'h2', worker: 99 }, 'x');
    a.sendNow({ host: '*', worker: 0 }, 'hosts do not look for hosts');
    expect(a.out).to.deep.equal([]);
    expect(a.links.stats().messagesDropped).to.equal(4);
    expect(() => a.send(h2, 'unencodable')).to.throw(AssertionError);
    a.sendNow(h2, 'fine');
    expect(a.out).to.have.length(1);
  });

  it('K1: nothing is published while the network takes no more, and all of it after', () => {
    const { a, b } = pair();
    a.open = false;
    for (const kind of ['one', 'two']) a.sendNow(h2, kind);
    expect(a.out).to.deep.equal([]);
    a.open = true;
    a.links.resume();
    settle(a, b);
    expect(b.got).to.deep.equal(['one', 'two']);
  });

  it('T5: a long message is cut, and one lost piece is a gap', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'long', 20_000);
    const chunks = a.take();
    expect(chunks).to.have.length(5);
    b.receive(a, chunks);
    expect(b.got).to.deep.equal(['long']);
    a.sendNow(h2, 'lost', 20_000);
    const more = a.take();
    more.splice(2, 1);
    b.receive(a, more);
    a.sendNow(h2, 'next');
    b.receive(a, a.take());
    expect(b.got).to.deep.equal(['long', 'gap h1/0', 'next']);
  });

  it('K5: messages do not see what happens to the bytes they came in', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'one');
    const [bytes] = a.take() as [Uint8Array];
    b.receive(a, [bytes]);
    bytes.fill(0);
    expect(b.envelopes[0]).to.deep.equal({
      from: { host: 'h1', worker: 0, actor: 'a' },
      to: { host: 'h2', worker: 0, actor: 'b' },
      message: { kind: 'one', padding: '' },
    });
  });

  it('K2: the sender must be the one of the subject, the receiver this place, the cluster ours', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'one');
    const [bytes] = a.take() as [Uint8Array];
    b.links.receive({ host: 'h3', worker: 0 }, bytes);
    b.links.receive({ host: 'h1', worker: 1 }, bytes);
    b.links.receive({ host: '', worker: undefined }, bytes);
    new End({ host: 'h3', worker: 0 }).receive(a, [bytes]);
    expect(b.links.stats().garbage).to.equal(3);
    const stranger = new End(h1, { clusterId: new Uint8Array(16).fill(2) });
    stranger.sendNow(h2, 'strange');
    b.receive(stranger, stranger.take());
    expect(b.links.stats().otherCluster).to.equal(1);
    expect(b.got).to.deep.equal([]);
    b.receive(a, [bytes]);
    expect(b.got).to.deep.equal(['one']);
  });

  it('a frame of another major version is counted as such', () => {
    const { a, b } = pair();
    a.sendNow(h2, 'one');
    const [bytes] = a.take() as [Uint8Array];
    bytes[4] = frameMajor + 1;
    b.receive(a, [bytes]);
    expect(b.links.stats()).to.include({ otherVersion: 1, garbage: 0 });
  });

  it('a client asks whichever host, keeps to the cluster that answers, and to no other', () => {
    const client = new End(c1, { clusterId: undefined });
    const host = new End(h1);
    client.sendNow({ host: '*', worker: 0 }, 'who');
    const asked = client.out.splice(0);
    expect(asked[0]?.to).to.deep.equal({ host: '*', worker: 0 });
    host.receive(client, [asked[0]?.bytes as Uint8Array]);
    expect(host.envelopes[0]?.to).to.deep.equal({ host: 'h1', worker: 0, actor: 'b' });
    expect(client.links.clusterId).to.equal(undefined);
    host.sendNow(c1, 'me');
    client.receive(host, host.take());
    expect(client.links.clusterId).to.deep.equal(clusterId);
    const stranger = new End(h2, { clusterId: new Uint8Array(16).fill(2) });
    stranger.sendNow(c1, 'no, me');
    client.receive(stranger, stranger.take());
    expect(client.got).to.deep.equal(['me']);
    client.sendNow(h1, 'hello');
    settle(client, host);
    expect(host.got).to.deep.equal(['who', 'hello']);
  });

  it('only a client may do without a cluster id', () => {
    expect(() => new End(h1, { clusterId: undefined })).to.throw(AssertionError);
  });

  it('client links are bounded: the one idle longest is forgotten, and serves again when it speaks', () => {
    const limits = { clientLinkCountMax: 3 };
    const host = new End(h1, { limits });
    const clients = Array.from({ length: 5 }, (_, i) => new End({ host: `@c${i}`, worker: 0 }));
    for (const client of clients) {
      client.sendNow(h1, `hello ${client.place.host}`);
      settle(client, host);
    }
    expect(host.links.stats().links).to.equal(3);
    const first = clients[0] as End;
    host.sendNow(first.place, 'still there?');
    settle(host, first);
    first.sendNow(h1, 'yes');
    settle(first, host);
    expect(first.got).to.include('still there?');
    expect(host.got.at(-1)).to.equal('yes');
    expect(host.links.stats().links).to.equal(3);
  });

  it('tens of thousands of clients cost a bounded tick and nothing else', () => {
    const host = new End(h1);
    for (let i = 0; i < 20_000; i++) host.send({ host: `@c${i}`, worker: 0 }, 'hello');
    host.links.flush();
    expect(host.out).to.have.length(20_000);
    expect(host.links.stats().links).to.equal(20_000);
  });

  it('K1: nothing at all but counters comes of random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (frames) => {
        const b = new End(h2);
        for (const bytes of frames) b.links.receive({ host: 'h1', worker: 0 }, bytes);
        expect(b.got).to.deep.equal([]);
        expect(b.links.stats().garbage + b.links.stats().otherVersion).to.equal(frames.length);
      }),
      { numRuns: 300 },
    );
  });

  it('T3 T5: under any loss, repetition, reordering and reconnects, order holds, losses are told, and service resumes', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('send' as const), from: fc.nat(1), size: fc.nat(1500) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), from: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const), from: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), from: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('swap' as const), from: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), from: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const), from: fc.nat(1) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { a, b } = pair(small);
        const ends = [a, b] as const;
        const wire: Uint8Array[][] = [[], []];
        let next = 0;
        for (const action of steps) {
          const from = ends[action.from] as End;
          const to = ends[1 - action.from] as End;
          const frames = wire[action.from] as Uint8Array[];
          switch (action.do) {
            case 'send':
              from.sendNow(to.place, `m${next++}`, action.size);
              break;
            case 'pass':
              to.receive(from, frames.splice(0));
              break;
            case 'lose':
              frames.shift();
              break;
            case 'repeat':
              if (frames[0] !== undefined) frames.push(frames[0]);
              break;
            case 'swap':
              frames.reverse();
              break;
            case 'reconnect':
              from.links.disconnected();
              from.links.connected();
              break;
            case 'tick':
              for (const end of ends) {
                end.nowMs += 250;
                end.links.tick();
              }
              break;
          }
          for (const [i, end] of ends.entries()) (wire[i] as Uint8Array[]).push(...end.take());
        }
        // Heal: what is still on its way arrives, then time passes and everything posted gets through.
        for (const [i, end] of ends.entries()) (ends[1 - i] as End).receive(end, (wire[i] as Uint8Array[]).splice(0));
        const quiet = (): void => {
          for (let i = 0; i < 12; i++) {
            settle(a, b);
            for (const end of ends) {
              end.nowMs += 2500;
              end.links.tick();
            }
          }
          settle(a, b);
        };
        quiet();
        for (const end of ends) end.got.push('healed');
        a.sendNow(h2, `m${next}`, 1500);
        b.sendNow(h1, `m${next}`, 1500);
        quiet();
        for (const end of ends) {
          const after = end.got.slice(end.got.indexOf('healed') + 1);
          expect(after.filter((kind) => !kind.startsWith('gap'))).to.deep.equal([`m${next}`]);
          expect(end.links.stats().waitingBytes).to.equal(0);
          const numbers = end.got.filter((kind) => kind.startsWith('m')).map((kind) => Number(kind.slice(1)));
          for (let i = 1; i < numbers.length; i++) expect(numbers[i]).to.be.greaterThan(numbers[i - 1] as number);
        }
        // I2: between two messages that arrived one after the other with others sent between them, a gap was told.
        for (const [i, end] of ends.entries()) {
          const sent: number[] = [];
          let number = 0;
          for (const action of steps) if (action.do === 'send') (action.from === 1 - i ? sent : []).push(number++);
          sent.push(next);
          let expected = 0;
          let told = false;
          for (const kind of end.got) {
            if (kind.startsWith('gap')) told = true;
            if (!kind.startsWith('m')) continue;
            const at = sent.indexOf(Number(kind.slice(1)));
            if (at > expected) expect(told, `${kind} after a loss`).to.equal(true);
            expected = at + 1;
            told = false;
          }
        }
      }),
      { numRuns: 400 },
    );
  });
});
