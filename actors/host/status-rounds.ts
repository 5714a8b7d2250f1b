// Asking the replicas of a worker how they are
// =============================================================================
//
// Invariants
//   E4. Every status request is answered once: when all replicas have answered, or after a while with those that have.
//   E5. At most `roundCountMax` run; more are not answered, and their askers time out.

import type { ReplicaStatus } from '../../messaging/protocol/host-messages.js';
import type { Address } from '../../runtime/contract/address.js';

const roundCountMax = 64;
const roundMsMax = 300;

export interface StatusRound {
  readonly number: number;
  readonly from: Address;
  readonly request: number;
  readonly untilMs: number;
  readonly missing: Set<number>;
  readonly replicas: ReplicaStatus[];
}

export class StatusRounds {
  readonly #rounds = new Map<number, StatusRound>();
  #lastNumber = 0;

  /** Undefined when there is no room (E5). Ask each of `partitions` with the round's number. */
  begin(from: Address, request: number, partitions: readonly number[], nowMs: number): StatusRound | undefined {
    if (this.#rounds.size >= roundCountMax) return undefined;
    const number = ++this.#lastNumber;
    const round = { number, from, request, untilMs: nowMs + roundMsMax, missing: new Set(partitions), replicas: [] };
    this.#rounds.set(number, round);
    return round;
  }

  answer(number: number, status: ReplicaStatus): void {
    const round = this.#rounds.get(number);
    if (round?.missing.delete(status.partition) === true) round.replicas.push(status);
  }

  /** Takes the rounds that are over. */
  take(nowMs: number): StatusRound[] {
    const over = [...this.#rounds.values()].filter((round) => round.missing.size === 0 || round.untilMs <= nowMs);
    for (const round of over) this.#rounds.delete(round.number);
    return over;
  }

  get isIdle(): boolean {
    return this.#rounds.size === 0;
  }
}
