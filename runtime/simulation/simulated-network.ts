// The network between simulated hosts: a broker that promises nothing
// =============================================================================
//
// Every frame between hosts, or between a client and a host, passes one broker. It may be delayed, lost, repeated or
// reordered, each with its own probability, cut off by a partition, or lost with the broker. Between workers of one host
// there are ports: quick, in order, and lost only with the worker at their end.
//
// Owns:     who can hear whom, when a frame arrives, the gaps that receivers are told of.
// Does not: know any message beyond its kind.
//
// Invariants
//   N1. Frames of one link arrive in the order sent, unless one was drawn to be reordered.
//   N2. When a frame was lost and a later one of its link arrives, the receiver is told of a gap before that one.
//   N4. Between a client and a host no frame arrives twice, or after a later one, as under messaging/transport (receiving-link I1): a client
//       takes a refusal for the fate of the only copy there is. Between hosts repetitions and late frames do arrive.
//   N3. A message crosses hosts as the bytes of the codec, or frozen when there is none: no object is shared unseen.
//
// Sources: CORRECTNESS §2.1, §3.2 N1–N18, A1–A6; TigerBeetle's packet simulator.

import { isClient } from '../contract/address.js';
import type { Envelope, MessageCodec, Transport, TransportReceiver } from '../contract/transport.js';
import { assert } from '../std/assert.js';
import type { Random } from '../std/random.js';
import { type Heal, NetworkCuts } from './network-cuts.js';
import { sealMessage } from './seal.js';
import type { WorkerClock } from './simulated-clock.js';
import { type Endpoint, Frame, type Link, type NetworkNode, newLink } from './simulated-link.js';
import type { Scheduler } from './scheduler.js';
import type { Trace } from './trace.js';

export interface NetworkOptions {
  /** A frame takes `delayMinMs` and an exponential time of mean `delayMeanMs`, together at most `delayMaxMs`. */
  delayMinMs: number;
  delayMeanMs: number;
  delayMaxMs: number;
  /** One way between two threads of a host. */
  localDelayMs: number;
  lossProbability: number;
  duplicateProbability: number;
  /** A reordered frame is late by up to `reorderMs` and does not hold up those behind it. */
  reorderProbability: number;
  reorderMs: number;
  /** Messages in one frame at most: 1 lets each meet its own fate. */
  frameMessageCountMax: number;
  /** Frames under way on one link; what is sent beyond it is lost, as from a full outbox. */
  linkFrameCountMax: number;
  /** Chance that a frame sent while the broker is away waits at the sender and leaves when it is back (T4). */
  reconnectBufferProbability: number;
}

export const quietNetwork: NetworkOptions = {
  delayMinMs: 0.2,
  delayMeanMs: 0.3,
  delayMaxMs: 20,
  localDelayMs: 0.02,
  lossProbability: 0,
  duplicateProbability: 0,
  reorderProbability: 0,
  reorderMs: 20,
  frameMessageCountMax: 64,
  linkFrameCountMax: 10_000,
  reconnectBufferProbability: 0,
};

/** Decides over a message before it is sent. */
export type NetworkFilter = (envelope: Envelope) => 'pass' | 'drop';

export interface NetworkCounts {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
  reordered: number;
  gaps: number;
}

/** Times on one link differ by at least this, so that the scheduler's ties do not reorder it (N1). */
const apartMs = 1e-4;

export class SimulatedNetwork {
  /** Messages that are handed over as objects are frozen: whoever changes one fails at once. */
  sealed = true;
  /** May be changed while running: faults do. */
  readonly options: NetworkOptions;
  readonly counts: NetworkCounts = { sent: 0, delivered: 0, lost: 0, duplicated: 0, reordered: 0, gaps: 0 };
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #codec: MessageCodec | undefined;
  readonly #cuts = new NetworkCuts();
  readonly #nodes = new Map<string, NetworkNode>();
  readonly #endpoints: Endpoint[] = [];
  readonly #filters = new Set<NetworkFilter>();
  readonly #waiting: Frame[] = [];
  #brokerUp = true;
  #brokerEpoch = 0;

  constructor(
    scheduler: Scheduler,
    random: Random,
    trace: Trace,
    options: Partial<NetworkOptions> = {},
    codec?: MessageCodec,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
    this.options = { ...quietNetwork, ...options };
    this.#codec = codec;
  }

  // --- plugging in ----------------------------------------------------------------------------------------------------

