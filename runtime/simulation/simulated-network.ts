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
//   N5. A damaged frame is lost: where messages pass as bytes, the reader of frames is shown what arrived, and must refuse it.
//   N3. A message crosses hosts as the bytes of the codec, or frozen when there is none: no object is shared unseen.
//
// Sources: CORRECTNESS §2.1, §3.2 N1–N18, A1–A6; TigerBeetle's packet simulator.

import { isClient } from '../contract/address.js';
import type { Envelope, MessageCodec, Transport, TransportReceiver } from '../contract/transport.js';
import { assert } from '../std/assert.js';
import type { Random } from '../std/random.js';
import { type Heal, NetworkCuts } from './network-cuts.js';
import { delayedOn, lossOn, mend, type Trouble, type Way } from './network-way.js';
import { sealMessage } from './seal.js';
import type { WorkerClock } from './simulated-clock.js';
import { type Endpoint, Frame, type Link, type NetworkNode, newLink, wayBetween } from './simulated-link.js';
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
  /** The second of two comes up to so much later, or up to `reorderMs` if that is longer. */
  duplicateLateMs: number;
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
  duplicateLateMs: 0,
  reorderProbability: 0,
  reorderMs: 20,
  frameMessageCountMax: 64,
  linkFrameCountMax: 10_000,
  reconnectBufferProbability: 0,
};

/** A number holds the message back for so many milliseconds, past those sent after it. */
export type FilterVerdict = 'pass' | 'drop' | number;

/** Decides over a message before it is sent. Between a client and a host nothing may be held back (N4). */
export type NetworkFilter = (envelope: Envelope) => FilterVerdict;

/** Messages sent, delivered and lost, whatever the reason; all else in frames. */
export interface NetworkCounts {
  sent: number;
  delivered: number;
  lost: number;
  /** By `delayMeanMs`: later than a quiet network ever is. */
  delayed: number;
  /** By `lossProbability`. */
  dropped: number;
  duplicated: number;
  reordered: number;
  /** Waited at their senders while the broker was away, and left later. */
  reconnected: number;
  gaps: number;
}

/** A frame that takes longer than this is one that a quiet network would not have, ms. */
const lateFromMs = 20;

/** Times on one link differ by at least this, so that the scheduler's ties do not reorder it (N1). */
const apartMs = 1e-4;

/** How messages travel together in production, to show that what is damaged on its way is refused there. */
export interface FrameCodec {
  pack(
    place: { readonly from: Place; readonly to: Place },
    envelopes: readonly Envelope[],
    messages: readonly Uint8Array[],
  ): Uint8Array;
  /** Whether the reader of frames sees that these bytes are no sound frame. */
  refuses(bytes: Uint8Array): boolean;
}

type Place = { readonly host: string; readonly worker: number };

export class SimulatedNetwork {
  /** When there is one, frames that a fault damages are shown to it (N5). */
  frameCodec: FrameCodec | undefined;
  /** Messages that are handed over as objects are frozen: whoever changes one fails at once. */
  sealed = true;
  /** May be changed while running: faults do. */
  readonly options: NetworkOptions;
  readonly counts: NetworkCounts = {
    sent: 0,
    delivered: 0,
    lost: 0,
    delayed: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    reconnected: 0,
    gaps: 0,
  };
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;
  readonly #codec: MessageCodec | undefined;
  readonly #cuts = new NetworkCuts();
  readonly #nodes = new Map<string, NetworkNode>();
  readonly #endpoints: Endpoint[] = [];
  readonly #filters = new Set<NetworkFilter>();
  readonly #waiting: Frame[] = [];
  readonly #held: Frame[] = [];
  #brokerUp = true;
  #brokerPauses = 0;
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
      away: false,
      mute: false,
      beforeSending: undefined,
      ways: [],
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
    endpoint.lives++;
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
    const way = this.#way(from, to);
    way.cloggedUntilMs = Math.max(way.cloggedUntilMs, this.#scheduler.nowMs + durationMs);
  }

