// One way between two workers, and the frames on it
// =============================================================================
//
// A frame is what one flush sends to one destination: it is delayed, lost and repeated as a whole. Frames are numbered, so
// that the receiving end sees a hole, as the real links do (T3).

import type { Envelope, TransportReceiver } from '../contract/transport.js';
import { soundWay, type Way } from './network-way.js';
import type { WorkerClock } from './simulated-clock.js';
import { SimulatedEvent } from './scheduler.js';

/** A host or a client: the unit of partitions. */
export interface NetworkNode {
  readonly name: string;
  readonly index: number;
  readonly client: boolean;
  /** No fault touches the ways between two such nodes (`SimulatedNetwork.protect`). */
  sheltered: boolean;
  /** Its connection to the broker is broken: what it sends waits, what is sent to it is lost. */
  away: boolean;
  /** Its process dies as soon as this event is over: it sends nothing any more. */
  mute: boolean;
  /** Called when it is about to send a frame to another node. */
  beforeSending: ((node: NetworkNode) => void) | undefined;
  /** To other nodes, by their index. */
  readonly ways: (Way | undefined)[];
  /** By worker number. */
  readonly endpoints: Map<number, Endpoint>;
}

/** Where a worker is plugged in. Outlives the worker: a restarted one gets the same endpoint. */
export interface Endpoint {
  readonly node: NetworkNode;
  readonly worker: number;
  readonly index: number;
  /** Absent while nothing runs there. */
  receiver: TransportReceiver | undefined;
  /** Tells how far the present run is ahead of the world: what it sends leaves that much later. */
  clock: WorkerClock | undefined;
  /** By the index of the endpoint at the other end. */
  outgoing: (Link | undefined)[];
  /** How often a worker was plugged in. */
  lives: number;
}

export interface Link {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Both ends are in one process: a port, not a network. */
  readonly local: boolean;
  readonly way: Way;
  /** Number of the next frame. */
  sequence: number;
  /** The frame number awaited; undefined when the receiving end is new and takes whatever comes first. */
  expected: number | undefined;
  /** Frames below were taken in by whoever ran at the receiving end, or by nobody. */
  taken: number;
  /** Frames under way. */
  flying: number;
  lastArrivalMs: number;
  /** Frames below were dropped by the broker for a receiver that was too slow. */
  droppedBelow: number;
  /** What the present flush has gathered. */
  open: Frame | undefined;
}

export class Frame extends SimulatedEvent {
  readonly link: Link;
  readonly envelopes: Envelope[] = [];
  /** With a codec: the messages' bytes, in the order of `envelopes`. */
  readonly bytes: Uint8Array[] = [];
  number = 0;
  brokerEpoch = 0;
  /** Which lives of the two ends it was sent by and to. */
  readonly fromLife: number;
  readonly toLife: number;
  readonly #arrive: (frame: Frame) => void;

  constructor(link: Link, arrive: (frame: Frame) => void) {
    super();
    this.link = link;
    this.fromLife = link.from.lives;
    this.toLife = link.to.lives;
    this.#arrive = arrive;
  }

  fire(): void {
    this.#arrive(this);
  }
}

export function newLink(from: Endpoint, to: Endpoint): Link {
  return {
    from,
    to,
    local: from.node === to.node,
    way: wayBetween(from.node, to.node),
    sequence: 0,
    expected: 0,
    taken: 0,
    flying: 0,
    lastArrivalMs: 0,
    droppedBelow: 0,
    open: undefined,
  };
}

export function wayBetween(from: NetworkNode, to: NetworkNode): Way {
  return (from.ways[to.index] ??= soundWay(from.sheltered && to.sheltered));
}
