// A journal at work, and every state in which a crash may leave its disk
// =============================================================================
//
// A workload asks a journal for things on a traced disk. At the end of each of its lives every prefix of the trace is folded into a
// platter, every legal crash state of that platter (within bounds) is recovered by the production recovery, and what comes back is held
// against the model, the acknowledgements so far, and a second reader of the format.
//
// Sources: CORRECTNESS §3.10; ALICE (OSDI '14); ShardStore (SOSP '21).

import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '../../runtime/std/random.js';
import type { JournalOptions } from '../../runtime/storage/journal.js';
import { nativeCrc32 } from '../../runtime/storage/native-crc.js';
import { JournalModel, type RecoveredJournal, recoveredOf } from '../support/journal-model.js';
import { binding, openOn, type OpenTestJournal } from '../support/journal-on-crash-disk.js';
import { type DiskContents, Platter } from '../support/platter.js';
import { readReference, referenceSeed } from '../support/reference-journal.js';
import { TracedDisk } from '../support/traced-disk.js';

export interface Bounds {
  /** Crash states of one prefix of the trace. */
  readonly statesMax: number;
  /** Every so many of them the recovery itself is crashed at each of its steps. */
  readonly nestedEvery: number;
  /** Crash states of one prefix of a recovery. */
  readonly nestedStatesMax: number;
  /** How often a recovery that was crashed is crashed again. */
  readonly nestedDepth: number;
}

export interface Counts {
  prefixes: number;
  states: number;
  /** Of them, those that were not looked at before with the same acknowledgements. */
  distinct: number;
  nested: number;
  readonly ends: Record<string, number>;
}

export const noCounts = (): Counts => ({ prefixes: 0, states: 0, distinct: 0, nested: 0, ends: {} });

/** What was known to be durable after so many steps of the trace. */
interface Acknowledged {
  readonly at: number;
  readonly entries: number;
  readonly committed: number;
}

const directory = 'w0';

export class CrashBench {
  readonly random: Random;
  readonly counts: Counts;
  model = new JournalModel();
  /** An operation fails in this workload, so that a generation may be given up though nothing in it is bad (D11). */
  mayTaint = false;
  #bounds: Bounds;
  #name: string;
  #options: Partial<JournalOptions>;
  #disk: TracedDisk;
  #open: OpenTestJournal<TracedDisk>;
  #acknowledged: Acknowledged[] = [];
  #idleEntries = 0;
  #durableEntries = 0;
  /** Generations of which it is known that they are corrupt. */
  #corrupt = new Set<number>();
  readonly #seen = new Set<string>();
  readonly #hashes = new WeakMap<Uint8Array, string>();

  /** Begins on an empty disk. */
  constructor(name: string, bounds: Bounds, counts: Counts, options: Partial<JournalOptions> = {}) {
    this.#name = name;
    this.#bounds = bounds;
    this.counts = counts;
    this.random = seededRandom(`crash states of ${name}`);
    this.#options = { crc32: nativeCrc32, limits: { segmentBytes: 1024 }, ...options };
    this.#disk = TracedDisk.of({ directories: new Set(), files: new Map() });
    this.#open = this.#begin();
  }

  get open(): OpenTestJournal<TracedDisk> {
    return this.#open;
  }

  get disk(): TracedDisk {
    return this.#disk;
  }

  // --- what workloads do ----------------------------------------------------------------------------------------------

