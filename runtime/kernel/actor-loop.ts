// The loop that runs the actors of one worker
// =============================================================================
//
// Queues messages, gives each a turn, carries out what the turn asked for, and flushes journal and transport once per run
// of turns. The same loop runs in a worker thread, on the main thread, in a client and in the simulator; only its
// ports differ.
//
// Owns:     mailboxes, timers, incarnations, restarts.
// Does not: read clocks by itself, touch files or sockets, or know what any message means.
//
// Invariants
//   K1. Effects of a turn are carried out in the order staged, and only if the turn returned (A2).
//   K2. Signals, timers and disk completions overtake messages; within each of the two queues order is first come, first served (A3).
//   K3. A completion is delivered only to the incarnation that asked (A5).
//   K4. Everything appended in a run is flushed in that run; replies to it are turns of a later one.
//   K5. While a crashed durable actor waits to be read back, no turn is taken: a busy journal would never be idle for it.
//   K6. A durable actor that was stopped and not forgotten rests until its worker starts again: to bring it back sooner, its stream would have
//       to be read while others write.
//   K7. A run that takes long ends early; and first turns, which may apply a whole log each, do not keep the others waiting: when they have used up the
//       run's time, those of actors that have started get as much of it. An actor's first turn still comes before any other of its own.
//   K8. What an actor tells itself comes after the run's flush, and after all that waited before it: work that nobody waits for is done while the disk works.
//
// Sources: etcd-io/raft Ready; protoactor-go mailbox (system queue first, throughput budget).

import type { ActorDefinition, ActorSpec, ActorStatus, Message, Signal } from '../contract/actor.js';
import { type Address, formatAddress } from '../contract/address.js';
import { cellBusySinceMs, cellQueued, cellTurns, cellUnsyncedSinceMs, workerCell } from '../contract/cells.js';
import type { RecoveryReport, StreamConsumer } from '../contract/journal.js';
import type { Envelope } from '../contract/transport.js';
import { buggify } from '../probes/probes.js';
import { assert, present, unreachable } from '../std/assert.js';
import { Queue } from '../std/queue.js';
import { actorRestartPolicy, onFailure } from '../supervision/restart-policy.js';
import { type ActorCell, type RunningPhase, statusOf } from './cell.js';
import { defaultLoopLimits, type LoopLimits, type LoopPorts } from './ports.js';
import { isAlive, TimerWheel } from './timer-wheel.js';
import { type Effect, Turn } from './turn.js';

const freshReport: RecoveryReport = { end: 'fresh', cleanShutdown: true, sameBoot: true, recordCount: 0 };

interface Waiting {
  readonly lsn: number;
  readonly cell: ActorCell;
  readonly phase: RunningPhase;
  readonly message: Message;
  /** Monotonic. */
  readonly sinceMs: number;
}

interface SystemTurn {
  readonly cell: ActorCell;
  readonly phase: RunningPhase;
  /** Orders it among the system's other items. */
  readonly sequence: number;
}

interface Mail {
  readonly to: string;
  readonly from: Address;
  readonly message: Message;
}

type SystemItem =
  | (SystemTurn & { readonly kind: 'completion'; readonly message: Message })
  | (SystemTurn & { readonly kind: 'signal'; readonly signal: Signal });

export class ActorLoop {
  readonly #ports: LoopPorts;
  readonly #limits: LoopLimits;
  readonly #definitions: ReadonlyMap<string, ActorDefinition>;
  readonly #cells = new Map<string, ActorCell>();
  readonly #system = new Queue<SystemItem>();
  /** First turns that are due; apart, so that others can pass them (K7). */
  readonly #starts = new Queue<SystemTurn>();
  readonly #mail = new Queue<Mail>();
  /** K8: mail of the next run; no more than the turns of one run sent. */
  readonly #later = new Queue<Mail>();
  /** Stopped durable actors whose streams are open (K6). */
  readonly #resting = new Set<string>();
  readonly #durableWaits = new Queue<Waiting>();
  readonly #timers = new TimerWheel();
  readonly #restarts: { readonly atMs: number; readonly cell: ActorCell }[] = [];
  readonly #turn: Turn;
  readonly #cell0: number;
  /** Restarts that wait for an idle journal (K5). */
  #held = 0;
  #running = false;
  #sequence = 0;
  #wakeAsked = false;
  #turns = 0;
  #dropped = 0;
  #closed = false;

