// The client: one actor between whoever uses it and the mesh
// =============================================================================
//
// Hands each message to the desk that it is for, and ends each turn in the same way: everyone sends what can be sent, outcomes go
// out, and one timer is set for whatever is due next. The same actor runs under the SDK and under a workload in the simulator.
//
// Owns:     nothing of its own; the desks own their operations.
// Does not: make promises, read clocks, know which transport carries its messages.
//
// Invariants
//   K1. Every operation that was submitted gets exactly one outcome.
//   K2. One timer, whatever is under way.
//
// Sources: DESIGN "Clients"; INTERFACES §3.

import type { Actor, ActorDefinition, Context, Signal } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { assert } from '../../../runtime/std/assert.js';
import type { ClientReply } from '../../protocol/client-messages.js';
import type { HostMessage } from '../../protocol/host-messages.js';
import { AdminDesk } from './admin-desk.js';
import { type ClientLimits, defaultClientLimits } from './client-limits.js';
import { DataDesk, type PartitionOf } from './data-desk.js';
import { MapDesk } from './map-desk.js';
import { MapWatch } from './map-watch.js';
import { type ClientCommand, clientActor, type Operation } from './operations.js';
import { Outbox } from './outbox.js';
import { StatusDesk } from './status-desk.js';

type Tick = { readonly kind: 'tick' };

/** What may be in its mailbox. Anything else from outside is ignored and counted. */
type Received =
  | ClientCommand
  | Tick
  | ClientReply
  | Extract<HostMessage, { readonly kind: 'map-reply' | 'status-reply' | 'admin-reply' }>;

type Turn = Context<Tick>;

export interface ClientOptions {
  readonly partitionOf: PartitionOf;
  readonly limits?: Partial<ClientLimits>;
}

export class ClientActor implements Actor<Received> {
  readonly #outbox = new Outbox();
  readonly #watch: MapWatch;
  readonly #data: DataDesk;
  readonly #admin: AdminDesk;
  readonly #status: StatusDesk;
  readonly #map: MapDesk;
  #armedMs = Number.POSITIVE_INFINITY;
  #ignoredCount = 0;
  #isClosed = false;

  constructor(options: ClientOptions) {
    const limits = { ...defaultClientLimits, ...options.limits };
    this.#watch = new MapWatch(limits, this.#outbox);
    this.#data = new DataDesk(limits, this.#watch, this.#outbox, options.partitionOf);
    this.#admin = new AdminDesk(limits, this.#watch, this.#outbox);
    this.#status = new StatusDesk(limits, this.#watch, this.#outbox);
    this.#map = new MapDesk(this.#watch, this.#outbox);
  }

  start(context: Turn): void {
    this.#outbox.start(context.incarnation);
    this.#watch.start(context);
    this.#endTurn(context);
  }

  receive(message: Received, from: Address, context: Turn): void {
    this.#handle(message, from, context);
    this.#endTurn(context);
  }

  #handle(message: Received, from: Address, context: Turn): void {
    const isLocal = from.host === context.self.host;
    switch (message.kind) {
      case 'submit':
        if (!isLocal) break;
        for (const operation of message.operations) this.#submit(context, operation, from);
        return;
      case 'cancel':
        if (!isLocal) break;
        for (const desk of [this.#data, this.#admin, this.#status, this.#map]) desk.cancel(message.id);
        return;
      case 'close':
        if (!isLocal) break;
        this.#isClosed = true;
        for (const desk of [this.#data, this.#admin, this.#status, this.#map]) desk.close();
        return;
      case 'tick':
        if (!isLocal) break;
        this.#armedMs = Number.POSITIVE_INFINITY;
        this.#watch.due(context);
        for (const desk of [this.#data, this.#admin, this.#status, this.#map]) desk.due(context);
        return;
      case 'map-reply': {
        const news = this.#watch.onReply(context, message, from);
        this.#data.onMap(context, news);
        for (const desk of [this.#admin, this.#status, this.#map]) desk.onMap(context);
        return;
      }
      case 'status-reply':
        return this.#status.onStatusReply(message);
      case 'admin-reply':
        this.#admin.onReply(context, message);
        this.#status.onAdminReply(context, message);
        return;
      case 'session-opened':
      case 'written':
      case 'read-done':
      case 'scan-done':
      case 'refused':
        return this.#data.onReply(context, message, from);
      default:
        break;
    }
    this.#ignoredCount++; // from outside, and nothing that a client is sent
  }

  #submit(context: Turn, operation: Operation, replyTo: Address): void {
    if (this.#isClosed) return this.#outbox.fail(replyTo, operation.id, 'CLOSED', 'the client is closed');
    if (!(operation.timeoutMs > 0))
      return this.#outbox.fail(replyTo, operation.id, 'TIMEOUT', 'there was no time left');
    switch (operation.kind) {
      case 'admin':
        return this.#admin.submit(context, operation, replyTo);
      case 'status':
        return this.#status.submit(context, operation, replyTo);
      case 'map':
        return this.#map.submit(context, operation, replyTo);
      default:
        return this.#data.submit(context, operation, replyTo);
    }
  }

  signal(signal: Signal, context: Turn): void {
    if (signal.kind !== 'link-gap') return;
    this.#watch.onGap(context, signal.host, signal.worker);
    this.#data.onGap(signal.host, signal.worker);
    this.#endTurn(context);
  }

  #endTurn(context: Turn): void {
    this.#data.pump(context);
    this.#outbox.flush(context);
    let nextMs = this.#isClosed ? undefined : this.#watch.nextMs();
    for (const desk of [this.#data, this.#admin, this.#status, this.#map]) {
      const at = desk.nextMs();
      if (at !== undefined && (nextMs === undefined || at < nextMs)) nextMs = at;
    }
    if (nextMs === undefined || nextMs >= this.#armedMs) return; // K2: an early timer only finds nothing due
    assert(Number.isFinite(nextMs), 'K2: the next deadline is a time');
    this.#armedMs = nextMs;
    context.timers.start('tick', Math.max(0, nextMs - context.nowMs), { kind: 'tick' });
  }

  inspect(): Record<string, unknown> {
    return {
      revision: this.#watch.copy.revision,
      pending: this.#data.pendingCount,
      attempts: this.#data.attemptCount,
      lanes: this.#data.laneCount,
      ignored: this.#ignoredCount,
    };
  }
}

/** For a loop: spawn it as `{ name: clientActor, kind: clientActor, args: empty }`. */
export function clientDefinition(options: ClientOptions): ActorDefinition {
  return {
    kind: clientActor,
    durable: false,
    create: () => new ClientActor(options),
  };
}
