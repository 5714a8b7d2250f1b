// Journals with something of everything in them, to be damaged
// =============================================================================

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../runtime/std/random.js';
import { nativeCrc32 } from '../../runtime/storage/native-crc.js';
import { JournalModel, type RecoveredJournal, recoveredOf } from '../support/journal-model.js';
import { binding, openOn } from '../support/journal-on-crash-disk.js';
import type { DiskContents } from '../support/platter.js';
import { type ReferenceSegment, readReference, referenceSeed } from '../support/reference-journal.js';
import { TracedDisk } from '../support/traced-disk.js';

export interface SampleSegment {
  readonly path: string;
  /** Undefined: a spare. */
  readonly reading: ReferenceSegment | undefined;
}

export interface SampleJournal {
  /** A test may change bytes of these files in place, and must change them back. */
  readonly contents: DiskContents;
  /** What it holds, undamaged; unknown of the golden one. */
  readonly truth: RecoveredJournal | undefined;
  /** Oldest first. */
  readonly segments: readonly SampleSegment[];
  readonly snapshots: readonly string[];
  readonly segmentBytes: number;
}

/** Three streams, several segments, snapshots, a trimmed beginning; every second one closed in order. */
export function sampleJournal(number: number, segmentBytes: number, bytes: number): SampleJournal {
  const random = seededRandom(`sample journal ${number}`);
  const open = openOn(TracedDisk.of({ directories: new Set(), files: new Map() }), {
    crc32: nativeCrc32,
    limits: { segmentBytes },
  });
  const { journal, disk } = open;
  const model = new JournalModel();
  const streams = ['a', 'b', 'c'];
  for (const stream of streams) model.open(journal, stream);
  for (let written = 0; written < bytes; ) {
    const length = random.chance(0.1) ? random.below(segmentBytes / 2) : random.below(60);
    model.append(journal, random.pick(streams), `${written} ${'x'.repeat(length)}`);
    written += length + 80;
    if (random.chance(0.4)) {
      journal.flush();
      disk.run();
    }
    if (random.chance(0.05)) model.snapshot(journal, random.pick(streams));
  }
  for (const stream of streams) model.snapshot(journal, stream);
  disk.run();
  model.append(journal, 'a', 'in a batch of its own');
  journal.flush();
  disk.run();
  model.append(journal, 'b', 'the last one');
  model.append(journal, 'c', 'with its neighbour');
  journal.flush();
  disk.run();
  if (number % 2 === 1) journal.close(() => undefined);
  disk.run();
  const contents = disk.contents();
  const recovered = openOn(TracedDisk.of(contents), { crc32: nativeCrc32, limits: { segmentBytes } });
  const truth = recoveredOf(recovered);
  model.prefixOf(truth, model.entries.length);
  return { ...described(contents), truth, segmentBytes };
}

/** What version 1 wrote once and for ever: compressed snapshots, a clean end. */
export function goldenJournal(): SampleJournal {
  const folder = join(process.cwd(), 'test/golden/storage-v1');
  const generation = 'w0/generation-0000000001';
  const files = new Map(
    readdirSync(folder).map((name) => [`${generation}/${name}`, new Uint8Array(readFileSync(join(folder, name)))]),
  );
  return { ...described({ directories: new Set(['w0', generation]), files }), truth: undefined, segmentBytes: 2048 };
}

function described(contents: DiskContents): Pick<SampleJournal, 'contents' | 'segments' | 'snapshots'> {
  const paths = [...contents.files.keys()].sort((a, b) => (a < b ? -1 : 1));
  const segments = paths
    .filter((path) => path.includes('/segment-'))
    .map((path) => {
      const seed = referenceSeed(binding, 'w0', 1, Number(path.slice(-10)));
      return { path, reading: readReference(contents.files.get(path) as Uint8Array, seed) };
    });
  return { contents, segments, snapshots: paths.filter((path) => path.includes('/snapshot-')) };
}
