import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import type { Envelope, Transport, TransportReceiver } from '../../../runtime/contract/transport.js';
import { Scheduler } from '../../../runtime/simulation/scheduler.js';
import { type NetworkOptions, SimulatedNetwork } from '../../../runtime/simulation/simulated-network.js';
import { Trace } from '../../../runtime/simulation/trace.js';
import { seededRandom } from '../../../runtime/std/random.js';

interface Numbered extends Message {
  readonly n: number;
}

class Inbox implements TransportReceiver {
  readonly log: (number | 'gap')[] = [];

  deliver(envelope: Envelope): void {
    this.log.push((envelope.message as Numbered).n);
  }

  gap(): void {
    this.log.push('gap');
  }

  get numbers(): number[] {
    return this.log.filter((entry) => entry !== 'gap');
  }
}

/** Three hosts and a client, one worker each, on a network that carries one message a frame. */
class Wires {
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly inboxes = new Map<string, Inbox>();
  readonly #transports = new Map<string, Transport>();

  constructor(seed: string, options: Partial<NetworkOptions> = {}) {
    this.scheduler = new Scheduler(seededRandom(`${seed}/scheduler`));
    this.network = new SimulatedNetwork(this.scheduler, seededRandom(seed), new Trace(), {
      frameMessageCountMax: 1,
      ...options,
    });
    for (const host of ['a', 'b', 'c', '@x']) this.attach(host);
  }

  attach(host: string): void {
    const inbox = new Inbox();
    this.inboxes.set(host, inbox);
    this.#transports.set(host, this.network.attach(host, 0, inbox));
  }

  send(from: string, to: string, n: number, kind = 'numbered'): void {
    const message: Numbered = { kind, n };
    const transport = this.#transports.get(from);
    transport?.post({ from: { host: from, worker: 0, actor: 's' }, to: { host: to, worker: 0, actor: 'r' }, message });
    transport?.flush();
  }

  run(durationMs = 1000): void {
    const untilMs = this.scheduler.nowMs + durationMs;
    for (let next = this.scheduler.nextMs(); next !== undefined && next <= untilMs; next = this.scheduler.nextMs())
      this.scheduler.step();
    this.scheduler.advanceTo(untilMs);
  }