  constructor(
    ports: LoopPorts,
    definitions: ReadonlyMap<string, ActorDefinition>,
    limits: LoopLimits = defaultLoopLimits,
  ) {
    this.#ports = ports;
    this.#definitions = definitions;
    this.#limits = limits;
    this.#turn = new Turn(ports, () => this.actors());
    this.#cell0 = workerCell(ports.worker);
  }

  /** Messages from outside that found the mailbox full, or no actor of that name. */
  get droppedCount(): number {
    return this.#dropped;
  }

  get turnCount(): number {
    return this.#turns;
  }

  get queuedCount(): number {
    return this.#mail.size + this.#later.size + this.#system.size + this.#starts.size;
  }

  actors(): readonly ActorStatus[] {
    const statuses: ActorStatus[] = [];
    for (const cell of this.#cells.values()) {
      const status = statusOf(cell);
      if (status !== undefined) statuses.push(status);
    }
    return statuses;
  }

  /** Whether an actor of that name has been started and is not waiting to come back. */
  runs(actor: string): boolean {
    return this.#cells.get(actor)?.phase.kind === 'running';
  }

  inspect(actor: string): Record<string, unknown> | undefined {
    const cell = this.#cells.get(actor);
    return cell?.phase.kind === 'running' ? (cell.phase.actor.inspect?.() ?? {}) : undefined;
  }

  // --- from the world -------------------------------------------------------------------------------------------------

