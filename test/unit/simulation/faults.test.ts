import { expect } from 'chai';
import {
  type FaultKind,
  faultKinds,
  type FaultPlan,
  lossyFaultKinds,
  noFaults,
  silentFaultKinds,
  swarmPlan,
} from '../../../runtime/simulation/fault-plan.js';
import { parseSchedule } from '../../../runtime/simulation/fault-schedule.js';
import { FaultInjector } from '../../../runtime/simulation/fault-injector.js';
import { formatVerdict, runSimulation, type SimulationPlan } from '../../../runtime/simulation/run-simulation.js';
import { SimulatedCluster } from '../../../runtime/simulation/simulated-cluster.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';
import type { Adder, DurableCounter } from './durable-counter.js';
import { counterDefinitions } from './durable-counter.js';

const counterAt = { host: 'b', worker: 0, actor: 'counter' };
const hostNames = ['a', 'b', 'c', 'd', 'e'];

const counterOf = (cluster: SimulatedCluster): DurableCounter | undefined =>
  cluster.actor(counterAt) as DurableCounter | undefined;
const toldTo = (cluster: SimulatedCluster): number =>
  (cluster.actor({ host: '@client', worker: 0, actor: 'adder' }) as Adder | undefined)?.told ?? 0;

function build(seed: string, addEveryMs = 5): SimulatedCluster {
  return new SimulatedCluster({
    seed,
    composition: {
      definitions: counterDefinitions(counterAt, addEveryMs),
      // Hosts have something to say to each other, too.
      rootActors: ({ host, worker }) =>
        worker !== counterAt.worker
          ? []
          : host === counterAt.host
            ? [{ name: 'counter', kind: 'counter', args: emptyBytes }]
            : [{ name: 'adder', kind: 'adder', args: emptyBytes }],
    },
    hosts: hostNames.map((name) => ({ name, workers: 2 })),
    roles: { leader: () => 'b', members: () => ['a', 'b', 'c'], actor: 'adder' },
    restartExitedHostMs: 50,
  });
}

/** One counter under load: what its client was told must never be missing, and in the end it must count on. */
function plan(seed: string, changes: Partial<SimulationPlan> = {}): SimulationPlan {
  let told = 0;
  return {
    build: () => build(seed),
    workload: (cluster) => void cluster.addClient('client', [{ name: 'adder', kind: 'adder', args: emptyBytes }]),
    invariants: [
      {
        name: 'what was told is there',
        check: (cluster) => {
          const counter = counterOf(cluster);
          if (counter?.report !== undefined && counter.count < toldTo(cluster))
            throw new Error(`told ${toldTo(cluster)}, has ${counter.count}`);
        },
      },
    ],
    settleMs: 100,
    durationMs: 3000,
    healMs: 5000,
    converged: (cluster) => {
      if (told === 0) told = toldTo(cluster) + 1;
      return toldTo(cluster) > told ? undefined : `told ${toldTo(cluster)}`;
    },
    ...changes,
  };
}

const often = (kinds: readonly FaultKind[], changes: Partial<FaultPlan> = {}): FaultPlan => ({
  ...noFaults,
  everyMs: Object.fromEntries(kinds.map((kind) => [kind, 100])),
  lastsMeanMs: 100,
  lastsMaxMs: 400,
  downCountMax: 1,
  driftMax: 1e-3,
  lossyHosts: ['b'],
  forgetfulHosts: ['b'],
  ...changes,
});

/** Their effects need more than a counter: they are shown further down, or with the disk. */
const rarelyFelt: readonly FaultKind[] = ['lost-names', 'lost-renames'];
/** Their targets are mostly hosts on which nothing happens. */
const missing: readonly FaultKind[] = [
  'torn-writes',
  'reordered-writes',
  'scattered-writes',
  'disk-full',
  'control-late',
  'replay-frames',
  'read-error',
];
/** They strike only frames of several messages. */
const crowded: readonly FaultKind[] = ['oversize', 'max-payload'];
const losing: readonly FaultKind[] = [...lossyFaultKinds, ...silentFaultKinds];

