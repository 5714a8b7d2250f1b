// The metadata group, agents and managers of three hosts, together on virtual time

import { expect } from 'chai';
import { leaseWaitMs } from '../../actors/metadata/lease-timing.js';
import { snapshotPolicy } from '../../actors/metadata/raft-shell.js';
import type { PartitionReplica } from '../../actors/partition/replica.js';
import { type PartitionInfo, replicaActor } from '../../messaging/protocol/cluster-map.js';
import { cellBusySinceMs, workerCell } from '../../runtime/contract/cells.js';
import { MeshWorld, type MeshOptions } from '../support/mesh-world.js';

function bootedWithTable(seed: string, options: MeshOptions = {}): MeshWorld {
  const mesh = new MeshWorld(seed, options);
  mesh.boot();
  const { failure } = mesh.administer({ command: 'create-table', name: 'orders', options: { partitions: 6 } });
  expect(failure).to.equal(undefined);
  mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
  mesh.cluster.runFor(500);
  return mesh;
}

const ledBy = (mesh: MeshWorld, host: string): PartitionInfo[] =>
  mesh.partitions().filter((info) => info.leader === host);

/** M5: members that applied equally much have equal state. */
function expectEqualStates(mesh: MeshWorld): void {
  const byIndex = new Map<number, number>();
  for (const host of mesh.names) {
    const status = mesh.inspectMetadata(host);
    if (status === undefined) continue;
    const index = Number(status['appliedIndex']);
    const hash = Number(status['stateHash']);
    expect(byIndex.get(index) ?? hash, `M5: state hash of ${host} at ${index}`).to.equal(hash);
    byIndex.set(index, hash);
  }
}

