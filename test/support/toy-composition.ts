// A host of toys, for tests of runtime/threads
// =============================================================================
//
// `echo` answers pings, `counter` is durable, `trouble` breaks its thread in every way that a thread can be broken, and `relay` on the
// main thread carries messages between the test and the workers' actors. The test and the main thread are one thread, so they share
// this module's `outside`.

import type { Actor, ActorDefinition, Context, Message, Signal } from '../../runtime/contract/actor.js';
import { type Address, clientHost, mainWorker } from '../../runtime/contract/address.js';
import type { Cells } from '../../runtime/contract/cells.js';
import type { JournalRecord, RecoveryReport } from '../../runtime/contract/journal.js';
import type { Envelope, Transport, TransportReceiver } from '../../runtime/contract/transport.js';
import { planted } from '../../runtime/probes/probes.js';
import type { Composition, Place } from '../../runtime/threads/composition.js';
import { textCodec } from './text-codec.js';

export interface ToyConfig {
  /** The main thread never says that it has handed over. */
  readonly neverDrained?: boolean;
  /** That worker's `compose` throws. */
  readonly refuseWorker?: number;
  /** That worker's transport cannot be connected. */
  readonly refuseConnect?: number;
  /** Every worker's thread throws right after it started. */
  readonly dieAtOnce?: boolean;
}

export type ToyMessage =
  | { readonly kind: 'relay'; readonly to: Address; readonly message: ToyMessage }
  | { readonly kind: 'ping'; readonly text: string }
  | { readonly kind: 'pong'; readonly text: string; readonly worker: number; readonly incarnation: number }
  /** Pings the echo of that worker and passes the answer on to whoever asked. */
  | { readonly kind: 'ping-via'; readonly worker: number; readonly text: string }
  | { readonly kind: 'add'; readonly by: number }
  /** Makes the journal longer. */
  | { readonly kind: 'fill'; readonly bytes: number }
  | { readonly kind: 'added'; readonly by: number; readonly replyTo: Address }
  | {
      readonly kind: 'count';
      readonly total: number;
      readonly incarnation: number;
      readonly end: string;
      readonly cleanShutdown: boolean;
    }
  | { readonly kind: 'throw-in-turn' }
  /** It cannot be created again either. */
  | { readonly kind: 'throw-for-good' }
  | { readonly kind: 'throw-outside' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'spin'; readonly forMs: number };

type Turn = Context<ToyMessage>;

function say(context: Turn, to: Address, message: ToyMessage): void {
  context.send(to, message);
}

const noArgs = new Uint8Array(0);
const drainedCell = 0;
const fillType = 2;

function relay(): Actor<ToyMessage> {
  return {
    start: () => undefined,
    receive: (message, from, context: Turn) => {
      if (message.kind === 'relay') context.send(message.to, message.message);
      else context.send({ host: clientHost('test'), worker: 0, actor: `${from.worker}/${from.actor}` }, message);
    },
    signal: (signal: Signal, context: Turn) => {
      if (signal.kind === 'draining') context.cells.store(drainedCell, 1);
    },
    inspect: () => ({ what: 'relay' }),
  };
}

function echo(): Actor<ToyMessage> {
  const asked: { readonly text: string; readonly by: Address }[] = [];
  return {
    start: () => undefined,
    receive: (message, from, context: Turn) => {
      if (message.kind === 'ping') {
        const { incarnation, self } = context;
        say(context, from, { kind: 'pong', text: message.text, worker: self.worker, incarnation });
      } else if (message.kind === 'ping-via') {
        asked.push({ text: message.text, by: from });
        say(context, { ...context.self, worker: message.worker }, { kind: 'ping', text: message.text });
      } else if (message.kind === 'pong') {
        const index = asked.findIndex((each) => each.text === message.text);
        const [by] = asked.splice(index, 1);
        if (by !== undefined) context.send(by.by, message);
      }
    },
    inspect: () => ({ planted: planted('PB09') }),
  };
}