  /** Makes the node known, so that it can be cut off before anything runs there. */
  addNode(name: string): NetworkNode {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const node: NetworkNode = {
      name,
      index: this.#nodes.size,
      client: isClient({ host: name }),
      sheltered: false,
      endpoints: new Map(),
    };
    this.#nodes.set(name, node);
    return node;
  }

  /** A worker comes up: what is sent to it from now on reaches `receiver`. Its outgoing links begin anew. */
  attach(host: string, worker: number, receiver: TransportReceiver, clock?: WorkerClock): Transport {
    const endpoint = this.#endpoint(host, worker);
    assert(endpoint.receiver === undefined, `${host}/${worker} is plugged in already`);
    endpoint.receiver = receiver;
    endpoint.clock = clock;
    endpoint.outgoing = [];
    for (const other of this.#endpoints) {
      const link = other.outgoing[endpoint.index];
      if (link !== undefined) link.expected = undefined;
    }
    return new SimulatedTransport(this, endpoint);
  }

  /** The worker is gone. What it sent goes on flying. */
  detach(host: string, worker: number): void {
    const endpoint = this.#endpoint(host, worker);
    endpoint.receiver = undefined;
    endpoint.clock = undefined;
  }

  // --- faults ---------------------------------------------------------------------------------------------------------

  /** Nothing gets from `from` to `to`; names are of hosts or clients (`@id`). */
  cutOneWay(from: readonly string[], to: readonly string[]): Heal {
    return this.#cuts.cut(this.#indexes(from), this.#indexes(to));
  }

  /** Two-way: no node of one group hears one of another. Nodes in no group hear everybody. */
  partition(...groups: readonly (readonly string[])[]): Heal {
    const heals: Heal[] = [];
    for (const a of groups) for (const b of groups) if (a !== b) heals.push(this.cutOneWay(a, b));
    return () => {
      for (const heal of heals) heal();
    };
  }

