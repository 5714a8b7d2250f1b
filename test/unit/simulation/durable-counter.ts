// A durable actor for tests of the world: counts, journals each step, snapshots under pressure, answers when it is durable
// =============================================================================

import type { Actor, ActorDefinition, Context, Signal } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { JournalRecord, RecoveryReport } from '../../../runtime/contract/journal.js';
import { ByteReader } from '../../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../../runtime/std/byte-writer.js';

export type CounterMessage =
  | { readonly kind: 'add'; readonly replyTo: Address }
  | { readonly kind: 'added'; readonly count: number }
  | { readonly kind: 'add-durable'; readonly count: number; readonly replyTo: Address }
  | { readonly kind: 'snapshot-accepted' }
  | { readonly kind: 'snapshot-switched' }
  | { readonly kind: 'crash' };

function encode(count: number): Uint8Array {
  const writer = new ByteWriter();
  writer.u64(count);
  writer.raw(new Uint8Array(100).fill(count & 0xff));
  return writer.finish();
}

export class DurableCounter implements Actor<CounterMessage> {
  count = 0;
  /** The highest count that was said to be durable. */
  durable = 0;
  snapshots = 0;
  report: RecoveryReport | undefined;
  signals: Signal['kind'][] = [];
  #chunks = 0;
  #snapshotting = false;

  recoverSnapshot(meta: Uint8Array): void {
    this.count = new ByteReader(meta).u64();
  }

  recoverSnapshotChunk(): void {
    this.#chunks++;
  }

  recoverRecord(record: JournalRecord): void {
    const count = new ByteReader(record.payload).u64();
    if (count !== this.count + 1) throw new Error(`the record after ${this.count} is ${count}`);
    this.count = count;
  }

  start(_context: Context<CounterMessage>, report: RecoveryReport): void {
    this.report = report;
    this.durable = this.count;
  }

  receive(message: CounterMessage, _from: Address, context: Context<CounterMessage>): void {
    switch (message.kind) {
      case 'add':
        this.count++;
        context.journal.append(1, encode(this.count), {
          kind: 'add-durable',
          count: this.count,
          replyTo: message.replyTo,
        });
        return;
      case 'add-durable': {
        this.durable = message.count;
        const added: CounterMessage = { kind: 'added', count: message.count };
        context.send(message.replyTo, added);
        return;
      }
      case 'snapshot-accepted':
        return context.snapshots.commit({ kind: 'snapshot-switched' });
      case 'snapshot-switched':
        this.#snapshotting = false;
        this.snapshots++;
        return;
      case 'crash':
        throw new Error('on purpose');
      case 'added':
        return;
    }
  }

  signal(signal: Signal, context: Context<CounterMessage>): void {
    this.signals.push(signal.kind);
    if (signal.kind !== 'journal-pressure' || this.#snapshotting) return;
    this.#snapshotting = true;
    context.snapshots.begin(context.journal.nextLsn, encode(this.count));
    context.snapshots.append(new Uint8Array(1000).fill(this.#chunks), { kind: 'snapshot-accepted' });
  }

  inspect(): Record<string, unknown> {
    return { count: this.count, durable: this.durable };
  }
}

/** Sends `add` again and again to one counter, and remembers the highest count that it was told. */
export class Adder implements Actor<CounterMessage | { readonly kind: 'go' }> {
  told = 0;
  readonly #to: Address;
  readonly #everyMs: number;

  constructor(to: Address, everyMs: number) {
    this.#to = to;
    this.#everyMs = everyMs;
  }

  start(context: Context<{ readonly kind: 'go' }>): void {
    context.timers.start('go', 1, { kind: 'go' });
  }

  receive(
    message: CounterMessage | { readonly kind: 'go' },
    _from: Address,
    context: Context<CounterMessage | { readonly kind: 'go' }>,
  ): void {
    if (message.kind === 'added') {
      this.told = Math.max(this.told, message.count);
      return;
    }
    if (message.kind !== 'go') return;
    const add: CounterMessage = { kind: 'add', replyTo: context.self };
    context.send(this.#to, add);
    context.timers.start('go', this.#everyMs, { kind: 'go' });
  }
}

export function counterDefinitions(to: Address, everyMs = 2): ReadonlyMap<string, ActorDefinition> {
  return new Map<string, ActorDefinition>([
    ['counter', { kind: 'counter', durable: true, create: () => new DurableCounter() }],
    ['adder', { kind: 'adder', durable: false, create: () => new Adder(to, everyMs) }],
  ]);
}
