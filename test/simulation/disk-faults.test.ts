// Disks that rot, fail, fill up or go, in a whole mesh on virtual time
// =============================================================================
//
// What storage finds is told up to the metadata group: these are the seams between the journal, the host's identity, the members of the
// group and the replicas. `test/system/disk-faults.test.ts` does the same with processes and files.

import { expect } from 'chai';
import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { spaceLevel } from '../../runtime/contract/cells.js';
import { MeshWorld, type MeshOptions } from '../support/mesh-world.js';
import { PartitionWorld, text } from '../support/partition-world.js';

function booted(seed: string, options: MeshOptions = {}): MeshWorld {
  const mesh = new MeshWorld(seed, { restartExitedHostMs: 300, ...options });
  mesh.boot();
  const table = { partitions: 4, replicas: 3, minInSync: 2 };
  expect(mesh.administer({ command: 'create-table', name: 'orders', options: table }).failure).to.equal(undefined);
  mesh.cluster.runUntil(() => mesh.isHealthy(), 10_000);
  mesh.cluster.runFor(500);
  return mesh;
}

function votersOf(mesh: MeshWorld): string[] {
  const { leader } = mesh;
  const voters = leader === undefined ? undefined : mesh.inspectMetadata(leader)?.['voters'];
  return Array.isArray(voters) ? voters.map(String) : [];
}

function pathsOf(mesh: MeshWorld, host: string, directory: string): string[] {
  return mesh.cluster
    .disk(host)
    .image.paths()
    .filter((path) => path.startsWith(`${directory}/`));
}

/** In the first record of each segment, which everything behind it is chained to. */
function flipEarlyBits(mesh: MeshWorld, host: string, directory: string, position = 136): void {
  const { image } = mesh.cluster.disk(host);
  for (const path of pathsOf(mesh, host, directory)) {
    const inode = image.find(path);
    if (inode !== undefined && path.includes('/segment-') && inode.liveSize > 0) image.flipBit(inode, position, 3);
  }
}

function epochOn(info: PartitionInfo, host: string): number {
  return info.replicas.find((replica) => replica.host === host)?.epoch ?? 0;
}

function expectKept(mesh: MeshWorld): void {
  for (const info of mesh.partitions()) expect(info.lineage, `partition ${info.id}`).to.equal(1);
}

describe('simulated mesh: disks', () => {
  for (const who of ['a follower', 'the leader'] as const) {
    it(`M8 M13 D9: ${who} of the metadata group whose journal rotted comes back as another member`, () => {
      const mesh = booted(`rot ${who}`);
      const isLeader = (host: string): boolean => host === mesh.leader;
      const victim = mesh.names.find((host) => isLeader(host) === (who === 'the leader')) as string;
      mesh.cluster.host(victim).kill({ powerLost: false });
      flipEarlyBits(mesh, victim, 'worker-0');
      mesh.cluster.host(victim).start();
      const id = `${victim}.disk-${victim}-2`;
      mesh.cluster.runUntil(() => votersOf(mesh).includes(id) && votersOf(mesh).length === 3, 60_000);
      mesh.cluster.runUntil(() => mesh.isHealthy() && mesh.hostsUp().length === 3, 20_000);
      expect(votersOf(mesh)).to.not.include(`${victim}.disk-${victim}`);
      expect(
        mesh.events.some(({ host, event }) => host === victim && event.kind === 'metadata-member-damaged'),
      ).to.equal(true);
      expectKept(mesh);

      // It has its own id from now on, and needs no more of all that.
      mesh.cluster.host(victim).restart({ powerLost: true });
      mesh.cluster.runUntil(() => mesh.isHealthy() && mesh.hostsUp().length === 3, 30_000);
      mesh.cluster.runFor(3000);
      expect(votersOf(mesh)).to.include(id);
    });
  }

  it('M13: a member whose journal is gone without a trace is no founder with an empty log', () => {
    const mesh = booted('gone');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    mesh.cluster.host(victim).kill({ powerLost: false });
    mesh.cluster.disk(victim).image.remove('worker-0');
    mesh.cluster.host(victim).start();
    const id = `${victim}.disk-${victim}-2`;
    mesh.cluster.runUntil(() => votersOf(mesh).includes(id) && votersOf(mesh).length === 3, 60_000);
    mesh.cluster.runUntil(() => mesh.isHealthy(), 20_000);
    expectKept(mesh);
  });

  it('M13: damage found while the damage before is being healed makes a third disk', () => {
    const mesh = booted('twice');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    for (const [round, waitMs] of [30, 100, 500].entries()) {
      mesh.cluster.host(victim).kill({ powerLost: true });
      flipEarlyBits(mesh, victim, 'worker-0', 136 + round); // another bit, or the old one would be whole again
      mesh.cluster.host(victim).start();
      mesh.cluster.runFor(waitMs);
    }
    expect(mesh.diskIdOf(victim)).to.match(/-[34]$/);
    mesh.cluster.runUntil(() => votersOf(mesh).includes(`${victim}.${mesh.diskIdOf(victim)}`), 60_000);
    mesh.cluster.runUntil(() => mesh.isHealthy() && votersOf(mesh).length === 3, 30_000);
    expectKept(mesh);
  });

  it('D9 R17: a rotted journal of another worker costs its replicas, and nobody’s membership', () => {
    const mesh = booted('other worker');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const before = votersOf(mesh);
    mesh.cluster.host(victim).kill({ powerLost: false });
    flipEarlyBits(mesh, victim, 'worker-1');
    mesh.cluster.host(victim).start();
    mesh.cluster.runUntil(() => mesh.isHealthy() && mesh.hostsUp().length === 3, 30_000);
    mesh.cluster.runFor(3000);
    expect(votersOf(mesh)).to.have.members(before);
    expectKept(mesh);
  });

  it('D14: a metadata leader without space refuses administration, and elects and registers all the same', () => {
    const mesh = booted('full leader', { journalLimits: { segmentBytes: 32 * 1024 } });
    const leader = mesh.leader as string;
    const { options } = mesh.cluster.disk(leader);
    options.capacityBytes = 0;
    const create = (name: string): string | undefined =>
      mesh.administer({ command: 'create-table', name, options: { partitions: 1, replicas: 1 } }).failure?.code;
    let tables = 0;
    while (create(`table-${tables}`) === undefined) expect(++tables, 'its disk fills up').to.be.lessThan(500);
    expect(create('refused')).to.equal('CAPACITY');
    const victim = mesh.names.find((host) => host !== leader) as string;
    mesh.cluster.host(victim).restart({ powerLost: false });
    mesh.cluster.runUntil(() => mesh.isHealthy() && mesh.hostsUp().length === 3, 30_000);
    expect(mesh.leader).to.equal(leader);
    options.capacityBytes = Number.MAX_SAFE_INTEGER;
    mesh.cluster.runFor(1500);
    expect(create('taken')).to.equal(undefined);
    expect(mesh.map?.tables.has('refused')).to.equal(false);
  });

  it('D11 R17: after a failed sync the host ends, its replicas are incomplete, sync again and rejoin', () => {
    const mesh = booted('sync');
    const victim = mesh.names.find((host) => host !== mesh.leader) as string;
    const epochs = new Map(mesh.partitions().map((info) => [info.id, epochOn(info, victim)]));
    mesh.cluster.journals.failNextSync(victim);
    mesh.administer({ command: 'create-table', name: 'more', options: { partitions: 2, replicas: 3 } });
    mesh.cluster.runUntil(() => !mesh.cluster.host(victim).up, 5000);
    expect(
      pathsOf(mesh, victim, 'worker-0')
        .concat(pathsOf(mesh, victim, 'worker-1'))
        .join(' '),
    ).to.include('tainted-');
    mesh.cluster.runUntil(() => mesh.hostsUp().length === 3 && mesh.isHealthy() && votersOf(mesh).length === 3, 60_000);
    for (const info of mesh.partitions()) {
      const before = epochs.get(info.id);
      if (before !== undefined) expect(epochOn(info, victim), `partition ${info.id}`).to.be.greaterThan(before);
    }
    expectKept(mesh);
  });
});

