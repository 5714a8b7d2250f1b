// Promises on one side, the client actor on the other
// =============================================================================
//
// Collects what is asked within a tick, hands it to the actor as one message, and settles each promise with the one outcome that
// comes back. The actor runs in a loop of its own, in this thread, driven by Node's event loop.
//
// Owns:     the loop, the transport, the promises.
// Does not: know what an outcome means for a user (outcome-error.ts).
//
// Invariants
//   J1. Every promise it gave is settled: by an outcome, by an abort, by the end of the client, or, should all of these fail, by the
//       watchdog.
//   J2. Its promises never reject: an outcome says what happened.
//   J3. An operation that was aborted before it was handed over is never handed over.

import type { Actor, ActorDefinition, Message, Signal } from '../../runtime/contract/actor.js';
import { type Address, clientHost } from '../../runtime/contract/address.js';
import type { EmittedEvent } from '../../runtime/contract/events.js';
import type { Transport, TransportReceiver } from '../../runtime/contract/transport.js';
import { ActorLoop } from '../../runtime/kernel/actor-loop.js';
import type { LoopPorts } from '../../runtime/kernel/ports.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import { machineClock } from '../../runtime/threads/clock.js';
import { driveLoop, type LoopDriver } from '../../runtime/threads/loop-driver.js';
import { processRandom } from '../../runtime/threads/process-random.js';
import { clientDefinition } from './core/client-actor.js';
import type { ClientLimits } from './core/client-limits.js';
import { ringRouting } from './core/key-routing.js';
import { clientActor, type Operation, type Outcome, type Settled } from './core/operations.js';

/** Where a client is: what a transport needs to know to bring its messages. */
export interface ClientPlace {
  readonly host: string;
  readonly worker: number;
}

/** Opens the way between a client and the mesh: over NATS, or within this thread. */
export type OpenTransport = (place: ClientPlace, receiver: TransportReceiver) => Promise<Transport> | Transport;

/** An operation before it has its number. */
export type Asked = Operation extends infer O ? (O extends Operation ? Omit<O, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (outcome: Outcome) => void;
  readonly isWrite: boolean;
  readonly signal: AbortSignal | undefined;
  /** When the watchdog takes over: long after the actor should have answered. */
  readonly overdueMs: number;
  isHandedOver: boolean;
}

const watchdogMs = 1000;
const overdueGraceMs = 5000;

export interface ClientPortOptions {
  readonly clientId: string;
  readonly transport: OpenTransport;
  readonly limits?: Partial<ClientLimits> | undefined;
  readonly onEvent: (event: EmittedEvent) => void;
}

export class ClientPort {
  readonly clientId: string;
  readonly #loop: ActorLoop;
  readonly #driver: LoopDriver;
  readonly #shell: Address;
  #transport: Transport | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #signals = new Map<AbortSignal, { readonly ids: Set<number>; readonly onAbort: () => void }>();
  #outbound: Operation[] = [];
  #lastId = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #ended: string | undefined;