  got(host: string): (number | 'gap')[] {
    return this.inboxes.get(host)?.log ?? [];
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('the simulated network', () => {
  it('N1. keeps the order of a link though every frame has a delay of its own', () => {
    const wires = new Wires('order', { delayMeanMs: 50, delayMaxMs: 1000 });
    for (const n of upTo(200)) wires.send('a', 'b', n);
    wires.run(100_000);
    expect(wires.got('b')).to.deep.equal(upTo(200));
  });

  it('N1. N2. reorders, repeats and loses as it is told, and reports each hole that a later frame shows', () => {
    const wires = new Wires('chaos', {
      lossProbability: 0.2,
      duplicateProbability: 0.2,
      reorderProbability: 0.2,
    });
    for (const n of upTo(500)) wires.send('a', 'b', n);
    wires.run(10_000);
    const log = wires.got('b');
    const numbers = log.filter((entry) => entry !== 'gap');
    expect(new Set(numbers).size).to.be.within(330, 470);
    expect(numbers.length).to.be.greaterThan(new Set(numbers).size);
    expect(numbers).to.not.deep.equal([...numbers].sort((x, y) => x - y));
    let highest = -1;
    log.forEach((entry, i) => {
      if (entry === 'gap' || entry <= highest) return;
      expect(log[i - 1] === 'gap', `before ${entry}, after ${highest}`).to.equal(entry > highest + 1);
      highest = entry;
    });
  });

  it('N4. between a client and a host no frame arrives twice or late, also when another process has taken the place of the first', () => {
    const wires = new Wires('client', { duplicateProbability: 0.5, reorderProbability: 0.2, reorderMs: 50 });
    for (const n of upTo(200)) wires.send('@x', 'a', n);
    wires.run(5);
    const before = wires.got('a').filter((entry) => entry !== 'gap');
    wires.network.detach('a', 0);
    wires.attach('a');
    wires.run(10_000);
    const numbers = [...before, ...wires.got('a').filter((entry) => entry !== 'gap')];
    expect(numbers).to.deep.equal([...new Set(numbers)].sort((x, y) => x - y));
    expect(numbers.length).to.be.greaterThan(50);
  });

  it('N3. shares no message unseen: it is frozen to its depth', () => {
    const wires = new Wires('frozen');
    const message = { kind: 'deep', inner: { list: [1, { deeper: true }], bytes: new Uint8Array(2) } };
    const transport = wires.network.attach('d', 0, new Inbox());
    const here = { host: 'd', worker: 0, actor: 's' };
    transport.post({ from: here, to: { host: 'a', worker: 0, actor: 'r' }, message });
    transport.flush();
    expect(Object.isFrozen(message)).to.equal(true);
    expect(Object.isFrozen(message.inner.list[1])).to.equal(true);
    expect(() => message.inner.list.push(2)).to.throw(TypeError);
  });

  it('cuts one way, both ways, and a node from everybody, until healed', () => {
    const wires = new Wires('cuts');
    const one = wires.network.cutOneWay(['a'], ['b']);
    wires.send('a', 'b', 1);
    wires.send('b', 'a', 2);
    wires.run();
    expect([wires.got('b'), wires.got('a')]).to.deep.equal([[], [2]]);
    one();
    one();
    const two = wires.network.partition(['a', '@x'], ['b', 'c']);
    wires.send('a', 'c', 3);
    wires.send('c', 'a', 4);
    wires.send('a', '@x', 5);
    wires.run();
    expect([wires.got('c'), wires.got('a'), wires.got('@x')]).to.deep.equal([[], [2], [5]]);
    const alone = wires.network.isolate('c');
    two();
    wires.send('b', 'c', 6);
    wires.send('c', '@x', 7);
    wires.send('a', 'b', 8);
    wires.run();
    expect([wires.got('c'), wires.got('@x'), wires.got('b')]).to.deep.equal([[], [5], ['gap', 8]]);
    alone();
    wires.send('b', 'c', 9);
    wires.run();
    expect(wires.got('c')).to.deep.equal(['gap', 9]);
  });

  it('cuts off what is under way, too', () => {
    const wires = new Wires('under way', { delayMinMs: 10 });
    wires.send('a', 'b', 1);
    wires.run(5);
    const heal = wires.network.cutOneWay(['a'], ['b']);
    wires.run(100);
    heal();
    expect(wires.got('b')).to.deep.equal([]);
  });

  it('holds everything back on a clogged way, and lets go of it at once, in order', () => {
    const wires = new Wires('clog');
    wires.network.clog('a', 'b', 500);
    for (const n of upTo(20)) wires.send('a', 'b', n);
    wires.run(499);
    expect(wires.got('b')).to.deep.equal([]);
    wires.run(2);
    expect(wires.got('b')).to.deep.equal(upTo(20));
  });

  it('slows one way only', () => {
    const wires = new Wires('slow', { delayMinMs: 1, delayMeanMs: 0 });
    wires.network.slow('a', 'b', 100);
    wires.send('a', 'b', 1);
    wires.send('b', 'a', 2);
    wires.run(50);
    expect([wires.got('a'), wires.got('b')]).to.deep.equal([[2], []]);
    wires.run(60);
    expect(wires.got('b')).to.deep.equal([1]);
  });

  it('drops by kind when a filter says so, and that is a gap like any loss', () => {
    const wires = new Wires('filter');
    const heal = wires.network.filter(({ message }) => (message.kind === 'vote' ? 'drop' : 'pass'));
    wires.send('a', 'b', 1);
    wires.send('a', 'b', 2, 'vote');
    wires.send('a', 'b', 3);
    heal();
    wires.send('a', 'b', 4, 'vote');
    wires.run();
    expect(wires.got('b')).to.deep.equal([1, 'gap', 3, 4]);
  });

  it('loses everything with its broker, but what waits in a reconnect buffer, which comes late (T4)', () => {
    const wires = new Wires('broker', { delayMinMs: 10 });
    wires.send('a', 'b', 1);
    wires.run(5);
    wires.network.stopBroker();
    wires.send('a', 'b', 2);
    wires.run(100);
    wires.network.startBroker();
    wires.send('a', 'b', 3);
    wires.run(100);
    expect(wires.got('b')).to.deep.equal(['gap', 3]);
    wires.network.options.reconnectBufferProbability = 1;
    wires.network.stopBroker();
    wires.send('a', 'b', 4);
    wires.run(100);
    expect(wires.got('b')).to.deep.equal(['gap', 3]);
    wires.network.startBroker();
    wires.run(100);
    expect(wires.got('b')).to.deep.equal(['gap', 3, 4]);
  });

  it('brings a discovery to any host that runs, never to a client', () => {
    const wires = new Wires('discovery');
    wires.network.detach('c', 0);
    for (const n of upTo(50)) wires.send('@x', '*', n);
    wires.run();
    expect(wires.got('a').length + wires.got('b').length).to.equal(50);
    expect(wires.got('a').length).to.be.within(5, 45);
    expect(wires.got('c')).to.deep.equal([]);
  });

  it('tells a restarted receiver of no gap it could not know of, and numbers a restarted sender anew', () => {
    const wires = new Wires('restart');
    wires.send('a', 'b', 1);
    wires.run();
    wires.network.detach('b', 0);
    wires.send('a', 'b', 2);
    wires.run();
    wires.attach('b');
    wires.send('a', 'b', 3);
    wires.run();
    expect(wires.got('b')).to.deep.equal([3]);
    wires.network.detach('a', 0);
    wires.network.detach('a', 0);
    wires.attach('a');
    wires.send('a', 'b', 4);
    wires.run();
    expect(wires.got('b')).to.deep.equal([3, 4]);
  });

  it('loses what is beyond the frames that a link may have under way', () => {
    const wires = new Wires('full', { linkFrameCountMax: 10 });
    for (const n of upTo(25)) wires.send('a', 'b', n);
    wires.run();
    expect(wires.got('b')).to.deep.equal(upTo(10));
    expect(wires.network.counts.lost).to.equal(15);
  });

  it('ends cuts, clogs, slowness and filters with one call', () => {
    const wires = new Wires('heal');
    wires.network.isolate('a');
    wires.network.clog('a', 'b', 1e6);
    wires.network.slow('a', 'b', 1000);
    wires.network.filter(() => 'drop');
    wires.network.stopBroker();
    wires.network.heal();
    wires.send('a', 'b', 1);
    wires.run(30);
    expect(wires.got('b')).to.deep.equal([1]);
  });

  it('holds everything in a paused broker, and delivers it at once and in order', () => {
    const wires = new Wires('paused');
    const resume = wires.network.pauseBroker();
    for (const n of upTo(20)) wires.send('a', 'b', n);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal([]);
    resume();
    resume();
    expect(wires.got('b')).to.deep.equal(upTo(20));
    wires.send('a', 'b', 20);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal(upTo(21));
  });

  it('keeps what a disconnected node sends until it is back, and loses what is sent to it', () => {
    const wires = new Wires('away');
    const back = wires.network.disconnect('a');
    wires.send('a', 'b', 1);
    wires.send('b', 'a', 2);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal([]);
    back();
    wires.send('b', 'a', 3);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal([1]);
    expect(wires.got('a')).to.deep.equal(['gap', 3]);
    expect(wires.network.counts.reconnected).to.equal(1);
  });

  it('gives up what waits for a slow receiver, which then sees a gap', () => {
    const wires = new Wires('slow consumer');
    wires.network.clog('a', 'b', 500);
    for (const n of upTo(5)) wires.send('a', 'b', n);
    wires.run(100);
    expect(wires.network.dropUnderWay('b')).to.equal(5);
    wires.send('a', 'b', 5);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal(['gap', 5]);
  });

  it('keeps every fault from the ways between sheltered nodes, until healed', () => {
    const wires = new Wires('shelter', { lossProbability: 1 });
    const { network } = wires;
    network.isolate('a');
    network.trouble('a', 'b', { leaves: () => 'swallowed' });
    network.filter(() => 'drop');
    network.stopBroker();
    network.pauseBroker();
    network.disconnect('b');
    network.protect(['a', 'b']);
    for (const n of upTo(10)) wires.send('a', 'b', n);
    wires.send('a', 'c', 10);
    network.trouble('a', 'b', { leaves: () => 'swallowed' });
    wires.send('a', 'b', 11);
    wires.run(1000);
    expect(wires.got('b')).to.deep.equal([...upTo(10), 11]);
    expect(wires.got('c')).to.deep.equal([]);
    network.heal();
    wires.send('a', 'b', 12);
    wires.run(1000);
    expect(wires.got('b').at(-1)).to.equal(11); // all is lost again
  });

  it('calls when the next frame is about to leave, which never does', () => {
    const wires = new Wires('mute');
    let calls = 0;
    const unmute = wires.network.muteFromNextSend('a', () => calls++);
    wires.send('b', 'a', 1);
    expect(calls).to.equal(0);
    wires.send('a', 'b', 2);
    wires.send('a', 'b', 3);
    expect(calls).to.equal(1);
    unmute();
    wires.send('a', 'b', 4);
    wires.run(1000);
    expect(wires.got('a')).to.deep.equal([1]);
    expect(wires.got('b')).to.deep.equal(['gap', 4]);
  });

  it('N5. fails when a damaged frame is taken for a sound one', () => {
    const wires = new Wires('damaged');
    expect(() => wires.network.expectRefused(new Uint8Array(1))).to.throw('N5');
    wires.network.frameCodec = { pack: () => new Uint8Array(9), refuses: (bytes) => bytes.length < 9 };
    wires.network.expectRefused(new Uint8Array(8));
    expect(() => wires.network.expectRefused(new Uint8Array(9))).to.throw('N5');
  });
});
