import { expect } from 'chai';
import fc from 'fast-check';
import { CliError } from '../../../cli/cli-error.js';
import { describeVerdict, reportVerdict } from '../../../cli/load/describe-verdict.js';
import { distributions, keyChooser } from '../../../cli/load/key-chooser.js';
import { LoadFigures } from '../../../cli/load/load-figures.js';
import { loadValue, markOf } from '../../../cli/load/load-value.js';
import { operationKinds, parseMix, pickKind } from '../../../cli/load/mix.js';
import { RateSchedule } from '../../../cli/load/rate-schedule.js';
import type { Output } from '../../../cli/output.js';
import type { Verdict } from '../../../messaging/workload/verdict.js';
import { seededRandom } from '../../../runtime/std/random.js';

const quiet: Output = {
  format: 'table',
  colour: false,
  quiet: true,
  verbose: false,
  data: () => undefined,
  note: () => undefined,
};

describe('load: the schedule of an open loop', () => {
  it('R1: gives each operation once, when it is due, however late it is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.array(fc.nat({ max: 700 }), { maxLength: 30 }),
        (rate, durationMs, steps) => {
          const schedule = new RateSchedule(rate, 1000, durationMs);
          let nowMs = 1000;
          let taken = 0;
          const take = (): void => {
            for (let dueMs = schedule.take(nowMs); dueMs !== undefined; dueMs = schedule.take(nowMs)) {
              if (Math.abs(dueMs - 1000 - (taken * 1000) / rate) > 1e-6 || dueMs > nowMs)
                expect.fail(`operation ${taken} was due at ${dueMs} by ${nowMs}`);
              taken++;
            }
          };
          for (const step of steps) {
            nowMs += step;
            take();
            expect(schedule.behind(nowMs)).to.be.at.most(1); // rounding: none but the one due right now
          }
          nowMs = 1000 + durationMs;
          const behind = schedule.behind(nowMs);
          const before = taken;
          take();
          expect(taken - before).to.be.closeTo(behind, 1);
          expect(taken).to.be.closeTo((rate * durationMs) / 1000, 1);
          expect(schedule.nextMs).to.equal(undefined);
        },
      ),
    );
  });

  it('R1: what was not taken is counted', () => {
    const schedule = new RateSchedule(100, 0, 1000);
    expect(schedule.take(0)).to.equal(0);
    expect(schedule.take(5)).to.equal(undefined);
    expect(schedule.behind(500)).to.equal(49);
    expect(schedule.behind(5000)).to.equal(99);
  });
});

describe('load: the mix', () => {
  it('is parsed, and shares are drawn as asked', () => {
    const mix = parseMix('get=3, put=1');
    const random = seededRandom('mix');
    let gets = 0;
    for (let i = 0; i < 4000; i++) {
      const kind = pickKind(mix, random);
      expect(kind).to.be.oneOf(['get', 'put']);
      if (kind === 'get') gets++;
    }
    expect(gets).to.be.within(2800, 3200);
  });

  it('every kind can be asked for alone', () => {
    for (const kind of operationKinds) expect(pickKind(parseMix(`${kind}=1`), seededRandom('one'))).to.equal(kind);
  });

  for (const bad of [
    `get=${'9'.repeat(400)}`,
    '',
    'get',
    'get=',
    'get=x',
    'get=-1',
    'fetch=1',
    'get=0,put=0',
    'get=1,,put=1',
  ])
    it(`refuses ${JSON.stringify(bad)}`, () => {
      expect(() => parseMix(bad))
        .to.throw(CliError, /--mix/)
        .with.property('code', 'USAGE');
    });
});

describe('load: keys and values', () => {
  for (const distribution of distributions)
    it(`${distribution} keys are among those asked for`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 1000 }), fc.string(), (count, seed) => {
          const choose = keyChooser(distribution, count);
          const random = seededRandom(seed);
          for (let i = 0; i < 20; i++) expect(choose(random)).to.be.within(0, count - 1);
        }),
      );
    });

  it('zipf prefers the first as it should: twice as often as the second', () => {
    const choose = keyChooser('zipf', 100);
    const random = seededRandom('zipf');
    const counts = Array.from({ length: 100 }, () => 0);
    for (let i = 0; i < 50_000; i++) (counts[choose(random)] as number)++;
    expect((counts[0] as number) / (counts[1] as number)).to.be.within(1.8, 2.2);
    expect(counts[99]).to.be.greaterThan(0);
  });

  it('a value has its size and gives back its mark; one that was cut or changed does not', () => {
    const value = loadValue('v1-17', 64);
    expect(value.length).to.equal(64);
    expect(markOf(value, 64)).to.equal('v1-17');
    expect(markOf(value, undefined)).to.equal('v1-17');
    expect(markOf(value.slice(1), 64)).to.not.equal('v1-17');
    expect(markOf(`${value.slice(0, -1)}x`, 64)).to.not.equal('v1-17');
    expect(markOf(loadValue('a-long-mark', 4), 4)).to.equal('a-long-mark');
    expect(markOf(7, 64)).to.equal(7);
    expect(markOf({ a: 1 }, 64)).to.match(/another kind/);
  });
});

