// Asking everyone how they are
// =============================================================================
//
// First a fresh look at the map, then every worker of every host and the metadata group at once. Whoever does not answer in time
// is named as silent: a status is most needed when something does not answer.

import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { managerActor, metadataActor } from '../../protocol/cluster-map.js';
import type { HostMessage, MetadataStatus } from '../../protocol/host-messages.js';
import type { ClientLimits } from './client-limits.js';
import { mapViewOf } from './map-view.js';
import type { MapWatch } from './map-watch.js';
import type { FailureCode, StatusRequest, StatusView } from './operations.js';
import type { Outbox } from './outbox.js';

type StatusReply = Extract<HostMessage, { readonly kind: 'status-reply' }>;
type AdminReply = Extract<HostMessage, { readonly kind: 'admin-reply' }>;

interface Inquiry {
  readonly request: StatusRequest;
  readonly replyTo: Address;
  readonly deadlineMs: number;
  readonly round: number;
  /** When those who are silent are given up. */
  dueMs: number;
  /** Request → `host/worker`, of those who were asked and have not answered. */
  readonly waiting: Map<number, string>;
  metadataRequest: number | undefined;
  /** Hosts of the metadata group that have not been asked. */
  members: string[];
  metadata: MetadataStatus | undefined;
  readonly workers: StatusView['workers'][number][];
  isAsked: boolean;
}

export class StatusDesk {
  readonly #limits: ClientLimits;
  readonly #watch: MapWatch;
  readonly #outbox: Outbox;
  readonly #inquiries = new Map<number, Inquiry>();

  constructor(limits: ClientLimits, watch: MapWatch, outbox: Outbox) {
    this.#limits = limits;
    this.#watch = watch;
    this.#outbox = outbox;
  }

  submit(context: Context<never>, request: StatusRequest, replyTo: Address): void {
    const deadlineMs = context.nowMs + request.timeoutMs;
    this.#inquiries.set(request.id, {
      request,
      replyTo,
      deadlineMs,
      round: this.#watch.ask(context),
      dueMs: deadlineMs,
      waiting: new Map(),
      metadataRequest: undefined,
      members: [],
      metadata: undefined,
      workers: [],
      isAsked: false,
    });
  }

  nextMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#inquiries.values()) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  due(context: Context<never>): void {
    for (const inquiry of this.#inquiries.values()) {
      if (inquiry.dueMs > context.nowMs) continue;
      if (this.#watch.isKnown) this.#answer(inquiry);
      else this.#fail(inquiry, 'UNAVAILABLE', 'no host of the mesh answered; is it running?');
    }
  }

  onMap(context: Context<never>): void {
    for (const inquiry of this.#inquiries.values())
      if (!inquiry.isAsked && this.#watch.answeredRound >= inquiry.round) this.#ask(context, inquiry);
  }

  #ask(context: Context<never>, inquiry: Inquiry): void {
    inquiry.isAsked = true;
    inquiry.dueMs = Math.min(inquiry.deadlineMs, context.nowMs + this.#limits.statusTimeoutMs);
    const { copy } = this.#watch;
    for (const host of copy.hosts.values()) {
      if (host.state === 'removed') continue;
      for (let worker = 0; worker < host.workers; worker++) {
        const request = this.#outbox.nextRequest();
        inquiry.waiting.set(request, `${host.name}/${worker}`);
        const message: HostMessage = { kind: 'status-fetch', request };
        context.send({ host: host.name, worker, actor: managerActor }, message);
      }
    }
    const leader = copy.metadataLeader;
    const members = copy.members.map((member) => member.host).filter((host) => host !== leader);
    inquiry.members = leader === undefined ? members : [leader, ...members];
    this.#askMetadata(context, inquiry, undefined);
  }

  #askMetadata(context: Context<never>, inquiry: Inquiry, hint: string | undefined): void {
    inquiry.metadataRequest = undefined;
    const host = hint !== undefined && inquiry.members.includes(hint) ? hint : inquiry.members[0];
    if (host === undefined) return;
    inquiry.members = inquiry.members.filter((one) => one !== host);
    inquiry.metadataRequest = this.#outbox.nextRequest();
    const message: HostMessage = {
      kind: 'admin',
      request: inquiry.metadataRequest,
      command: { command: 'metadata-status' },
    };
    context.send({ host, worker: 0, actor: metadataActor }, message);
  }

  onStatusReply(message: StatusReply): void {
    for (const inquiry of this.#inquiries.values()) {
      if (!inquiry.waiting.delete(message.request)) continue;
      inquiry.workers.push({ host: message.host, worker: message.worker, replicas: message.replicas });
      this.#maybeAnswer(inquiry);
      return;
    }
  }

  onAdminReply(context: Context<never>, message: AdminReply): void {
    for (const inquiry of this.#inquiries.values()) {
      if (inquiry.metadataRequest !== message.request) continue;
      if (message.failure === undefined) {
        inquiry.metadataRequest = undefined;
        inquiry.metadata = message.result as MetadataStatus;
      } else this.#askMetadata(context, inquiry, message.leader);
      this.#maybeAnswer(inquiry);
      return;
    }
  }

  #maybeAnswer(inquiry: Inquiry): void {
    if (inquiry.isAsked && inquiry.waiting.size === 0 && inquiry.metadataRequest === undefined) this.#answer(inquiry);
  }

  #answer(inquiry: Inquiry): void {
    const { request, replyTo, workers, metadata, waiting } = inquiry;
    this.#inquiries.delete(request.id);
    const byPlace = [...workers].sort((a, b) =>
      a.host === b.host ? a.worker.worker - b.worker.worker : a.host < b.host ? -1 : 1,
    );
    this.#outbox.answer(replyTo, {
      kind: 'status',
      id: request.id,
      status: { map: mapViewOf(this.#watch.copy), metadata, workers: byPlace, silent: [...waiting.values()] },
    });
  }

  #fail(inquiry: Inquiry, code: FailureCode, message: string): void {
    this.#inquiries.delete(inquiry.request.id);
    this.#outbox.fail(inquiry.replyTo, inquiry.request.id, code, message);
  }

  cancel(id: number): void {
    const inquiry = this.#inquiries.get(id);
    if (inquiry !== undefined) this.#fail(inquiry, 'ABORTED', 'it was aborted');
  }

  close(): void {
    for (const inquiry of this.#inquiries.values()) this.#fail(inquiry, 'CLOSED', 'the client was closed');
  }
}
