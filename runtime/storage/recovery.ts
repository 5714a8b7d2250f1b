// What the files of one generation say: the verdict of D7
// =============================================================================
//
// Reads only; beginning again is the journal's. FORMAT.md, "Recovery", steps 2 to 5.
//
// Invariants
//   V1. Corrupt if anything that is known to have been durable is missing or bad; never cut silently (D9).
//   V2. Torn only if nothing beyond the cut can have been reported durable, as far as the files can prove (D8).
//   V3. Reading changes nothing, so a crash while starting leads to the same verdict again.
//   V4. A record of the journal's own that is senseless in spite of its checksums is corruption, no failure of the start.

import type { Disk } from '../contract/disk.js';
import { buggify, planted } from '../probes/probes.js';
import { unreachable } from '../std/assert.js';
import { DecodeError } from '../std/byte-reader.js';
import type { Crc32 } from '../std/crc32.js';
import { segmentSeed } from './binding.js';
import { numberIn, segmentName } from './paths.js';
import { closedType, firstJournalType, type RecordHeader } from './record.js';
import { SegmentIndex } from './record-index.js';
import type { SegmentHeader } from './segment-header.js';
import { type ChainEnd, readSegmentHeader, type SegmentPlace, scanBeyond, scanChain } from './segment-scan.js';
import { type StreamEntry, StreamRegistry } from './stream-registry.js';

/** The files of one generation and how to check them. */
export interface GenerationFiles {
  readonly disk: Disk;
  readonly crc32: Crc32;
  /** The generation's directory. */
  readonly path: string;
  readonly generation: number;
  /** seed(journal) */
  readonly seed: number;
}

export type Reading =
  /** A crash came before its first checkpoint was whole. Nothing in it was ever reported durable. */
  | { readonly verdict: 'unborn' }
  | {
      readonly verdict: 'clean' | 'torn';
      readonly registry: StreamRegistry;
      readonly segments: SegmentIndex[];
      readonly end: ChainEnd;
      readonly lastSegment: number;
      /** Highest number of any segment file; the next one is above it. */
      readonly highestSegment: number;
      readonly cleanShutdown: boolean;
      readonly bootId: string;
      /** An unused, all-zero segment behind the last. */
      readonly spare: { readonly segment: number; readonly fileBytes: number } | undefined;
    }
  | {
      readonly verdict: 'corrupt';
      /** For people: what is wrong and where. */
      readonly reason: string;
      readonly salvaged: readonly StreamEntry[];
      readonly bootId: string;
    };

export function segmentPlace(files: GenerationFiles, segment: number): SegmentPlace {
  return {
    disk: files.disk,
    crc32: files.crc32,
    path: `${files.path}/${segmentName(segment)}`,
    segment,
    seed: segmentSeed(files.crc32, files.seed, files.generation, segment),
  };
}

/** Reads a second time unless the first was clean: a read may flip a bit, and the better answer is then the true one. */
export function readGeneration(files: GenerationFiles): Reading {
  const first = readOnce(files);
  if (first.verdict === 'clean' && !buggify('journal/read-twice')) return first;
  const second = readOnce(files);
  return rank(second) >= rank(first) ? second : first;
}

function rank(reading: Reading): number {
  switch (reading.verdict) {
    case 'clean':
      return Number.MAX_SAFE_INTEGER;
    case 'torn':
      return 1 + reading.end.sequence;
    case 'corrupt':
      return 1;
    case 'unborn':
      return 0;
    default:
      return unreachable(reading);
  }
}

function readOnce(files: GenerationFiles): Reading {
  const headers = new Map<number, SegmentHeader>();
  const bad = new Set<number>();
  const numbers: number[] = [];
  for (const name of files.disk.list(files.path)) {
    const segment = numberIn(name, 'segment');
    if (segment === undefined) continue;
    numbers.push(segment);
    const header = readSegmentHeader(segmentPlace(files, segment));
    if (header === 'bad') bad.add(segment);
    else if (header !== 'none') headers.set(segment, header);
  }
  numbers.sort((a, b) => a - b);
  const lastSegment = numbers.findLast((segment) => headers.has(segment));
  const newestBad = numbers.findLast((segment) => bad.has(segment));
  if (newestBad !== undefined && newestBad > (lastSegment ?? 0))
    return corrupt(files, numbers, headers, `${segmentName(newestBad)}: its header is unreadable or not ours`); // V1
  if (lastSegment === undefined) return readHeaderless(files, numbers);
  return readFrom(files, numbers, headers, lastSegment);
}

/** No header is there: a crash came right at birth, or the sector is lost. */
function readHeaderless(files: GenerationFiles, numbers: readonly number[]): Reading {
  for (const segment of numbers) {
    const beyond = scanBeyond(segmentPlace(files, segment), 0, 0, undefined, Number.MAX_SAFE_INTEGER);
    if (beyond.durableSequence > 0)
      return corrupt(files, numbers, new Map(), `${segmentName(segment)}: its header is unreadable`); // V1
  }
  return { verdict: 'unborn' };
}

