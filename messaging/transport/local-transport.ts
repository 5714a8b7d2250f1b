// The transport inside one thread
// =============================================================================
//
// Joins endpoints that live in the same thread, as an embedded host and its client do: no bytes, no loss, order kept. Arrival is still
// never inside `post` or `flush`, so that nobody comes to rely on a reply within a turn.
//
// Invariants
//   Y1. A message is delivered after the `flush` that sent it returned, in the order posted, unless its receiver left or never came.
//   Y2. What waits for an endpoint is bounded; beyond it the newest is dropped and counted, and the receiver is told of a gap.

import type { Envelope, Transport, TransportReceiver } from '../../runtime/contract/transport.js';
import { isClient } from '../../runtime/contract/address.js';
import { assert } from '../../runtime/std/assert.js';
import { Queue } from '../../runtime/std/queue.js';
import { anyHost, type Place } from '../protocol/subject.js';

/** Messages that may wait for one endpoint. */
const waitingCountMax = 100_000;

export interface LocalTransport extends Transport {
  /** Messages that found nobody, or no room. */
  readonly droppedCount: number;
}

export interface LocalNetwork {
  /** REQUIRES that nobody is at that place. */
  join(place: Place, receiver: TransportReceiver): LocalTransport;
}

interface Endpoint {
  readonly place: Place;
  readonly receiver: TransportReceiver;
  readonly waiting: Queue<Envelope>;
  /** Places whose messages were dropped since the last delivery. */
  readonly gaps: Map<string, Place>;
  scheduled: boolean;
  left: boolean;
}

/** @param defer calls back later, never at once: `setImmediate`, `queueMicrotask`, or the simulator's. */
export function localNetwork(defer: (run: () => void) => void): LocalNetwork {
  const endpoints = new Map<string, Endpoint>();

  /** Any worker 0 of a host, in turn. */
  let turn = 0;
  function someHost(): Endpoint | undefined {
    const hosts = [...endpoints.values()].filter(({ place }) => place.worker === 0 && !isClient(place));
    return hosts[turn++ % Math.max(1, hosts.length)];
  }

  function drain(endpoint: Endpoint): void {
    endpoint.scheduled = false;
    // What is sent meanwhile waits for the next time.
    for (let left = endpoint.waiting.size; left > 0 && !endpoint.left; left--) {
      const envelope = endpoint.waiting.shift();
      if (envelope !== undefined) endpoint.receiver.deliver(envelope);
    }
    if (endpoint.left) return;
    const gaps = [...endpoint.gaps.values()];
    endpoint.gaps.clear();
    for (const { host, worker } of gaps) endpoint.receiver.gap(host, worker); // Y2
  }

  function send(from: Place, envelope: Envelope): boolean {
    const { to } = envelope;
    const endpoint = to.host === anyHost ? someHost() : endpoints.get(`${to.host}/${to.worker}`);
    if (endpoint === undefined) return false;
    const fits = endpoint.waiting.size < waitingCountMax;
    if (fits) {
      const { host, worker } = endpoint.place;
      endpoint.waiting.push(to.host === anyHost ? { ...envelope, to: { host, worker, actor: to.actor } } : envelope);
    } else endpoint.gaps.set(`${from.host}/${from.worker}`, from); // Y2
    if (!endpoint.scheduled) {
      endpoint.scheduled = true;
      defer(() => drain(endpoint));
    }
    return fits;
  }

  return {
    join(place, receiver) {
      const key = `${place.host}/${place.worker}`;
      assert(!endpoints.has(key), `${key} is taken`);
      const endpoint: Endpoint = {
        place,
        receiver,
        waiting: new Queue(),
        gaps: new Map(),
        scheduled: false,
        left: false,
      };
      endpoints.set(key, endpoint);
      let posted: Envelope[] = [];
      let dropped = 0;
      return {
        get droppedCount() {
          return dropped;
        },
        post(envelope) {
          if (endpoint.left) {
            dropped++;
            return;
          }
          if (posted.length >= waitingCountMax) this.flush(); // Y2: the bound is the receiver's
          posted.push(envelope);
        },
        flush() {
          if (posted.length === 0) return;
          const batch = posted;
          posted = [];
          for (const envelope of batch) if (!send(place, envelope)) dropped++;
        },
        close() {
          endpoint.left = true;
          dropped += posted.length;
          posted = [];
          if (endpoints.get(key) === endpoint) endpoints.delete(key);
          return Promise.resolve();
        },
      };
    },
  };
}
