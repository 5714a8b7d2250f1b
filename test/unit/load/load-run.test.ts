// A load on a real engine in this process
// =============================================================================

import { expect } from 'chai';
import { openEmbedded } from '../../../actors/embedded.js';
import { LoadFigures } from '../../../cli/load/load-figures.js';
import { LoadRun, type LoadSpec } from '../../../cli/load/load-run.js';
import { parseMix } from '../../../cli/load/mix.js';
import { readBack } from '../../../cli/load/read-back.js';
import { SampledHistory } from '../../../messaging/workload/sampled-history.js';
import { judgeHistory } from '../../../messaging/workload/verdict.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { until } from '../../support/until.js';

const spec: LoadSpec = {
  clients: 16,
  rate: undefined,
  mix: parseMix('get=30,put=20,increment=20,cas=10,delete=5,insert=10,range=5'),
  valueBytes: 50,
  keys: 10,
  distribution: 'zipf',
  prefix: 'v-',
  timeoutMs: 10_000,
  pauseMs: 0,
};
const never = new AbortController().signal;
const manyMs = 60_000;

describe('load: a run', function () {
  this.timeout(30_000);

  it('U1: everything asked is in the history with one outcome, and is judged linearizable', async () => {
    await using db = await openEmbedded();
    const table = db.table('load');
    await db.admin.createTable('load', { partitions: 2 });
    const figures = new LoadFigures();
    const history = new SampledHistory(100_000, () => performance.now());
    const load = new LoadRun(table, spec, seededRandom('u1'), figures, history, never);
    const running = load.run(manyMs);
    await until('some thousands were answered', () => figures.answered > 3000);
    load.stop();
    await running;
    expect(load.underWay).to.equal(0);
    expect(figures.failed).to.equal(0);
    const ranges = figures.kinds.find(({ kind }) => kind === 'range')?.answered ?? 0;
    const asked = history.entries.filter(({ told }) => told !== undefined);
    expect(asked.length).to.equal(history.entryCount);
    expect(asked.length).to.be.at.least(figures.answered - ranges);
    const back = await readBack(new Map([['load', table]]), history, { ...spec, signal: never });
    const verdict = judgeHistory(history.entries, {
      finally: (name, key) => back.get(`${name}\n${key}`),
      isOver: () => false,
    });
    expect(verdict.findings).to.deep.equal([]);
    expect(verdict.outcome).to.equal('linearizable');
  });

  it('a write that nobody asked for is found', async () => {
    await using db = await openEmbedded();
    const table = db.table('load');
    await db.admin.createTable('load', { partitions: 1 });
    const figures = new LoadFigures();
    const history = new SampledHistory(100_000, () => performance.now());
    const load = new LoadRun(table, spec, seededRandom('bad'), figures, history, never);
    const running = load.run(manyMs);
    await until('some were answered', () => figures.answered > 300);
    load.stop();
    await running;
    await table.increment('v-counter-0');
    await table.delete('v-k0');
    const back = await readBack(new Map([['load', table]]), history, { ...spec, signal: never });
    const verdict = judgeHistory(history.entries, {
      finally: (name, key) => back.get(`${name}\n${key}`),
      isOver: () => false,
    });
    expect(verdict.findings.map(({ rule }) => rule)).to.include('R23');
    expect(verdict.outcome).to.equal('violated');
  });

  it('U2: an open loop asks what is due and no more, and fills before', async () => {
    await using db = await openEmbedded();
    const table = db.table('load');
    await db.admin.createTable('load', { partitions: 1 });
    const figures = new LoadFigures();
    const open = { ...spec, rate: 200, mix: parseMix('get=1'), keys: 20 };
    const load = new LoadRun(table, open, seededRandom('u2'), figures, undefined, never);
    await load.fill();
    await load.run(500);
    expect(figures.answered + load.missed).to.equal(100);
    const [get] = figures.kinds;
    expect(get).to.include({ kind: 'get', found: figures.answered });
  });

  it('ends at once when it is interrupted', async () => {
    await using db = await openEmbedded();
    await db.admin.createTable('load', { partitions: 1 });
    const interrupted = new AbortController();
    const figures = new LoadFigures();
    const slow = { ...spec, pauseMs: 30_000 };
    const load = new LoadRun(db.table('load'), slow, seededRandom('stop'), figures, undefined, interrupted.signal);
    const running = load.run(manyMs);
    await until('all have asked once', () => figures.answered === spec.clients);
    interrupted.abort();
    await running;
    expect(load.underWay).to.equal(0);
  });
});