describe('a partition on full disks', () => {
  function led(seed: string): PartitionWorld {
    const world = new PartitionWorld(seed, { journalLimits: { segmentBytes: 16 * 1024 } });
    world.elect('h1');
    world.lease('h1', 3_600_000);
    world.cluster.runUntil(() => world.replica('h1').role.kind === 'leader', 1000);
    return world;
  }

  const spaceOf = (world: PartitionWorld, host: string): string => spaceLevel(world.cluster.host(host).cells, 0);

  it('D14 R7: a leader without space refuses writes before they are appended, answers reads, and goes on when there is space', () => {
    const world = led('full leader');
    const session = world.openSession('h1');
    const { options } = world.cluster.disk('h1');
    expect(world.answer(world.put('h1', session, 1, 'first', 'kept')).kind).to.equal('written');
    options.capacityBytes = 0;
    let sequence = 1;
    while (spaceOf(world, 'h1') === 'enough') world.answer(world.put('h1', session, ++sequence, 'k', 'x'.repeat(1000)));
    const { end } = world.replica('h1').core.log;
    const refused = world.answer(world.put('h1', session, sequence + 1, 'late', 'y'));
    expect(refused).to.include({ kind: 'refused', reason: 'capacity', detail: 'the disk is full' });
    expect(world.replica('h1').core.log.end, 'nothing was appended').to.equal(end);
    const read = world.answer(world.read('h1', 'first'));
    expect(read.kind === 'read-done' && text(read.items[0]?.value)).to.equal('kept');
    options.capacityBytes = Number.MAX_SAFE_INTEGER;
    world.cluster.runUntil(() => spaceOf(world, 'h1') === 'enough', 3000);
    expect(world.answer(world.put('h1', session, sequence + 1, 'late', 'y')).kind).to.equal('written');
    expect(world.info.inSync).to.have.members(['h1', 'h2', 'h3']);
  });

  it('W7 D14: a follower without space takes nothing and crashes not; the others go on, and it comes back by itself', () => {
    const world = led('full follower');
    const session = world.openSession('h1');
    const { options } = world.cluster.disk('h3');
    options.capacityBytes = 0;
    let sequence = 0;
    const put = (): void => {
      const reply = world.answer(world.put('h1', session, ++sequence, `k${sequence}`, 'x'.repeat(1000)));
      expect(reply.kind).to.equal('written');
    };
    while (spaceOf(world, 'h3') !== 'full') put();
    for (let i = 0; i < 100; i++) put();
    expect(world.info.inSync, 'it left').to.have.members(['h1', 'h2']);
    const held = world.replica('h3').core.log.end;
    world.cluster.runFor(8000);
    put();
    expect(world.replica('h3').core.log.end).to.equal(held);
    options.capacityBytes = Number.MAX_SAFE_INTEGER;
    world.cluster.runUntil(() => world.info.inSync.includes('h3') && world.agree('h1', 'h3'), 10_000);
  });
});