  /** Multiplies the delays of one way; 1 is as always. */
  slow(from: string, to: string, factor: number): void {
    this.#way(from, to).slowness = factor;
  }

  /** Hangs something on the way from one node to another; on one between sheltered nodes it has no effect. */
  trouble(from: string, to: string, trouble: Trouble): Heal {
    const way = this.#way(from, to);
    if (!way.sheltered) way.troubles.add(trouble);
    return () => {
      way.troubles.delete(trouble);
    };
  }

  /** The frame as its link would put it on the wire, when messages pass as bytes and the composition knows how. */
  bytesOf(frame: Frame): Uint8Array | undefined {
    if (this.frameCodec === undefined || frame.bytes.length === 0) return undefined;
    const { from, to } = frame.link;
    const place = {
      from: { host: from.node.name, worker: from.worker },
      to: { host: to.node.name, worker: to.worker },
    };
    return this.frameCodec.pack(place, frame.envelopes, frame.bytes);
  }

  /** Damaged bytes arrive: whoever reads frames must see it. N5 */
  expectRefused(bytes: Uint8Array): void {
    assert(this.frameCodec?.refuses(bytes) === true, 'N5: a damaged frame was taken for a sound one');
  }

  /** Sends a frame once more that was sent before, as far as its broker is there. REQUIRES that no client is at its ends (N4). */
  repeat(frame: Frame): void {
    const { from, to } = frame.link;
    assert(!from.node.client && !to.node.client, 'N4: between a client and a host nothing is repeated');
    if (!this.#brokerUp || frame.link.flying >= this.options.linkFrameCountMax) return;
    this.#depart(copyOf(frame, this.#arrive), 0, apartMs);
  }

  /** What is under way to the node, or waits for it, never arrives; the next that does shows a gap. @returns how many frames those are. */
  dropUnderWay(to: string): number {
    let count = 0;
    for (const link of this.#links()) {
      if (link.to.node.name !== to || link.local || link.way.sheltered) continue;
      count += link.flying;
      link.droppedBelow = link.sequence;
    }
    return count;
  }

  /**
   * Calls `reached` when the node is about to send its next frame to another one; that frame and all later ones never leave, until what this
   * gives is called. For a process that dies at just that point.
   */
  muteFromNextSend(name: string, reached: () => void): Heal {
    const node = this.addNode(name);
    const hook = (): void => {
      node.beforeSending = undefined;
      node.mute = true;
      reached();
    };
    node.beforeSending = hook;
    return () => {
      node.mute = false;
      if (node.beforeSending === hook) node.beforeSending = undefined;
    };
  }

  /** A node's connection to the broker breaks: what is sent to it is lost, what it sends waits until the connection is there again. */
  disconnect(name: string): Heal {
    const node = this.addNode(name);
    node.away = !node.sheltered;
    return () => {
      if (!node.away) return;
      node.away = false;
      this.#releaseWaiting();
    };
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
    this.#releaseWaiting();
  }

  #releaseWaiting(): void {
    if (!this.#brokerUp) return;
    for (const frame of this.#waiting.splice(0)) {
      if (frame.link.from.node.away) {
        this.#waiting.push(frame);
        continue;
      }
      this.counts.reconnected++;
      this.#depart(frame, 0, this.options.reorderMs);
    }
  }

  /** The broker takes frames and delivers none, until what this gives is called: then it delivers all at once, in order. */
  pauseBroker(): Heal {
    this.#brokerPauses++;
    let paused = true;
    return () => {
      if (!paused) return;
      paused = false;
      this.#brokerPauses--;
      this.#resumeBroker();
    };
  }

  #resumeBroker(): void {
    if (this.#brokerPauses > 0) return;
    for (const frame of this.#held.splice(0)) this.#arrive(frame);
  }

  /**
   * From now until `heal` the ways among these nodes are as in a quiet network, whatever faults there are: cuts, clogs and slowness among
   * them end, probabilities and filters pass them over. The broker is back.
   */
  protect(names: readonly string[]): void {
    const nodes = names.map((name) => this.addNode(name));
    for (const node of nodes) {
      node.sheltered = true;
      node.away = false;
    }
    this.#cuts.clearAmong(this.#indexes(names));
    for (const from of nodes) {
      for (const to of nodes) {
        const way = wayBetween(from, to);
        way.sheltered = true;
        mend(way);
      }
    }
    for (const link of this.#links()) if (link.way.sheltered) this.#giveUpHeldBack(link);
    this.#mendBroker();
  }

  /** What a fault would hold back for longer, and with it all that is sent later, is lost instead. */
  #giveUpHeldBack(link: Link): void {
    const { nowMs } = this.#scheduler;
    if (link.lastArrivalMs <= nowMs + this.options.delayMaxMs) return;
    link.droppedBelow = link.sequence;
    link.lastArrivalMs = nowMs;
  }

  #mendBroker(): void {
    this.startBroker();
    this.#releaseWaiting();
    this.#brokerPauses = 0;
    this.#resumeBroker();
  }

  /** Ends cuts, clogs, slowness and filters, and brings the broker back. Probabilities stay. */
  heal(): void {
    this.#cuts.clear();
    this.#filters.clear();
    for (const node of this.#nodes.values()) {
      node.sheltered = false;
      node.away = false;
      node.mute = false;
      node.beforeSending = undefined;
      for (const way of node.ways) {
        if (way === undefined) continue;
        way.sheltered = false;
        mend(way);
      }
    }
    for (const link of this.#links()) this.#giveUpHeldBack(link);
    this.#mendBroker();
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
      if (this.#filters.size > 0 && !link.way.sheltered) {
        const fate = this.#filtered(envelope);
        if (fate === 'drop') {
          link.sequence++; // as a frame of its own that was lost
          this.#lost(envelope, 'filtered');
          continue;
        }
        if (fate !== 'pass') {
          this.#sendLate(link, envelope, fate);
          continue;
        }
      }
      let frame = link.open;
      if (frame === undefined) {
        frame = new Frame(link, this.#arrive);
        link.open = frame;
        links.push(link);
      }
      this.#put(frame, envelope);
      if (frame.envelopes.length >= this.options.frameMessageCountMax) this.#close(link, links);
    }
    for (const link of links) if (link.open !== undefined) this.#close(link, undefined);
  }

  #put(frame: Frame, envelope: Envelope): void {
    if (this.#codec !== undefined && !frame.link.local)
      frame.bytes.push(this.#codec.encode(envelope.message)); // N3
    else if (this.sealed) sealMessage(envelope.message);
    frame.envelopes.push(envelope);
  }

  /** In a frame of its own, which leaves after `delayMs`. */
  #sendLate(link: Link, envelope: Envelope, delayMs: number): void {
    const frame = new Frame(link, this.#arrive);
    this.#put(frame, envelope);
    frame.number = link.sequence++;
    this.counts.sent++;
    this.#scheduler.call(delayMs, () => {
      if (this.#brokerUp) this.#depart(frame, 0, apartMs);
      else this.#lostFrame(frame, 'broker-down');
    });
  }

  #close(link: Link, links: Link[] | undefined): void {
    const frame = link.open as Frame;
    link.open = undefined;
    if (links !== undefined) links.splice(links.indexOf(link), 1);
    frame.number = link.sequence++;
    const aheadMs = link.from.clock?.aheadMs ?? 0;
    this.counts.sent += frame.envelopes.length;
    if (link.local) return this.#depart(frame, aheadMs, 0);
    const { node } = link.from;
    if (node.beforeSending !== undefined) node.beforeSending(node);
    const options = link.way.sheltered ? quietNetwork : this.options;
    if (!this.#brokerUp || node.away) {
      const kept = node.away || this.#random.chance(options.reconnectBufferProbability);
      if (kept && this.#waiting.length < options.linkFrameCountMax) this.#waiting.push(frame);
      else this.#lostFrame(frame, 'broker-down');
      return;
    }
    if (node.mute) return this.#lostFrame(frame, 'never-sent');
    if (this.#cuts.isCut(link.from.node.index, link.to.node.index)) return this.#lostFrame(frame, 'cut');
    if (this.#random.chance(options.lossProbability)) {
      this.counts.dropped++;
      return this.#lostFrame(frame, 'lost');
    }
    if (link.way.troubles.size > 0) {
      const why = lossOn(link.way, frame);
      if (why !== undefined) return this.#lostFrame(frame, why);
    }
    if (link.flying >= options.linkFrameCountMax) return this.#lostFrame(frame, 'full');
    this.#depart(frame, aheadMs, 0);
    if (this.#random.chance(options.duplicateProbability)) {
      this.counts.duplicated++;
      this.#depart(copyOf(frame, this.#arrive), aheadMs, Math.max(options.reorderMs, options.duplicateLateMs));
    }
  }

  /** @param lateMaxMs 0: in the order of its link; else it does not hold up others and may come late by up to so much. */
  #depart(frame: Frame, aheadMs: number, lateMaxMs: number): void {
    const { link } = frame;
    const options = link.way.sheltered ? quietNetwork : this.options;
    frame.brokerEpoch = this.#brokerEpoch;
    link.flying++;
    const nowMs = this.#scheduler.nowMs + aheadMs;
    if (link.local) {
      const arrivalMs = Math.max(nowMs + options.localDelayMs, link.lastArrivalMs + apartMs);
      link.lastArrivalMs = arrivalMs;
      return this.#scheduler.at(arrivalMs, frame);
    }
    const exponential = -Math.log(1 - this.#random.fraction()) * options.delayMeanMs;
    const delayMs = Math.min(options.delayMaxMs, options.delayMinMs + exponential) * link.way.slowness;
    if (delayMs > lateFromMs) this.counts.delayed++;
    let arrivalMs = Math.max(nowMs + delayMs, link.way.cloggedUntilMs);
    if (link.way.troubles.size > 0) arrivalMs = delayedOn(link.way, frame, arrivalMs);
    if (lateMaxMs > 0 || this.#random.chance(options.reorderProbability)) {
      if (lateMaxMs === 0) this.counts.reordered++;
      arrivalMs += this.#random.fraction() * (lateMaxMs > 0 ? lateMaxMs : options.reorderMs);
    } else {
      arrivalMs = Math.max(arrivalMs, link.lastArrivalMs + apartMs); // N1
      link.lastArrivalMs = arrivalMs;
    }
    this.#scheduler.at(arrivalMs, frame);
  }

  // --- arriving -------------------------------------------------------------------------------------------------------

  readonly #arrive = (frame: Frame): void => {
    const { link } = frame;
    if (!link.local && this.#brokerPauses > 0) {
      this.#held.push(frame);
      return;
    }
    link.flying--;
    if (!link.local) {
      if (frame.brokerEpoch !== this.#brokerEpoch) return this.#lostFrame(frame, 'broker-down');
      if (frame.number < link.droppedBelow) return this.#lostFrame(frame, 'slow-consumer');
      if (link.to.node.away) return this.#lostFrame(frame, 'away');
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
    if (link.way.troubles.size > 0) for (const trouble of link.way.troubles) trouble.arrives?.(frame);
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
        lives: 0,
      };
      node.endpoints.set(worker, endpoint);
      this.#endpoints.push(endpoint);
    }
    return endpoint;
  }

  #indexes(names: readonly string[]): number[] {
    return names.map((name) => this.addNode(name).index);
  }

  #way(from: string, to: string): Way {
    return wayBetween(this.addNode(from), this.addNode(to));
  }

  #filtered(envelope: Envelope): FilterVerdict {
    for (const decide of this.#filters) {
      const fate = decide(envelope);
      if (fate !== 'pass') return fate;
    }
    return 'pass';
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
