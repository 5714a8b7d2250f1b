import { expect } from 'chai';
import { SimulatedCluster, SimulationError } from '../../../runtime/simulation/simulated-cluster.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { Adder, counterDefinitions, type CounterMessage, DurableCounter } from './durable-counter.js';

const counterAt = { host: 'a', worker: 1, actor: 'counter' };
const adderAt = { host: '@client', worker: 0, actor: 'adder' };

function build(
  seed: string,
  journal: 'disk' | 'model',
  options: { readonly crashes?: 'fail' | 'supervise'; readonly restartExitedHostMs?: number } = {},
): SimulatedCluster {
  const cluster = new SimulatedCluster({
    seed,
    composition: {
      definitions: counterDefinitions(counterAt),
      rootActors: ({ host, worker }) =>
        host === counterAt.host && worker === counterAt.worker
          ? [{ name: 'counter', kind: 'counter', args: emptyBytes }]
          : [],
    },
    hosts: [
      { name: 'a', workers: 2 },
      { name: 'b', workers: 2 },
    ],
    journal,
    ...options,
  });
  cluster.start();
  cluster.addClient('client', [{ name: 'adder', kind: 'adder', args: emptyBytes }]);
  return cluster;
}

const counterOf = (cluster: SimulatedCluster): DurableCounter | undefined =>
  cluster.actor(counterAt) as DurableCounter | undefined;
const adderOf = (cluster: SimulatedCluster): Adder | undefined => cluster.actor(adderAt) as Adder | undefined;

/** Nothing that the client was told is durable may be missing after a recovery. */
function watchPromises(cluster: SimulatedCluster): void {
  cluster.watch(() => {
    const counter = counterOf(cluster);
    const told = adderOf(cluster)?.told ?? 0;
    if (counter?.report !== undefined && counter.count < told)
      throw new Error(`the client was told ${told}, the counter has ${counter.count}`);
  });
}

const untilTold = (cluster: SimulatedCluster, count: number): void =>
  cluster.runUntil(() => (adderOf(cluster)?.told ?? 0) >= count, 20_000);