describe('load: the figures', () => {
  it('count answers, errors by code, what was found and what was refused', () => {
    const figures = new LoadFigures();
    const nowhere = { partition: 0, lineage: 0, epoch: 0, offset: 0, value: undefined };
    for (let i = 1; i <= 100; i++)
      figures.note('get', i, { kind: 'got', item: i > 50 ? { value: 1, version: 1 } : undefined });
    figures.note('cas', 2, { kind: 'written', status: 'condition-failed', version: 1, ...nowhere });
    figures.note('cas', 2, { kind: 'unknown' });
    figures.note('put', 2, { kind: 'failed', code: 'UNAVAILABLE', message: '' });
    figures.note('put', 2, { kind: 'failed', code: 'UNAVAILABLE', message: '' });
    expect(figures.answered).to.equal(101);
    expect(figures.failed).to.equal(3);
    expect(figures.errors).to.deep.equal({ UNAVAILABLE: 2, OUTCOME_UNKNOWN: 1 });
    const [get, put, cas] = figures.kinds;
    expect(get).to.include({ kind: 'get', answered: 100, found: 50, failed: 0 });
    expect(get?.latencyMs?.p50).to.be.closeTo(50, 1);
    expect(get?.latencyMs?.p99).to.be.closeTo(99, 1);
    expect(get?.latencyMs?.max).to.be.closeTo(100, 0.2);
    expect(put).to.include({ kind: 'put', answered: 0, failed: 2, latencyMs: undefined });
    expect(cas).to.include({ kind: 'cas', answered: 1, refused: 1, failed: 1 });
    expect(figures.takeRecent()).to.not.equal(undefined);
    expect(figures.takeRecent()).to.equal(undefined);
  });
});

describe('load: the verdict in words', () => {
  const base: Verdict = {
    outcome: 'linearizable',
    keys: { linearizable: 5, violated: 0, undecided: 0 },
    operations: 100,
    counters: 2,
    unread: 0,
    findings: [],
  };

  it('yes', () => {
    const lines = describeVerdict(base, 1, quiet);
    expect(lines[0]).to.equal('linearizable: yes  (5 of 5 keys, 100 operations)');
    expect(lines[1]).to.equal('acknowledged and lost: 0 · failed and there: 0 · applied twice: 0 (2 counters)');
    expect(lines.length).to.equal(2);
  });

  it('no, with what was found, by rule', () => {
    const findings = [
      { rule: 'R21', text: 'a is lost', entries: [] },
      { rule: 'R22', text: 'b is there', entries: [] },
      { rule: 'S2', text: 'c twice', entries: [] },
      { rule: 'R23', text: 'd twice', entries: [] },
    ];
    const verdict: Verdict = {
      ...base,
      outcome: 'violated',
      keys: { linearizable: 4, violated: 1, undecided: 0 },
      findings,
    };
    const report = reportVerdict(verdict, 1);
    expect(report).to.include({ linearizable: 'no', acknowledgedLost: 1, failedVisible: 1, appliedTwice: 2 });
    const lines = describeVerdict(verdict, 1, quiet);
    expect(lines[0]).to.match(/^linearizable: no {2}\(4 of 5 keys/);
    expect(lines).to.include('R21: a is lost');
  });

  it('inconclusive, with what is not known', () => {
    const keys = { linearizable: 3, violated: 0, undecided: 2 };
    const lines = describeVerdict({ ...base, outcome: 'inconclusive', keys, unread: 1 }, 1 / 4, quiet);
    expect(lines[0]).to.equal('linearizable: inconclusive  (3 of 5 keys, 100 operations, sampled: 1 key in 4)');
    expect(lines.slice(2)).to.have.length(2);
  });
});
