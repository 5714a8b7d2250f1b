// What every transport does: the suite that the simulated, the threads' and the NATS transport all pass
// =============================================================================
//
// If they do, what the simulation says of lost, late and repeated messages is said of the real thing too.

import { expect } from 'chai';
import type { Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import type { Envelope, Transport, TransportReceiver } from '../../runtime/contract/transport.js';

/** A world with a network in which nothing is lost unless asked for. */
export interface TransportWorld {
  /** Plugs a worker in. Called at most once for a place, unless its transport was closed. Ready to receive when it returns. */
  attach(host: string, worker: number, receiver: TransportReceiver): Transport | Promise<Transport>;
  /** Lets time pass until the condition holds; rejects after a generous deadline. */
  until(condition: () => boolean): Promise<void>;
  /** Lets whatever is under way arrive. */
  quiesce(): Promise<void>;
  /** A message with this number in it that the transport can carry; two workers of one host count as `local`. */
  message(number: number): Message;
  /** The number in a message that arrived. */
  numberOf(message: Message): number;
  /** Loses everything that is flushed on this way until the returned function is called. Absent where losses cannot be caused. */
  lose?: (from: Place, to: Place) => () => void | Promise<void>;
  /** The two places between which the suite sends; other places are derived from them. */
  readonly places: readonly [Place, Place, Place];
  close(): Promise<void>;
}

export interface Place {
  readonly host: string;
  readonly worker: number;
}

/** Keeps what arrives, in order, gaps among it. */
class Recorder implements TransportReceiver {
  readonly envelopes: Envelope[] = [];
  readonly log: (number | 'gap')[] = [];
  readonly gaps: Place[] = [];
  readonly #numberOf: (message: Message) => number;

  constructor(world: TransportWorld) {
    this.#numberOf = (message) => world.numberOf(message);
  }

  deliver(envelope: Envelope): void {
    this.envelopes.push(envelope);
    this.log.push(this.#numberOf(envelope.message));
  }

  gap(host: string, worker: number): void {
    this.gaps.push({ host, worker });
    this.log.push('gap');
  }

  get numbers(): number[] {
    return this.log.filter((entry) => entry !== 'gap');
  }
}

function at(place: Place, actor: string): Address {
  return { host: place.host, worker: place.worker, actor };
}

export function describeTransport(name: string, make: () => TransportWorld | Promise<TransportWorld>): void {
  describe(`${name} is a transport`, () => {
    let world: TransportWorld;
    let a: Transport;
    let b: Transport;
    let c: Transport;
    let atA: Recorder;
    let atB: Recorder;
    let atC: Recorder;

    beforeEach(async () => {
      world = await make();
      [atA, atB, atC] = [new Recorder(world), new Recorder(world), new Recorder(world)];
      const [placeA, placeB, placeC] = world.places;
      a = await world.attach(placeA.host, placeA.worker, atA);
      b = await world.attach(placeB.host, placeB.worker, atB);
      c = await world.attach(placeC.host, placeC.worker, atC);
    });

    afterEach(async () => {
      for (const transport of [a, b, c]) await transport.close();
      await world.close();
    });

    const post = (transport: Transport, from: Place, to: Place, number: number): void =>
      transport.post({ from: at(from, 'sender'), to: at(to, 'receiver'), message: world.message(number) });

    it('carries a message with its addresses and its content', async () => {
      const [placeA, placeB] = world.places;
      post(a, placeA, placeB, 7);
      a.flush();
      await world.until(() => atB.envelopes.length === 1);
      const [envelope] = atB.envelopes;
      expect(envelope?.from).to.deep.equal(at(placeA, 'sender'));
      expect(envelope?.to).to.deep.equal(at(placeB, 'receiver'));
      expect(envelope?.message).to.deep.equal(world.message(7));
      expect(atA.envelopes).to.have.length(0);
      expect(atC.envelopes).to.have.length(0);
    });

    it('delivers from the event loop, never inside post or flush', async () => {
      const [placeA, placeB] = world.places;
      post(a, placeA, placeB, 1);
      expect(atB.envelopes).to.have.length(0);
      a.flush();
      expect(atB.envelopes).to.have.length(0);
      await world.until(() => atB.envelopes.length === 1);
    });

    it('sends nothing before it is flushed', async () => {
      const [placeA, placeB, placeC] = world.places;
      post(a, placeA, placeB, 1);
      post(c, placeC, placeB, 2);
      c.flush();
      await world.until(() => atB.numbers.includes(2));
      await world.quiesce();
      expect(atB.numbers).to.deep.equal([2]);
    });

    it('keeps the order of a link as long as nothing is lost', async () => {
      const [placeA, placeB] = world.places;
      const count = 2000;
      for (let number = 0; number < count; number++) {
        post(a, placeA, placeB, number);
        if (number % 37 === 0) a.flush();
      }
      a.flush();
      await world.until(() => atB.envelopes.length === count);
      expect(atB.log).to.deep.equal(Array.from({ length: count }, (_, number) => number));
    });

    it('takes each message of one flush to its own destination', async () => {
      const [placeA, placeB, placeC] = world.places;
      for (let number = 0; number < 50; number++) post(a, placeA, number % 2 === 0 ? placeB : placeC, number);
      a.flush();
      await world.until(() => atB.envelopes.length === 25 && atC.envelopes.length === 25);
      expect(atB.numbers.every((number) => number % 2 === 0)).to.equal(true);
      expect(atC.numbers.every((number) => number % 2 === 1)).to.equal(true);
    });

    it('carries both ways at once, and tells nobody of a gap when nothing was lost', async () => {
      const [placeA, placeB] = world.places;
      for (let number = 0; number < 100; number++) {
        post(a, placeA, placeB, number);
        post(b, placeB, placeA, number);
        a.flush();
        b.flush();
      }
      await world.until(() => atA.envelopes.length === 100 && atB.envelopes.length === 100);
      expect(atA.gaps).to.have.length(0);
      expect(atB.gaps).to.have.length(0);
    });

    it('drops what is for nobody, without a word and without harm to the rest', async () => {
      const [placeA, placeB] = world.places;
      post(a, placeA, { host: 'nobody', worker: 0 }, 1);
      post(a, placeA, placeB, 2);
      a.flush();
      await world.until(() => atB.envelopes.length === 1);
      expect(atB.numbers).to.deep.equal([2]);
    });

    it('shares no object that sender or receiver could change', async () => {
      const [placeA, placeB] = world.places;
      const sent = world.message(3);
      a.post({ from: at(placeA, 'sender'), to: at(placeB, 'receiver'), message: sent });
      a.flush();
      await world.until(() => atB.envelopes.length === 1);
      const received = atB.envelopes[0]?.message;
      expect(received !== sent || Object.isFrozen(sent)).to.equal(true);
    });

    it('T3. tells the receiver of a gap before the first message that comes after a loss', async function () {
      const { lose } = world;
      if (lose === undefined) this.skip();
      const [placeA, placeB] = world.places;
      post(a, placeA, placeB, 1);
      a.flush();
      await world.until(() => atB.envelopes.length === 1);
      const stop = lose(placeA, placeB);
      post(a, placeA, placeB, 2);
      a.flush();
      await world.quiesce();
      await stop();
      post(a, placeA, placeB, 3);
      a.flush();
      await world.until(() => atB.numbers.includes(3));
      expect(atB.log).to.deep.equal([1, 'gap', 3]);
      expect(atB.gaps).to.deep.equal([placeA]);
    });

    it('neither throws nor delivers once it is closed', async () => {
      const [placeA, placeB] = world.places;
      post(a, placeA, placeB, 1);
      await a.close();
      post(a, placeA, placeB, 2);
      a.flush();
      await world.quiesce();
      expect(atB.envelopes).to.have.length(0);
      await a.close();
    });
  });
}