for (const journal of ['model', 'disk'] as const) {
  describe(`a simulated host with the ${journal} journal`, () => {
    it('A6. Y1. brings durable actors back with everything they were told is durable, whatever kills them', () => {
      for (let seed = 0; seed < 12; seed++) {
        const cluster = build(`kills ${seed}`, journal);
        watchPromises(cluster);
        for (let round = 1; round <= 4; round++) {
          const before = adderOf(cluster)?.told ?? 0;
          untilTold(cluster, before + 40);
          if (round % 2 === 0) cluster.host('a').kill({ powerLost: seed % 2 === 0 });
          else cluster.host('a').worker(1).die('on purpose');
          cluster.runFor(seed * 7);
          if (!cluster.host('a').up) cluster.host('a').start();
        }
        untilTold(cluster, (adderOf(cluster)?.told ?? 0) + 10);
        expect(counterOf(cluster)?.report?.end, `seed ${seed}`).to.be.oneOf(['clean', 'torn']);
      }
    });

    it('W1. lets nothing of a dead worker be heard, and gives the next life other incarnations', () => {
      const cluster = build('generations', journal);
      untilTold(cluster, 5);
      const old = counterOf(cluster);
      cluster.host('a').worker(1).die('on purpose');
      expect(cluster.actor(counterAt)).to.equal(undefined);
      const count = old?.count;
      cluster.runUntil(() => counterOf(cluster) !== undefined, 5000);
      cluster.runFor(50);
      expect(counterOf(cluster)).to.not.equal(old);
      expect(old?.count).to.equal(count);
      const [status] = cluster.host('a').worker(1).loop?.actors() ?? [];
      expect(status?.incarnation).to.equal(2 ** 20);
    });

    it('recovers a crashed actor from the running journal', () => {
      const cluster = build('actor crash', journal, { crashes: 'supervise' });
      watchPromises(cluster);
      untilTold(cluster, 30);
      const crash: CounterMessage = { kind: 'crash' };
      cluster.deliver(counterAt, crash);
      cluster.runUntil(() => counterOf(cluster) === undefined, 100);
      cluster.runUntil(() => counterOf(cluster) !== undefined, 1000);
      untilTold(cluster, 60);
      expect(cluster.crashCount).to.equal(1);
      expect(counterOf(cluster)?.report?.recordCount).to.be.at.least(30);
    });

    it('Z2. ends the run when an actor crashes that nobody had crash, with seed and last events', () => {
      const cluster = build('unasked', journal);
      untilTold(cluster, 3);
      const crash: CounterMessage = { kind: 'crash' };
      cluster.deliver(counterAt, crash);
      expect(() => cluster.runFor(1000))
        .to.throw(SimulationError)
        .with.property('message')
        .that.matches(/^SEED=unasked at [\d.]+ ms: a\/1\/counter crashed: Error: on purpose/)
        .and.includes('actor-crashed');
    });

    it('W2. takes no turn while it is paused, and what piled up runs late', () => {
      const cluster = build('pause', journal);
      untilTold(cluster, 5);
      cluster.runFor(20);
      cluster.host('a').pause(500);
      cluster.runFor(5);
      const before = counterOf(cluster)?.count ?? 0;
      cluster.runFor(490);
      expect(counterOf(cluster)?.count).to.equal(before);
      cluster.runFor(100);
      expect(counterOf(cluster)?.count).to.be.greaterThan(before + 200);
    });

    it('W3. sends what a stalled turn sent only when its own clock has got there', () => {
      const cluster = build('stalled', journal);
      untilTold(cluster, 5);
      cluster.stallThreads(1, 1000);
      const before = adderOf(cluster)?.told ?? 0;
      const started = cluster.nowMs;
      cluster.runUntil(() => (adderOf(cluster)?.told ?? 0) > before + 20, 600_000);
      expect(cluster.nowMs - started).to.be.greaterThan(500);
    });

    it('starts a host again that ended by its own decision, when it is told to', () => {
      const cluster = build('systemd', journal, { restartExitedHostMs: 700 });
      untilTold(cluster, 5);
      cluster.host('a').exit('on purpose');
      cluster.runFor(690);
      expect(cluster.host('a').up).to.equal(false);
      cluster.runFor(20);
      expect(cluster.host('a').up).to.equal(true);
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 1000);
    });

    it('loses what was not synced also when the power goes after the process', () => {
      const cluster = build('dark', journal);
      watchPromises(cluster);
      untilTold(cluster, 20);
      cluster.host('a').kill({ powerLost: false });
      cluster.host('a').kill({ powerLost: true });
      cluster.host('a').start();
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 1000);
      expect(counterOf(cluster)?.report).to.include({ sameBoot: false });
    });

    it('ends in order: the next start finds a clean shutdown', () => {
      const cluster = build('shutdown', journal);
      untilTold(cluster, 20);
      const counter = counterOf(cluster);
      cluster.host('a').shutDown();
      cluster.runUntil(() => !cluster.host('a').up, 1000);
      expect(counter?.signals).to.include('draining');
      const { count } = counter ?? { count: Number.NaN };
      cluster.host('a').start();
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 1000);
      expect(counterOf(cluster)?.report).to.include({ end: 'clean', cleanShutdown: true, sameBoot: true });
      expect(counterOf(cluster)?.count).to.be.at.least(count);
    });

    it('says after a loss of power that the boot is another, and that nothing was shut down', () => {
      const cluster = build('power', journal);
      untilTold(cluster, 20);
      cluster.host('a').restart({ powerLost: true });
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 1000);
      expect(counterOf(cluster)?.report).to.include({ cleanShutdown: false, sameBoot: false });
      cluster.host('a').restart({ powerLost: false });
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 1000);
      expect(counterOf(cluster)?.report).to.include({ cleanShutdown: false, sameBoot: true });
    });

    it('D11. ends the host when a sync fails', () => {
      const cluster = build('sync error', journal);
      untilTold(cluster, 20);
      cluster.journals.failNextSync('a');
      cluster.runUntil(() => !cluster.host('a').up, 5000);
      expect(cluster.trace.tail().join('\n')).to.match(/host-exited storage-failed/);
    });

    it('ends the host when a worker dies too often', () => {
      const cluster = build('too often', journal);
      for (let i = 0; i < 6 && cluster.host('a').up; i++) {
        cluster.runUntil(() => cluster.host('a').worker(1).running, 5000);
        cluster.host('a').worker(1).die('on purpose');
      }
      expect(cluster.host('a').up).to.equal(false);
      expect(cluster.trace.tail(5).join('\n')).to.match(/host-exited worker 1 died too often/);
    });

    it('Z1. gives one trace hash for one seed, faults of every kind included', () => {
      const run = (seed: string): string => {
        const cluster = build(seed, journal);
        cluster.network.options.lossProbability = 0.1;
        cluster.runFor(300);
        cluster.host('a').restart();
        cluster.runFor(300);
        cluster.host('a').worker(1).die('on purpose');
        cluster.stallThreads(0.01, 20);
        cluster.runFor(1000);
        return cluster.trace.hash;
      };
      expect(run('twice')).to.equal(run('twice'));
      expect(run('twice')).to.not.equal(run('thrice'));
    });
  });
}

describe('a simulated host with the production journal', () => {
  it('writes snapshots under pressure, trims, and recovers from them', () => {
    const cluster = build('pressure', 'disk');
    watchPromises(cluster);
    cluster.runUntil(() => (counterOf(cluster)?.snapshots ?? 0) >= 2, 120_000);
    cluster.host('a').restart();
    cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 5000);
    const counter = counterOf(cluster);
    expect(counter?.report?.recordCount).to.be.lessThan(counter?.count ?? 0);
    untilTold(cluster, (adderOf(cluster)?.told ?? 0) + 10);
  });

  it('D9. quarantines what rotted, and the actor hears that its stream is corrupt', () => {
    const ends = new Set<string>();
    for (let seed = 0; seed < 6; seed++) {
      const cluster = build(`rot ${seed}`, 'disk');
      untilTold(cluster, 200);
      cluster.host('a').kill({ powerLost: false });
      const path = cluster
        .disk('a')
        .image.paths()
        .find((name) => name.startsWith('worker-1/') && name.includes('segment-'));
      for (let i = 0; i < 200; i++) cluster.disk('a').rot(path ?? '');
      cluster.host('a').start();
      cluster.runUntil(() => counterOf(cluster)?.report !== undefined, 5000);
      ends.add(counterOf(cluster)?.report?.end ?? '');
    }
    expect([...ends]).to.include('corrupt');
  });
});
