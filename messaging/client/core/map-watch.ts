// Following the cluster map
// =============================================================================
//
// Two hosts at a time hold a request for the next change, because one of them may be the host whose death is the change. A probe
// is a request that is answered at once; it serves questions that the copy may be too old for.
//
// Owns:     the copy of the map, the requests for it.
// Does not: know what the map is used for.
//
// Invariants
//   F1. There is always a watch under way or due: the map is followed as long as the client lives.
//   F2. A probe's round is answered only by a request that was sent after the round was asked for.
//   F3. Another cluster's map replaces ours only after ours was not heard of for a long time.

import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { type MapDelta, managerActor } from '../../protocol/cluster-map.js';
import type { HostMessage } from '../../protocol/host-messages.js';
import { type MapChange, MapCopy } from '../../protocol/map-copy.js';
import type { ClientLimits } from './client-limits.js';
import type { Outbox } from './outbox.js';
import { buggify, sometimes } from '../../../runtime/probes/probes.js';

/** Any host that hears it. */
const anyone = { host: '*', worker: 0 };

interface Place {
  readonly host: string;
  readonly worker: number;
}

interface Watch {
  place: Place;
  request: number | undefined;
  sentMs: number;
  /** When to give up, or, without a request, when to send the next. */
  dueMs: number;
}

interface Probe {
  readonly round: number;
  readonly place: Place;
  readonly request: number;
  readonly dueMs: number;
}

/** What a reply brought. */
export interface MapNews {
  readonly change: MapChange;
  /** The copy was thrown away: it is another cluster now. */
  readonly replaced: boolean;
}

type MapReply = Extract<HostMessage, { readonly kind: 'map-reply' }>;

export class MapWatch {
  readonly #limits: ClientLimits;
  readonly #outbox: Outbox;
  #copy = new MapCopy();
  #watches: Watch[] = [];
  #probe: Probe | undefined;
  #askedRound = 0;
  #answeredRound = 0;
  #heardMs = 0;

  constructor(limits: ClientLimits, outbox: Outbox) {
    this.#limits = limits;
    this.#outbox = outbox;
  }

  get copy(): MapCopy {
    return this.#copy;
  }

  get isKnown(): boolean {
    return this.#copy.revision > 0;
  }

  /** Rounds up to this one were answered. */
  get answeredRound(): number {
    return this.#answeredRound;
  }

  start(context: Context<never>): void {
    this.#heardMs = context.nowMs;
    this.#watches = [{ place: anyone, request: undefined, sentMs: 0, dueMs: context.nowMs }];
    this.due(context);
  }

