// One loop and everything it needs, put together
// =============================================================================
//
// The same for a worker thread, for the main thread (no journal) and for an inline host; they differ in what they pass in.
//
// Opening, in steps, each of which can fail and then nothing runs: 1. the journal is opened and read, 2. each stream's actor is brought
// back, 3. root actors without a past are spawned, 4. the external transport is connected, 5. the loop begins to turn.
// Closing, in steps: 1. no more turns are begun from outside, 2. what is staged becomes durable and its completions have their
// turns, so that answers that may be given are given, 3. transports close, 4. the journal closes with the clean marker.
//
// Invariants
//   X1. No turn is taken before every actor is back and the transport can be used.
//   X2. After `close` or a fatal error no turn is taken.

import { type Cells, setSpaceLevel } from '../contract/cells.js';
import type { Clock } from '../contract/clock.js';
import type { EmittedEvent, SystemEvent } from '../contract/events.js';
import type { Journal, JournalListener, RecoveredStream } from '../contract/journal.js';
import type { Transport, TransportReceiver } from '../contract/transport.js';
import { ActorLoop } from '../kernel/actor-loop.js';
import { assert } from '../std/assert.js';
import type { Random } from '../std/random.js';
import type { Composition, Place } from './composition.js';
import { HostError, hostExitCodes } from './exit-codes.js';
import { LoopDriver } from './loop-driver.js';
import { RouterTransport } from './router-transport.js';

export interface OpenedJournal {
  readonly journal: Journal;
  readonly streams: readonly RecoveredStream[];
  /** What was found, for people. */
  readonly found: SystemEvent;
  /** Closes it without the clean marker: the start did not come about. */
  abandon(done: () => void): void;
}

export interface WorldOptions {
  readonly place: Place;
  readonly composition: Composition;
  readonly cells: Cells;
  readonly clock: Clock;
  readonly random: Random;
  /** Which thread of this worker number it is: its actors' incarnations begin at `generation × incarnationsPerGeneration`. */
  readonly generation: number;
  /** The transport to the other threads of the host. */
  local(receiver: TransportReceiver): Transport;
  /** Absent on the main thread, where nothing durable runs. */
  openJournal?(listener: JournalListener): Promise<OpenedJournal>;
  emit(event: EmittedEvent): void;
  /** This thread must end: an actor crashed too often. Called once, and no turn follows. */
  escalate(reason: Error): void;
  /** The host must end: the disk failed (D11). Called once, and no turn follows. */
  fatal(error: Error): void;
}

/** More restarts than one thread's intensity limit ever allows. A restarted thread must not look like the one that died (R17). */
const incarnationsPerGeneration = 2 ** 20;

/** Runs at closing, in case actors keep sending each other messages. */
const closingRunsMax = 64;

export interface World {
  readonly loop: ActorLoop;
  readonly recovered: number;
  readonly spawned: number;
  /** Messages dropped by the loop and on the way out of it. */
  droppedCount(): number;
  close(): Promise<void>;
}

/** @throws HostError when it cannot be opened. Only `unreachable` may be another story if it is tried again. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const { place, composition, clock } = options;
  const driver = new LoopDriver(clock);
  let over = false;
  const end = (tell: () => void): void => {
    if (over) return;
    over = true;
    driver.stop();
    loop?.close(); // X2
    tell();
  };
  let loop: ActorLoop | undefined;
  // A journal that failed calls nobody back any more, so whoever waits for it waits for this, too.
  let diskFailed: () => void = () => undefined;
  const failed = new Promise<void>((resolve) => {
    diskFailed = resolve;
  });
  const { host, worker } = place;
  const emit = (event: SystemEvent): void =>
    options.emit({ host, worker, actor: 'journal', wallMs: clock.wallMs(), event });
  setSpaceLevel(options.cells, worker, 'enough'); // what it was to the thread before
  const opened = await options.openJournal?.({
    durable: (lsnEnd) => loop?.durable(lsnEnd),
    pressure: (stream) => loop?.signalActor(stream, { kind: 'journal-pressure' }),
    space: (space) => {
      setSpaceLevel(options.cells, worker, space); // D14: the actors see it at their next turn
      emit({ kind: 'disk-space-changed', level: space === 'enough' ? 'info' : 'error', space });
    },
    fatal: (error) => {
      diskFailed();
      end(() => options.fatal(error));
    },
  });
  if (opened !== undefined) emit(opened.found);
  const receiver: TransportReceiver = {
    deliver: (envelope) => loop?.deliver(envelope),
    gap: (from, number) => loop?.signal({ kind: 'link-gap', host: from, worker: number }),
    backlog: () => loop?.queuedCount ?? 0,
  };
  const router = new RouterTransport(host, options.local(receiver));
  loop = new ActorLoop(
    {
      host,
      worker,
      clock,
      cells: options.cells,
      random: options.random,
      transport: router,
      ...(opened === undefined ? {} : { journal: opened.journal }),
      firstIncarnation: options.generation * incarnationsPerGeneration,
      emit: (event) => options.emit(event),
      wake: driver.wake,
      escalate: (reason) => end(() => options.escalate(reason)),
    },
    composition.definitions,
  );
  let started: ReturnType<typeof startActors>;
  try {
    started = startActors(loop, options, opened?.streams ?? []);
    router.connect(await connected(composition, place, receiver));
    assert(!over, 'X2: the world ended before it began');
  } catch (error) {
    over = true;
    loop.close();
    await router.close();
    if (opened !== undefined) await Promise.race([new Promise<void>((resolve) => opened.abandon(resolve)), failed]);
    throw error;
  }
  driver.start(loop); // X1
  const running = loop;
  return {
    loop: running,
    ...started,
    droppedCount: () => running.droppedCount + router.droppedCount,
    close: async () => {
      driver.stop();
      const journal = opened?.journal;
      /** Resolves when the journal calls back, or never will. */
      const journaled = async (ask: (journal: Journal, done: () => void) => void): Promise<void> => {
        if (journal === undefined) return;
        await Promise.race([new Promise<void>((resolve) => ask(journal, resolve)), failed]);
      };
      if (!over) await settle(running, () => journaled((each, done) => each.whenIdle(done)));
      over = true;
      running.close(); // X2
      await router.close();
      await journaled((each, done) => each.close(done));
    },
  };
}

async function connected(composition: Composition, place: Place, receiver: TransportReceiver): Promise<Transport> {
  try {
    return await composition.connect(place, receiver);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new HostError(hostExitCodes.unreachable, `cannot connect: ${what}`, { cause: error });
  }
}

function startActors(
  loop: ActorLoop,
  options: WorldOptions,
  streams: readonly RecoveredStream[],
): { readonly recovered: number; readonly spawned: number } {
  const { place, composition } = options;
  const back = new Set<string>();
  for (const { name, kind, args, report } of streams) {
    try {
      loop.recover({ name, kind, args }, report);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const reason = `${place.host}/${place.worker}/${name} cannot be brought back from the journal: ${what}`;
      throw new HostError(hostExitCodes.unrecoverable, reason, { cause: error });
    }
    back.add(name);
  }
  let spawned = 0;
  for (const spec of composition.rootActors(place)) {
    if (back.has(spec.name)) continue;
    loop.spawn(spec);
    spawned++;
  }
  return { recovered: back.size, spawned };
}

/** Lets what is queued and what becomes durable have its turns. */
async function settle(loop: ActorLoop, untilIdle: () => Promise<void>): Promise<void> {
  for (let i = 0; i < closingRunsMax; i++) {
    const more = loop.run();
    await untilIdle();
    if (!more && loop.queuedCount === 0) return;
  }
}
