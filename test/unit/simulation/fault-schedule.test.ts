import { expect } from 'chai';
import { seededRandom } from '../../../runtime/std/random.js';
import { FaultInjector } from '../../../runtime/simulation/fault-injector.js';
import { parseSchedule, ScheduleError } from '../../../runtime/simulation/fault-schedule.js';
import { faultKinds, faultTypes } from '../../../runtime/simulation/faults/catalogue.js';
import { drawLossyHosts, FaultBudget } from '../../../runtime/simulation/faults/fault-budget.js';
import { SimulatedCluster } from '../../../runtime/simulation/simulated-cluster.js';

function quiet(seed: string, names: readonly string[] = ['a', 'b', 'c', 'd', 'e']): SimulatedCluster {
  const cluster = new SimulatedCluster({
    seed,
    composition: { definitions: new Map(), rootActors: () => [] },
    hosts: names.map((name) => ({ name, workers: 1 })),
    roles: { leader: () => 'a', members: () => ['a', 'b', 'c'], actor: 'boss' },
  });
  cluster.start();
  cluster.runFor(100);
  return cluster;
}

const episode = (changes: object): object => ({
  atMs: 10,
  kind: 'host-kill',
  lastsMs: 5.5,
  args: { host: 'a' },
  ...changes,
});

describe('a schedule of faults', () => {
  it('B2. takes what every kind draws for itself, through JSON and back', () => {
    const cluster = quiet('every kind');
    const plan = { downCountMax: 2, driftMax: 1e-3, lossyHosts: ['b'], forgetfulHosts: ['b'] };
    const drawn = faultKinds.map((kind) => {
      const choice = { cluster, random: seededRandom(kind), lastsMs: 100, budget: new FaultBudget(cluster, plan) };
      const args = faultTypes[kind].choose(choice);
      expect(args, kind).not.to.equal(undefined);
      return { atMs: 0, kind, lastsMs: 100, args };
    });
    expect(parseSchedule(JSON.parse(JSON.stringify(drawn)))).to.deep.equal(drawn);
  });

  it('is put in the order of its times', () => {
    const times = parseSchedule([episode({ atMs: 7 }), episode({ atMs: 3 })]).map(({ atMs }) => atMs);
    expect(times).to.deep.equal([3, 7]);
  });

  for (const [what, value, message] of [
    ['no list', { episodes: [] }, 'a schedule is a list of episodes'],
    ['no object', [7], 'episode 0 is no object'],
    ['unknown kind', [episode({ kind: 'host-kil' })], 'episode 0: unknown fault kind "host-kil"'],
    ['inherited name', [episode({ kind: 'toString' })], 'episode 0: unknown fault kind "toString"'],
    [
      'no number',
      [episode({}), episode({ atMs: '1' })],
      'episode 1 (host-kill): atMs must be a number of milliseconds, not "1"',
    ],
    ['negative', [episode({ lastsMs: -1 })], 'episode 0 (host-kill): lastsMs must be a number of milliseconds, not -1'],
    ['unknown field', [episode({ at: 1 })], 'episode 0: unknown field "at"'],
    ['no arguments', [episode({ args: undefined })], 'episode 0 (host-kill): args must be an object'],
    ['missing argument', [episode({ args: {} })], 'episode 0 (host-kill): args.host must be a name, not undefined'],
    ['unknown argument', [episode({ args: { host: 'a', b: 1 } })], 'episode 0 (host-kill): args: unknown argument "b"'],
    [
      'wrong list',
      [episode({ kind: 'rolling-kill', args: { hosts: 'a' } })],
      'episode 0 (rolling-kill): args.hosts must be a list of names, not "a"',
    ],
  ] as const)
    it(`refuses with one line: ${what}`, () => {
      expect(() => parseSchedule(value)).to.throw(ScheduleError, message);
    });

  it('B1. B2. skips an episode whose host the cluster does not have, and begins the others', () => {
    for (const kind of faultKinds) {
      const cluster = quiet('skips', ['a']);
      const { shape } = faultTypes[kind];
      const args = Object.fromEntries(
        Object.entries(shape).map(([name, type]) => [
          name,
          type === 'number' ? 1 : type === 'flag' ? true : type.endsWith('s') ? ['x', 'y'] : name === 'to' ? 'y' : 'x',
        ]),
      );
      const targeted = Object.values(shape).some((type) => type !== 'number' && type !== 'flag' && type !== 'text');
      const schedule = parseSchedule([
        { atMs: 1, kind, lastsMs: 10, args },
        { atMs: 2, kind: 'wall-jump', lastsMs: 1, args: { host: 'a', byMs: 5 } },
      ]);
      const injector = new FaultInjector(cluster, { schedule }, cluster.random.split('faults'));
      injector.start();
      cluster.runFor(50);
      const begun = injector.episodes.map((one) => one.kind);
      expect(begun, kind).to.deep.equal(targeted ? ['wall-jump'] : [kind, 'wall-jump']);
      injector.heal();
    }
  });
});

describe('the fault budget', () => {
  it('A1. counts who is down, and who is about to be', () => {
    const cluster = quiet('budget');
    const budget = new FaultBudget(cluster, { downCountMax: 2, driftMax: 0 });
    expect(budget.mortal).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    cluster.host('a').kill();
    const release = budget.take('b');
    expect(budget.downCount).to.equal(2);
    expect(budget.mortal).to.deep.equal([]);
    release();
    release();
    expect(budget.mortal).to.deep.equal(['b', 'c', 'd', 'e']);
  });

  it('A2. lets only the drawn hosts lose what they acknowledged, and nobody forget it unasked', () => {
    const cluster = quiet('lossy');
    const plan = { downCountMax: 2, driftMax: 0 };
    expect(new FaultBudget(cluster, plan).lossy).to.deep.equal(['e']);
    expect(new FaultBudget(cluster, { ...plan, lossyHosts: ['b', 'c'] }).lossy).to.deep.equal(['b', 'c']);
    expect(new FaultBudget(cluster, plan).forgetful).to.deep.equal([]);
    cluster.host('b').kill();
    expect(new FaultBudget(cluster, { ...plan, forgetfulHosts: ['b', 'c'] }).forgetful).to.deep.equal(['c']);
  });

  it('A3. refuses nothing over budget', () => {
    const cluster = quiet('over');
    cluster.host('a').kill();
    const budget = new FaultBudget(cluster, { downCountMax: 1, driftMax: 0, overBudget: true });
    expect(budget.mortal).to.deep.equal(['b', 'c', 'd', 'e']);
    expect(budget.lossy).to.deep.equal(['b', 'c', 'd', 'e']);
  });

  it('A2. draws fewer hosts than the least minimum in sync, and a minority of the members, not always the same', () => {
    const hosts = ['a', 'b', 'c', 'd', 'e'];
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const drawn = drawLossyHosts(seededRandom(seed), hosts, ['a', 'b', 'c'], [3, 4]);
      expect(drawn.length).to.be.within(1, 2);
      expect(drawn.filter((host) => ['a', 'b', 'c'].includes(host)).length).to.be.at.most(1);
      for (const host of drawn) seen.add(host);
      expect(drawLossyHosts(seededRandom(seed), hosts, ['a', 'b', 'c'], [1, 3])).to.deep.equal([]);
      expect(drawLossyHosts(seededRandom(seed), ['a'], ['a'], [2])).to.deep.equal([]);
    }
    expect([...seen].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal(hosts);
  });
});
