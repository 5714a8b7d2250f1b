// What a turn sends and answers
// =============================================================================
//
// Outcomes of one turn go to each submitter in one message.
//
// Invariants
//   X1. A request number is used once, also by later incarnations of the client (T2).

import type { Context } from '../../../runtime/contract/actor.js';
import { type Address, formatAddress } from '../../../runtime/contract/address.js';
import { assert } from '../../../runtime/std/assert.js';
import type { FailureCode, Outcome, Settled } from './operations.js';

export class Outbox {
  readonly #answers = new Map<string, { readonly to: Address; readonly outcomes: Outcome[] }>();
  #last: { readonly to: Address; readonly outcomes: Outcome[] } | undefined;
  #request = 0;

  /** @param incarnation of the client's actor: each has 2^40 numbers. */
  start(incarnation: number): void {
    this.#request = incarnation * 2 ** 40; // X1
  }

  nextRequest(): number {
    this.#request++;
    assert(Number.isSafeInteger(this.#request), 'X1: request numbers ran out');
    return this.#request;
  }

  answer(to: Address, outcome: Outcome): void {
    let answers = this.#last;
    if (answers === undefined || answers.to !== to) {
      const name = formatAddress(to);
      answers = this.#answers.get(name);
      if (answers === undefined) {
        answers = { to, outcomes: [] };
        this.#answers.set(name, answers);
      }
      this.#last = answers;
    }
    answers.outcomes.push(outcome);
  }

  fail(to: Address, id: number, code: FailureCode, message: string): void {
    this.answer(to, { kind: 'failed', id, code, message });
  }

  flush(context: Context<never>): void {
    if (this.#last === undefined) return;
    for (const { to, outcomes } of this.#answers.values()) {
      const settled: Settled = { kind: 'settled', outcomes };
      context.send(to, settled);
    }
    this.#answers.clear();
    this.#last = undefined;
  }
}
