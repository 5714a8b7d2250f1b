// Jobs, their order, and what is added up
// =============================================================================

import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BatchFigures, failureOfLost } from '../../../../cli/sim/batch-figures.js';
import { bar, counted, describeCoverage } from '../../../../cli/sim/coverage-table.js';
import { Coverage } from '../../../../cli/sim/coverage.js';
import { type JobResult, runInJobs } from '../../../../cli/sim/job-pool.js';
import { type RunOrder, type RunReport, runsTwice } from '../../../../cli/sim/run-seed.js';
import type { Output } from '../../../../cli/output.js';

const plain: Output = {
  format: 'table',
  colour: false,
  quiet: false,
  verbose: false,
  data: () => undefined,
  note: () => undefined,
};

function reportOf(seed: string, more: Partial<RunReport> = {}): RunReport {
  return {
    seed,
    ok: true,
    hosts: 3,
    traceHash: '0123456789abcdef',
    virtualMs: 1000,
    eventCount: 10,
    cpuMs: 100,
    simulatedMs: 1000,
    operations: { ok: 5, failed: 1, unknown: 2, open: 0 },
    faults: {},
    effects: {},
    facts: {},
    sites: {},
    seen: {},
    whole: true,
    replay: undefined,
    ...more,
  };
}

function* ordersOf(count: number): Generator<RunOrder> {
  for (let index = 0; index < count; index++) yield { index, seed: String(index), bounds: {}, twice: false };
}

/** A job that does what its seed says: sleeps for a while, dies, hangs, or throws. */
const pretendedJob = `
process.on('disconnect', () => process.exit());
process.on('message', ({ order }) => {
  const { index, seed } = order;
  const number = Number(seed);
  if (number === 5) process.exit(7);
  if (number === 9) process.kill(process.pid, 'SIGKILL');
  if (number === 11) return; // no answer, ever
  if (number === 13) return process.send({ kind: 'threw', index, message: 'Error: no such thing' });
  // The later ones answer before the earlier ones.
  setTimeout(() => process.send({ kind: 'ran', index, report: { seed } }), number % 4 === 0 ? 30 : 0);
});
`;

