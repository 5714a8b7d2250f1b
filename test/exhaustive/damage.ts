// A damaged journal: the verdict that it must get, and the one that it gets
// =============================================================================
//
// Production only reads here, and nothing is begun anew, so that a flip costs little.

import { expect } from 'chai';
import { journalSeed, segmentSeed } from '../../runtime/storage/binding.js';
import { checkSnapshots, findJournal } from '../../runtime/storage/generations.js';
import { nativeCrc32 } from '../../runtime/storage/native-crc.js';
import { replayRecords } from '../../runtime/storage/replay.js';
import { binding } from '../support/journal-on-crash-disk.js';
import { TracedDisk } from '../support/traced-disk.js';
import type { SampleJournal } from './sample-journal.js';

export const journalSeedOfSamples: number = journalSeed(nativeCrc32, binding, 'w0');
const seed = journalSeedOfSamples;
const decoder = new TextDecoder();

export interface Verdict {
  readonly end: 'clean' | 'torn' | 'corrupt';
  /** Records of streams from this sequence on are gone. */
  readonly endSequence: number;
}

/** What the format says about a damaged bit. */
export function expectedAfterFlip(sample: SampleJournal, damaged: number, at: number): Verdict {
  const { segments } = sample;
  const whole = Number.MAX_SAFE_INTEGER;
  const last = segments.findLastIndex(({ reading }) => reading !== undefined);
  const reading = segments[damaged]?.reading;
  if (reading === undefined) return { end: 'torn', endSequence: whole }; // a spare that is not zero
  const isLast = damaged === last;
  if (at < 128) return { end: 'corrupt', endSequence: 0 };
  const record = reading.records.find(({ start, end }) => start <= at && at < end);
  if (record === undefined) return { end: isLast ? 'torn' : 'clean', endSequence: whole };
  if (at >= record.start + 48 + record.payloadBytes) return { end: 'clean', endSequence: whole }; // padding
  if (!isLast) return { end: 'corrupt', endSequence: 0 };
  const floor = Math.max(
    reading.baseSequence,
    ...reading.records.filter((one) => one !== record).map(({ durable }) => durable),
  );
  return record.sequence < floor ? { end: 'corrupt', endSequence: 0 } : { end: 'torn', endSequence: record.sequence };
}

/** Production's reading of the sample as it is now, without beginning anew. */
export class DamageReader {
  readonly #disk: TracedDisk;
  readonly #numbers = new Map<string, number>();
  readonly #truth = new Map<string, readonly string[]>();
  /** Sequence of each record of a stream. */
  readonly #sequences = new Map<string, number[]>();

  constructor(sample: SampleJournal) {
    this.#disk = TracedDisk.of(sample.contents);
    const { reading } = findJournal(this.#disk, nativeCrc32, 'w0', seed);
    if (reading.verdict !== 'clean') throw new Error(`the sample is ${reading.verdict}`);
    for (const { name, number } of reading.registry.streams()) {
      this.#numbers.set(name, number);
      this.#truth.set(name, this.#recordsOf(reading.segments, number));
      const all = sample.segments.flatMap((segment) => segment.reading?.records ?? []);
      this.#sequences.set(
        name,
        all.filter(({ stream }) => stream === number).map(({ sequence }) => sequence),
      );
    }
  }

  #recordsOf(segments: Parameters<typeof replayRecords>[0]['index'][], stream: number): string[] {
    const records: string[] = [];
    for (const index of segments) {
      const path = `w0/generation-0000000001/segment-${String(index.segment).padStart(10, '0')}`;
      const place = {
        disk: this.#disk,
        crc32: nativeCrc32,
        path,
        seed: segmentSeed(nativeCrc32, seed, 1, index.segment),
        index,
      };
      replayRecords(place, stream, 0, ({ lsn, payload }) => records.push(`${lsn} ${decoder.decode(payload)}`));
    }
    return records;
  }

  /** @returns the verdict; throws when anything is given that is not the truth. */
  read(expected: Verdict | undefined, what: () => string): string {
    const { reading, files } = findJournal(this.#disk, nativeCrc32, 'w0', seed);
    if (expected !== undefined && reading.verdict !== expected.end)
      throw new Error(`${what()}: ${reading.verdict}, expected ${expected.end}`);
    if (reading.verdict !== 'clean' && reading.verdict !== 'torn') return reading.verdict;
    for (const [name, number] of this.#numbers) {
      const found = this.#recordsOf(reading.segments, number);
      const truth = this.#truth.get(name) ?? [];
      const sequences = this.#sequences.get(name) ?? [];
      const count =
        expected === undefined ? found.length : sequences.filter((sequence) => sequence < expected.endSequence).length;
      if (found.length !== count || found.some((record, i) => record !== truth[i]))
        throw new Error(`${what()}: of ${name} there are ${found.length} records, expected ${count}, or they differ`);
    }
    if (reading.verdict === 'clean' && expected === undefined)
      for (const [name, truth] of this.#truth)
        if (this.#recordsOf(reading.segments, this.#numbers.get(name) as number).length !== truth.length)
          throw new Error(`${what()}: clean, and records of ${name} are missing`);
    expect(checkSnapshots(files, reading.registry, undefined), what()).to.deep.equal([]);
    return reading.verdict;
  }
}
