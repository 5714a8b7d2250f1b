// Opens a worker's journal: recovers what is there, and begins again behind it
// =============================================================================
//
// Reading is blocking and done when `openJournal` returns. Beginning (FORMAT.md, "Recovery", step 7) takes disk operations: wait for
// `journal.whenIdle` before any stream is replayed or any actor told what it has, since what a killed process wrote may not be on disk
// until then. An error on the way is `listener.fatal`.

import type { Disk, Done } from '../contract/disk.js';
import type { JournalListener, RecoveredStream, RecoveryReport } from '../contract/journal.js';
import { sometimes } from '../probes/probes.js';
import { assert, unreachable } from '../std/assert.js';
import type { Crc32 } from '../std/crc32.js';
import { type JournalBinding, journalSeed } from './binding.js';
import { checkSnapshots, findJournal, type FoundJournal } from './generations.js';
import { generationPath, numberIn, snapshotIn, taintName } from './paths.js';
import type { GenerationFiles, Reading } from './recovery.js';
import type { SegmentIndex } from './record-index.js';
import { recordHeaderBytes } from './record.js';
import { segmentHeaderBytes } from './segment-header.js';
import type { ChunkCodec, Sha256 } from './snapshot-format.js';
import { type StreamEntry, StreamRegistry } from './stream-registry.js';
import {
  defaultJournalLimits,
  type JournalBeginning,
  type JournalLimits,
  WriteAheadJournal,
} from './write-ahead-journal.js';

export interface JournalOptions {
  readonly disk: Disk;
  /** On that disk, for this journal alone. Created when it is missing. */
  readonly directory: string;
  readonly binding: JournalBinding;
  /** Identifies the machine's boot; at most 64 bytes. */
  readonly bootId: string;
  readonly crc32: Crc32;
  /** Absent: snapshots carry no SHA-256, only their checksums. */
  readonly sha256?: () => Sha256;
  /** Absent: chunks are stored as they are. */
  readonly codec?: ChunkCodec;
  readonly listener: JournalListener;
  readonly limits?: Partial<JournalLimits>;
  /** There was a journal: none is as bad as an unreadable one. */
  readonly mustExist?: boolean;
  /** Nobody else has what is in it: whatever was lost is thrown as `JournalDamagedError`, and nothing is changed (D9). */
  readonly refuseDamage?: boolean;
  /** A stream without which all the others are worth nothing: if it is lost, so is the journal. */
  readonly isVital?: (stream: { readonly name: string; readonly kind: string }) => boolean;
}

/** Something that had been durable cannot be read, and whoever opened the journal wanted to know before anything is begun anew. */
export class JournalDamagedError extends Error {
  override readonly name = 'JournalDamagedError';
}

/** What was found, in one line for logs. */
export interface JournalSummary {
  readonly end: RecoveryReport['end'];
  readonly generation: number;
  /** Records that will be replayed, of all streams. */
  readonly recordCount: number;
  /** When corrupt: what is wrong, and where the old files stay. */
  readonly reason?: string;
  readonly quarantined?: string;
}

export interface OpenedJournal {
  readonly journal: WriteAheadJournal;
  readonly streams: readonly RecoveredStream[];
  readonly summary: JournalSummary;
}

/**
 * @throws DiskError when the directory cannot be listed or created; JournalDamagedError when damage is to be refused. Otherwise, whatever is
 *   wrong with the files themselves is in the reports.
 */
export function openJournal(options: JournalOptions): OpenedJournal {
  const { disk, crc32, directory } = options;
  const limits = { ...defaultJournalLimits, ...options.limits };
  assert(limits.segmentBytes % 8 === 0, 'a segment is a multiple of 8 bytes');
  assert(limits.segmentBytes >= segmentHeaderBytes + 4 * recordHeaderBytes, 'a segment holds more than its header');
  assert(limits.segmentBytes < 2 ** 32, 'a position in a segment fits 32 bits');
  const seed = journalSeed(crc32, options.binding, directory);
  disk.makeDirectory(directory);
  const found = judged(findJournal(disk, crc32, directory, seed), options);
  const beginning = beginningOf(found, options);
  disk.makeDirectory(beginning.files.path);
  const journal = new WriteAheadJournal(
    {
      disk,
      crc32,
      sha256: options.sha256,
      codec: options.codec,
      bootId: options.bootId,
      listener: options.listener,
      limits,
      taint: (generation, done) => taint(disk, directory, generation, () => done()),
    },
    beginning,
  );
  const streams: RecoveredStream[] = [];
  for (const { name, kind, args } of beginning.registry.streams()) {
    const report = beginning.reports.get(name);
    if (report !== undefined) streams.push({ name, kind, args, report });
  }
  return { journal, streams, summary: summaryOf(found, beginning) };
}

