// A turn in progress: the context an actor sees, staging every effect
// =============================================================================
//
// Invariants
//   U1. Nothing leaves this object while the turn runs (A2): the loop reads the staged effects after `receive` returned,
//       or `reset` forgets them after it threw.
//   U2. A context is good for its own turn only; using it later is an assertion failure.

import type {
  ActorJournal,
  ActorSnapshots,
  ActorSpec,
  ActorStatus,
  Context,
  Message,
  Timers,
} from '../contract/actor.js';
import type { Address } from '../contract/address.js';
import type { Cells } from '../contract/cells.js';
import type { SystemEvent } from '../contract/events.js';
import type { Random } from '../std/random.js';
import { assert } from '../std/assert.js';
import type { LoopPorts } from './ports.js';

export type Effect =
  | { readonly kind: 'send'; readonly to: Address; readonly message: Message }
  | {
      readonly kind: 'append';
      readonly type: number;
      readonly payload: Uint8Array;
      readonly lsn: number;
      readonly whenDurable: Message | undefined;
    }
  | { readonly kind: 'timer'; readonly key: string; readonly delayMs: number; readonly message: Message }
  | { readonly kind: 'cancel'; readonly key: string }
  | { readonly kind: 'spawn'; readonly spec: ActorSpec }
  | { readonly kind: 'stop'; readonly actor: string; readonly forget: boolean }
  | {
      readonly kind: 'snapshot-begin';
      readonly replayFromLsn: number;
      readonly meta: Uint8Array;
      readonly replaces: boolean;
    }
  | { readonly kind: 'snapshot-append'; readonly chunk: Uint8Array; readonly whenAccepted: Message }
  | { readonly kind: 'snapshot-commit'; readonly whenDurable: Message }
  | { readonly kind: 'snapshot-abort' }
  | { readonly kind: 'emit'; readonly event: SystemEvent };

export class Turn implements Context {
  readonly #ports: LoopPorts;
  readonly #actors: () => readonly ActorStatus[];
  readonly effects: Effect[] = [];
  #open = false;
  #appended = 0;
  #self!: Address;
  #incarnation = 0;
  #random!: Random;
  #nowMs = 0;
  #wallMs: number | undefined;
  #bootMs: number | undefined;
  readonly cells: Cells;
  readonly journal: ActorJournal<Message>;
  readonly snapshots: ActorSnapshots<Message>;
  readonly timers: Timers<Message>;

  constructor(ports: LoopPorts, actors: () => readonly ActorStatus[]) {
    this.#ports = ports;
    this.#actors = actors;
    this.cells = ports.cells;
    const stage = (effect: Effect): void => this.#stage(effect);
    const nextLsn = (): number => {
      assert(ports.journal !== undefined, 'this worker has no journal');
      return ports.journal.nextLsn + this.#appended;
    };
    this.journal = {
      get nextLsn(): number {
        return nextLsn();
      },
      append: (type, payload, whenDurable): number => {
        const lsn = nextLsn();
        stage({ kind: 'append', type, payload, lsn, whenDurable });
        this.#appended++;
        return lsn;
      },
    };
    this.snapshots = {
      begin: (replayFromLsn, meta, replaces = false) =>
        stage({ kind: 'snapshot-begin', replayFromLsn, meta, replaces }),
      append: (chunk, whenAccepted) => stage({ kind: 'snapshot-append', chunk, whenAccepted }),
      commit: (whenDurable) => stage({ kind: 'snapshot-commit', whenDurable }),
      abort: () => stage({ kind: 'snapshot-abort' }),
    };
    this.timers = {
      start: (key, delayMs, message) => {
        assert(delayMs >= 0, 'a timer does not go off in the past');
        stage({ kind: 'timer', key, delayMs, message });
      },
      cancel: (key) => stage({ kind: 'cancel', key }),
    };
  }

  open(self: Address, incarnation: number, random: Random): void {
    assert(!this.#open, 'A1: a turn begins only after the last one ended');
    this.#open = true;
    this.#appended = 0;
    this.#self = self;
    this.#incarnation = incarnation;
    this.#random = random;
    this.#nowMs = this.#ports.clock.monotonicMs();
    this.#wallMs = undefined;
    this.#bootMs = undefined;
  }

  close(): void {
    this.#open = false;
  }

  reset(): void {
    this.#open = false;
    this.effects.length = 0;
  }

  #stage(effect: Effect): void {
    assert(this.#open, 'U2: a context outlived its turn');
    this.effects.push(effect);
  }

  get self(): Address {
    return this.#self;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get wallMs(): number {
    this.#wallMs ??= this.#ports.clock.wallMs(); // few turns ask; the first look freezes it
    return this.#wallMs;
  }

  get bootMs(): number {
    this.#bootMs ??= this.#ports.clock.bootMs();
    return this.#bootMs;
  }

  get random(): Random {
    return this.#random;
  }

  readClockMs(): number {
    return this.#ports.clock.monotonicMs();
  }

  send(to: Address, message: Message): void {
    this.#stage({ kind: 'send', to, message });
  }

  spawn(spec: ActorSpec): void {
    this.#stage({ kind: 'spawn', spec });
  }

  stop(actor: string, options?: { readonly forget?: boolean }): void {
    this.#stage({ kind: 'stop', actor, forget: options?.forget ?? false });
  }

  actors(): readonly ActorStatus[] {
    return this.#actors();
  }

  emit(event: SystemEvent): void {
    this.#stage({ kind: 'emit', event });
  }
}