describe('faults', () => {
  for (const kind of faultKinds) {
    it(`${kind}: happens, loses nothing that was promised, and is over after healing (I1)`, () => {
      const lossy = losing.includes(kind);
      const verdict = runSimulation(
        plan(`kind ${kind}`, {
          ...(crowded.includes(kind) ? { build: () => build(`kind ${kind}`, 2) } : {}),
          faults: often([kind], missing.includes(kind) ? { everyMs: { [kind]: 30 }, lastsMeanMs: 20 } : {}),
          ...(lossy ? { invariants: [] } : {}),
        }),
      );
      expect(verdict.faults[kind], formatVerdict(verdict)).to.be.greaterThan(0);
      if (!rarelyFelt.includes(kind)) expect(verdict.effects[kind], formatVerdict(verdict)).to.be.greaterThan(0);
      if (!lossy) expect(verdict.ok, formatVerdict(verdict)).to.equal(true);
      else expect(verdict.failure?.phase ?? 'heal', formatVerdict(verdict)).to.equal('heal'); // a corrupt counter may count on from less
    });
  }

  it('I1. leaves nothing behind: links, broker, hosts, clocks and disks are as before', () => {
    for (let seed = 0; seed < 5; seed++) {
      const cluster = build(`heal ${seed}`);
      cluster.start();
      const injector = new FaultInjector(
        cluster,
        { plan: often(faultKinds, { lastsMeanMs: 2000, lastsMaxMs: 20_000 }) },
        cluster.random.split('faults'),
      );
      injector.start();
      cluster.runFor(3000);
      expect([...injector.counts.values()].reduce((sum, count) => sum + count, 0)).to.be.greaterThan(20);
      injector.heal();
      expect(cluster.network.brokerUp).to.equal(true);
      for (const host of cluster.hosts) {
        expect(host.up).to.equal(true);
        expect(host.clock.rate).to.equal(1);
        for (const worker of host.workers) expect(worker.pausedUntilMs).to.equal(0);
        expect(cluster.disk(host.name).options.slowness).to.equal(1);
      }
      cluster.runFor(25_000); // what slow ways still carry has met its fate
      const before = cluster.network.counts.lost;
      cluster.runFor(5000);
      expect(cluster.hosts.every((host) => host.workers.every((worker) => worker.running))).to.equal(true);
      expect(cluster.network.counts.lost).to.equal(before);
    }
  });

  it('I2. has no more hosts down at one time than the plan allows', () => {
    const kinds: FaultKind[] = ['host-kill', 'host-power-loss', 'bit-rot'];
    let worst = 0;
    const verdict = runSimulation(
      plan('down', {
        faults: often(kinds, { everyMs: Object.fromEntries(kinds.map((kind) => [kind, 50])), lastsMeanMs: 300 }),
        invariants: [
          {
            name: 'I2',
            check: (cluster) => {
              const down = cluster.hosts.filter((host) => !host.up).length;
              worst = Math.max(worst, down);
              if (down > 1) throw new Error(`${down} hosts are down`);
            },
          },
        ],
        converged: () => undefined,
      }),
    );
    expect(verdict.ok, formatVerdict(verdict)).to.equal(true);
    expect(worst).to.equal(1);
  });

  it('I3. given back as a schedule make the same run again, without any drawing', () => {
    for (let seed = 0; seed < 6; seed++) {
      const faults = often(faultKinds, { downCountMax: 2 });
      const drawn = runSimulation(plan(`again ${seed}`, { faults, invariants: [], converged: () => undefined }));
      expect(drawn.episodes.length).to.be.greaterThan(50);
      const schedule = parseSchedule(JSON.parse(JSON.stringify(drawn.episodes)));
      const again = runSimulation(
        plan(`again ${seed}`, {
          faults: { ...faults, everyMs: {} },
          schedule,
          invariants: [],
          converged: () => undefined,
        }),
      );
      expect(again.traceHash).to.equal(drawn.traceHash);
      expect(again.episodes).to.deep.equal(drawn.episodes);
      expect(again.effects).to.deep.equal(drawn.effects);
    }
  });

  it('are drawn per seed: some kinds not at all, others often, none of the lossy ones unasked', () => {
    const plans = Array.from({ length: 50 }, (_, i) => swarmPlan(seededRandom(i), { downCountMax: 1 }));
    for (const kind of faultKinds) {
      const count = plans.filter(({ everyMs }) => everyMs[kind] !== undefined).length;
      if (losing.includes(kind)) expect(count, kind).to.equal(0);
      else expect(count, kind).to.be.within(10, 40);
    }
    expect(swarmPlan(seededRandom('x'), { downCountMax: 1 })).to.deep.equal(
      swarmPlan(seededRandom('x'), { downCountMax: 1 }),
    );
  });

  it('of one kind do not move when another kind is left out of the plan', () => {
    const episodes = (kinds: readonly FaultKind[]): string[] => {
      const lines: string[] = [];
      const cluster = new SimulatedCluster({
        seed: 'independent',
        composition: { definitions: new Map(), rootActors: () => [] },
        hosts: hostNames.map((name) => ({ name, workers: 1 })),
        onLine: (line) => {
          if (line.includes('fault clog') || line.includes('fault one-way')) lines.push(line);
        },
      });
      cluster.start();
      new FaultInjector(cluster, { plan: often(kinds) }, cluster.random.split('faults')).start();
      cluster.runFor(5000);
      return lines;
    };
    const both = episodes(['clog', 'one-way', 'partition']);
    expect(both.length).to.be.greaterThan(10);
    expect(episodes(['clog', 'one-way'])).to.deep.equal(both);
  });
});