  private constructor(options: ClientPortOptions) {
    this.clientId = options.clientId;
    const host = clientHost(options.clientId);
    this.#shell = { host, worker: 0, actor: 'shell' };
    const definitions = new Map<string, ActorDefinition>([
      [clientActor, clientDefinition({ partitionOf: ringRouting(), limits: options.limits ?? {} })],
      ['shell', shellDefinition(this.#onSettled, this.#onRestart)],
    ]);
    const cells: number[] = [];
    const { loop, driver } = driveLoop(machineClock, (wake) => {
      const ports: LoopPorts = {
        host,
        worker: 0,
        clock: machineClock,
        cells: { load: (index) => cells[index] ?? 0, store: (index, value) => void (cells[index] = value) },
        random: processRandom(),
        transport: {
          post: (envelope) => this.#transport?.post(envelope),
          flush: () => this.#transport?.flush(),
          close: () => this.#transport?.close() ?? Promise.resolve(),
        },
        emit: options.onEvent,
        wake,
        escalate: (reason) => this.#end(`the client broke: ${reason.message}`),
      };
      return new ActorLoop(ports, definitions);
    });
    this.#loop = loop;
    this.#driver = driver;
  }

  /** @throws what the transport throws */
  static async open(options: ClientPortOptions): Promise<ClientPort> {
    const port = new ClientPort(options);
    const receiver: TransportReceiver = {
      deliver: (envelope) => port.#loop.deliver(envelope),
      gap: (host, worker) => port.#loop.signal({ kind: 'link-gap', host, worker }),
      backlog: () => port.#loop.queuedCount,
    };
    try {
      port.#transport = await options.transport({ host: port.#shell.host, worker: 0 }, receiver);
    } catch (error) {
      port.#driver.stop();
      throw error;
    }
    port.#loop.spawn({ name: 'shell', kind: 'shell', args: emptyBytes });
    port.#loop.spawn({ name: clientActor, kind: clientActor, args: emptyBytes });
    return port;
  }

  get isClosed(): boolean {
    return this.#ended !== undefined;
  }

  /** Names an operation in errors: unique over all clients. */
  requestIdOf(id: number): string {
    return `${this.clientId}-${id}`;
  }

  /** Asks the actor for one operation (J1, J2). */
  run(asked: Asked, signal?: AbortSignal): Promise<Outcome> {
    const id = ++this.#lastId;
    if (signal?.aborted === true)
      return Promise.resolve({ kind: 'failed', id, code: 'ABORTED', message: 'it was aborted' });
    if (this.#ended !== undefined) return Promise.resolve({ kind: 'failed', id, code: 'CLOSED', message: this.#ended });
    return new Promise((resolve) => {
      const isWrite = asked.kind === 'write' || asked.kind === 'admin';
      const overdueMs = machineClock.monotonicMs() + asked.timeoutMs + overdueGraceMs;
      this.#waiting.set(id, { resolve, isWrite, signal, overdueMs, isHandedOver: false });
      if (signal !== undefined) this.#listen(signal, id);
      if (this.#outbound.length === 0) queueMicrotask(this.#handOver);
      this.#outbound.push(numbered(asked, id));
      this.#watchdog ??= setInterval(this.#watch, watchdogMs).unref();
    });
  }

  /** Settles everything that waits and lets go of the transport. */
  async close(): Promise<void> {
    if (this.#ended === undefined) {
      this.#handOver();
      this.#ended = 'the client is closed';
      this.#tell({ kind: 'close' });
      while (this.#loop.run()) continue; // the actor settles in this turn, the shell in the next
      this.#end(this.#ended);
    }
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close();
  }

  // --- to the actor -----------------------------------------------------------------------------------------------------

  #tell(message: Message): void {
    const to = { host: this.#shell.host, worker: 0, actor: clientActor };
    this.#loop.deliver({ to, from: this.#shell, message });
  }

  readonly #handOver = (): void => {
    const operations: Operation[] = [];
    for (const operation of this.#outbound) {
      const waiting = this.#waiting.get(operation.id);
      if (waiting === undefined) continue; // J3
      waiting.isHandedOver = true;
      operations.push(operation);
    }
    this.#outbound = [];
    if (operations.length > 0) this.#tell({ kind: 'submit', operations } as Message);
  };

  // --- from the actor ---------------------------------------------------------------------------------------------------

  readonly #onSettled = (outcomes: readonly Outcome[]): void => {
    for (const outcome of outcomes) this.#settle(outcome.id, outcome);
  };

  #settle(id: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (waiting.signal !== undefined) this.#unlisten(waiting.signal, id);
    waiting.resolve(outcome);
  }

  /** The actor crashed and has forgotten everything it was doing. */
  readonly #onRestart = (): void => {
    for (const [id, waiting] of this.#waiting)
      if (waiting.isHandedOver) this.#abandon(id, waiting, 'the client had to be restarted');
  };

  #abandon(id: number, waiting: Waiting, message: string): void {
    if (waiting.isWrite && waiting.isHandedOver) this.#settle(id, { kind: 'unknown', id, message });
    else this.#settle(id, { kind: 'failed', id, code: 'UNAVAILABLE', message });
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#loop.close();
    this.#driver.stop();
    clearInterval(this.#watchdog);
    for (const [id, waiting] of this.#waiting) {
      if (waiting.isWrite && waiting.isHandedOver) this.#settle(id, { kind: 'unknown', id, message: reason });
      else this.#settle(id, { kind: 'failed', id, code: 'CLOSED', message: reason });
    }
  }

  readonly #watch = (): void => {
    const now = machineClock.monotonicMs();
    for (const [id, waiting] of this.#waiting)
      if (waiting.overdueMs <= now) this.#abandon(id, waiting, 'the client lost track of it');
  };

  // --- aborts -----------------------------------------------------------------------------------------------------------

  /** One listener a signal, however many operations share it. */
  #listen(signal: AbortSignal, id: number): void {
    let listening = this.#signals.get(signal);
    if (listening === undefined) {
      listening = { ids: new Set(), onAbort: () => this.#onAbort(signal) };
      this.#signals.set(signal, listening);
      signal.addEventListener('abort', listening.onAbort);
    }
    listening.ids.add(id);
  }

  #unlisten(signal: AbortSignal, id: number): void {
    const listening = this.#signals.get(signal);
    if (listening === undefined) return;
    listening.ids.delete(id);
    if (listening.ids.size > 0) return;
    signal.removeEventListener('abort', listening.onAbort);
    this.#signals.delete(signal);
  }

  #onAbort(signal: AbortSignal): void {
    for (const id of this.#signals.get(signal)?.ids ?? []) {
      if (this.#waiting.get(id)?.isHandedOver === true) this.#tell({ kind: 'cancel', id } as Message);
      else this.#settle(id, { kind: 'failed', id, code: 'ABORTED', message: 'it was aborted' }); // J3
    }
  }
}

/** By name for what comes by the thousand: a spread costs a microsecond. */
function numbered(asked: Asked, id: number): Operation {
  switch (asked.kind) {
    case 'write': {
      const { kind, timeoutMs, table, operation, key, value, ifVersion, durability } = asked;
      return { kind, id, timeoutMs, table, operation, key, value, ifVersion, durability };
    }
    case 'read': {
      const { kind, timeoutMs, table, key, consistency } = asked;
      return { kind, id, timeoutMs, table, key, consistency };
    }
    default:
      return { ...asked, id };
  }
}

/** The actor beside the client to which its outcomes go. */
function shellDefinition(onSettled: (outcomes: readonly Outcome[]) => void, onRestart: () => void): ActorDefinition {
  const actor: Actor<Settled> = {
    start: () => undefined,
    receive: (message, from, context) => {
      if (from.host === context.self.host && message.kind === 'settled') onSettled(message.outcomes);
    },
    signal: (signal: Signal) => {
      if (signal.kind === 'actor-restarted' && signal.actor === clientActor) onRestart();
    },
  };
  return { kind: 'shell', durable: false, create: () => actor };
}