  nextMs(): number | undefined {
    let next = this.#probe?.dueMs;
    for (const watch of this.#watches) if (next === undefined || watch.dueMs < next) next = watch.dueMs;
    return next;
  }

  /** Asks for a look at the map that begins now. @returns its round. */
  ask(context: Context<never>): number {
    if (this.#probe === undefined) {
      this.#sendProbe(context, this.#freshest(context));
      return this.#askedRound;
    }
    this.#askedRound = this.#probe.round + 1; // F2: the one under way began too early
    return this.#askedRound;
  }

  due(context: Context<never>): void {
    const now = context.nowMs;
    for (const watch of this.#watches) {
      if (watch.dueMs > now) continue;
      if (watch.request !== undefined) watch.place = this.#otherPlace(context, watch.place);
      this.#send(context, watch); // F1
    }
    if (this.#probe !== undefined && this.#probe.dueMs <= now) {
      const place = this.#otherPlace(context, this.#probe.place);
      this.#sendProbe(context, place, this.#probe.round);
    }
  }

  /** What that worker sent us may have been the answer. */
  onGap(context: Context<never>, host: string, worker: number): void {
    for (const watch of this.#watches) {
      if (watch.request === undefined || watch.place.host !== host || watch.place.worker !== worker) continue;
      sometimes('client/map-asked-again-after-gap');
      this.#send(context, watch);
    }
  }

  onReply(context: Context<never>, message: MapReply, from: Address): MapNews {
    const news = this.#apply(context, message.delta);
    const isOurs = news.change.kind === 'applied';
    if (isOurs) this.#heardMs = context.nowMs;
    for (const watch of this.#watches) {
      if (watch.request !== message.request) continue;
      watch.request = undefined;
      watch.place = buggify('client/watch-another-host')
        ? this.#otherPlace(context, from)
        : { host: from.host, worker: from.worker };
      const isEarly = context.nowMs - watch.sentMs < this.#limits.watchWaitMs / 2;
      const moved = isOurs && message.delta.revision > message.delta.after;
      // A host that neither waits nor brings news is not asked in a circle.
      if (isEarly && !moved) watch.dueMs = context.nowMs + this.#limits.backoffMaxMs;
      else this.#send(context, watch);
    }
    if (this.#probe?.request === message.request) {
      const round = this.#probe.round;
      if (isOurs) {
        this.#probe = undefined;
        this.#answeredRound = round;
        if (this.#askedRound > round) this.#sendProbe(context, this.#freshest(context), this.#askedRound); // F2
      }
    }
    this.#addWatches(context);
    return news;
  }

  #apply(context: Context<never>, delta: MapDelta): MapNews {
    // A host that has no map yet knows no cluster and no tables: that is no news.
    if (delta.revision === 0) return { change: { kind: 'refused', reason: 'older' }, replaced: false };
    if (delta.reset && delta.after === 0 && this.isKnown) sometimes('client/map-begun-anew');
    const change = this.#copy.apply(delta);
    if (change.kind === 'refused' && change.reason === 'older') sometimes('client/older-map-refused');
    if (change.kind !== 'refused' || change.reason !== 'other-cluster') return { change, replaced: false };
    const patienceMs = 2 * (this.#limits.watchWaitMs + this.#limits.watchGraceMs);
    if (context.nowMs - this.#heardMs < patienceMs) return { change, replaced: false }; // F3
    this.#copy = new MapCopy();
    return { change: this.#copy.apply(delta), replaced: true };
  }

  #addWatches(context: Context<never>): void {
    const known = this.#places().length;
    while (this.isKnown && this.#watches.length < Math.min(this.#limits.watchCount, known)) {
      const watch: Watch = { place: anyone, request: undefined, sentMs: 0, dueMs: context.nowMs };
      watch.place = this.#otherPlace(context, anyone);
      this.#watches.push(watch);
      this.#send(context, watch);
    }
  }

  #send(context: Context<never>, watch: Watch): void {
    const waitMs = this.isKnown ? this.#limits.watchWaitMs : 0;
    watch.request = this.#outbox.nextRequest();
    watch.sentMs = context.nowMs;
    watch.dueMs = context.nowMs + (waitMs === 0 ? this.#limits.probeTimeoutMs : waitMs + this.#limits.watchGraceMs);
    this.#fetch(context, watch.place, watch.request, waitMs);
  }

  #sendProbe(context: Context<never>, place: Place, round: number = this.#askedRound + 1): void {
    this.#askedRound = Math.max(this.#askedRound, round);
    const request = this.#outbox.nextRequest();
    this.#probe = { round, place, request, dueMs: context.nowMs + this.#limits.probeTimeoutMs };
    this.#fetch(context, place, request, 0);
  }

  #fetch(context: Context<never>, place: Place, request: number, waitMs: number): void {
    const after = buggify('client/ask-for-the-whole-map') ? 0 : this.#copy.revision;
    const message: HostMessage = { kind: 'map-fetch', request, after, waitMs };
    context.send({ host: place.host, worker: place.worker, actor: managerActor }, message);
  }

  /** The metadata leader's host applies changes first. */
  #freshest(context: Context<never>): Place {
    const host = this.#copy.metadataLeader === undefined ? undefined : this.#copy.hosts.get(this.#copy.metadataLeader);
    if (host === undefined) return this.#otherPlace(context, anyone);
    return { host: host.name, worker: context.random.below(host.workers) };
  }

  #places(): readonly { readonly name: string; readonly workers: number }[] {
    return [...this.#copy.hosts.values()].filter((host) => host.state === 'up' || host.state === 'draining');
  }

  /** Another host than that one, and than those of the watches; now and then whoever hears it, since hosts may all be new. */
  #otherPlace(context: Context<never>, not: Place): Place {
    const taken = new Set(this.#watches.map((watch) => watch.place.host));
    const others = this.#places().filter((host) => host.name !== not.host);
    const free = others.filter((host) => !taken.has(host.name));
    const choice = free.length > 0 ? free : others;
    if (choice.length === 0 || (not.host !== anyone.host && context.random.chance(0.125))) return anyone;
    const host = context.random.pick(choice);
    return { host: host.name, worker: context.random.below(host.workers) };
  }
}