function readFrom(
  files: GenerationFiles,
  numbers: readonly number[],
  headers: ReadonlyMap<number, SegmentHeader>,
  lastSegment: number,
): Reading {
  const chain = chainTo(headers, lastSegment);
  let registry = new StreamRegistry();
  let segments: SegmentIndex[] = [];
  let end: ChainEnd = { sequence: 0, lsn: 0, chain: 0 };
  let position = 0;
  let floor = 0;
  let lastType = 0;
  let broken = '';
  let short = '';
  let senseless = '';
  for (const [at, header] of chain.entries()) {
    const place = segmentPlace(files, header.segment);
    const next = chain[at + 1];
    const index = new SegmentIndex(header.segment, files.disk.sizeOf(place.path) ?? 0, header.baseLsn);
    const scan = scanChain(place, header, next?.baseSequence ?? Number.MAX_SAFE_INTEGER, (record, payload, where) => {
      if (!applied(registry, record, payload))
        senseless = `${segmentName(header.segment)}: record ${record.sequence} is none that a journal writes`;
      lastType = record.type;
      if (record.type < firstJournalType) index.add(record.stream, where, record.payloadBytes, record.lsn);
    });
    segments.push(index);
    if (index.fileBytes < header.segmentBytes) short = `${segmentName(header.segment)}: shorter than it was allocated`;
    end = scan;
    position = scan.position;
    floor = Math.max(floor, scan.durableSequence, header.baseSequence);
    const fits =
      next === undefined ||
      (scan.sequence === next.baseSequence && scan.chain === next.chain && scan.lsn === next.baseLsn);
    if (fits) continue;
    // A sealed segment is bad. If it is one that was about to be removed, what follows stands by itself.
    broken = `${segmentName(header.segment)}: bad at byte ${scan.position}, record ${scan.sequence}`;
    registry = new StreamRegistry();
    segments = [];
    short = '';
    senseless = '';
  }
  const evidence = scanBeyond(segmentPlace(files, lastSegment), position, end.sequence);
  floor = Math.max(floor, evidence.durableSequence);
  let isZero = evidence.isZero;
  let spare: { readonly segment: number; readonly fileBytes: number } | undefined;
  for (const segment of numbers) {
    if (segment <= lastSegment) continue;
    const place = segmentPlace(files, segment);
    const behind = scanBeyond(place, 0, end.sequence);
    floor = Math.max(floor, behind.durableSequence);
    if (behind.isZero) spare = { segment, fileBytes: files.disk.sizeOf(place.path) ?? 0 };
    else isZero = false;
  }

  const first = chain[chain.length - segments.length] as SegmentHeader;
  const last = chain[chain.length - 1] as SegmentHeader;
  if (end.sequence < floor && !planted('PB12')) {
    const where = broken !== '' ? broken : `${segmentName(lastSegment)}: bad at byte ${position}`;
    return corrupt(files, numbers, headers, `${where}, though records up to ${floor} were durable`); // V1
  }
  if (short !== '') return corrupt(files, numbers, headers, short); // V1
  if (senseless !== '') return corrupt(files, numbers, headers, senseless); // V4
  if (!registry.isComplete) {
    if (first === last && first.previous === 0 && floor === 0) return { verdict: 'unborn' };
    return corrupt(files, numbers, headers, broken !== '' ? broken : `${segmentName(first.segment)}: no checkpoint`);
  }
  if (first.segment > registry.firstSegment) {
    const missing = broken !== '' ? broken : `segments from ${registry.firstSegment} to ${first.segment} are missing`;
    return corrupt(files, numbers, headers, missing); // V1
  }
  return {
    verdict: isZero ? 'clean' : 'torn', // V2
    registry,
    segments,
    end,
    lastSegment,
    highestSegment: numbers.at(-1) as number,
    cleanShutdown: isZero && lastType === closedType,
    bootId: last.bootId,
    spare: spare?.segment === numbers.at(-1) ? spare : undefined,
  };
}

/** The headers from the first that can be reached to `lastSegment`. */
function chainTo(headers: ReadonlyMap<number, SegmentHeader>, lastSegment: number): SegmentHeader[] {
  const chain: SegmentHeader[] = [];
  for (let header = headers.get(lastSegment); header !== undefined; header = headers.get(header.previous)) {
    chain.push(header);
    if (header.previous >= header.segment) break;
  }
  return chain.reverse();
}

function corrupt(
  files: GenerationFiles,
  numbers: readonly number[],
  headers: ReadonlyMap<number, SegmentHeader>,
  reason: string,
): Reading {
  const bootId = [...headers.values()].at(-1)?.bootId ?? '';
  return { verdict: 'corrupt', reason, salvaged: salvage(files, numbers), bootId };
}

/** Whether a record with good checksums says something that can be understood. V4 */
function applied(registry: StreamRegistry, record: RecordHeader, payload: Uint8Array): boolean {
  try {
    registry.apply(record.type, record.stream, payload);
    return true;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** The streams that any readable record names, in spite of holes. */
export function salvage(files: GenerationFiles, numbers: readonly number[]): readonly StreamEntry[] {
  const registry = new StreamRegistry();
  for (const segment of numbers) {
    const place = segmentPlace(files, segment);
    scanBeyond(place, 0, 0, (record, payload) => void applied(registry, record, payload), Number.MAX_SAFE_INTEGER);
  }
  return registry.salvaged();
}
