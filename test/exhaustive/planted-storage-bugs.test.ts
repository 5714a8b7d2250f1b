// The planted bugs of the journal are found by looking at its disk
// =============================================================================

import { expect } from 'chai';
import type { PlantedBug } from '../../runtime/probes/planted-bugs.js';
import { installProbes } from '../../runtime/probes/probes.js';
import { CrashBench, noCounts } from './crash-enumeration.js';
import { DamageReader, expectedAfterFlip } from './damage.js';
import { workloads } from './journal-workloads.js';
import { sampleJournal } from './sample-journal.js';

/** What is found with the bug in place; empty when nothing is. */
function foundWith(bug: PlantedBug | undefined, look: () => void): string {
  const before = installProbes({ buggify: () => false, sometimes: () => undefined, planted: bug });
  try {
    look();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    installProbes(before);
  }
}

/** Crash states of a workload, without crashing recoveries. */
function crash(name: string): void {
  const bounds = { statesMax: 16, nestedEvery: 1_000_000, nestedStatesMax: 1, nestedDepth: 0 };
  const bench = new CrashBench(name, bounds, noCounts());
  workloads[name]?.(bench);
  bench.examine();
}

/** One bit of each byte. */
function rot(): void {
  const sample = sampleJournal(0, 512, 300);
  const reader = new DamageReader(sample);
  for (const [damaged, { path }] of sample.segments.entries()) {
    const bytes = sample.contents.files.get(path) as Uint8Array;
    for (let at = 0; at < bytes.length; at++) {
      const original = bytes[at] as number;
      bytes[at] = original ^ (1 << (at % 8));
      reader.read(expectedAfterFlip(sample, damaged, at), () => `${path}, byte ${at}`);
      bytes[at] = original;
    }
  }
}

const finders: readonly (readonly [PlantedBug, string, () => void])[] = [
  ['PB11', 'snapshots and trimming', () => crash('snapshots and trimming')],
  ['PB12', 'a flipped bit of each byte', rot],
  ['PB13', 'a flipped bit of each byte', rot],
  ['PB14', 'a sync that fails', () => crash('a sync that fails')],
  ['PB15', 'group commit of two streams', () => crash('group commit of two streams')],
];

describe('planted bugs of the journal', function () {
  this.timeout(60_000);

  for (const [bug, name, look] of finders)
    it(`${bug} is found by ${name}, and nothing without it`, () => {
      expect(foundWith(undefined, look), 'without the bug').to.equal('');
      expect(foundWith(bug, look), 'with the bug').to.not.equal('');
    });
});