describe('a simulation run', () => {
  it('Z1. gives one verdict for one seed: swarm faults, twice', () => {
    for (let i = 0; i < 6; i++) {
      const run = (): ReturnType<typeof runSimulation> =>
        runSimulation(
          plan(`swarm ${i}`, { faults: swarmPlan(seededRandom(`swarm ${i}`), { downCountMax: 1, everyMinMs: 200 }) }),
        );
      const first = run();
      expect(first.ok, formatVerdict(first)).to.equal(true);
      expect(run()).to.deep.equal(first);
    }
  });

  it('Z2. names the broken invariant, the phase and the last events', () => {
    const verdict = runSimulation(
      plan('broken', {
        faults: often(['host-kill']),
        invariants: [
          {
            name: 'never more than ten',
            check: (cluster) => {
              if (toldTo(cluster) > 10) throw new Error('eleven');
            },
          },
        ],
      }),
    );
    expect(verdict.ok).to.equal(false);
    expect(verdict.failure).to.include({
      phase: 'settle',
      invariant: 'never more than ten',
      message: 'never more than ten: eleven',
    });
    expect(verdict.failure?.lastEvents.length).to.be.greaterThan(10);
    expect(formatVerdict(verdict)).to.match(/^SEED=broken failed in settle hash=[0-9a-f]{16}/);
    expect(verdict.failure?.plan.everyMs).to.deep.equal({ 'host-kill': 100 });
  });

  it('fails when the cluster does not come to rest in time, and when histories are judged wrong', () => {
    const restless = runSimulation(plan('restless', { healMs: 500, converged: () => 'never' }));
    expect(restless.failure).to.include({ phase: 'heal', message: 'not converged 500 ms after healing: never' });
    const wrong = runSimulation(
      plan('wrong', {
        verify: () => {
          throw new Error('not linearizable');
        },
      }),
    );
    expect(wrong.failure).to.include({ phase: 'verify', message: 'not linearizable' });
  });

  it('ends a run that has no end', () => {
    const verdict = runSimulation(plan('endless', { eventCountMax: 500 }));
    expect(verdict.failure?.message).to.equal('500 events, and no end');
  });
});