  /** Starts an actor that has no past; a durable one gets a stream. */
  spawn(spec: ActorSpec): void {
    assert(!this.#cells.has(spec.name), `an actor named ${spec.name} runs already`);
    assert(
      !this.#resting.has(spec.name),
      `K6: ${spec.name} has a past here: it comes back when its worker starts again`,
    );
    const cell = this.#newCell(spec);
    if (cell.definition.durable)
      present(this.#ports.journal, 'a durable actor needs a journal').openStream(spec.name, spec.kind, spec.args);
    this.#begin(cell, freshReport, false);
  }

  /** Brings back an actor whose stream was found on disk. REQUIRES an idle journal. */
  recover(spec: ActorSpec, report: RecoveryReport): void {
    assert(!this.#cells.has(spec.name), `an actor named ${spec.name} runs already`);
    this.#begin(this.#newCell(spec), report, report.end !== 'corrupt' && report.end !== 'fresh');
  }

  /** A message from another worker, host or client. */
  deliver(envelope: Envelope): void {
    if (this.#mail.size >= this.#limits.mailboxCountMax) {
      this.#dropped++;
      return;
    }
    this.#mail.push({ to: envelope.to.actor, from: envelope.from, message: envelope.message });
    this.#askWake();
  }

  /** Tells every actor. */
  signal(signal: Signal): void {
    for (const cell of this.#cells.values()) this.#signalCell(cell, signal);
    this.#askWake();
  }

  signalActor(actor: string, signal: Signal): void {
    const cell = this.#cells.get(actor);
    if (cell === undefined) return;
    this.#signalCell(cell, signal);
    this.#askWake();
  }

  /** An actor between two incarnations hears nothing: what it missed must not come before its first turn. */
  #signalCell(cell: ActorCell, signal: Signal): void {
    if (cell.phase.kind !== 'running') return;
    this.#system.push({ kind: 'signal', cell, phase: cell.phase, sequence: this.#sequence++, signal });
  }

  /** The journal is durable below `lsnEnd`. */
  durable(lsnEnd: number): void {
    for (
      let first = this.#durableWaits.peek();
      first !== undefined && first.lsn < lsnEnd;
      first = this.#durableWaits.peek()
    ) {
      this.#durableWaits.shift();
      this.#pushCompletion(first.cell, first.phase, first.message);
    }
    this.#tellUnsynced();
    if (this.#system.size > 0) this.#askWake();
  }

  /** How long the disk has kept the oldest record waiting: others see from it that a disk stands still (L6). */
  #tellUnsynced(): void {
    const sinceMs = this.#durableWaits.peek()?.sinceMs ?? 0;
    this.#ports.cells.store(this.#cell0 + cellUnsyncedSinceMs, Math.floor(sinceMs));
  }

  /** When `run` should be called again at the latest, monotonic ms; undefined when nothing is waiting for time to pass. */
  nextWakeMs(): number | undefined {
    if (this.#held > 0 || this.#closed) return undefined;
    let next = this.#timers.nextMs();
    for (const restart of this.#restarts) if (next === undefined || restart.atMs < next) next = restart.atMs;
    return next;
  }

  /** Takes turns until nothing waits or the budget is spent, then flushes. @returns whether more waits already. */
  run(): boolean {
    if (this.#closed) return false;
    this.#running = true;
    this.#wakeAsked = false;
    const { cells, clock } = this.#ports;
    const startMs = clock.monotonicMs();
    cells.store(this.#cell0 + cellBusySinceMs, Math.floor(startMs));
    this.#takeRestarts(startMs);
    if (this.#held > 0) {
      this.#running = false;
      cells.store(this.#cell0 + cellBusySinceMs, 0);
      return false; // K5: the journal wakes us
    }
    for (let later = this.#later.shift(); later !== undefined; later = this.#later.shift()) this.#mail.push(later);
    this.#takeTurns(startMs);
    // What goes to followers first: their disks work while ours does, and the call that writes to ours takes as long as a message to them.
    this.#ports.transport.flush();
    if (!buggify('kernel/flush-later')) this.#ports.journal?.flush(); // K4
    this.#tellUnsynced();
    cells.store(this.#cell0 + cellTurns, this.#turns);
    cells.store(this.#cell0 + cellQueued, this.queuedCount);
    cells.store(this.#cell0 + cellBusySinceMs, 0);
    this.#running = false;
    return this.queuedCount > 0;
  }

  /** No turn is taken any more. */
  close(): void {
    this.#closed = true;
  }

  // --- turns ----------------------------------------------------------------------------------------------------------

  #takeTurns(startMs: number): void {
    const { runMsMax, turnsPerRunMax } = this.#limits;
    const { clock } = this.#ports;
    // A timer that is started with no delay by a timer's turn is due within this run: the budget ends that, too.
    let budget = buggify('kernel/one-turn') ? 1 : turnsPerRunMax;
    let untilMs = startMs + runMsMax;
    while (budget > 0 && !this.#isPast(untilMs)) {
      const timer = this.#timers.takeDue(startMs);
      if (timer === undefined) break;
      budget--;
      if (isAlive(timer)) this.#timerTurn(timer);
    }
    untilMs = clock.monotonicMs() + runMsMax; // timers that are due all the time leave the others their share
    let starting = true;
    while (budget-- > 0) {
      if (this.#isPast(untilMs)) {
        if (!starting || this.#starts.size === 0) break;
        starting = false;
        untilMs = clock.monotonicMs() + runMsMax; // K7
      }
      if (!this.#takeNext(starting)) break;
    }
  }

  /** Whether the turn taken last began then or later: the clock is read once a turn, not once more for this. */
  #isPast(untilMs: number): boolean {
    return this.#turn.nowMs >= untilMs;
  }

  /** One turn of what waits. @returns whether anything did. */
  #takeNext(starting: boolean): boolean {
    const start = starting ? this.#starts.peek() : undefined;
    const first = this.#system.peek();
    if (start !== undefined && (first === undefined || start.sequence < first.sequence)) {
      this.#starts.shift();
      this.#firstTurn(start.cell, start.phase);
      return true;
    }
    const item = this.#system.shift();
    if (item !== undefined) {
      this.#systemTurn(item);
      return true;
    }
    const mail = this.#mail.shift();
    if (mail === undefined) return false;
    this.#mailTurn(mail.to, mail.from, mail.message);
    return true;
  }

  #askWake(): void {
    if (this.#running || this.#wakeAsked) return;
    this.#wakeAsked = true;
    this.#ports.wake();
  }

  #timerTurn(timer: {
    readonly cell: ActorCell;
    readonly phase: RunningPhase;
    readonly key: string;
    readonly message: Message;
  }): void {
    timer.phase.timers.delete(timer.key);
    this.#take(timer.cell, timer.phase, timer.cell.self, timer.message);
  }

  #systemTurn(item: SystemItem): void {
    const phase = item.cell.phase;
    if (phase.kind !== 'running') return;
    if (item.phase !== phase) return; // K3
    if (!phase.started && !this.#firstTurn(item.cell, phase)) return;
    switch (item.kind) {
      case 'completion':
        return this.#take(item.cell, phase, item.cell.self, item.message);
      case 'signal':
        if (phase.actor.signal === undefined) return;
        return this.#take(item.cell, phase, undefined, item.signal);
      default:
        return unreachable(item);
    }
  }

  #mailTurn(to: string, from: Address, message: Message): void {
    const cell = this.#cells.get(to);
    if (cell === undefined || cell.phase.kind !== 'running') {
      this.#dropped++;
      return;
    }
    if (!cell.phase.started && !this.#firstTurn(cell, cell.phase)) return;
    this.#take(cell, cell.phase, from, message);
  }

  /** Once for each incarnation: when it is due, or when something else is there for the actor (K7). @returns whether it still runs. */
  #firstTurn(cell: ActorCell, phase: RunningPhase): boolean {
    if (cell.phase === phase && !phase.started) {
      phase.started = true;
      this.#take(cell, phase, undefined, undefined);
    }
    return cell.phase === phase;
  }

  /** A message with whom it is from, a signal from nobody, or neither: the first turn. No closure a turn: this is the hottest place of all. */
  #take(cell: ActorCell, phase: RunningPhase, from: Address | undefined, what: Message | Signal | undefined): void {
    this.#turns++;
    this.#turn.open(cell.self, cell.incarnation, phase.random);
    try {
      if (from !== undefined) phase.actor.receive(what as never, from, this.#turn);
      else if (what !== undefined) phase.actor.signal?.(what as Signal, this.#turn);
      else phase.actor.start(this.#turn, phase.report);
    } catch (error) {
      this.#turn.reset(); // A2
      this.#crashed(cell, phase, error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#turn.close();
    const effects = this.#turn.effects;
    for (let i = 0; i < effects.length; i++) this.#carryOut(cell, phase, effects[i] as Effect); // K1
    effects.length = 0;
  }

  #carryOut(cell: ActorCell, phase: RunningPhase, effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(cell.self, effect.to, effect.message);
      case 'append': {
        const lsn = present(this.#ports.journal, 'this worker has no journal').append(
          cell.self.actor,
          effect.type,
          effect.payload,
        );
        assert(lsn === effect.lsn, 'K1: the journal gave another lsn than the turn was told');
        if (effect.whenDurable !== undefined) {
          const sinceMs = this.#turn.nowMs;
          this.#durableWaits.push({ lsn, cell, phase, message: effect.whenDurable, sinceMs });
        }
        return;
      }
      case 'timer':
        return this.#timers.start(cell, phase, effect.key, this.#turn.nowMs + effect.delayMs, effect.message);
      case 'cancel':
        return this.#timers.cancel(phase, effect.key);
      case 'spawn':
        return this.spawn(effect.spec);
      case 'stop':
        return this.#stop(effect.actor, effect.forget);
      case 'snapshot-begin':
        assert(phase.snapshot === undefined, 'one snapshot of an actor at a time');
        phase.snapshot = present(this.#ports.journal, 'this worker has no journal').beginSnapshot(
          cell.self.actor,
          effect.replayFromLsn,
          effect.meta,
          effect.replaces,
        );
        return;
      case 'snapshot-append':
        return present(phase.snapshot, 'no snapshot is under way').append(effect.chunk, () =>
          this.#complete(cell, phase, effect.whenAccepted),
        );
      case 'snapshot-commit': {
        const writer = present(phase.snapshot, 'no snapshot is under way');
        writer.commit(() => {
          phase.snapshot = undefined;
          this.#complete(cell, phase, effect.whenDurable);
        });
        return;
      }
      case 'snapshot-abort':
        phase.snapshot?.abort();
        phase.snapshot = undefined;
        return;
      case 'emit':
        return this.#ports.emit({
          host: cell.self.host,
          worker: cell.self.worker,
          actor: cell.self.actor,
          wallMs: this.#ports.clock.wallMs(),
          event: effect.event,
        });
      default:
        return unreachable(effect);
    }
  }

  #complete(cell: ActorCell, phase: RunningPhase, message: Message): void {
    this.#pushCompletion(cell, phase, message);
    this.#askWake();
  }

  #pushCompletion(cell: ActorCell, phase: RunningPhase, message: Message): void {
    this.#system.push({ kind: 'completion', cell, phase, sequence: this.#sequence++, message });
  }

  #send(from: Address, to: Address, message: Message): void {
    if (to.worker === this.#ports.worker && to.host === this.#ports.host) {
      const queue = to.actor === from.actor ? this.#later : this.#mail; // K8
      queue.push({ to: to.actor, from, message: this.#ports.seal?.(message) ?? message });
    } else {
      this.#ports.transport.post({ to, from, message });
    }
  }

  // --- life and death -------------------------------------------------------------------------------------------------

  #newCell(spec: ActorSpec): ActorCell {
    const definition = present(this.#definitions.get(spec.kind), `no actor kind ${spec.kind}`);
    const self: Address = { host: this.#ports.host, worker: this.#ports.worker, actor: spec.name };
    const cell: ActorCell = {
      self,
      definition,
      args: spec.args,
      failures: [],
      phase: { kind: 'restarting' },
      incarnation: this.#ports.firstIncarnation ?? 0,
    };
    this.#cells.set(spec.name, cell);
    return cell;
  }

  /** Creates the behaviour, feeds it what is on disk, and gives it its first turn. */
  #begin(cell: ActorCell, report: RecoveryReport, replay: boolean): RecoveryReport {
    const random = this.#ports.random.split(`${cell.self.actor}#${cell.incarnation}`);
    const actor = cell.definition.create(cell.args, cell.self, random);
    let found = report;
    if (replay) {
      const consumer: StreamConsumer = {
        snapshot: (meta) => actor.recoverSnapshot?.(meta),
        snapshotChunk: (chunk) => actor.recoverSnapshotChunk?.(chunk),
        record: (record) => actor.recoverRecord?.(record),
      };
      const replayed = present(this.#ports.journal, 'a durable actor needs a journal').replay(
        cell.self.actor,
        consumer,
      );
      found = { ...report, recordCount: replayed.recordCount };
    }
    const phase: RunningPhase = {
      kind: 'running',
      actor,
      random,
      report: found,
      timers: new Map(),
      snapshot: undefined,
      started: false,
    };
    cell.phase = phase;
    this.#starts.push({ cell, phase, sequence: this.#sequence++ });
    this.#askWake();
    return found;
  }

  #stop(name: string, forget: boolean): void {
    const cell = this.#cells.get(name);
    if (forget && this.#resting.delete(name)) this.#ports.journal?.closeStream(name);
    if (cell === undefined) return;
    if (cell.phase.kind === 'running') cell.phase.snapshot?.abort();
    cell.phase = { kind: 'stopped' };
    this.#cells.delete(name);
    if (!cell.definition.durable) return;
    if (forget) this.#ports.journal?.closeStream(name);
    else this.#resting.add(name); // K6
  }

  #crashed(cell: ActorCell, phase: RunningPhase, error: Error): void {
    phase.snapshot?.abort();
    cell.phase = { kind: 'restarting' };
    const nowMs = this.#ports.clock.monotonicMs();
    const decision = onFailure(actorRestartPolicy, cell.failures, nowMs, this.#ports.random);
    this.#emitCrash(cell, error, decision.kind);
    if (decision.kind === 'escalate') {
      this.#ports.escalate(
        new Error(`${formatAddress(cell.self)} crashed too often: ${error.message}`, { cause: error }),
      );
      return;
    }
    this.#restarts.push({ atMs: nowMs + decision.afterMs, cell });
  }

  #emitCrash(cell: ActorCell, error: Error, decision: string): void {
    const event = {
      kind: 'actor-crashed',
      level: 'error' as const,
      error: error.message,
      stack: error.stack,
      decision,
    };
    this.#ports.emit({
      host: cell.self.host,
      worker: cell.self.worker,
      actor: cell.self.actor,
      wallMs: this.#ports.clock.wallMs(),
      event,
    });
  }

  #takeRestarts(nowMs: number): void {
    for (let i = 0; i < this.#restarts.length; ) {
      const restart = this.#restarts[i] as { readonly atMs: number; readonly cell: ActorCell };
      if (restart.atMs > nowMs) {
        i++;
        continue;
      }
      this.#restarts.splice(i, 1);
      this.#restart(restart.cell);
    }
  }

  #restart(cell: ActorCell): void {
    if (cell.phase.kind !== 'restarting') return;
    const begin = (): void => {
      if (cell.phase.kind !== 'restarting' || this.#closed) return;
      cell.incarnation++;
      try {
        const report = this.#begin(
          cell,
          { end: 'clean', cleanShutdown: false, sameBoot: true, recordCount: 0 },
          cell.definition.durable,
        );
        this.signal({ kind: 'actor-restarted', actor: cell.self.actor, incarnation: cell.incarnation, report });
      } catch (error) {
        // A failed start does not loop: the same bytes would fail again.
        this.#ports.escalate(
          new Error(`${formatAddress(cell.self)} cannot be recovered: ${String(error)}`, { cause: error }),
        );
      }
    };
    if (cell.definition.durable) {
      const journal = present(this.#ports.journal, 'a durable actor needs a journal');
      this.#held++; // K5
      journal.flush();
      journal.whenIdle(() => {
        this.#held--;
        begin();
        this.#askWake();
      });
    } else begin();
  }
}