/** What was found, held against what was expected. @throws JournalDamagedError */
function judged(found: FoundJournal, options: JournalOptions): FoundJournal {
  let result = found;
  if (found.reading.verdict === 'unborn') {
    if (options.mustExist !== true) return found;
    // Not generation 1 again: that its number is higher says for ever that something was lost.
    const reading = { verdict: 'corrupt', reason: 'the journal is gone', salvaged: [], bootId: '' } as const;
    result = { ...found, nextGeneration: Math.max(2, found.nextGeneration), reading, leftovers: [] };
  } else if (found.reading.verdict !== 'corrupt') {
    const { registry, bootId } = found.reading;
    const streams = checkSnapshots(found.files, registry, options.sha256);
    const gone = options.refuseDamage === true ? streams[0] : streams.find((stream) => options.isVital?.(stream));
    if (gone !== undefined) {
      const reason = `no snapshot of ${gone.name} can be read`;
      result = { ...found, reading: { verdict: 'corrupt', reason, salvaged: registry.salvaged(), bootId } };
    }
  }
  const { reading } = result;
  if (reading.verdict === 'corrupt' && options.refuseDamage === true)
    throw new JournalDamagedError(`${found.files.path}: ${reading.reason}`);
  return result;
}

/** Marks a journal's generation as not to be trusted by the next start (D11). Best effort on a disk that is failing. */
export function taint(disk: Disk, directory: string, generation: number, done: Done): void {
  disk.create(`${directory}/${taintName(generation)}`, 0, (error, file) => {
    if (file === undefined) return done(error);
    file.close(done);
  });
}

/** The generation that a start would use, for whoever wants to taint it from outside; 0 when there is none. */
export function currentGeneration(disk: Disk, directory: string): number {
  let generation = 0;
  for (const name of disk.list(directory)) generation = Math.max(generation, numberIn(name, 'generation') ?? 0);
  return generation;
}

function summaryOf(found: FoundJournal, beginning: JournalBeginning): JournalSummary {
  const { reading } = found;
  let recordCount = 0;
  for (const report of beginning.reports.values()) recordCount += report.recordCount;
  const base = { generation: beginning.files.generation, recordCount };
  switch (reading.verdict) {
    case 'unborn':
      return { ...base, end: 'fresh' };
    case 'corrupt':
      return { ...base, end: 'corrupt', reason: reading.reason, quarantined: found.files.path };
    case 'clean':
    case 'torn':
      return { ...base, end: reading.verdict };
    default:
      return unreachable(reading);
  }
}

function beginningOf(found: FoundJournal, options: JournalOptions): JournalBeginning {
  const { reading } = found;
  switch (reading.verdict) {
    case 'unborn':
      return newGeneration(found, options, [], '');
    case 'corrupt':
      return newGeneration(found, options, reading.salvaged, reading.bootId);
    case 'clean':
    case 'torn':
      return sameGeneration(found, reading, options);
    default:
      return unreachable(reading);
  }
}

/** Begins empty: there was nothing, or nothing to trust (D9). The streams that are known begin again as corrupt. */
function newGeneration(
  found: FoundJournal,
  options: JournalOptions,
  salvaged: readonly StreamEntry[],
  bootId: string,
): JournalBeginning {
  const registry = new StreamRegistry();
  if (found.reading.verdict === 'corrupt') sometimes('journal/generation-begun-anew');
  for (const { name, kind, args } of salvaged)
    registry.add({ number: registry.nextStream, name, kind, args, damage: 'corrupt', snapshots: [] });
  const generation = found.nextGeneration;
  return {
    files: { ...found.files, generation, path: generationPath(options.directory, generation) },
    registry,
    segments: [],
    sequence: 0,
    chain: 0,
    nextLsn: 0,
    previousSegment: 0,
    nextSegment: 1,
    nextSnapshot: 1,
    spare: undefined,
    reports: reportsOf(registry, [], false, bootId === options.bootId),
    leftovers: found.leftovers,
  };
}