describe('simulated mesh: metadata', () => {
  it('three hosts elect a metadata leader, register, hold leases and start the replicas of a table (G1, G3, Q2)', () => {
    const mesh = bootedWithTable('boot');
    expect(mesh.hostsUp()).to.have.members(['h1', 'h2', 'h3']);
    for (const host of mesh.names) expect(mesh.hasLease(host), host).to.equal(true);
    const leaders = new Set(mesh.partitions().map((info) => info.leader));
    expect([...leaders]).to.have.members(['h1', 'h2', 'h3']);
    expectEqualStates(mesh);
  });

  it('a killed host loses its leaderships within the lease wait, and its successors hold their commits (L5, R11)', () => {
    const mesh = bootedWithTable('kill');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const before = new Map(ledBy(mesh, victim).map((info) => [info.id, info.leaderEpoch]));
    expect(before.size).to.be.greaterThan(0);
    const killedMs = mesh.cluster.nowMs;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length === 0, 5000);
    expect(mesh.cluster.nowMs - killedMs).to.be.lessThan(leaseWaitMs + 300);
    for (const info of mesh.partitions()) {
      expect(info.leader).to.not.equal(undefined);
      expect(info.inSync).to.not.include(victim);
      const epoch = before.get(info.id);
      if (epoch !== undefined) expect(info.leaderEpoch).to.be.greaterThan(epoch);
    }
    expect(mesh.map?.hosts.get(victim)?.state).to.equal('fenced');
  });

  it('a death that is reported costs no lease: successors at once, without a hold (L5)', () => {
    const mesh = bootedWithTable('reported');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const ids = ledBy(mesh, victim).map((info) => info.id);
    const killedMs = mesh.cluster.nowMs;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.reportDeath(victim);
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length === 0, 2000);
    expect(mesh.cluster.nowMs - killedMs).to.be.lessThan(100);
    for (const info of mesh.partitions()) if (ids.includes(info.id)) expect(info.holdMs).to.equal(0);
  });

  it('the host of the metadata leader dies: another leads both, and reported death still costs no hold (L5, M9)', () => {
    const mesh = bootedWithTable('metadata leader');
    const victim = mesh.leader as string;
    const ids = ledBy(mesh, victim).map((info) => info.id);
    const killedMs = mesh.cluster.nowMs;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.reportDeath(victim);
    mesh.cluster.runUntil(() => mesh.leader !== undefined && ledBy(mesh, victim).length === 0, 5000);
    expect(mesh.cluster.nowMs - killedMs).to.be.lessThan(1000);
    for (const info of mesh.partitions()) if (ids.includes(info.id)) expect(info.holdMs).to.equal(0);
  });

  it('Q3 the death of the metadata leader costs no worker a time-out: the successors lead within an election', () => {
    const mesh = bootedWithTable('own peer');
    const victim = mesh.leader as string;
    const orphans = ledBy(mesh, victim).map((info) => info.id);
    expect(orphans.length).to.be.greaterThan(0);
    const killedMs = mesh.cluster.nowMs;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.reportDeath(victim);
    const leads = (info: { readonly id: number; readonly leader: string | undefined }): boolean => {
      if (info.leader === undefined || info.leader === victim) return false;
      const { workers } = mesh.cluster.host(info.leader).config;
      const replica = mesh.cluster.actor({
        host: info.leader,
        worker: info.id % workers,
        actor: replicaActor(info.id),
      });
      return (replica as unknown as PartitionReplica | undefined)?.role.kind === 'leader';
    };
    mesh.cluster.runUntil(() => mesh.partitions().length > 0 && mesh.partitions().every(leads), 5000);
    expect(mesh.cluster.nowMs - killedMs).to.be.lessThan(700); // virtual time: the same in every run of this seed
  });

  it('a host that is back with its own disk proves its last process dead: nobody waits for that one’s lease (D16, L5)', () => {
    const mesh = bootedWithTable('same disk');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const ids = ledBy(mesh, victim).map((info) => info.id);
    const epoch = mesh.map?.hosts.get(victim)?.epoch ?? 0;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.cluster.host(victim).start();
    mesh.cluster.runUntil(() => (mesh.map?.hosts.get(victim)?.epoch ?? 0) > epoch, 1000);
    for (const info of mesh.partitions())
      if (ids.includes(info.id)) expect([info.leader === victim, info.holdMs]).to.deep.equal([false, 0]);
  });

  it('a killed host comes back, registers anew, rejoins the in-sync sets and leads again what it led (R17, B5)', () => {
    const mesh = bootedWithTable('restart');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const led = ledBy(mesh, victim).map((info) => info.id);
    const epoch = mesh.map?.hosts.get(victim)?.epoch ?? 0;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length === 0, 5000);
    mesh.cluster.host(victim).start();
    mesh.cluster.runUntil(() => mesh.hostsUp().includes(victim) && mesh.isHealthy(), 10_000);
    expect(mesh.map?.hosts.get(victim)?.epoch).to.be.greaterThan(epoch);
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length >= led.length, 20_000);
    mesh.cluster.runFor(1000);
    expect(mesh.hasLease(victim)).to.equal(true);
    expectEqualStates(mesh);
  });

  it('a power cut of the whole mesh: everything is led again without anybody’s help (R16, R17)', () => {
    const mesh = bootedWithTable('power cut');
    for (const host of mesh.names) mesh.cluster.host(host).kill({ powerLost: true });
    mesh.cluster.runFor(100);
    mesh.cluster.start();
    mesh.cluster.runUntil(() => mesh.isHealthy() && mesh.hostsUp().length === 3, 20_000);
    expect(mesh.partitions().every((info) => info.lineage === 1)).to.equal(true);
    expectEqualStates(mesh);
  });

  it('a worker that dies is started again, and its replicas are registered under new epochs (R17, O3)', () => {
    const mesh = bootedWithTable('worker');
    const host = mesh.names.find((name) => name !== mesh.leader) as string;
    const epochs = new Map(
      mesh.partitions().map((info) => [info.id, info.replicas.find((replica) => replica.host === host)?.epoch ?? 0]),
    );
    mesh.cluster.host(host).worker(1).die('test');
    const renewed = (): boolean =>
      mesh
        .partitions()
        .filter((info) => info.id % 2 === 1)
        .every((info) => (info.replicas.find((r) => r.host === host)?.epoch ?? 0) > (epochs.get(info.id) ?? 0));
    mesh.cluster.runUntil(() => renewed() && mesh.isHealthy(), 10_000);
    expect(mesh.map?.hosts.get(host)?.epoch).to.be.lessThan(Math.min(...epochs.values()));
  });

  it('a stuck worker loses its leaderships although its host is heard (L6)', () => {
    const mesh = bootedWithTable('stuck');
    const host = mesh.names.find((name) => ledBy(mesh, name).some((info) => info.id % 2 === 1)) as string;
    mesh.cluster
      .host(host)
      .worker(1)
      .pauseUntil(mesh.cluster.nowMs + 5000);
    // A paused thread's event loop does not turn, which the simulated cells do not show by themselves.
    const cells = mesh.cluster.host(host).cells;
    const nowMs = mesh.cluster.host(host).clock.monotonicAt(mesh.cluster.nowMs);
    cells.store(workerCell(1) + cellBusySinceMs, Math.max(1, Math.floor(nowMs)));
    mesh.cluster.runUntil(() => !ledBy(mesh, host).some((info) => info.id % 2 === 1), 3000);
    expect(mesh.hostsUp()).to.include(host);
  });

  it('a host that is cut off is fenced, loses its lease first, and is taken back after it has seen it (L1, L7)', () => {
    const mesh = bootedWithTable('cut off');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    mesh.cluster.watch(() => {
      // The lease of a host is over before anybody takes it to be: no grant outlives its fencing.
      if (mesh.map?.hosts.get(victim)?.state === 'fenced' && mesh.hasLease(victim))
        throw new Error('L1: a fenced host has a lease');
    });
    const heal = mesh.cluster.network.isolate(victim);
    mesh.cluster.runUntil(() => mesh.map?.hosts.get(victim)?.state === 'fenced', 5000);
    mesh.cluster.runFor(1000);
    expect(mesh.hasLease(victim)).to.equal(false);
    heal();
    mesh.cluster.runUntil(() => mesh.hostsUp().includes(victim) && mesh.isHealthy() && mesh.hasLease(victim), 10_000);
  });

  it('an orderly stop hands the leaderships over before the lease could matter (L6)', () => {
    const mesh = bootedWithTable('drain');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const stoppedMs = mesh.cluster.nowMs;
    mesh.cluster.host(victim).shutDown(500);
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length === 0, 2000);
    expect(mesh.cluster.nowMs - stoppedMs).to.be.lessThan(200);
    expect(mesh.hasLease(victim)).to.equal(false);
    expect(mesh.partitions().every((info) => info.holdMs === 0)).to.equal(true);
  });

  it('a new host gets replicas of its own, and a drained one gives its away (B4, B14, R15, J1)', () => {
    const mesh = new MeshWorld('join', { hosts: 4 });
    for (const name of ['h1', 'h2', 'h3']) mesh.cluster.host(name).start();
    mesh.cluster.runUntil(() => mesh.hostsUp().length === 3, 10_000);
    expect(mesh.administer({ command: 'create-table', name: 'orders', options: { partitions: 8 } }).failure).to.equal(
      undefined,
    );
    mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
    const load = (host: string): number =>
      mesh.partitions().filter((info) => info.replicas.some((replica) => replica.host === host)).length;
    mesh.cluster.host('h4').start();
    mesh.cluster.runUntil(() => load('h4') === 6 && mesh.isHealthy(), 120_000);
    expect(mesh.administer({ command: 'drain-host', host: 'h2', drain: true }).failure).to.equal(undefined);
    mesh.cluster.runUntil(() => load('h2') === 0 && ledBy(mesh, 'h2').length === 0, 120_000);
    mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
    expect(mesh.partitions().every((info) => info.replicas.length === 3 && info.lineage === 1)).to.equal(true);
    mesh.cluster.runFor(1000);
    const left = mesh.cluster.host('h2').worker(0).loop?.actors() ?? [];
    expect(left.filter((actor) => actor.kind === 'partition').map((actor) => actor.name)).to.deep.equal([]);
  });

  it('a table made when one host was there grows to three copies as hosts join (growth)', () => {
    const mesh = new MeshWorld('grow', { founders: 1 });
    mesh.cluster.host('h1').start();
    mesh.cluster.runUntil(() => mesh.hostsUp().length === 1, 10_000);
    const { result } = mesh.administer({ command: 'create-table', name: 'default', options: {}, ifMissing: true });
    expect((result as { readonly notes: readonly string[] }).notes).to.have.length(1);
    mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
    mesh.cluster.start();
    const grown = (): boolean => mesh.partitions().every((info) => info.replicas.length === 3) && mesh.isHealthy();
    mesh.cluster.runUntil(grown, 120_000);
    mesh.cluster.runUntil(() => mesh.map?.tables.get('default')?.info.minInSync === 2, 10_000);
    // And the metadata group, founded by one, has three voters.
    mesh.cluster.runUntil(
      () => mesh.names.every((host) => mesh.metadata(host) !== undefined) && votersOf(mesh).length === 3,
      60_000,
    );
    expectEqualStates(mesh);
  });

  it('a member that starts again while the founder is gone finds the group through its own peer (Q3)', () => {
    const mesh = new MeshWorld('founder gone', { founders: 1 });
    mesh.boot();
    mesh.cluster.runUntil(
      () => mesh.names.every((host) => mesh.metadata(host) !== undefined) && votersOf(mesh).length === 3,
      60_000,
    );
    mesh.cluster.runFor(2000); // and all three know it
    mesh.cluster.host('h2').kill({ powerLost: false });
    mesh.cluster.host('h1').kill({ powerLost: false });
    mesh.cluster.runFor(5000);
    const before = mesh.startIdOf('h2');
    mesh.cluster.host('h2').start();
    const isBack = (): boolean => mesh.map?.hosts.get('h2')?.state === 'up' && mesh.hasLease('h2');
    mesh.cluster.runUntil(() => mesh.startIdOf('h2') !== before && mesh.leader !== 'h1' && isBack(), 20_000);
    expect(mesh.cluster.host('h1').up, 'the only host that h2 was told of').to.equal(false);
  });

  it('a worker that starts again while the founder is gone, on a host that is no member, finds the group through its agent (Q4)', () => {
    const mesh = new MeshWorld('founder gone', { hosts: 4, founders: 1 });
    mesh.boot();
    mesh.administer({ command: 'create-table', name: 't', options: { partitions: 4, replicas: 4 } });
    const members = (): string[] => mesh.names.filter((host) => mesh.metadata(host) !== undefined);
    const isGrown = (host: string): boolean => {
      const group = mesh.metadata(host)?.raftPeer?.membership;
      return group?.voters.length === 3 && group.outgoing.length === 0;
    };
    mesh.cluster.runUntil(() => members().length === 3 && members().every(isGrown) && mesh.isHealthy(), 60_000);
    const bystander = mesh.names.find((host) => !members().includes(host)) as string;
    mesh.cluster.host('h1').kill({ powerLost: false });
    const isLed = ({ leader }: PartitionInfo): boolean => leader !== undefined && leader !== 'h1';
    mesh.cluster.runUntil(() => mesh.hasLease(bystander) && mesh.partitions().every(isLed), 10_000);
    const isBack = (worker: number): boolean => {
      const manager = mesh.cluster.inspect({ host: bystander, worker, actor: 'manager' });
      const follows = manager?.['revision'] === mesh.map?.revision;
      return follows && mesh.partitions().every(({ inSync }) => inSync.includes(bystander));
    };
    for (const worker of [0, 1]) {
      mesh.cluster.host(bystander).worker(worker).die('test');
      mesh.cluster.runUntil(() => !isBack(worker), 10_000);
      mesh.cluster.runUntil(() => isBack(worker), 10_000);
    }
    expect(mesh.cluster.host('h1').up, 'the only host that the worker was told of').to.equal(false);
  });

  for (const powerLost of [false, true]) {
    const how = powerLost ? 'loses its power' : 'is killed';
    it(`a host that ${how} while the founder is gone, and is no member, finds the group by what it remembers of it`, () => {
      const mesh = new MeshWorld(`founder gone, ${how}`, { hosts: 4, founders: 1 });
      mesh.boot();
      mesh.administer({ command: 'create-table', name: 't', options: { partitions: 4, replicas: 4 } });
      const members = (): string[] => mesh.names.filter((host) => mesh.metadata(host) !== undefined);
      const isGrown = (host: string): boolean => {
        const group = mesh.metadata(host)?.raftPeer?.membership;
        return group?.voters.length === 3 && group.outgoing.length === 0;
      };
      mesh.cluster.runUntil(() => members().length === 3 && members().every(isGrown) && mesh.isHealthy(), 60_000);
      const bystander = mesh.names.find((host) => !members().includes(host)) as string;
      mesh.cluster.runFor(1000);
      mesh.cluster.host('h1').kill({ powerLost: false });
      const isLed = ({ leader }: PartitionInfo): boolean => leader !== undefined && leader !== 'h1';
      mesh.cluster.runUntil(() => mesh.hasLease(bystander) && mesh.partitions().every(isLed), 10_000);
      for (let times = 0; times < 2; times++) {
        mesh.cluster.host(bystander).restart({ powerLost });
        mesh.cluster.runUntil(() => mesh.partitions().every(({ inSync }) => !inSync.includes(bystander)), 30_000);
        const isBack = (): boolean => mesh.partitions().every(({ inSync }) => inSync.includes(bystander));
        mesh.cluster.runUntil(() => mesh.hasLease(bystander) && isBack(), 30_000);
      }
      expect(mesh.cluster.host('h1').up, 'the only host that it was told of').to.equal(false);
    });
  }

  it('a host that lost its disk comes back as another member, and the group is three again (M8, X3, X4)', () => {
    const mesh = bootedWithTable('disk');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    mesh.cluster.host(victim).kill({ powerLost: true });
    mesh.cluster.runUntil(() => ledBy(mesh, victim).length === 0, 5000);
    mesh.emptyDisk(victim, `${victim}-second`);
    mesh.cluster.host(victim).start();
    const id = `${victim}.${victim}-second`;
    mesh.cluster.runUntil(() => votersOf(mesh).includes(id) && votersOf(mesh).length === 3, 60_000);
    mesh.cluster.runUntil(() => mesh.isHealthy(), 20_000);
    expect(votersOf(mesh)).to.not.include(`${victim}.disk-${victim}`);
  });

  it('the log is compacted: members restart from snapshots, and a wiped one is filled by one (B13, M11)', function () {
    this.timeout(60_000);
    const mesh = new MeshWorld('compaction', { workers: 1 });
    mesh.boot();
    const batches = Math.ceil((snapshotPolicy.entryCount * 1.3) / 300);
    for (let batch = 0; batch < batches; batch++) {
      let last = 0;
      for (let i = 0; i < 300; i++)
        last = mesh.ask({ command: 'set-config', key: `k${i}`, value: `${batch} ${'x'.repeat(i)}` });
      mesh.cluster.runUntil(() => mesh.answerTo(last) !== undefined, 20_000);
    }
    mesh.cluster.runFor(2000);
    for (const host of mesh.names)
      expect(mesh.metadata(host)?.raftPeer?.snapshotIndex, host).to.be.greaterThan(snapshotPolicy.entryCount / 2);
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const other = mesh.names.find((host) => host !== mesh.leader && host !== victim) as string;
    mesh.cluster.host(other).restart({ powerLost: true });
    mesh.cluster.host(victim).kill({ powerLost: true });
    mesh.emptyDisk(victim, 'second');
    mesh.cluster.host(victim).start();
    mesh.cluster.runUntil(() => votersOf(mesh).includes(`${victim}.second`) && votersOf(mesh).length === 3, 60_000);
    mesh.cluster.runFor(1000);
    for (const host of mesh.names) expect(mesh.metadata(host)?.store.config.size, host).to.equal(300);
    expectEqualStates(mesh);
  });

  it('a minority refuses what a majority decides, and catches up when it is healed (B15, B16)', () => {
    const mesh = bootedWithTable('minority');
    const alone = mesh.leader as string;
    const heal = mesh.cluster.network.isolate(alone);
    mesh.cluster.runUntil(() => mesh.leader !== undefined && mesh.leader !== alone, 10_000);
    const created = mesh.administer({ command: 'create-table', name: 'late', options: { partitions: 1, replicas: 2 } });
    expect(created.failure).to.equal(undefined);
    expect(mesh.metadata(alone)?.store.tables.has('late')).to.equal(false);
    heal();
    mesh.cluster.runUntil(() => mesh.metadata(alone)?.store.tables.has('late') === true, 10_000);
    expectEqualStates(mesh);
  });

  it('two runs of one seed are one run', () => {
    const hash = (): string => {
      const mesh = bootedWithTable('twice', { network: { lossProbability: 0.02 } });
      mesh.cluster.host('h2').kill({ powerLost: false });
      mesh.cluster.runFor(3000);
      return mesh.cluster.trace.hash;
    };
    expect(hash()).to.equal(hash());
  });
});

function votersOf(mesh: MeshWorld): string[] {
  const { leader } = mesh;
  if (leader === undefined) return [];
  const members = mesh.inspectMetadata(leader)?.['voters'];
  return Array.isArray(members) ? members.map(String) : [];
}