function counter(): Actor<ToyMessage> {
  let total = 0;
  let found: RecoveryReport | undefined;
  return {
    recoverRecord: (record: JournalRecord) => {
      if (record.type !== fillType) total += record.payload[0] as number;
    },
    start: (_, report) => {
      found = report;
    },
    receive: (message, from, context: Turn) => {
      if (message.kind === 'add') {
        context.journal.append(1, new Uint8Array([message.by]), { kind: 'added', by: message.by, replyTo: from });
      } else if (message.kind === 'fill') {
        context.journal.append(fillType, new Uint8Array(message.bytes));
      } else if (message.kind === 'added') {
        total += message.by;
        say(context, message.replyTo, {
          kind: 'count',
          total,
          incarnation: context.incarnation,
          end: found?.end ?? '',
          cleanShutdown: found?.cleanShutdown ?? false,
        });
      }
    },
    inspect: () => ({ total }),
  };
}

function trouble(state: { broken: boolean }): Actor<ToyMessage> {
  if (state.broken) throw new Error('broken for good');
  return {
    start: () => undefined,
    receive: (message) => {
      switch (message.kind) {
        case 'throw-in-turn':
          throw new Error('thrown in a turn');
        case 'throw-for-good':
          state.broken = true;
          throw new Error('thrown for good');
        case 'throw-outside':
          setImmediate(() => {
            throw new Error('thrown outside of every turn');
          });
          return;
        case 'reject':
          void Promise.reject(new Error('a rejection that nobody handles'));
          return;
        case 'exit':
          process.exit(3);
          return;
        case 'spin': {
          const endMs = Date.now() + message.forMs;
          while (Date.now() < endMs);
          return;
        }
        default:
      }
    },
  };
}

function definition(kind: string, durable: boolean, create: () => Actor<ToyMessage>): [string, ActorDefinition] {
  return [kind, { kind, durable, create }];
}

/** The test's side of the main thread's external transport. */
class Outside {
  readonly arrived: Envelope[] = [];
  readonly #receivers = new Map<string, TransportReceiver>();

  join(host: string, receiver: TransportReceiver): Transport {
    this.#receivers.set(host, receiver);
    return {
      post: (envelope) => void this.arrived.push(envelope),
      flush: () => undefined,
      close: () => {
        this.#receivers.delete(host);
        return Promise.resolve();
      },
    };
  }

  /** Has the host's relay send `message` to that worker's actor. */
  send(host: string, worker: number, actor: string, message: ToyMessage): void {
    this.#receivers.get(host)?.deliver({
      to: { host, worker: mainWorker, actor: 'relay' },
      from: { host: clientHost('test'), worker: 0, actor: 'test' },
      message: { kind: 'relay', to: { host, worker, actor }, message } as Message,
    });
  }

  /** Answers of that kind, oldest first. */
  answers<Kind extends ToyMessage['kind']>(kind: Kind): Extract<ToyMessage, { readonly kind: Kind }>[] {
    return this.arrived.map(({ message }) => message as ToyMessage).filter((message) => message.kind === kind) as never;
  }

  clear(): void {
    this.arrived.length = 0;
  }
}

export const outside = new Outside();

const nowhere: Transport = { post: () => undefined, flush: () => undefined, close: () => Promise.resolve() };

export function compose(config: unknown, place: Place): Composition {
  const { neverDrained, refuseWorker, refuseConnect, dieAtOnce } = (config ?? {}) as ToyConfig;
  const onMain = place.worker === mainWorker;
  if (place.worker === refuseWorker) throw new Error('this toy is broken');
  if (dieAtOnce === true && !onMain) {
    setTimeout(() => {
      throw new Error('died at once');
    }, 20);
  }
  const troubleState = { broken: false };
  return {
    definitions: new Map([
      definition('relay', false, relay),
      definition('echo', false, echo),
      definition('counter', true, counter),
      definition('trouble', false, () => trouble(troubleState)),
    ]),
    codec: textCodec,
    rootActors: () =>
      (onMain ? ['relay'] : ['echo', 'counter', 'trouble']).map((kind) => ({ name: kind, kind, args: noArgs })),
    connect: (_, receiver) => {
      if (place.worker === refuseConnect) return Promise.reject(new Error('the network refuses'));
      return Promise.resolve(onMain ? outside.join(place.host, receiver) : nowhere);
    },
    drained: (cells: Cells) => neverDrained !== true && cells.load(drainedCell) === 1,
  };
}
