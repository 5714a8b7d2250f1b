// Every crash state of a journal at work is recovered, and gives what was acknowledged
// =============================================================================
//
// In `make test` few states of each prefix; TROUPE_FULL=1 takes up to 4,096 of each, and crashes recoveries twice over.

import { type Bounds, CrashBench, noCounts } from './crash-enumeration.js';
import { isFull } from './full.js';
import { workloads } from './journal-workloads.js';
import { journalWork } from '../support/journal-model.js';

const bounds: Bounds = isFull
  ? { statesMax: 4096, nestedEvery: 16, nestedStatesMax: 32, nestedDepth: 2 }
  : { statesMax: 40, nestedEvery: 6, nestedStatesMax: 3, nestedDepth: 1 };

describe('crash states of a journal', function () {
  this.timeout(isFull ? 3_600_000 : 60_000);
  const counts = noCounts();

  for (const [name, work] of Object.entries(workloads))
    it(`A1 A2 A3 A4 A5 V1 V2 V3 W1 W5 P1 P2 Y3: ${name}`, () => {
      const segmentBytes = name === 'batches of many sectors' ? 8192 : 1024;
      const bench = new CrashBench(name, bounds, counts, { limits: { segmentBytes } });
      work(bench);
      bench.examine();
    });

  it('V1 V2 V3 W1: random work', () => {
    const seeds = Number(process.env['SEEDS'] ?? (isFull ? 60 : 2));
    for (let seed = 0; seed < seeds; seed++) {
      const small = isFull ? { ...bounds, statesMax: 256, nestedDepth: 1 } : { ...bounds, statesMax: 16 };
      const bench = new CrashBench(`random work, seed ${seed}`, small, counts, {
        limits: { segmentBytes: 1024, batchBytesMax: [256, 2048, 1 << 20][seed % 3] as number },
      });
      for (let life = 0; life < 3; life++) {
        journalWork(bench.open, bench.model, bench.random.split(`work ${life}`), 25);
        bench.flush();
        bench.step(bench.random.below(30));
        if (life === 2) bench.examine();
        else if (bench.random.chance(0.5)) bench.restartAfterKill(bench.random.split(`order ${life}`));
        else bench.restartAfterPowerLoss();
      }
    }
  });

  after(() => {
    const { prefixes, states, distinct, nested, ends } = counts;
    console.log(
      `      ${prefixes} prefixes, ${states} crash states, ${distinct} of them different, ${nested} of recoveries; ` +
        Object.entries(ends)
          .map(([end, count]) => `${count} ${end}`)
          .join(', '),
    );
  });
});
