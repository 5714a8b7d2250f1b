// Every bit flipped and every byte cut off: what a journal and its snapshots say then
// =============================================================================
//
// The verdict that each damage must get follows from the format alone (FORMAT.md, "Recovery") and is worked out here with the second
// reader. In `make test` three small journals, and zeros get one flip a byte; TROUPE_FULL=1 takes 200 of them, 1 MiB together.

import { expect } from 'chai';
import { seededRandom } from '../../runtime/std/random.js';
import { findJournal, snapshotPlace } from '../../runtime/storage/generations.js';
import { nativeCrc32 } from '../../runtime/storage/native-crc.js';
import { isSnapshotReadable } from '../../runtime/storage/snapshot-reader.js';
import { recoveredOf } from '../support/journal-model.js';
import { openOn } from '../support/journal-on-crash-disk.js';
import { TracedDisk } from '../support/traced-disk.js';
import { DamageReader, expectedAfterFlip, journalSeedOfSamples as seed } from './damage.js';
import { isFull } from './full.js';
import { goldenJournal, type SampleJournal, sampleJournal } from './sample-journal.js';

/** The whole start on a damaged disk: no failure, and nothing that was not there. */
function startOn(sample: SampleJournal, what: () => string): void {
  const { truth, segmentBytes } = sample;
  if (truth === undefined) return;
  const files = new Map(Array.from(sample.contents.files, ([path, bytes]) => [path, bytes.slice()]));
  const disk = TracedDisk.of({ ...sample.contents, files });
  const open = openOn(disk, { crc32: nativeCrc32, limits: { segmentBytes } });
  expect(open.told, what()).to.deep.equal([]);
  for (const [name, { end, from, records }] of recoveredOf(open).streams) {
    const all = truth.streams.get(name);
    if (end === 'corrupt') expect(records, what()).to.deep.equal([]);
    else expect(from, what()).to.equal(all?.from);
    if (end === 'clean') expect(records, what()).to.deep.equal(all?.records);
    if (end === 'torn') expect(records, what()).to.deep.equal(all?.records.slice(0, records.length));
  }
}

/** Which journals are damaged, and whether all eight bits of each byte are or one. */
function* samples(): Generator<{ readonly name: string; readonly sample: SampleJournal; readonly allBits: boolean }> {
  yield { name: 'golden', sample: goldenJournal(), allBits: isFull };
  for (let number = 0; number < (isFull ? 200 : 2); number++) {
    const sample = isFull ? sampleJournal(number, 1024, 3_000) : sampleJournal(number, 512, 300);
    yield { name: `sample ${number}`, sample, allBits: isFull || number === 0 };
  }
}

describe('damage of a journal', function () {
  this.timeout(isFull ? 3_600_000 : 60_000);
  const counts: Record<string, number> = {};
  const count = (verdict: string): void => {
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  };

  it('V1 V2 J1 J2: every flipped bit gets the verdict that the format says', () => {
    for (const { name, sample, allBits } of samples()) {
      const reader = new DamageReader(sample);
      expect(reader.read({ end: 'clean', endSequence: Number.MAX_SAFE_INTEGER }, () => 'undamaged')).to.equal('clean');
      for (const [damaged, { path }] of sample.segments.entries()) {
        const bytes = sample.contents.files.get(path) as Uint8Array;
        for (let at = 0; at < bytes.length; at++) {
          const expected = expectedAfterFlip(sample, damaged, at);
          for (let bit = 0; bit < 8; bit++) {
            if (bit !== at % 8 && (!allBits || (bytes[at] === 0 && !isFull))) continue;
            const what = (): string => `${name}, ${path}, byte ${at}, bit ${bit}`;
            bytes[at] = (bytes[at] as number) ^ (1 << bit);
            count(reader.read(expected, what));
            if ((at * 8 + bit) % 509 === 0) startOn(sample, what);
            bytes[at] = (bytes[at] as number) ^ (1 << bit);
          }
        }
      }
    }
  });

  it('V1: every truncation of a used segment is corruption', () => {
    for (const { name, sample } of samples()) {
      const last = sample.segments.findLastIndex(({ reading }) => reading !== undefined);
      for (const [damaged, { path, reading }] of sample.segments.entries()) {
        const bytes = sample.contents.files.get(path) as Uint8Array;
        // Less than half of the magic of the last one: from one disk alone nobody can tell that it was there (FORMAT.md).
        for (let length = damaged === last ? 4 : 0; length < bytes.length; length++) {
          const files = new Map(sample.contents.files).set(path, bytes.slice(0, length));
          const { reading: found } = findJournal(TracedDisk.of({ ...sample.contents, files }), nativeCrc32, 'w0', seed);
          count(found.verdict);
          const expected = reading === undefined ? 'clean' : 'corrupt';
          if (found.verdict !== expected)
            throw new Error(`${name}, ${path} cut at ${length}: ${found.verdict}, expected ${expected}`);
        }
      }
    }
  });

  it('V1 V2: two damages at once give nothing that was not there', () => {
    const random = seededRandom('two damages');
    for (const { name, sample } of samples()) {
      const reader = new DamageReader(sample);
      const paths = sample.segments.map(({ path }) => path);
      for (let round = 0; round < 500; round++) {
        const places = [0, 1].map(() => {
          const bytes = sample.contents.files.get(random.pick(paths)) as Uint8Array;
          const at = random.below(bytes.length);
          const before = bytes[at] as number;
          bytes[at] = random.below(256);
          return { bytes, at, before };
        });
        count(reader.read(undefined, () => `${name}, round ${round}`));
        for (const { bytes, at, before } of places.toReversed()) bytes[at] = before;
      }
    }
  });

  it('N1: no bit of a snapshot can be flipped, and no byte cut off, unseen', () => {
    for (const { sample } of samples()) {
      const disk = TracedDisk.of(sample.contents);
      const { reading, files } = findJournal(disk, nativeCrc32, 'w0', seed);
      if (reading.verdict !== 'clean') throw new Error('the sample is not clean');
      for (const entry of reading.registry.streams()) {
        for (const snapshot of entry.snapshots) {
          const place = snapshotPlace(files, entry.number, snapshot.id, undefined);
          expect(isSnapshotReadable(place, snapshot)).to.equal(true);
          const bytes = sample.contents.files.get(place.path) as Uint8Array;
          for (let bit = 0; bit < bytes.length * 8; bit++) {
            bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
            if (isSnapshotReadable(place, snapshot)) throw new Error(`${place.path}: bit ${bit} does not matter`);
            bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
          }
          for (let length = 0; length < bytes.length; length++) {
            const cut = new Map(sample.contents.files).set(place.path, bytes.slice(0, length));
            const onCut = { ...place, disk: TracedDisk.of({ ...sample.contents, files: cut }) };
            for (const claimed of [snapshot, { ...snapshot, fileBytes: length }])
              if (isSnapshotReadable(onCut, claimed)) throw new Error(`${place.path}: may be cut at ${length}`);
          }
        }
      }
    }
  });

  after(() => {
    console.log(
      `      ${Object.entries(counts)
        .map(([verdict, number]) => `${number} ${verdict}`)
        .join(', ')}`,
    );
  });
});