function sameGeneration(
  found: FoundJournal,
  reading: Extract<Reading, { readonly verdict: 'clean' | 'torn' }>,
  options: JournalOptions,
): JournalBeginning {
  const { registry, segments, end } = reading;
  if (reading.cleanShutdown) sometimes('journal/was-shut-down');
  if (reading.verdict === 'torn') {
    sometimes('journal/torn-tail-found');
    // One tail for all: whose records were in it cannot be proven, since they are what is missing (D8).
    for (const entry of registry.streams()) if (entry.damage === 'none') registry.setDamage(entry, 'torn');
  }
  // One of another size was being created when its process ended, or belongs to other limits.
  const segmentBytes = options.limits?.segmentBytes ?? defaultJournalLimits.segmentBytes;
  const spare = reading.spare?.fileBytes === segmentBytes ? reading.spare : undefined;
  const { nextSnapshot, leftovers } = unreferenced(found.files, reading, spare);
  return {
    files: found.files,
    registry,
    segments,
    sequence: end.sequence,
    chain: end.chain,
    nextLsn: end.lsn,
    previousSegment: reading.lastSegment,
    nextSegment: reading.highestSegment + 1,
    nextSnapshot,
    spare,
    reports: reportsOf(registry, segments, reading.cleanShutdown, reading.bootId === options.bootId),
    leftovers: [...found.leftovers, ...leftovers],
  };
}

/** Files in the generation's directory that nothing refers to any more. */
function unreferenced(
  files: GenerationFiles,
  reading: Extract<Reading, { readonly verdict: 'clean' | 'torn' }>,
  spare: JournalBeginning['spare'],
): { readonly nextSnapshot: number; readonly leftovers: readonly string[] } {
  const { registry, segments } = reading;
  const chained = new Set(segments.map(({ segment }) => segment));
  if (spare !== undefined) chained.add(spare.segment);
  const kept = new Set<string>();
  let nextSnapshot = 1;
  for (const entry of registry.streams()) {
    for (const { id } of entry.snapshots) {
      kept.add(`${entry.number}/${id}`);
      nextSnapshot = Math.max(nextSnapshot, id + 1);
    }
  }
  const leftovers: string[] = [];
  for (const name of files.disk.list(files.path)) {
    const segment = numberIn(name, 'segment');
    const snapshot = snapshotIn(name);
    if (snapshot !== undefined) nextSnapshot = Math.max(nextSnapshot, snapshot.id + 1);
    const isSegmentKept = segment !== undefined && chained.has(segment);
    const isSnapshotKept =
      snapshot !== undefined && !snapshot.temporary && kept.has(`${snapshot.stream}/${snapshot.id}`);
    if (!isSegmentKept && !isSnapshotKept) leftovers.push(`${files.path}/${name}`);
  }
  return { nextSnapshot, leftovers };
}

function reportsOf(
  registry: StreamRegistry,
  segments: readonly SegmentIndex[],
  cleanShutdown: boolean,
  sameBoot: boolean,
): Map<string, RecoveryReport> {
  const reports = new Map<string, RecoveryReport>();
  for (const entry of registry.streams()) {
    const fromLsn = entry.snapshots.at(-1)?.replayFromLsn ?? 0;
    let recordCount = 0;
    for (const segment of segments) {
      const positions = segment.of(entry.number);
      if (positions !== undefined) recordCount += positions.count - positions.firstFrom(fromLsn - segment.baseLsn);
    }
    const end = entry.damage === 'none' ? 'clean' : entry.damage;
    reports.set(entry.name, { end, cleanShutdown, sameBoot, recordCount });
  }
  return reports;
}
