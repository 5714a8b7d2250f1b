// A host in the caller's thread
// =============================================================================
//
// The main loop and one worker's loop, without threads, processes or sockets: what `openEmbedded()` runs. The actors, the loop and the
// journal are those of any host, in memory or in a directory.
//
// It cannot be isolated from its process: an actor that crashes too often, or a failed disk, ends this host and not the process,
// and whoever opened it is told.

import { mainWorker } from '../contract/address.js';
import { type Cells, hostCellCount, workerCellCount } from '../contract/cells.js';
import type { EmittedEvent } from '../contract/events.js';
import type { TransportReceiver } from '../contract/transport.js';
import { assert } from '../std/assert.js';
import { machineClock } from './clock.js';
import type { Composition, Place } from './composition.js';
import { type HostEnd, HostError, type HostExitCode, hostExitCodes, OtherDiskError } from './exit-codes.js';
import { openHostDirectory } from './host-directory.js';
import { InlineNetwork } from './inline-network.js';
import { poll } from './poll.js';
import { processRandom } from './process-random.js';
import { openWorkerJournal } from './worker-journal.js';
import { openWorld, type World } from './world.js';

export interface InlineHostOptions {
  readonly clusterId: string;
  readonly name: string;
  /** Absent keeps everything in memory. */
  readonly directory?: string;
  /** Called once for the main loop and once for the worker's. Its `connect` usually joins a network that the clients join, too. */
  compose(place: Place): Composition | Promise<Composition>;
  readonly onEvent?: (event: EmittedEvent) => void;
  readonly drainDeadlineMs?: number;
}

export interface InlineHost extends AsyncDisposable {
  readonly name: string;
  readonly diskId: string;
  readonly cells: Cells;
  /** Resolves once the host is over, with why. */
  readonly ended: Promise<HostEnd>;
  inspect(worker: number, actor: string): Record<string, unknown> | undefined;
  /** Drains, closes the journal in order and ends; harmless when repeated. */
  stop(): Promise<HostEnd>;
}

const drainDeadlineMsDefault = 1000;
const drainPollMs = 5;

/** Cells that one thread has to itself. Main's block comes right after worker 0's instead of at number 255. */
class OwnCells implements Cells {
  readonly #cells = new Float64Array(hostCellCount + 2 * workerCellCount);

  load(index: number): number {
    return this.#cells[this.#at(index)] as number;
  }

  store(index: number, value: number): void {
    assert(Number.isSafeInteger(value), 'a cell holds a safe integer');
    this.#cells[this.#at(index)] = value;
  }

  #at(index: number): number {
    const mainFirst = hostCellCount + mainWorker * workerCellCount;
    return index < mainFirst ? index : index - mainFirst + hostCellCount + workerCellCount;
  }
}

/** @throws HostError when the directory cannot be used or an actor cannot be brought back. */
export async function startInlineHost(options: InlineHostOptions): Promise<InlineHost> {
  try {
    return await tryToStart(options, undefined);
  } catch (error) {
    if (!(error instanceof OtherDiskError)) throw error;
    return tryToStart(options, error.diskId);
  }
}

/** @param knownDiskId who this disk is known to be, from an earlier try. */
async function tryToStart(options: InlineHostOptions, knownDiskId: string | undefined): Promise<InlineHost> {
  const { clusterId, name } = options;
  const directory = openHostDirectory({ ...options, workers: 1 });
  const { boundTo, begun } = directory;
  const diskId = knownDiskId ?? directory.diskId;
  const cells = new OwnCells();
  const between = new InlineNetwork();
  const worlds: World[] = [];
  let failed: HostEnd | undefined;
  let tellEnd: (end: HostEnd) => void = () => undefined;
  const ended = new Promise<HostEnd>((resolve) => {
    tellEnd = resolve;
  });
  let stopping: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    for (const world of worlds.toReversed()) await world.close();
    directory.release();
  };
  const fail = (exitCode: HostExitCode, error: Error): void => {
    failed ??= { exitCode, reason: error.message };
    stopping ??= close();
    void stopping.then(() => tellEnd(failed as HostEnd));
  };

  const compositions: Composition[] = [];
  const open = async (worker: number): Promise<void> => {
    const place: Place = { host: name, worker, workers: 1, diskId };
    const composition = await options.compose(place);
    compositions.push(composition);
    const world = await openWorld({
      place,
      composition,
      cells,
      clock: machineClock,
      random: processRandom(),
      generation: 0,
      local: (receiver: TransportReceiver) => between.join(name, worker, receiver),
      ...(worker === mainWorker
        ? {}
        : {
            openJournal: (listener) =>
              openWorkerJournal({
                clusterId,
                directory: options.directory,
                boundTo,
                begun,
                place,
                composition,
                listener,
                compress: undefined,
              }),
          }),
      emit: (event) => options.onEvent?.(event),
      escalate: (reason) => fail(hostExitCodes.restartsExhausted, reason),
      fatal: (error) => fail(hostExitCodes.storageFailed, error),
    });
    worlds.push(world);
  };

  try {
    await open(mainWorker);
    await open(0);
    directory.markBegun();
  } catch (error) {
    await close();
    throw error;
  }
  if (failed !== undefined) throw new HostError(failed.exitCode, failed.reason);

  const drain = async (): Promise<void> => {
    for (const world of worlds) world.loop.signal({ kind: 'draining' });
    const main = compositions[0];
    if (main?.drained === undefined) return;
    const done = (): boolean => failed !== undefined || main.drained?.(cells) !== false;
    await poll(done, drainPollMs, options.drainDeadlineMs ?? drainDeadlineMsDefault);
  };
  const stop = async (): Promise<HostEnd> => {
    stopping ??= drain().then(close);
    await stopping;
    tellEnd(failed ?? { exitCode: hostExitCodes.stopped, reason: 'stopped' });
    return ended;
  };

  return {
    name,
    diskId,
    cells,
    ended,
    inspect: (worker, actor) => worlds[worker === mainWorker ? 0 : 1]?.loop.inspect(actor),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