describe('cli sim batch', () => {
  let folder: string;
  let entry: URL;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'troupe-sim-'));
    const path = join(folder, 'job.mjs');
    writeFileSync(path, pretendedJob);
    entry = pathToFileURL(path);
  });
  after(() => rmSync(folder, { recursive: true }));

  async function resultsOf(count: number, jobs: number, seedMsMax = 60_000): Promise<JobResult[]> {
    const results: JobResult[] = [];
    const { signal } = new AbortController();
    for await (const result of runInJobs(ordersOf(count), { jobs, signal, entry, seedMsMax })) results.push(result);
    return results;
  }

  const seedOf = (result: JobResult): string => (result.kind === 'ran' ? result.report.seed : result.seed);

  it('B1 results come in the order of the seeds, whichever job is quicker', async () => {
    const seeds = (await resultsOf(5, 3)).map(seedOf);
    expect(seeds).to.deep.equal(['0', '1', '2', '3', '4']);
  });

  it('B1 a job that dies, is killed, hangs or throws is reported with its seed, and the others go on', async () => {
    const results = await resultsOf(20, 3, 1500);
    expect(results.map(seedOf)).to.deep.equal(Array.from({ length: 20 }, (_, i) => String(i)));
    const lost = results.flatMap((result) => (result.kind === 'lost' ? [`${result.seed}: ${result.why}`] : []));
    expect(lost).to.deep.equal(['5: exit code 7', '9: SIGKILL', '11: no end within 1.5 s', '13: Error: no such thing']);
  });

  it('B2 runs no further ahead of a slow seed than its window', async () => {
    let asked = 0;
    function* counting(): Generator<RunOrder> {
      for (const order of ordersOf(10_000)) {
        asked++;
        // Seed 11 hangs: all others are quick.
        yield { ...order, seed: order.index === 0 ? '11' : '1' };
      }
    }
    const pool = runInJobs(counting(), { jobs: 2, signal: new AbortController().signal, entry, seedMsMax: 1500 });
    const first = await pool.next();
    expect(first.value).to.deep.include({ kind: 'lost', seed: '11' });
    expect(asked)
      .to.be.at.most(2 * 64 + 2)
      .and.at.least(3);
    await pool.return(undefined);
  });

  it('B3 an interrupt ends it at once, with no process left', async () => {
    const controller = new AbortController();
    const pool = runInJobs(ordersOf(100), { jobs: 2, signal: controller.signal, entry });
    await pool.next();
    controller.abort(new Error('interrupted'));
    let said = '';
    try {
      for await (const _ of pool) void _;
    } catch (error) {
      said = error instanceof Error ? error.message : '';
    }
    expect(said).to.equal('interrupted');
  });

  it('a job that cannot be started is reported for each seed, not waited for', async () => {
    const { signal } = new AbortController();
    const path = join(folder, 'ends-at-once.mjs');
    writeFileSync(path, 'process.exit(3);');
    const results: JobResult[] = [];
    for await (const result of runInJobs(ordersOf(2), { jobs: 1, signal, entry: pathToFileURL(path) }))
      results.push(result);
    expect(results.map(({ kind }) => kind)).to.deep.equal(['lost', 'lost']);
  });

  it('a real job runs a seed, and the same seed gives the same trace', async () => {
    const orders = [0, 1].map((index) => ({
      index,
      seed: '3',
      bounds: { hosts: 1, safetyMs: 500 },
      twice: index === 1,
    }));
    const results: JobResult[] = [];
    for await (const result of runInJobs(orders[Symbol.iterator](), { jobs: 2, signal: new AbortController().signal }))
      results.push(result);
    const hashes = results.map((result) => (result.kind === 'ran' ? result.report.traceHash : result.why));
    expect(hashes[0]).to.match(/^[0-9a-f]{16}$/);
    expect(hashes[1]).to.equal(hashes[0]);
  });

  it('R1 one seed in fifty runs twice', () => {
    const twice = Array.from({ length: 200 }, (_, i) => String(i + 1)).filter(runsTwice);
    expect(twice).to.deep.equal(['50', '100', '150', '200']);
  });

  it('adds up runs, and keeps no more of failures than it lists', () => {
    const figures = new BatchFigures(0);
    for (let i = 0; i < 1000; i++) {
      figures.addRun(
        reportOf(String(i), {
          faults: i % 2 === 0 ? { clog: 3 } : {},
          effects: i % 2 === 0 ? { clog: 1 } : {},
          whole: i > 9,
        }),
        i % 50 === 0,
      );
      if (i >= 500) figures.addFailure(failureOfLost({ kind: 'lost', seed: String(i), why: 'x\ny' }, 'again'));
    }
    const report = figures.report(60_000, 4);
    expect(report).to.deep.include({
      runs: 1000,
      good: 500,
      failedCount: 500,
      twice: 20,
      whole: 990,
      simulatedMs: 1_000_000,
    });
    expect(report.failed).to.have.length(100);
    expect(report.failed[0]).to.deep.include({ seed: '500', message: 'x', again: 'again' });
    expect(report.operations).to.deep.equal({ ok: 5000, failed: 1000, unknown: 2000 });
    expect(report.coverage.faults).to.deep.equal({ clog: { seeds: 500, times: 1500, effects: 500 } });
    expect(report.coverage.never.faults).to.include('host-kill').and.not.include('clog');
    expect(report.speed).to.deep.include({ cpuMs: 100_000, seedsPerMinutePerCore: 600, simulatedPerRealPerCore: 10 });
  });

  it('the table says in how many seeds, and names what was never reached', () => {
    const coverage = new Coverage();
    for (let i = 0; i < 50; i++)
      coverage.add(
        reportOf(String(i), { faults: i < 5 ? { clog: 400 } : { isolate: 1 }, effects: { clog: 0, isolate: 7 } }),
      );
    const lines = describeCoverage(coverage.report(), 50, plain);
    expect(lines.find((line) => line.startsWith('isolate'))).to.equal(
      'isolate             45   90 %  ██████████▊      45        315',
    );
    expect(lines.find((line) => line.startsWith('clog'))).to.match(/^clog +5 +10 % +█▎ +2,000 +0$/);
    expect(lines.find((line) => line.startsWith('faults that never occurred')))
      .to.include('host-kill')
      .and.not.match(/[ ,]clog(,|$)/);
    expect(lines.join('\n')).to.include('sites that never fired: ').and.include('facts never met: ');
    const few = describeCoverage(coverage.report(), 3, plain).join('\n');
    expect(few, 'three runs do not reach much').not.to.include('never');
  });

  it('bars and numbers', () => {
    expect([0, 0.001, 0.25, 0.5, 1, 2].map((share) => bar(share, 4))).to.deep.equal([
      '',
      '▏',
      '█',
      '██',
      '████',
      '████',
    ]);
    expect([0, 999, 1000, 1_234_567].map(counted)).to.deep.equal(['0', '999', '1,000', '1,234,567']);
  });
});
