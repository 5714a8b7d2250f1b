// The client actor before a model mesh, in virtual time and over a network that loses, repeats and delays
// =============================================================================
//
// The real actor in the real loop; only clock and network are ours. What is asked for arrives in the order of (time, sequence), so a seed
// is a run.

import type { Actor, ActorDefinition, Message } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { EmittedEvent } from '../../../runtime/contract/events.js';
import { ActorLoop } from '../../../runtime/kernel/actor-loop.js';
import { Heap } from '../../../runtime/std/heap.js';
import { type Random, seededRandom } from '../../../runtime/std/random.js';
import { clientDefinition } from '../../../messaging/client/core/client-actor.js';
import type { ClientLimits } from '../../../messaging/client/core/client-limits.js';
import { ringRouting } from '../../../messaging/client/core/key-routing.js';
import { clientActor, type Operation, type Outcome, type Settled } from '../../../messaging/client/core/operations.js';
import { protocolCodec } from '../../../messaging/protocol/codec.js';
import { ModelMesh } from './model-mesh.js';

export interface Faults {
  /** Chances of a message, each way. */
  readonly drop: number;
  readonly repeat: number;
  /** Chance of a delay of seconds instead of milliseconds. */
  readonly linger: number;
}

export const noFaults: Faults = { drop: 0, repeat: 0, linger: 0 };

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

const home: Address = { host: '@c1', worker: 0, actor: 'workload' };

export class VirtualClient {
  nowMs = 0;
  readonly random: Random;
  faults: Faults;
  readonly mesh: ModelMesh;
  readonly outcomes: Outcome[] = [];
  readonly crashes: EmittedEvent[] = [];
  /** What the client sent, as it left. */
  readonly sent: { readonly to: Address; readonly message: Message }[] = [];
  /** Decides about a message before the faults do: false = it is lost. */
  filter: (from: Address, to: Address, message: Message) => boolean = () => true;
  readonly #events = new Heap<Event>((a, b) => (a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs));
  #sequence = 0;
  readonly #loop: ActorLoop;

  constructor(seed: string | number, faults: Faults = noFaults, limits: Partial<ClientLimits> = {}) {
    this.random = seededRandom(seed);
    this.faults = faults;
    this.mesh = new ModelMesh({
      send: (from, to, message) => this.#carry(from, to, message),
      after: (delayMs, run) => this.at(delayMs, run),
    });
    const workload: Actor<Settled> = {
      start: () => undefined,
      receive: (message) => void this.outcomes.push(...message.outcomes),
    };
    const definitions = new Map<string, ActorDefinition>([
      [clientActor, clientDefinition({ partitionOf: ringRouting(), limits })],
      ['workload', { kind: 'workload', durable: false, create: () => workload }],
    ]);
    const cells: number[] = [];
    this.#loop = new ActorLoop(
      {
        host: home.host,
        worker: 0,
        clock: { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs, bootMs: () => this.nowMs },
        cells: { load: (i) => cells[i] ?? 0, store: (i, value) => void (cells[i] = value) },
        random: this.random.split('loop'),
        transport: {
          post: ({ from, to, message }) => {
            this.sent.push({ to, message });
            this.#carry(from, to, message);
          },
          flush: () => undefined,
          close: () => Promise.resolve(),
        },
        emit: (event) => {
          if (event.event.level === 'error') this.crashes.push(event);
        },
        wake: () => undefined,
        escalate: (reason) => {
          throw reason;
        },
      },
      definitions,
    );
    const args = new Uint8Array(0);
    this.#loop.spawn({ name: 'workload', kind: 'workload', args });
    this.#loop.spawn({ name: clientActor, kind: clientActor, args });
    this.#turn();
  }

  /** Hands the client operations, or another command. */
  submit(...operations: readonly Operation[]): void {
    this.tell({ kind: 'submit', operations } as Message);
  }

  tell(message: Message): void {
    this.#loop.deliver({ from: home, to: { ...home, actor: clientActor }, message });
    this.#turn();
  }

  /** A message that claims to come from there. */
  forge(from: Address, message: Message): void {
    this.#loop.deliver({ from, to: { ...home, actor: clientActor }, message });
    this.#turn();
  }

  gap(host: string, worker: number): void {
    this.#loop.signal({ kind: 'link-gap', host, worker });
    this.#turn();
  }

  inspect(): Record<string, unknown> {
    return this.#loop.inspect(clientActor) ?? {};
  }

  outcomeOf(id: number): Outcome | undefined {
    return this.outcomes.find((outcome) => outcome.id === id);
  }

  at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, sequence: this.#sequence++, run });
  }

  /** Lets `durationMs` pass. */
  pass(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      const event = this.#events.peek();
      const wakeMs = this.#loop.nextWakeMs();
      const nextMs = Math.min(event?.atMs ?? Number.POSITIVE_INFINITY, wakeMs ?? Number.POSITIVE_INFINITY);
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (event !== undefined && event.atMs <= this.nowMs) {
        this.#events.pop();
        event.run();
      }
      this.#turn();
    }
    this.nowMs = untilMs;
  }

  #turn(): void {
    while (this.#loop.run()) continue;
  }

  #carry(from: Address, to: Address, message: Message): void {
    if (!this.filter(from, to, message)) return;
    const { random } = this;
    if (random.chance(this.faults.drop)) return;
    const bytes = protocolCodec.encode(message);
    const isRepeated = random.chance(this.faults.repeat);
    let arrived = false;
    for (let copy = 0; copy < (isRepeated ? 2 : 1); copy++) {
      const delayMs = random.chance(this.faults.linger) ? random.between(500, 6000) : random.between(1, 4);
      this.at(delayMs, () => {
        const decoded = protocolCodec.decode(bytes);
        if (to.host === home.host) {
          this.#loop.deliver({ from, to, message: decoded });
          return;
        }
        if (arrived) return; // T3: the link removes repetitions on the way to a host
        arrived = true;
        this.mesh.handle(to, from, decoded);
      });
    }
  }
}
