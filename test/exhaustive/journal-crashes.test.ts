// Every crash state of a journal at work is recovered, and gives what was acknowledged
// =============================================================================
//
// In `make test` few states of each prefix; TROUPE_FULL=1 takes up to 4,096 of each, and crashes recoveries twice over.

import { expect } from 'chai';
import { isFull } from './full.js';
import { type Bounds, CrashBench, noCounts } from './crash-enumeration.js';
import { journalWork } from '../support/journal-model.js';

const bounds: Bounds = isFull
  ? { statesMax: 4096, nestedEvery: 16, nestedStatesMax: 32, nestedDepth: 2 }
  : { statesMax: 64, nestedEvery: 6, nestedStatesMax: 5, nestedDepth: 1 };

/** A life each: appends of two streams, two batches waiting while one is under way. */
function groupCommit(bench: CrashBench): void {
  bench.openStream('a');
  bench.openStream('b');
  for (let round = 0; round < 4; round++) {
    bench.append('a', `a ${round} ${'x'.repeat(round * 90)}`);
    bench.flush();
    bench.append('b', `b ${round}`);
    bench.append('a', `more ${round}`);
    bench.flush();
    bench.step(1 + (round % 3));
  }
  bench.run();
}

function rotation(bench: CrashBench): void {
  bench.openStream('a');
  for (let round = 0; round < 9; round++) {
    bench.append('a', `${round} ${'x'.repeat(250)}`);
    if (round % 2 === 0) bench.flush();
    bench.step(3);
  }
  bench.append('a', 'y'.repeat(1500)); // has a segment of its own
  bench.append('a', 'after it');
  bench.run();
}

function snapshotsAndTrim(bench: CrashBench): void {
  bench.openStream('a');
  bench.openStream('b');
  bench.append('b', 'keeps the first segment');
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 2; i++) bench.append('a', `${round} ${i} ${'x'.repeat(180)}`);
    bench.flush();
    bench.step(round % 2 === 0 ? 2 : 20);
    bench.snapshot('a');
    if (round === 2) {
      bench.run();
      bench.snapshot('b');
      bench.append('b', 'after its snapshot');
    }
    bench.run();
  }
}

function streamsComeAndGo(bench: CrashBench): void {
  for (let round = 0; round < 3; round++) {
    bench.openStream('a');
    bench.append('a', `life ${round}`);
    bench.flush();
    bench.step(2);
    if (round === 1) {
      bench.snapshot('a');
      bench.run();
    }
    bench.append('a', 'last words');
    bench.closeStream('a');
    bench.flush();
    if (round === 0) bench.step(1);
    else bench.run();
  }
  bench.openStream('b');
  bench.run();
  bench.close();
}

function lives(bench: CrashBench): void {
  bench.openStream('a');
  bench.append('a', 'first life');
  bench.run();
  bench.append('a', `unsynced ${'x'.repeat(600)}`);
  bench.flush();
  bench.step();
  bench.restartAfterKill(); // written, not synced: the next start syncs it before it tells
  bench.append('a', `second life ${'x'.repeat(300)}`);
  bench.flush();
  bench.step();
  bench.restartAfterPowerLoss();
  bench.append('a', 'third life');
  bench.run();
  bench.close();
  bench.restartAfterKill();
  bench.append('a', 'after a clean end');
  bench.run();
}

function newGeneration(bench: CrashBench): void {
  bench.openStream('a');
  bench.openStream('b');
  bench.append('a', 'will rot');
  bench.run();
  bench.append('b', 'proves it durable');
  bench.run();
  const { disk } = bench;
  const path = 'w0/generation-0000000001/segment-0000000001';
  bench.restartAfterRot(path, Buffer.from(disk.read(path, 0, 1024)).indexOf('will rot'));
  expect(bench.open.summary.end).to.equal('corrupt');
  bench.append('a', 'in the new generation');
  bench.run();
  bench.snapshot('a');
  bench.append('b', 'too');
  bench.run();
  bench.restartAfterKill();
  bench.append('b', 'and on');
  bench.run();
}

/** The sync of the n-th write fails: what was acknowledged before stays, nothing is acknowledged after. */
function failedSync(bench: CrashBench): void {
  bench.openStream('a');
  bench.append('a', 'durable');
  bench.run();
  bench.mayTaint = true;
  let isFirst = true;
  bench.disk.fault = ({ kind }) => {
    if (kind !== 'sync' || !isFirst) return undefined;
    isFirst = false;
    return 'EIO';
  };
  bench.append('a', `never acknowledged ${'x'.repeat(700)}`);
  bench.run();
  expect(bench.open.told.map((line) => line.split(' ')[0])).to.deep.equal(['fatal']);
}

const workloads: Readonly<Record<string, (bench: CrashBench) => void>> = {
  'group commit of two streams': groupCommit,
  'rotation, and a record larger than a segment': rotation,
  'snapshots and trimming': snapshotsAndTrim,
  'streams that come and go, and a clean end': streamsComeAndGo,
  'kill, power failure, clean end, one after the other': lives,
  'rot and a new generation': newGeneration,
  'a sync that fails': failedSync,
};

describe('crash states of a journal', function () {
  this.timeout(isFull ? 3_600_000 : 60_000);
  const counts = noCounts();

  for (const [name, work] of Object.entries(workloads))
    it(`A1 A2 A3 A4 A5 V1 V2 V3 W1 W5 P1 P2 Y3: ${name}`, () => {
      const bench = new CrashBench(name, bounds, counts);
      work(bench);
      bench.examine();
    });

  it('V1 V2 V3 W1: random work', () => {
    const seeds = Number(process.env['SEEDS'] ?? (isFull ? 60 : 3));
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
