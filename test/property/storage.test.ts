// The journal against a model, over random work, kills and power failures
// =============================================================================

import { expect } from 'chai';
import { seededRandom } from '../../runtime/std/random.js';
import { CrashDisk } from '../support/crash-disk.js';
import { JournalModel, journalWork, recoveredOf } from '../support/journal-model.js';
import { openOn, type OpenTestJournal } from '../support/journal-on-crash-disk.js';

/** Checks what was recovered and cuts the model to it. */
function check(open: OpenTestJournal, model: JournalModel, durableLsn: number): void {
  expect(open.journal.nextLsn, 'W1: what was reported durable is there').to.be.at.least(durableLsn);
  model.cut(model.prefixOf(recoveredOf(open)));
}

describe('journal against a model', () => {
  const seeds = Number(process.env['SEEDS'] ?? 150);

  it(`V1 W1 W2 W4 W5 P1 Q1: recovers a prefix with everything durable, ${seeds} seeds`, function () {
    this.timeout(60_000);
    for (let seed = 0; seed < seeds; seed++) {
      const random = seededRandom(`storage ${seed}`);
      const limits = {
        segmentBytes: random.pick([1024, 4096, 16384]),
        batchBytesMax: random.pick([256, 2048, 1 << 20]),
        journalBytesMax: 32 * 1024,
      };
      try {
        let disk = new CrashDisk();
        const model = new JournalModel();
        let known = 0;
        for (let round = 0; round < 6; round++) {
          const before = model.lsnAt(model.entries.length);
          const open = openOn(disk, { limits });
          if (round > 0) check(open, model, known);
          open.durable = open.journal.nextLsn;
          expect(open.journal.nextLsn).to.be.at.most(before);
          journalWork(open, model, random.split(`work ${round}`), random.between(1, 250));
          const end = random.below(3);
          if (end === 0) {
            let isClosed = false;
            open.journal.close(() => {
              isClosed = true;
            });
            open.disk.run();
            expect(isClosed).to.equal(true);
            disk = open.disk.kill();
          } else if (end === 1) disk = open.disk.kill();
          else disk = open.disk.crash(random.split(`crash ${round}`), random.pick([0, 0.3, 0.7, 1]));
          const again = openOn(disk, { limits }, random.chance(0.7));
          expect(again.summary.end, 'V1: a disk that only crashes is never corrupt').to.not.equal('corrupt');
          if (end === 0) expect(again.summary.end).to.equal('clean');
          if (end === 0) for (const { report } of again.streams) expect(report.cleanShutdown).to.equal(true);
          if (end === 1) expect(again.summary.end, 'a killed process tears nothing').to.be.oneOf(['clean', 'fresh']);
          // A start that is itself interrupted comes to nothing less.
          if (again.disk.waitingCount > 0) {
            for (let count = random.below(12); count > 0; count--) again.disk.step();
            disk = again.disk.crash(random.split(`again ${round}`));
            const third = openOn(disk, { limits });
            check(third, model, open.durable);
            disk = third.disk.kill();
          } else {
            check(again, model, open.durable);
            disk = again.disk.kill();
          }
          // W1: what a start gives back is durable, whatever happens next.
          known = model.lsnAt(model.entries.length);
          if (random.chance(0.5)) disk = disk.crash(random.split(`after ${round}`), 0.3);
          expect(open.told.filter((line) => line.startsWith('fatal'))).to.deep.equal([]);
        }
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    }
  });
});