  /** Cuts a node off from everybody else, both ways. */
  isolate(name: string): Heal {
    this.addNode(name);
    return this.partition(
      [name],
      [...this.#nodes.keys()].filter((other) => other !== name),
    );
  }

  /** The way from one node to another holds everything back for `durationMs` and then lets go of it at once. */
  clog(from: string, to: string, durationMs: number): void {
    const untilMs = this.#scheduler.nowMs + durationMs;
    for (const link of this.#linksBetween(from, to)) link.cloggedUntilMs = Math.max(link.cloggedUntilMs, untilMs);
  }

  /** Multiplies the delays of one way; 1 is as always. */
  slow(from: string, to: string, factor: number): void {
    for (const link of this.#linksBetween(from, to)) link.slowness = factor;
  }

  /** @returns what takes the filter away again. */
  filter(decide: NetworkFilter): Heal {
    this.#filters.add(decide);
    return () => {
      this.#filters.delete(decide);
    };
  }

  get brokerUp(): boolean {
    return this.#brokerUp;
  }

  /** The broker dies with everything that is under way in it. */
  stopBroker(): void {
    if (!this.#brokerUp) return;
    this.#brokerUp = false;
    this.#brokerEpoch++;
  }

  startBroker(): void {
    if (this.#brokerUp) return;
    this.#brokerUp = true;
    for (const frame of this.#waiting.splice(0)) this.#depart(frame, 0, true);
  }

  /**
   * From now until `heal` the ways among these nodes are as in a quiet network, whatever faults there are: cuts, clogs and slowness among
   * them end, probabilities and filters pass them over. The broker is back.
   */
  protect(names: readonly string[]): void {
    for (const name of names) this.addNode(name).sheltered = true;
    this.#cuts.clearAmong(this.#indexes(names));
    for (const link of this.#links()) {
      if (!link.from.node.sheltered || !link.to.node.sheltered) continue;
      link.sheltered = true;
      clear(link);
    }
    this.startBroker();
  }

  /** Ends cuts, clogs, slowness and filters, and brings the broker back. Probabilities stay. */
  heal(): void {
    this.#cuts.clear();
    this.#filters.clear();
    for (const node of this.#nodes.values()) node.sheltered = false;
    for (const link of this.#links()) {
      link.sheltered = false;
      clear(link);
    }
    this.startBroker();
  }

  *#links(): Generator<Link> {
    for (const { outgoing } of this.#endpoints) for (const link of outgoing) if (link !== undefined) yield link;
  }

  // --- sending --------------------------------------------------------------------------------------------------------

  /** One flush: what goes to one destination travels together. */
  send(from: Endpoint, envelopes: readonly Envelope[]): void {
    const links: Link[] = [];
    for (const envelope of envelopes) {
      const to = this.#destination(envelope);
      if (to === undefined) {
        this.counts.lost++;
        continue;
      }
      const link = (from.outgoing[to.index] ??= newLink(from, to));
      if (this.#filters.size > 0 && !link.sheltered && this.#isFiltered(envelope)) {
        link.sequence++; // as a frame of its own that was lost
        this.#lost(envelope, 'filtered');
        continue;
      }
      let frame = link.open;
      if (frame === undefined) {
        frame = new Frame(link, this.#arrive);
        link.open = frame;
        links.push(link);
      }
      if (this.#codec !== undefined && !link.local)
        frame.bytes.push(this.#codec.encode(envelope.message)); // N3
      else if (this.sealed) sealMessage(envelope.message);
      frame.envelopes.push(envelope);
      if (frame.envelopes.length >= this.options.frameMessageCountMax) this.#close(link, links);
    }
    for (const link of links) if (link.open !== undefined) this.#close(link, undefined);
  }

  #close(link: Link, links: Link[] | undefined): void {
    const frame = link.open as Frame;
    link.open = undefined;
    if (links !== undefined) links.splice(links.indexOf(link), 1);
    frame.number = link.sequence++;
    const aheadMs = link.from.clock?.aheadMs ?? 0;
    this.counts.sent += frame.envelopes.length;
    if (link.local) return this.#depart(frame, aheadMs, false);
    const options = link.sheltered ? quietNetwork : this.options;
    if (!this.#brokerUp) {
      if (this.#waiting.length < options.linkFrameCountMax && this.#random.chance(options.reconnectBufferProbability))
        this.#waiting.push(frame);
      else this.#lostFrame(frame, 'broker-down');
      return;
    }
    if (this.#cuts.isCut(link.from.node.index, link.to.node.index)) return this.#lostFrame(frame, 'cut');
    if (this.#random.chance(options.lossProbability)) return this.#lostFrame(frame, 'lost');
    if (link.flying >= options.linkFrameCountMax) return this.#lostFrame(frame, 'full');
    this.#depart(frame, aheadMs, false);
    if (this.#random.chance(options.duplicateProbability)) {
      this.counts.duplicated++;
      this.#depart(copyOf(frame, this.#arrive), aheadMs, true);
    }
  }

  #depart(frame: Frame, aheadMs: number, late: boolean): void {
    const { link } = frame;
    const options = link.sheltered ? quietNetwork : this.options;
    frame.brokerEpoch = this.#brokerEpoch;
    link.flying++;
    const nowMs = this.#scheduler.nowMs + aheadMs;
    if (link.local) {
      const arrivalMs = Math.max(nowMs + options.localDelayMs, link.lastArrivalMs + apartMs);
      link.lastArrivalMs = arrivalMs;
      return this.#scheduler.at(arrivalMs, frame);
    }
    const exponential = -Math.log(1 - this.#random.fraction()) * options.delayMeanMs;
    const delayMs = Math.min(options.delayMaxMs, options.delayMinMs + exponential) * link.slowness;
    let arrivalMs = Math.max(nowMs + delayMs, link.cloggedUntilMs);
    if (late || this.#random.chance(options.reorderProbability)) {
      if (!late) this.counts.reordered++;
      arrivalMs += this.#random.fraction() * options.reorderMs;
    } else {
      arrivalMs = Math.max(arrivalMs, link.lastArrivalMs + apartMs); // N1
      link.lastArrivalMs = arrivalMs;
    }
    this.#scheduler.at(arrivalMs, frame);
  }

  // --- arriving -------------------------------------------------------------------------------------------------------

  readonly #arrive = (frame: Frame): void => {
    const { link } = frame;
    link.flying--;
    if (!link.local) {
      if (frame.brokerEpoch !== this.#brokerEpoch) return this.#lostFrame(frame, 'broker-down');
      if (this.#cuts.isCut(link.from.node.index, link.to.node.index)) return this.#lostFrame(frame, 'cut');
    }
    const receiver = link.to.receiver;
    if (receiver === undefined) return this.#lostFrame(frame, 'nobody-there');
    if (frame.number < link.taken && (link.from.node.client || link.to.node.client))
      return this.#lostFrame(frame, 'repeated'); // N4
    link.taken = Math.max(link.taken, frame.number + 1);
    if (link.expected === undefined || frame.number === link.expected) {
      link.expected = frame.number + 1;
    } else if (frame.number > link.expected) {
      link.expected = frame.number + 1;
      this.counts.gaps++;
      this.#note(link.to, '', 'gap', link.from.node.name, link.from.worker);
      receiver.gap(link.from.node.name, link.from.worker); // N2
    }
    const { bytes } = frame;
    for (let i = 0; i < frame.envelopes.length; i++) {
      const envelope = frame.envelopes[i] as Envelope;
      this.counts.delivered++;
      this.#note(link.to, envelope.to.actor, 'received', envelope.message.kind, link.from.node.name);
      const encoded = bytes[i];
      if (encoded === undefined || this.#codec === undefined) receiver.deliver(envelope);
      else receiver.deliver({ to: envelope.to, from: envelope.from, message: this.#codec.decode(encoded) }); // N3
    }
  };

  // --- inside ---------------------------------------------------------------------------------------------------------

  #destination(envelope: Envelope): Endpoint | undefined {
    const { host, worker } = envelope.to;
    if (host !== '*') return this.#endpoint(host, worker);
    // Discovery: whoever of the hosts that run gets it.
    const living: Endpoint[] = [];
    for (const endpoint of this.#endpoints) {
      if (endpoint.worker === worker && !endpoint.node.client && endpoint.receiver !== undefined) living.push(endpoint);
    }
    return living.length === 0 ? undefined : this.#random.pick(living);
  }

  #endpoint(host: string, worker: number): Endpoint {
    const node = this.addNode(host);
    let endpoint = node.endpoints.get(worker);
    if (endpoint === undefined) {
      endpoint = {
        node,
        worker,
        index: this.#endpoints.length,
        receiver: undefined,
        clock: undefined,
        outgoing: [],
      };
      node.endpoints.set(worker, endpoint);
      this.#endpoints.push(endpoint);
    }
    return endpoint;
  }

  #indexes(names: readonly string[]): number[] {
    return names.map((name) => this.addNode(name).index);
  }

  /** All links from one node to the other, made when they do not exist yet. */
  #linksBetween(from: string, to: string): Link[] {
    const links: Link[] = [];
    for (const a of this.addNode(from).endpoints.values()) {
      for (const b of this.addNode(to).endpoints.values()) links.push((a.outgoing[b.index] ??= newLink(a, b)));
    }
    return links;
  }

  #isFiltered(envelope: Envelope): boolean {
    for (const decide of this.#filters) if (decide(envelope) === 'drop') return true;
    return false;
  }

  #lostFrame(frame: Frame, why: string): void {
    for (const envelope of frame.envelopes) this.#lost(envelope, why);
  }

  #lost(envelope: Envelope, why: string): void {
    this.counts.lost++;
    const { from, to, message } = envelope;
    this.#trace.record(this.#scheduler.nowMs, from.host, from.worker, from.actor, why, message.kind, to.host);
  }

  #note(at: Endpoint, actor: string, kind: string, a: string, b: string | number): void {
    this.#trace.record(this.#scheduler.nowMs, at.node.name, at.worker, actor, kind, a, b);
  }
}

function clear(link: Link): void {
  link.slowness = 1;
  link.cloggedUntilMs = 0;
}

function copyOf(frame: Frame, arrive: (frame: Frame) => void): Frame {
  const copy = new Frame(frame.link, arrive);
  copy.number = frame.number;
  for (const envelope of frame.envelopes) copy.envelopes.push(envelope);
  for (const bytes of frame.bytes) copy.bytes.push(bytes.slice());
  return copy;
}

class SimulatedTransport implements Transport {
  readonly #network: SimulatedNetwork;
  readonly #endpoint: Endpoint;
  #outbox: Envelope[] = [];
  #closed = false;

  constructor(network: SimulatedNetwork, endpoint: Endpoint) {
    this.#network = network;
    this.#endpoint = endpoint;
  }

  post(envelope: Envelope): void {
    if (!this.#closed) this.#outbox.push(envelope);
  }

  flush(): void {
    if (this.#outbox.length === 0) return;
    const outbox = this.#outbox;
    this.#outbox = [];
    this.#network.send(this.#endpoint, outbox);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#outbox = [];
    return Promise.resolve();
  }
}
