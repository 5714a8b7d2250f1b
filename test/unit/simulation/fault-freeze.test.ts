import { expect } from 'chai';
import type { Envelope } from '../../../runtime/contract/transport.js';
import { FaultInjector } from '../../../runtime/simulation/fault-injector.js';
import { noFaults } from '../../../runtime/simulation/fault-plan.js';
import { type FaultEpisode, parseSchedule } from '../../../runtime/simulation/fault-schedule.js';
import { faultKinds } from '../../../runtime/simulation/faults/catalogue.js';
import { SimulatedCluster } from '../../../runtime/simulation/simulated-cluster.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import type { Adder } from './durable-counter.js';
import { counterDefinitions } from './durable-counter.js';

const counterAt = { host: 'b', worker: 0, actor: 'counter' };
const core = new Set(['a', 'b', 'c']);

function build(seed: string): SimulatedCluster {
  const cluster = new SimulatedCluster({
    seed,
    composition: {
      definitions: counterDefinitions(counterAt, 5),
      rootActors: ({ host, worker }) =>
        host === 'b' && worker === 0 ? [{ name: 'counter', kind: 'counter', args: emptyBytes }] : [],
    },
    hosts: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, workers: 1 })),
    restartExitedHostMs: 50,
  });
  cluster.start();
  cluster.addClient('client', [{ name: 'adder', kind: 'adder', args: emptyBytes }]);
  cluster.runFor(100);
  return cluster;
}

const told = (cluster: SimulatedCluster): number =>
  (cluster.actor({ host: '@client', worker: 0, actor: 'adder' }) as Adder | undefined)?.told ?? 0;

function scheduled(cluster: SimulatedCluster, episodes: readonly object[], network = {}): FaultInjector {
  const schedule: readonly FaultEpisode[] = parseSchedule(episodes);
  const injector = new FaultInjector(
    cluster,
    { plan: { ...noFaults, network }, schedule },
    cluster.random.split('faults'),
  );
  injector.start();
  cluster.runFor(50);
  return injector;
}

const long = { atMs: 1, lastsMs: 100 };

