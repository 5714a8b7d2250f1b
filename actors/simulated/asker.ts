// Somebody who asks through the production client, from outside of simulated time
// =============================================================================
//
// For what a run has to ask by itself: making tables, reading everything back.

import { clientActor, type Operation, type Outcome, type Settled } from '../../messaging/client/core/operations.js';
import type { Actor, Context, Message } from '../../runtime/contract/actor.js';
import type { SimulatedCluster } from '../../runtime/simulation/simulated-cluster.js';

export const askerKind = 'asker';
const home = { host: '@mesh-asker', worker: 0, actor: askerKind };

type Ask = { readonly kind: 'ask-client'; readonly operation: Operation };
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;
export type Question = Unnumbered<Operation>;

export class Asker implements Actor<Ask | Settled> {
  readonly outcomes = new Map<number, Outcome>();
  #asked = 0;

  start(): void {}

  receive(message: Ask | Settled, _: unknown, context: Context<never>): void {
    if (message.kind === 'settled') for (const outcome of message.outcomes) this.outcomes.set(outcome.id, outcome);
    else context.send({ ...home, actor: clientActor }, { kind: 'submit', operations: [message.operation] } as Message);
  }

  /** @returns the number under which the outcome will be found. */
  ask(cluster: SimulatedCluster, question: Question): number {
    const id = ++this.#asked;
    cluster.deliver(home, { kind: 'ask-client', operation: { ...question, id } } as Message);
    return id;
  }
}