  openStream(stream: string): void {
    this.model.open(this.#open.journal, stream);
  }

  closeStream(stream: string): void {
    this.model.close(this.#open.journal, stream);
  }

  append(stream: string, value: string): void {
    this.model.append(this.#open.journal, stream, value);
  }

  snapshot(stream: string): void {
    this.model.snapshot(this.#open.journal, stream);
  }

  flush(): void {
    this.#open.journal.flush();
    const asked = this.model.entries.length;
    this.#open.journal.whenIdle(() => {
      this.#idleEntries = Math.max(this.#idleEntries, asked);
    });
  }

  step(count = 1): void {
    while (count > 0 && this.#disk.step()) count--;
  }

  run(): void {
    this.flush();
    this.#disk.run();
  }

  /** Closes in order. */
  close(): void {
    this.#open.journal.close(() => undefined);
    this.#disk.run();
  }

  /** After each operation of the disk: what is acknowledged now must be in every state from here on. */
  #note(): void {
    const lsn = this.#open.durable;
    while (this.#durableEntries < this.model.entries.length && this.model.lsnAt(this.#durableEntries) < lsn)
      this.#durableEntries++;
    const entries = Math.max(this.#idleEntries, this.#durableEntries);
    const committed = this.model.committed.length;
    const last = this.#acknowledged.at(-1);
    if (last?.entries !== entries || last.committed !== committed)
      this.#acknowledged.push({ at: this.#disk.trace.length, entries, committed });
  }

  // --- lives ----------------------------------------------------------------------------------------------------------

  /** The process is killed, looked at, and comes back; what it wrote and did not sync is in the page cache still. */
  restartAfterKill(order?: Random): void {
    this.examine();
    this.#disk = new TracedDisk(this.#platterAtEnd(), order);
    this.#open = this.#begin();
  }

  /** The power fails: one of the states is drawn. */
  restartAfterPowerLoss(): void {
    this.examine();
    const platter = this.#platterAtEnd();
    const density = this.random.fraction();
    this.#disk = TracedDisk.of(platter.crash(() => this.random.fraction() < density));
    this.#open = this.#begin();
  }

  /** A bit rots in the middle of the log while the process is away: it begins a new generation. */
  restartAfterRot(path: string, position: number): void {
    this.examine();
    const { directories, files } = this.#platterAtEnd().live();
    const bytes = (files.get(path) as Uint8Array).slice();
    bytes[position] = (bytes[position] as number) ^ 1;
    this.#disk = TracedDisk.of({ directories, files: new Map(files).set(path, bytes) });
    const streams = [...this.model.streamsAt(this.model.entries.length)];
    this.model = new JournalModel();
    for (const stream of streams) this.model.entries.push({ kind: 'open', stream });
    this.#corrupt.add(this.#open.summary.generation);
    this.#acknowledged = [];
    this.#durableEntries = 0;
    this.#idleEntries = streams.length;
    this.#open = this.#begin();
  }

  #platterAtEnd(): Platter {
    const platter = this.#disk.start.clone();
    for (const step of this.#disk.trace) platter.apply(step);
    return platter;
  }

  #begin(): OpenTestJournal<TracedDisk> {
    const { entries, committed } = this.#acknowledged.at(-1) ?? { entries: this.#idleEntries, committed: 0 };
    this.#acknowledged = [{ at: 0, entries, committed }];
    this.#seen.clear();
    const open = openOn(this.#disk, this.#options);
    this.#disk.afterStep = () => this.#note();
    const recovered = recoveredOf(open);
    this.model.cut(this.model.prefixOf(recovered, entries, committed));
    this.#durableEntries = 0;
    this.#idleEntries = this.model.entries.length;
    this.#acknowledged.push({ at: this.#disk.trace.length, entries: this.#idleEntries, committed });
    return open;
  }

  // --- looking at it --------------------------------------------------------------------------------------------------

  /** Recovers every crash state of every prefix of this life. */
  examine(): void {
    const platter = this.#disk.start.clone();
    const { trace } = this.#disk;
    for (let length = 0; length <= trace.length; length++) {
      if (length > 0) platter.apply(trace[length - 1] as (typeof trace)[number]);
      this.counts.prefixes++;
      const acknowledged = this.#acknowledged.findLast(({ at }) => at <= length) as Acknowledged;
      let number = 0;
      for (const state of platter.states(this.random.split(`${length}`), this.#bounds.statesMax)) {
        this.counts.states++;
        const key = `${acknowledged.entries}/${acknowledged.committed}/${this.#hashOf(state)}`;
        if (this.#seen.has(key)) continue;
        this.#seen.add(key);
        const isNested = this.counts.distinct++ % this.#bounds.nestedEvery === 0;
        this.#tell(`after ${length} steps, state ${number}`, () =>
          this.#judge(Platter.of(state), state, acknowledged, isNested ? this.#bounds.nestedDepth : 0),
        );
        number++;
      }
      // A process that is killed leaves everything, and the next one may meet a power failure before it has synced it.
      const last = trace[length - 1]?.kind;
      if (last === 'write' || last === 'extend' || last === 'name')
        this.#tell(`killed after ${length} steps`, () =>
          this.#judge(platter.clone(), platter.live(), acknowledged, this.#bounds.nestedDepth),
        );
      // Nor does a write go whole or not at all: it may take its first bytes alone, and be killed before it goes on.
      const next = trace[length];
      if (next?.kind !== 'write') continue;
      for (const count of new Set([1, 64, 127, next.bytes.length >>> 1, next.bytes.length - 1])) {
        if (count >= next.bytes.length) continue;
        const cut = platter.clone();
        cut.apply({ ...next, bytes: next.bytes.subarray(0, count) });
        this.#tell(`killed after ${length} steps and ${count} bytes`, () =>
          this.#judge(cut, cut.live(), acknowledged, 0),
        );
      }
    }
  }

  #tell(where: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`${this.#name}, ${where}: ${message}`, { cause: error });
    }
  }

  #judge(start: Platter, live: DiskContents, acknowledged: Acknowledged, depth: number): void {
    const disk = new TracedDisk(start);
    const open = openOn(disk, this.#options, false);
    let told = Number.POSITIVE_INFINITY;
    open.journal.whenIdle(() => {
      told = disk.trace.length;
    });
    disk.run();
    expect(open.told, 'no start fails').to.deep.equal([]);
    const end = referenceEnd(live, this.#corrupt);
    this.counts.ends[end] = (this.counts.ends[end] ?? 0) + 1;
    expect(open.summary.end, 'D7: the class of the end').to.equal(end);
    const recovered = recoveredOf(open);
    this.#agree(recovered, end, live, acknowledged);
    // A second start finds what the first one gave.
    const again = openOn(TracedDisk.of(disk.contents()), this.#options);
    expect(again.summary.end, 'the end after a start that was not disturbed').to.equal('clean');
    expect(plain(recoveredOf(again)), 'V3: recovery is idempotent').to.deep.equal(plain(recovered));
    if (depth > 0) this.#nest(start, disk, recovered, told, acknowledged, depth);
  }

  #agree(recovered: RecoveredJournal, end: string, live: DiskContents, acknowledged: Acknowledged): void {
    const isDistrusted = this.mayTaint && isTainted(live) && recovered.streams.get('a')?.end === 'corrupt';
    if (end === 'corrupt' || isDistrusted) {
      for (const [name, stream] of recovered.streams) {
        expect(stream.end, name).to.equal('corrupt');
        expect(stream.records, name).to.deep.equal([]);
      }
      if (isDistrusted) return; // D11: nothing there is trusted
    } else if (this.#corrupt.size === 0)
      for (const [name, stream] of recovered.streams)
        expect(stream.end, `V1: a crash corrupts nothing of ${name}`).to.not.equal('corrupt');
    this.model.prefixOf(recovered, acknowledged.entries, acknowledged.committed);
  }

  /** Crashes a recovery at each of its steps. */
  #nest(
    start: Platter,
    disk: TracedDisk,
    recovered: RecoveredJournal,
    told: number,
    acknowledged: Acknowledged,
    depth: number,
  ): void {
    const platter = start.clone();
    for (let length = 0; length <= disk.trace.length; length++) {
      if (length > 0) platter.apply(disk.trace[length - 1] as (typeof disk.trace)[number]);
      for (const state of platter.states(this.random.split(`nested ${length}`), this.#bounds.nestedStatesMax)) {
        this.counts.nested++;
        const second = new TracedDisk(Platter.of(state));
        const open = openOn(second, this.#options);
        const found = recoveredOf(open);
        expect(open.told, `no start fails, interrupted at ${length}`).to.deep.equal([]);
        if (length >= told)
          expect(plain(found), `W1: what a start told stays, interrupted at ${length}`).to.deep.equal(plain(recovered));
        else this.#agree(found, referenceEnd(state, this.#corrupt), state, acknowledged);
        if (depth > 1) this.#nest(Platter.of(state), second, found, 0, acknowledged, depth - 1);
      }
    }
  }

  #hashOf({ files }: DiskContents): string {
    const hash = createHash('md5');
    for (const path of [...files.keys()].sort((a, b) => (a < b ? -1 : 1))) {
      const bytes = files.get(path) as Uint8Array;
      let own = this.#hashes.get(bytes);
      if (own === undefined) {
        own = createHash('md5').update(bytes).digest('base64');
        this.#hashes.set(bytes, own);
      }
      hash.update(`${path} ${bytes.length} ${own}\n`);
    }
    return hash.digest('base64');
  }
}

function plain({ nextLsn, streams }: RecoveredJournal): unknown {
  return { nextLsn, streams: [...streams] };
}

/** A sync failed: the mark is there, or what began in a new generation because of it (D11). */
function isTainted({ files }: DiskContents): boolean {
  return [...files.keys()].some((path) => /^w0\/(tainted-|generation-0000000002\/segment)/.test(path));
}

/** The class of the end, by the second reader. */
export function referenceEnd({ files }: DiskContents, corrupt: ReadonlySet<number>): string {
  const generations = new Map<number, Map<number, Uint8Array>>();
  for (const [path, bytes] of files) {
    const match = /^w0\/generation-(\d+)\/segment-(\d+)$/.exec(path);
    if (match === null) continue;
    const generation = Number(match[1]);
    const segments = generations.get(generation) ?? new Map<number, Uint8Array>();
    generations.set(generation, segments.set(Number(match[2]), bytes));
  }
  for (const generation of [...generations.keys()].sort((a, b) => b - a)) {
    const segments = generations.get(generation) as Map<number, Uint8Array>;
    const numbers = [...segments.keys()].sort((a, b) => b - a);
    let isZero = true;
    for (const number of numbers) {
      const bytes = segments.get(number) as Uint8Array;
      const segment = readReference(bytes, referenceSeed(binding, directory, generation, number));
      if (segment === undefined) {
        if (bytes.some((byte) => byte !== 0)) isZero = false;
        continue;
      }
      const streamCount = bytes[128 + 48] as number;
      if (segment.previous === 0 && segment.records.length <= streamCount) break; // not established
      if (corrupt.has(generation) || files.has(`w0/tainted-${String(generation).padStart(10, '0')}`)) return 'corrupt';
      return isZero && segment.isZeroBehind ? 'clean' : 'torn';
    }
  }
  return 'fresh';
}