describe('a frozen cluster', () => {
  it('I4. serves its core whatever is in force: cuts, losses, dead and paused hosts, hung disks, a broker that is away', () => {
    const episodes = [
      { ...long, kind: 'isolate', args: { node: '@client' } },
      { ...long, kind: 'partition', args: { left: ['a', 'b', 'd'], right: ['@client', 'c', 'e'] } },
      { ...long, kind: 'host-pause', args: { host: 'b' } },
      { ...long, kind: 'disk-hang', args: { host: 'b' } },
      { ...long, kind: 'disk-slow', args: { host: 'b', factor: 1000 } },
      { ...long, kind: 'clog', args: { from: '@client', to: 'b' } },
      { ...long, kind: 'drop-kind', args: { from: 'b', to: '@client' } },
      { ...long, kind: 'bandwidth', args: { from: '@client', to: 'b', messagesPerSecond: 1 } },
      { ...long, kind: 'slow-cpu', args: { host: 'b', factor: 50 } },
      { ...long, kind: 'broker-pause', args: {} },
      { ...long, kind: 'stalls', args: { probability: 0.5, meanMs: 100, seed: 1 } },
      { ...long, kind: 'all-hosts-kill', args: { hosts: ['a', 'b', 'c', 'd', 'e'], powerLost: true } },
      { ...long, kind: 'broker-down', args: {}, atMs: 2 },
    ];
    const cluster = build('core');
    const injector = scheduled(cluster, episodes, { lossProbability: 1 });
    const before = told(cluster);
    injector.freeze(core);
    cluster.runFor(1000);
    expect(told(cluster)).to.be.greaterThan(before + 100);
    for (const host of core) expect(cluster.host(host).up, host).to.equal(true);
    for (const host of ['d', 'e']) expect(cluster.host(host).up, `${host} stays dead`).to.equal(false);
    cluster.runFor(5000); // long after all of them would have ended
    for (const host of ['d', 'e']) expect(cluster.host(host).up, `${host} stays dead`).to.equal(false);
    injector.heal();
    cluster.runFor(500);
    for (const host of cluster.hosts) expect(host.workers.every((worker) => worker.running)).to.equal(true);
  });

  it('I4. keeps what is broken outside of the core so: paused, hung, cut, clogged', () => {
    const cluster = build('outside');
    const injector = scheduled(cluster, [
      { ...long, kind: 'host-pause', args: { host: 'd' } },
      { ...long, kind: 'disk-hang', args: { host: 'd' } },
      { ...long, kind: 'clog', args: { from: 'e', to: 'a' } },
      { ...long, kind: 'one-way', args: { from: 'b', to: 'e' } },
    ]);
    injector.freeze(core);
    cluster.runFor(10_000);
    expect(cluster.host('d').worker(0).pausedUntilMs).to.be.greaterThan(1e9);
    const heard: string[] = [];
    for (const host of cluster.hosts) {
      const worker = cluster.host(host.name).worker(0);
      worker.deliver = ({ from }: Envelope) => {
        if (from.host !== '@client') heard.push(`${from.host}>${host.name}`);
      };
    }
    const say = (from: string, to: string): void =>
      cluster.network.send(cluster.network.addNode(from).endpoints.get(0) as never, [
        {
          from: { host: from, worker: 0, actor: 'x' },
          to: { host: to, worker: 0, actor: 'x' },
          message: { kind: 'x' },
        },
      ]);
    const speak = (): string[] => {
      heard.length = 0;
      say('e', 'a');
      say('b', 'e');
      say('a', 'b');
      cluster.runFor(100);
      return heard;
    };
    expect(speak()).to.deep.equal(['a>b']);
    injector.heal();
    expect(cluster.host('d').worker(0).pausedUntilMs).to.equal(0);
    cluster.runFor(500);
    expect(speak().length).to.equal(3);
  });

  it('gives healthy hosts outside of the core a fault that stays, drawn from the seed, and never touches the core', () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 15; seed++) {
      const episodesOf = (): readonly FaultEpisode[] => {
        const cluster = build(`frozen ${seed}`);
        const injector = scheduled(cluster, []);
        injector.freeze(core);
        const before = told(cluster);
        cluster.runFor(300);
        expect(told(cluster)).to.be.greaterThan(before + 20);
        injector.heal();
        cluster.runFor(300);
        expect(cluster.hosts.every((host) => host.up)).to.equal(true);
        return injector.frozenEpisodes;
      };
      const episodes = episodesOf();
      expect(episodesOf()).to.deep.equal(episodes);
      expect(episodes.length).to.be.at.most(2);
      for (const { kind, args } of episodes) {
        kinds.add(kind);
        expect(JSON.stringify(args)).to.match(/"[de]"/);
      }
    }
    expect(kinds.size).to.be.greaterThan(4);
  });

  it('I1. I4. comes through any kind in force at the time of freezing', function () {
    this.timeout(120_000);
    for (const kind of faultKinds) {
      const cluster = build(`any ${kind}`);
      const plan = { ...noFaults, everyMs: { [kind]: 30 }, lastsMeanMs: 200, lastsMaxMs: 1000, downCountMax: 1 };
      const options = { plan: { ...plan, lossyHosts: ['e'], forgetfulHosts: ['e'], driftMax: 1e-3 } };
      const injector = new FaultInjector(cluster, options, cluster.random.split('faults'));
      injector.start();
      cluster.runFor(400);
      injector.freeze(core);
      cluster.runFor(1000);
      const before = told(cluster);
      cluster.runFor(300);
      expect(told(cluster), kind).to.be.greaterThan(before);
      injector.heal();
      cluster.runFor(2000);
      expect(
        cluster.hosts.every((host) => host.up && host.workers.every((worker) => worker.running)),
        kind,
      ).to.equal(true);
    }
  });
});
