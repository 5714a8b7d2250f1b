// Questions that the copy of the map answers
// =============================================================================
//
// Invariants
//   G1. "There is no such table" is said only by a map that was fetched after the question was asked.

import type { Context } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { MapWatch } from './map-watch.js';
import { mapViewOf } from './map-view.js';
import type { FailureCode, MapRequest } from './operations.js';
import type { Outbox } from './outbox.js';

interface Question {
  readonly request: MapRequest;
  readonly replyTo: Address;
  readonly deadlineMs: number;
  /** Answered only once this round was; undefined: the copy will do. */
  round: number | undefined;
}

export class MapDesk {
  readonly #watch: MapWatch;
  readonly #outbox: Outbox;
  readonly #questions = new Map<number, Question>();

  constructor(watch: MapWatch, outbox: Outbox) {
    this.#watch = watch;
    this.#outbox = outbox;
  }

  submit(context: Context<never>, request: MapRequest, replyTo: Address): void {
    const round = request.fresh ? this.#watch.ask(context) : undefined;
    const question: Question = { request, replyTo, deadlineMs: context.nowMs + request.timeoutMs, round };
    this.#questions.set(request.id, question);
    this.#maybeAnswer(context, question);
  }

  /** The map changed, or a round was answered. */
  onMap(context: Context<never>): void {
    for (const question of this.#questions.values()) this.#maybeAnswer(context, question);
  }

  #maybeAnswer(context: Context<never>, question: Question): void {
    const { request, replyTo, round } = question;
    if (!this.#watch.isKnown) return;
    if (round !== undefined && this.#watch.answeredRound < round) return;
    if (request.table !== undefined && !this.#watch.copy.tables.has(request.table)) {
      if (round === undefined) {
        question.round = this.#watch.ask(context); // G1
        return;
      }
      return this.#fail(question, 'NOT_FOUND', `there is no table ${request.table}`);
    }
    this.#questions.delete(request.id);
    this.#outbox.answer(replyTo, { kind: 'map', id: request.id, map: mapViewOf(this.#watch.copy, request.table) });
  }

  #fail(question: Question, code: FailureCode, message: string): void {
    this.#questions.delete(question.request.id);
    this.#outbox.fail(question.replyTo, question.request.id, code, message);
  }

  nextMs(): number | undefined {
    let next: number | undefined;
    for (const { deadlineMs } of this.#questions.values())
      if (next === undefined || deadlineMs < next) next = deadlineMs;
    return next;
  }

  due(context: Context<never>): void {
    for (const question of this.#questions.values())
      if (question.deadlineMs <= context.nowMs)
        this.#fail(question, 'UNAVAILABLE', 'no host of the mesh answered; is it running?');
  }

  cancel(id: number): void {
    const question = this.#questions.get(id);
    if (question !== undefined) this.#fail(question, 'ABORTED', 'it was aborted');
  }

  close(): void {
    for (const question of this.#questions.values()) this.#fail(question, 'CLOSED', 'the client was closed');
  }
}
