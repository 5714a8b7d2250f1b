// What the system says of processes and of itself

import { expect } from 'chai';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeDisk } from '../../bench/disk-probe.js';
import { cpuSecondsOf, memoryOf, ownUsage, psSeconds, timesOf, usageOf } from '../../bench/process-usage.js';
import { warningsOf } from '../../bench/quiet-check.js';

const quiet = {
  othersShare: 0.01,
  stolenShare: 0,
  spinShare: 0.99,
  spinMillions: 200,
  disk: { syncs: 1000, p50Ms: 0.1, p99Ms: 0.4, maxMs: 2 },
  isInMemory: false,
};

describe('bench: machine', () => {
  it('reads CPU time behind a command that holds spaces and parentheses', () => {
    const after = 'S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20';
    expect(cpuSecondsOf(`12 (a) b (c)) ${after}`, 100)).to.equal(4);
    expect(memoryOf('Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n')).to.deep.equal({
      rssBytes: 2 ** 20,
      peakRssBytes: 2 ** 21,
    });
  });

  it('reads the times of ps', () => {
    expect(['0:01', '01:02:03', '2-01:00:00', '1:02.50'].map(psSeconds)).to.deep.equal([1, 3723, 176_400, 62.5]);
  });

  it('reads the times of the machine: idle, waiting and stolen are not busy', () => {
    const times = timesOf('cpu  100 10 50 800 40 5 5 20 0 0\ncpu0 1 2 3\n', 100);
    expect(times.busy).to.be.closeTo(1.7, 1e-9);
    expect(times.interrupts).to.be.closeTo(0.1, 1e-9);
    expect(times.stolen).to.be.closeTo(0.2, 1e-9);
    expect(times.total).to.be.closeTo(10.3, 1e-9);
  });

  it('sees this process, and none where there is none', () => {
    const seen = usageOf(process.pid);
    const own = ownUsage();
    expect(seen?.rssBytes).to.be.greaterThan(2 ** 20);
    expect(own.cpuSeconds).to.be.greaterThan(0);
    expect(usageOf(2 ** 30)).to.equal(undefined);
  });

  it('says nothing of a quiet machine, and a sentence for each thing that is not', () => {
    expect(warningsOf(quiet)).to.deep.equal([]);
    expect(warningsOf({ ...quiet, othersShare: undefined, stolenShare: undefined })).to.deep.equal([]);
    expect(warningsOf({ ...quiet, othersShare: 0.2 })[0]).to.include('20 %');
    expect(warningsOf({ ...quiet, stolenShare: 0.2 })[0]).to.include('hypervisor');
    expect(warningsOf({ ...quiet, spinShare: 0.5 })[0]).to.include('50 % of a processor');
    expect(warningsOf({ ...quiet, disk: { ...quiet.disk, p99Ms: 9 } })[0]).to.include('not steady');
    expect(warningsOf({ ...quiet, isInMemory: true })[0]).to.include('TMPDIR');
  });

  it('probes a disk and leaves nothing on it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-test-'));
    try {
      const figures = probeDisk(folder, 5);
      expect(figures.syncs).to.be.greaterThan(0);
      expect(figures.p99Ms).to.be.at.least(figures.p50Ms);
      expect(readdirSync(folder)).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
