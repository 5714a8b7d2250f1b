// What a journal is asked for while its disk is looked at
// =============================================================================

import { expect } from 'chai';
import type { CrashBench } from './crash-enumeration.js';

/** Appends of two streams, two batches waiting while one is under way. */
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

/** Batches of several sectors, each of which may arrive or not. */
function longBatches(bench: CrashBench): void {
  bench.openStream('a');
  bench.run();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 5; i++) bench.append('a', `${round} ${i} ${'x'.repeat(1000)}`);
    bench.flush();
    bench.append('a', 'follows');
    bench.run();
  }
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

export const workloads: Readonly<Record<string, (bench: CrashBench) => void>> = {
  'group commit of two streams': groupCommit,
  'batches of many sectors': longBatches,
  'rotation, and a record larger than a segment': rotation,
  'snapshots and trimming': snapshotsAndTrim,
  'streams that come and go, and a clean end': streamsComeAndGo,
  'kill, power failure, clean end, one after the other': lives,
  'rot and a new generation': newGeneration,
  'a sync that fails': failedSync,
};
