// A loop whose every port is in the test's hands
// =============================================================================

import type { Actor, ActorDefinition, Context, Message, Signal } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { EmittedEvent } from '../../../runtime/contract/events.js';
import type {
  Journal,
  JournalRecord,
  RecoveryReport,
  SnapshotWriter,
  StreamConsumer,
} from '../../../runtime/contract/journal.js';
import type { Envelope } from '../../../runtime/contract/transport.js';
import { ActorLoop } from '../../../runtime/kernel/actor-loop.js';
import { defaultLoopLimits, type LoopLimits } from '../../../runtime/kernel/ports.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';

/** A journal that becomes durable when the test says so. */
export class ManualJournal implements Journal {
  readonly streams = new Map<string, JournalRecord[]>();
  readonly writers: ManualSnapshotWriter[] = [];
  readonly #idle: (() => void)[] = [];
  #buffered: { readonly stream: string; readonly record: JournalRecord }[] = [];
  #flushed: { readonly stream: string; readonly record: JournalRecord }[] = [];
  nextLsn = 0;
  durableLsn = 0;
  flushes = 0;

  openStream(name: string): void {
    this.streams.set(name, []);
  }

  closeStream(name: string): void {
    this.streams.delete(name);
  }

  append(stream: string, type: number, payload: Uint8Array): number {
    const lsn = this.nextLsn++;
    this.#buffered.push({ stream, record: { lsn, type, payload: payload.slice() } });
    return lsn;
  }

  flush(): void {
    this.flushes++;
    this.#flushed.push(...this.#buffered);
    this.#buffered = [];
  }

  get bufferedCount(): number {
    return this.#buffered.length;
  }

  /** The sync of what was flushed returns. @returns the end of what is durable now. */
  sync(): number {
    for (const { stream, record } of this.#flushed.splice(0)) {
      this.streams.get(stream)?.push(record);
      this.durableLsn = record.lsn + 1;
    }
    return this.durableLsn;
  }

  whenIdle(idle: () => void): void {
    this.#idle.push(idle);
  }

  becomeIdle(): void {
    for (const idle of this.#idle.splice(0)) idle();
  }

  replay(stream: string, consumer: StreamConsumer): RecoveryReport {
    const records = this.streams.get(stream) ?? [];
    for (const record of records) consumer.record(record);
    return { end: 'clean', cleanShutdown: false, sameBoot: true, recordCount: records.length };
  }

  beginSnapshot(): SnapshotWriter {
    const writer = new ManualSnapshotWriter();
    this.writers.push(writer);
    return writer;
  }

  close(done: () => void): void {
    done();
  }
}

export class ManualSnapshotWriter implements SnapshotWriter {
  readonly chunks: Uint8Array[] = [];
  accept: (() => void) | undefined;
  switch: (() => void) | undefined;
  aborted = false;

  append(chunk: Uint8Array, accepted: () => void): void {
    this.chunks.push(chunk);
    this.accept = accepted;
  }

  commit(durable: () => void): void {
    this.switch = durable;
  }

  abort(): void {
    this.aborted = true;
  }
}

/** What an actor of these tests does: anything, given as functions. */
export interface Behaviour {
  readonly start?: (context: Context, report: RecoveryReport) => void;
  readonly receive?: (message: Message, from: Address, context: Context) => void;
  readonly signal?: (signal: Signal, context: Context) => void;
  readonly record?: (record: JournalRecord) => void;
}

export class ManualWorld {
  nowMs = 1000;
  wallMs = 5_000_000;
  bootMs = 7000;
  wakes = 0;
  flushes = 0;
  readonly posted: Envelope[] = [];
  readonly flushed: Envelope[] = [];
  readonly events: EmittedEvent[] = [];
  readonly escalations: Error[] = [];
  readonly cells = new PlainCells();
  readonly journal = new ManualJournal();
  readonly loop: ActorLoop;
  readonly self: Address = { host: 'h', worker: 0, actor: 'subject' };

  /** @param behaviours by kind; `durable` names those kinds that have a stream. */
  constructor(
    behaviours: Readonly<Record<string, Behaviour>>,
    options: { readonly durable?: readonly string[]; readonly limits?: Partial<LoopLimits> } = {},
  ) {
    const definitions = new Map<string, ActorDefinition>();
    for (const [kind, behaviour] of Object.entries(behaviours)) {
      definitions.set(kind, {
        kind,
        durable: options.durable?.includes(kind) ?? false,
        create: (): Actor => ({
          start: (context, report) => behaviour.start?.(context, report),
          receive: (message: Message, from: Address, context: Context) => behaviour.receive?.(message, from, context),
          signal: (signal, context) => behaviour.signal?.(signal, context),
          recoverRecord: (record) => behaviour.record?.(record),
        }),
      });
    }
    this.loop = new ActorLoop(
      {
        host: 'h',
        worker: 0,
        clock: { monotonicMs: () => this.nowMs, wallMs: () => this.wallMs, bootMs: () => this.bootMs },
        cells: this.cells,
        random: seededRandom('manual'),
        transport: {
          post: (envelope) => void this.posted.push(envelope),
          flush: () => {
            this.flushes++;
            this.flushed.push(...this.posted.splice(0));
          },
          close: () => Promise.resolve(),
        },
        journal: this.journal,
        emit: (event) => void this.events.push(event),
        wake: () => this.wakes++,
        escalate: (reason) => void this.escalations.push(reason),
      },
      definitions,
      { ...defaultLoopLimits, ...options.limits },
    );
  }

  spawn(kind: string, name = kind): void {
    this.loop.spawn({ name, kind, args: emptyBytes });
  }

  deliver(actor: string, message: Message): void {
    this.loop.deliver({
      to: { host: 'h', worker: 0, actor },
      from: { host: 'other', worker: 3, actor: 'sender' },
      message,
    });
  }

  /** The sync of all that was flushed returns, and the loop is told. */
  sync(): void {
    this.loop.durable(this.journal.sync());
  }

  /** Runs until nothing waits. */
  settle(): void {
    for (let more = true; more; ) more = this.loop.run();
  }

  at(actor: string): Address {
    return { host: 'h', worker: 0, actor };
  }
}
