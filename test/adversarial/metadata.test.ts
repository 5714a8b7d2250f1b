// What if it arrives late, twice, or from somebody who is not who they say

import { expect } from 'chai';
import { metadataActor } from '../../messaging/protocol/cluster-map.js';
import type { HostMessage } from '../../messaging/protocol/host-messages.js';
import type { Message } from '../../runtime/contract/actor.js';
import { type Address, mainWorker } from '../../runtime/contract/address.js';
import { MetadataActor } from '../../actors/metadata/metadata-actor.js';
import { seededRandom } from '../../runtime/std/random.js';
import { MeshWorld } from '../support/mesh-world.js';

function booted(seed: string): MeshWorld {
  const mesh = new MeshWorld(seed);
  mesh.boot();
  mesh.administer({ command: 'create-table', name: 't', options: { partitions: 4 } });
  mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
  mesh.cluster.runFor(300);
  return mesh;
}

/** To every member, as if from there. */
function say(mesh: MeshWorld, message: HostMessage | Message, from: Address): void {
  for (const host of mesh.names)
    if (mesh.cluster.host(host).up) mesh.cluster.deliver({ host, worker: 0, actor: metadataActor }, message, from);
}

const client: Address = { host: '@c1', worker: 0, actor: 'x' };

describe('metadata, adversarial', () => {
  it('X11: clients cannot register, heartbeat, change sets, confirm, vote or report deaths', () => {
    const mesh = booted('clients');
    const before = mesh.map?.revision;
    const register = {
      kind: 'register',
      host: 'h1',
      startId: 'evil',
      diskId: 'd',
      workers: 1,
      rack: '',
      pid: 1,
      version: '',
      replicas: [],
      after: mesh.map?.hosts.get('h1')?.epoch ?? 0,
    } as const;
    const info = mesh.partitions()[0];
    if (info === undefined) throw new Error('no partition');
    const leader = info.leader ?? '';
    for (const from of [client, { ...client, actor: 'agent', worker: mainWorker }]) {
      say(mesh, register, from);
      say(mesh, { kind: 'host-died', host: 'h1', startId: mesh.startIdOf('h1') }, from);
      say(mesh, { kind: 'register-replicas', host: 'h1', epoch: register.after, replicas: [] }, from);
      say(mesh, { kind: 'confirm-epoch', request: 1, partition: 1, epoch: 1 }, from);
      say(
        mesh,
        {
          kind: 'change-in-sync',
          request: 1,
          partition: info.id,
          leader,
          leaderReplicaEpoch: info.replicas.find((replica) => replica.host === leader)?.epoch ?? 0,
          leaderEpoch: info.leaderEpoch,
          partitionEpoch: info.partitionEpoch,
          inSync: [],
        },
        from,
      );
      const term = 99;
      for (const to of mesh.names)
        say(
          mesh,
          { kind: 'raft-heartbeat', from: 'h1.disk-h1', to: `${to}.disk-${to}`, term, commit: 0, round: 1 } as Message,
          from,
        );
    }
    mesh.cluster.runFor(2000);
    expect(mesh.map?.revision).to.equal(before);
    expect(mesh.names.map((host) => mesh.metadata(host)?.raftPeer?.term).every((term) => (term ?? 0) < 99)).to.equal(
      true,
    );
  });

  it('X11: a host speaks for itself only', () => {
    const mesh = booted('hosts');
    const before = mesh.map?.revision;
    const agent = { host: 'h2', worker: mainWorker, actor: 'agent' };
    const after = mesh.map?.hosts.get('h1')?.epoch ?? 0;
    const facts = { startId: 'evil', diskId: 'd', workers: 1, rack: '', pid: 1, version: '', replicas: [], after };
    say(mesh, { kind: 'register', host: 'h1', ...facts }, agent);
    say(mesh, { kind: 'register', host: 'h2', ...facts, after: 0 }, { ...agent, actor: 'partition-1', worker: 0 });
    const draining = { epoch: after, sentMs: 1, appliedRevision: 0, stalledWorkers: [], draining: true };
    say(mesh, { kind: 'heartbeat', host: 'h1', ...draining }, agent);
    mesh.cluster.runFor(1000);
    expect(mesh.map?.revision).to.equal(before);
  });

  it('V13: a registration of a process before, late in the network, does not end the one that runs', () => {
    const mesh = booted('late');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const old = mesh.startIdOf(victim);
    mesh.cluster.host(victim).restart({ powerLost: false });
    mesh.cluster.runUntil(() => mesh.map?.hosts.get(victim)?.startId !== old && mesh.isHealthy(), 10_000);
    const host = mesh.map?.hosts.get(victim);
    const facts = { diskId: `disk-${victim}`, workers: 2, rack: '', pid: 1, version: '', replicas: [] };
    const agent = { host: victim, worker: mainWorker, actor: 'agent' };
    for (const after of [0, 1, 2, 3, 4])
      say(mesh, { kind: 'register', host: victim, startId: old, ...facts, after }, agent);
    mesh.cluster.runFor(2000);
    expect(mesh.map?.hosts.get(victim)).to.deep.include({ startId: host?.startId, epoch: host?.epoch });
    expect(mesh.hasLease(victim)).to.equal(true);
  });

  it('a death that is reported of a process before does not fence the one that runs (L5)', () => {
    const mesh = booted('old death');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const old = mesh.startIdOf(victim);
    mesh.cluster.host(victim).restart({ powerLost: false });
    mesh.cluster.runUntil(
      () => mesh.hostsUp().length === 3 && mesh.startIdOf(victim) === mesh.map?.hosts.get(victim)?.startId,
      10_000,
    );
    say(mesh, { kind: 'host-died', host: victim, startId: old }, { host: '@mesh', worker: 0, actor: 'x' });
    mesh.cluster.runFor(1000);
    expect(mesh.hostsUp()).to.include(victim);
  });

  it('garbage in a client’s request ends nothing', () => {
    const mesh = booted('garbage');
    const before = mesh.cluster.crashCount;
    for (const message of [
      { kind: 'admin', request: 1, command: null },
      { kind: 'admin', request: 'x', command: { command: 'delete-table', name: 't' } },
      { kind: 'admin', request: 2, command: { command: 'create-table', name: '../../etc', options: {} } },
      { kind: 'admin', request: 3, command: { command: 'set-config', key: 'k'.repeat(10_000), value: 'v' } },
      { kind: 'admin', request: 4, command: { command: 'set-config', key: 5, value: {} } },
      { kind: 'map-fetch', request: -1, after: 0, waitMs: 1 },
      { kind: 'map-fetch', request: 1, after: 'all', waitMs: 1 },
      { kind: 'map-fetch', request: 1, after: 0, waitMs: Number.POSITIVE_INFINITY },
      { kind: 'host-died', host: 5, startId: null },
    ])
      say(mesh, message, client);
    mesh.cluster.runFor(500);
    expect(mesh.cluster.crashCount).to.equal(before);
    expect([...(mesh.map?.tables.keys() ?? [])]).to.deep.equal(['t']);
  });

  it('X12: a member that hears no leader says so, and whoever asked asks another', () => {
    const mesh = booted('cut off');
    const alone = mesh.names.find((host) => host !== mesh.leader) as string;
    mesh.cluster.network.isolate(alone);
    mesh.cluster.runUntil(() => mesh.metadata(alone)?.raftPeer?.leader === undefined, 5000);
    const created = mesh.administer({ command: 'create-table', name: 'late', options: { partitions: 1, replicas: 2 } });
    expect(created.failure).to.equal(undefined);
    expect(mesh.metadata(alone)?.store.tables.has('late')).to.equal(false);
  });

  it('M13: a member whose journal is damaged never speaks again under its id', () => {
    const founders = ['a', 'b', 'c'].map((host) => ({ id: `${host}.d`, host }));
    const sent: Message[] = [];
    const stopped: object[] = [];
    const context = {
      self: { host: 'a', worker: 0, actor: metadataActor },
      incarnation: 0,
      nowMs: 1000,
      random: seededRandom('damaged'),
      timers: { start: () => undefined, cancel: () => undefined },
      journal: { nextLsn: 0, append: () => expect.fail('M13: it writes') },
      send: (_to: Address, message: Message) => sent.push(message),
      emit: () => undefined,
      stop: (actor: string, options: { readonly forget: boolean }) => stopped.push({ actor, ...options }),
    };
    const damaged = { end: 'corrupt', cleanShutdown: false, sameBoot: true, recordCount: 0 } as const;
    const member = new MetadataActor({ clusterId: 'c', memberId: 'a.d', founders });
    member.start(context as never, damaged);
    expect(sent).to.deep.equal([]);
    expect(stopped).to.deep.equal([{ actor: metadataActor, forget: true }]);
  });

  it('O1, M13: a manager that knows nothing stops nothing', () => {
    const mesh = booted('knows nothing');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const replicasOn = (): number =>
      [0, 1]
        .flatMap((worker) => mesh.cluster.host(victim).worker(worker).loop?.actors() ?? [])
        .filter((actor) => actor.kind === 'partition').length;
    expect(replicasOn()).to.equal(4);
    mesh.cluster.network.isolate(victim);
    mesh.cluster.host(victim).restart({ powerLost: false });
    mesh.cluster.runFor(10_000);
    expect(replicasOn()).to.equal(4);
  });
});
