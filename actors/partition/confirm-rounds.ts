// Reads without a clock: asking the others whether the epoch still stands
// =============================================================================
//
// A read is evaluated first and answered once a round that began afterwards has confirmed that no newer epoch existed at its start (L4): by every other
// member of the maximal in-sync set (i), or, when there is none or the set is too small, by the metadata group (ii). Reads that arrive while a
// round is under way share the next one.
//
// Invariants
//   F1. A round answers only reads evaluated before it began; its number is never used again (T2, decision 13).
//   F2. At most `waitingCountMax` reads wait; more are refused. A round without an answer for `roundMaxMs` refuses its reads.

import { managerActor } from '../../messaging/protocol/cluster-map.js';
import type { Refusal } from '../../messaging/protocol/client-messages.js';
import type { Message } from '../../runtime/contract/actor.js';
import type { Address } from '../../runtime/contract/address.js';
import type { Of, PartitionContext } from './partition-message.js';
import type { ReplicaCore } from './replica-core.js';
import { buggify, planted, sometimes } from '../../runtime/probes/probes.js';

const waitingCountMax = 10_000;
const roundMaxMs = 1000;

interface WaitingRead {
  readonly from: Address;
  readonly request: number;
  readonly reply: Message;
}

interface Round {
  readonly number: number;
  readonly missing: Set<string>;
  readonly byController: boolean;
  readonly reads: readonly WaitingRead[];
  readonly startedAtMs: number;
}

export class ConfirmRounds {
  readonly #core: ReplicaCore;
  #next: WaitingRead[] = [];
  #round: Round | undefined;
  #counter = 0;

  constructor(core: ReplicaCore) {
    this.#core = core;
  }

  get isIdle(): boolean {
    return this.#round === undefined && this.#next.length === 0;
  }

  /** Answers with `reply`, evaluated in this turn, once the epoch is confirmed. @returns false when too many wait. */
  add(
    from: Address,
    request: number,
    reply: Message,
    maximal: ReadonlySet<string>,
    enoughInSync: boolean,
    context: PartitionContext,
  ): boolean {
    if (this.#next.length >= waitingCountMax) return false;
    this.#next.push({ from, request, reply });
    if (this.#round === undefined) this.#begin(maximal, enoughInSync, context);
    return true;
  }

  #begin(maximal: ReadonlySet<string>, enoughInSync: boolean, context: PartitionContext): void {
    const core = this.#core;
    const number = planted('PB20') ? 1 : ++this.#counter;
    const missing = new Set(maximal);
    missing.delete(core.self.host);
    const byController = missing.size === 0 || !enoughInSync || buggify('partition/confirm-by-controller');
    this.#round = { number, missing, byController, reads: this.#next, startedAtMs: context.nowMs };
    this.#next = [];
    if (byController) {
      const message: Of<'epoch-confirmed'> | object = {
        kind: 'confirm-epoch',
        request: number,
        partition: core.partition,
        epoch: core.epoch,
      };
      context.send({ host: core.self.host, worker: core.self.worker, actor: managerActor }, message as Message);
      return;
    }
    for (const host of missing)
      context.send(core.addressOf(host), { kind: 'confirm', link: core.linkTo(host), round: number } as Of<'confirm'>);
  }

  onConfirmed(
    round: number,
    host: string,
    maximal: ReadonlySet<string>,
    enoughInSync: boolean,
    context: PartitionContext,
  ): void {
    if (this.#round === undefined || this.#round.byController || this.#round.number !== round)
      return sometimes('partition/late-confirmation-ignored'); // F1
    this.#round.missing.delete(host);
    if (this.#round.missing.size > 0) return;
    sometimes('partition/read-confirmed-by-followers');
    this.#finish(maximal, enoughInSync, context);
  }

  onEpochConfirmed(
    message: Of<'epoch-confirmed'>,
    maximal: ReadonlySet<string>,
    enoughInSync: boolean,
    context: PartitionContext,
  ): void {
    if (this.#round === undefined || !this.#round.byController || this.#round.number !== message.request) return; // F1
    if (message.current && message.epoch === this.#core.epoch) {
      sometimes('partition/read-confirmed-by-controller');
      return this.#finish(maximal, enoughInSync, context);
    }
    sometimes('partition/read-refused-by-controller');
    this.refuseAll('not-leader', context);
  }

  #finish(maximal: ReadonlySet<string>, enoughInSync: boolean, context: PartitionContext): void {
    for (const read of this.#round?.reads ?? []) context.send(read.from, read.reply);
    this.#round = undefined;
    if (this.#next.length > 0) this.#begin(maximal, enoughInSync, context);
  }

  onTick(context: PartitionContext): void {
    if (this.#round !== undefined && context.nowMs - this.#round.startedAtMs > roundMaxMs)
      this.refuseAll('unavailable', context); // F2
  }

  refuseAll(reason: Refusal, context: PartitionContext): void {
    for (const read of [...(this.#round?.reads ?? []), ...this.#next]) {
      const detail = 'the leader epoch could not be confirmed';
      context.send(read.from, {
        kind: 'refused',
        request: read.request,
        partition: this.#core.partition,
        reason,
        detail,
      } as Message);
    }
    this.#round = undefined;
    this.#next = [];
  }
}
