// A worker thread
// =============================================================================
//
// What `new Worker` loads. It answers the main thread's calls; the first is `start`, answered READY only when every actor is back and
// the transport is connected. Anything that throws and is not a turn ends the thread (crash-only): Node does that by itself, and the
// main thread restarts it from disk.

import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';

import { cellHeapBytes, workerCell } from '../contract/cells.js';
import { assert } from '../std/assert.js';
import { machineClock } from './clock.js';
import { loadComposition } from './compose-loader.js';
import { Caller, type HostServices, movedCopy, serveCalls, type StartResult, type WorkerStats } from './control.js';
import { EventBatch } from './event-batch.js';
import { HostError, hostExitCodes, OtherDiskError } from './exit-codes.js';
import type { Input, WorkerBoot } from './input.js';
import type { Output } from './output.js';
import { plantBugOfEnvironment } from './planted-bug.js';
import { PortTransport } from './port-transport.js';
import { processRandom } from './process-random.js';
import { SharedCells } from './shared-cells.js';
import { tick, tickMs } from './stall-watch.js';
import { openWorkerJournal } from './worker-journal.js';
import { openWorld, type World } from './world.js';

if (isMainThread || parentPort === null) throw new Error('worker-entry.js is loaded by a host, as a worker thread');

const main: MessagePort = parentPort;
const boot = workerData as WorkerBoot;
const { place } = boot;
const cells = new SharedCells(boot.cells);
const services = new Caller<HostServices>(boot.services);
const events = new EventBatch((batch) => post({ kind: 'events', events: batch }));
const compressDeadlineMs = 10_000;
/** How often the heap's size is looked up, for `troupe status`. */
const heapLookMs = 1000;

let ports: PortTransport | undefined;
let early: Input[] = [];
let world: World | undefined;

function post(output: Output): void {
  main.postMessage(output, []);
}

function onInput(input: Input): void {
  if (ports === undefined)
    early.push(input); // at most one a thread of the host before `start` is called
  else ports.attach(input.worker, input);
}

/** Throws outside every turn, so that the thread ends with this error. */
function die(reason: Error): void {
  setImmediate(() => {
    throw reason;
  });
}

async function start(): Promise<StartResult> {
  try {
    plantBugOfEnvironment();
    const composition = await loadComposition(boot.compositionUrl, boot.config, place);
    world = await openWorld({
      place,
      composition,
      cells,
      clock: machineClock,
      random: processRandom(),
      generation: boot.generation,
      local: (receiver) => {
        ports = new PortTransport({
          host: place.host,
          worker: place.worker,
          codec: composition.codec,
          receiver,
          fail: die,
        });
        for (const input of early) ports.attach(input.worker, input);
        early = [];
        return ports;
      },
      openJournal: (listener) =>
        openWorkerJournal({
          clusterId: boot.clusterId,
          directory: boot.directory,
          boundTo: boot.boundTo,
          begun: boot.begun,
          place,
          listener,
          composition,
          compress: async (bytes) =>
            services
              .call('compress', compressDeadlineMs, (remote) => remote.compress(movedCopy(bytes)))
              .catch(() => undefined),
        }),
      emit: (event) => events.add(event),
      escalate: die,
      fatal: (error) => {
        events.flush();
        const reason = `the disk of worker ${place.worker} failed: ${error.message}`;
        post({ kind: 'fatal', exitCode: hostExitCodes.storageFailed, reason });
      },
    });
  } catch (error) {
    // Thrown on, it ends the thread, and its successor tries again: a network comes back, a wrong directory does not.
    if (error instanceof OtherDiskError) return { kind: 'other-disk', diskId: error.diskId, reason: error.message };
    if (!(error instanceof HostError) || error.exitCode === hostExitCodes.unreachable) throw error;
    return { kind: 'refused', exitCode: error.exitCode, reason: error.message };
  }
  tick(cells, place.worker, machineClock);
  setInterval(() => tick(cells, place.worker, machineClock), tickMs);
  setInterval(() => cells.store(workerCell(place.worker) + cellHeapBytes, process.memoryUsage().heapUsed), heapLookMs);
  return { kind: 'ready', recovered: world.recovered, spawned: world.spawned };
}

function running(): World {
  assert(world !== undefined, 'the worker has been started');
  return world;
}

function stats(): WorkerStats {
  const { loop } = running();
  const memory = process.memoryUsage();
  return {
    worker: place.worker,
    generation: boot.generation,
    turns: loop.turnCount,
    queued: loop.queuedCount,
    dropped: running().droppedCount() + (ports?.droppedCount ?? 0),
    actors: loop.actors().map(({ name, kind, incarnation }) => ({ name, kind, incarnation })),
    heapBytes: memory.heapUsed,
    externalBytes: memory.external,
  };
}

async function stop(): Promise<void> {
  await world?.close();
  events.flush();
  // After the answer has been posted. A thread whose handles somebody forgot must not hold up the end of the host.
  setImmediate(() => process.exit(0));
}

main.on('message', onInput);
// Whatever ends the thread, what its actors said before is told.
process.on('exit', () => events.flush());
serveCalls(
  {
    start,
    stats,
    inspect: (actor) => running().loop.inspect(actor),
    drain: () => running().loop.signal({ kind: 'draining' }),
    stop,
  },
  boot.control,
);
