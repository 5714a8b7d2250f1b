// The cluster map's commands, rule by rule

import { expect } from 'chai';
import { leaseWaitMs } from '../../../actors/metadata/lease-timing.js';
import { decodeCommand, encodeCommand } from '../../../actors/metadata/state/command.js';
import { MapStore, tombstoneCountMax } from '../../../actors/metadata/state/map-store.js';
import { deposedCountMax } from '../../../actors/metadata/state/partition-record.js';
import { chooseTableOptions } from '../../../actors/metadata/state/table-options.js';
import { placePartitions } from '../../../actors/metadata/state/placement.js';
import { partitionCountMax } from '../../../actors/metadata/state/table-commands.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import { encodeControl } from '../../../messaging/protocol/control.js';
import { MapCopy } from '../../../messaging/protocol/map-copy.js';
import { raftEntryBytesMax } from '../../../messaging/protocol/raft-entry.js';
import { groupOfOne, registration, reportOf, Steps } from '../../support/metadata-builders.js';

/** Hosts up, and a table of one partition with a claimed replica on each; led by the first replica. */
function withPartition(
  hosts = 3,
  minInSync = 2,
): { readonly steps: Steps; readonly id: number; readonly order: string[] } {
  const steps = new Steps(new MapStore('c'));
  for (let i = 1; i <= hosts; i++) steps.up(`h${i}`);
  const options = { partitions: 1, replicas: hosts, minInSync };
  const { outcome } = steps.do({ kind: 'create-table', name: 't', options, ifMissing: false });
  expect(outcome.kind).to.equal('done');
  const id = [...steps.store.partitions.keys()][0] as number;
  const order = steps.partition(id).replicas.map((replica) => replica.host);
  for (const host of order) steps.claim(host);
  expect(steps.partition(id).leader).to.equal(order[0]);
  return { steps, id, order };
}

describe('cluster map: election and in-sync sets', () => {
  it('R2: a new partition is led by the first replica that placement named, once that runs', () => {
    const steps = new Steps(new MapStore('c'));
    for (const host of ['h1', 'h2', 'h3']) steps.up(host);
    steps.do({ kind: 'create-table', name: 't', options: { partitions: 1 }, ifMissing: false });
    const before = steps.partition(1);
    expect([before.leader, before.leaderEpoch, before.inSync.length]).to.deep.equal([undefined, 0, 3]);
    const [first, second] = before.replicas.map((replica) => replica.host) as [string, string, string];
    steps.claim(second);
    expect(steps.partition(1).leader, 'not whoever comes first').to.equal(undefined);
    steps.claim(first);
    const after = steps.partition(1);
    expect([after.leader, after.leaderEpoch, after.holdMs]).to.deep.equal([first, 1, 0]);
  });

  it('R11: a fenced leader is replaced in the same step; it leaves the in-sync set, and nobody is eligible beside a full one (V3)', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.fence(a);
    const info = steps.partition(id);
    expect([info.leader, info.leaderEpoch, info.inSync, info.eligible]).to.deep.equal([b, 2, [b, c], []]);
    expect(info.holdMs, 'L5: nothing better was known').to.equal(leaseWaitMs);
  });

  it('R11: with fewer than the minimum in sync those who leave are eligible; the last ones too (R16)', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.fence(a);
    steps.fence(b);
    expect([steps.partition(id).inSync, steps.partition(id).eligible]).to.deep.equal([[c], [b]]);
    steps.fence(c);
    const all = steps.partition(id);
    expect([all.leader, all.inSync, all.eligible]).to.deep.equal([undefined, [], [b, c]]);
    expect(all.reason).to.include('waiting for');
    steps.unfence(a);
    expect(steps.partition(id).leader, 'it left when there were enough without it').to.equal(undefined);
    steps.unfence(c);
    const back = steps.partition(id);
    expect([back.leader, back.inSync, back.eligible, back.lineage]).to.deep.equal([c, [c], [b], 1]);
  });

  it('R13: a leader’s proposal in the epochs of the record is taken, and the answer carries the new record', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    const { outcome } = steps.inSync(id, [a, b]);
    expect(outcome).to.deep.include({ kind: 'in-sync-changed', accepted: true, info: steps.partition(id) });
    steps.inSync(id, [a]);
    expect([steps.partition(id).inSync, steps.partition(id).eligible]).to.deep.equal([[a], [b]]);
    steps.inSync(id, [a, c]);
    expect([steps.partition(id).inSync, steps.partition(id).eligible]).to.deep.equal([[a, c], []]);
  });

  for (const [name, spoil] of [
    ['another leader epoch', (s: Steps, id: number) => ({ leaderEpoch: s.partition(id).leaderEpoch - 1 })],
    ['another partition epoch', (s: Steps, id: number) => ({ partitionEpoch: s.partition(id).partitionEpoch - 1 })],
    ['another replica epoch of the leader', () => ({ leaderReplicaEpoch: 1 })],
    ['another leader', (s: Steps, id: number) => ({ leader: s.partition(id).replicas[1]?.host })],
    [
      'a member that is no replica',
      (s: Steps, id: number) => ({ inSync: [...membersOf(s, id), { host: 'h9', epoch: 1 }] }),
    ],
    [
      'a member of an old replica epoch',
      (s: Steps, id: number) => ({
        inSync: membersOf(s, id).map((m, i) => (i === 1 ? { ...m, epoch: m.epoch - 1 } : m)),
      }),
    ],
    ['a member twice', (s: Steps, id: number) => ({ inSync: [...membersOf(s, id), ...membersOf(s, id)] })],
    ['a set without the leader', (s: Steps, id: number) => ({ inSync: membersOf(s, id).slice(1) })],
  ] as const)
    it(`R13, V16: ${name} is refused and changes nothing`, () => {
      const { steps, id } = withPartition();
      const before = steps.partition(id);
      const { outcome, changed } = steps.inSync(id, before.inSync, spoil(steps, id));
      expect(outcome).to.deep.include({ kind: 'in-sync-changed', accepted: false });
      expect(changed).to.equal(false);
      expect(steps.partition(id)).to.equal(before);
    });

  it('R13(4): a fenced or draining host is not taken in, but one that is in may stay while it drains', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.inSync(id, [a, b]);
    steps.do({ kind: 'drain-host', host: c, epoch: 0, drain: true });
    steps.do({ kind: 'drain-host', host: b, epoch: 0, drain: true });
    expect(steps.inSync(id, [a, b, c]).outcome).to.deep.include({ accepted: false });
    expect(steps.partition(id).inSync).to.deep.equal([a, b]);
    steps.do({ kind: 'drain-host', host: c, epoch: 0, drain: false });
    expect(steps.inSync(id, [a, b, c]).outcome).to.deep.include({ accepted: true });
  });

  it('R13(4), V16: a newcomer that may not join keeps out nobody else that is proposed with it, and the answer says that not all were taken', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.inSync(id, [a]);
    steps.fence(c);
    const { outcome } = steps.inSync(id, [a, b, c]);
    expect(outcome).to.deep.include({ accepted: false, info: steps.partition(id) });
    expect(steps.partition(id).inSync).to.deep.equal([a, b]);
    const epochs = steps
      .partition(id)
      .replicas.map(({ host, epoch }) => ({ host, epoch: host === b ? epoch - 1 : epoch }));
    expect(steps.inSync(id, [a, b], { inSync: epochs }).outcome, 'a member of an old epoch').to.deep.include({
      accepted: false,
    });
    expect(steps.partition(id).inSync).to.deep.equal([a, b]);
  });

  it('V6: a draining host is elected only when nobody else can be, a stopping one never', () => {
    const { steps, id, order } = withPartition(2, 1);
    const [a, b] = order as [string, string];
    steps.do({ kind: 'drain-host', host: b, epoch: 0, drain: true });
    steps.fence(a);
    expect(steps.partition(id).leader).to.equal(b);
    const other = withPartition(2, 1);
    const [x, y] = other.order as [string, string];
    other.steps.do({ kind: 'drain-host', host: y, epoch: other.steps.epochOf(y), drain: true });
    other.steps.fence(x);
    expect(other.steps.partition(other.id).leader).to.equal(undefined);
  });
});

describe('cluster map: registration', () => {
  it('V13: a registration that does not name the present one changes nothing; a repeated one is the same one (G4)', () => {
    const steps = new Steps(new MapStore('c'));
    steps.up('h1');
    const late = steps.do(registration('h1', 'an old process', 0));
    expect(late.outcome).to.deep.include({ kind: 'register-refused', reason: 'after-mismatch', epoch: 1 });
    const same = steps.do(registration('h1', 'h1@1', 0));
    expect(same.outcome).to.deep.include({ kind: 'registered', epoch: 1 });
    expect(late.changed || same.changed).to.equal(false);
    expect(steps.do(registration('h1', 'next', 1)).outcome).to.deep.include({ kind: 'registered', epoch: 4 });
  });

  it('V14, R17: a host that comes back leaves the in-sync set, loses what it led, and has new replica epochs', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.up(a, { replicas: [reportOf(id)] });
    const info = steps.partition(id);
    expect([info.leader, info.inSync, info.leaderEpoch]).to.deep.equal([b, [b, c], 2]);
    expect(info.replicas.find((replica) => replica.host === a)).to.deep.equal({
      host: a,
      epoch: steps.index,
      incarnation: 1,
    });
  });

  for (const [verdict, eligible, lastKnown] of [
    ['complete', true, false],
    ['tail-uncertain', false, true],
    ['incomplete', false, true],
    [undefined, false, true],
  ] as const)
    it(`R17: below the minimum, a replica ${verdict ?? 'that was not reported'} is ${eligible ? 'eligible' : 'no candidate'} (V15)`, () => {
      const { steps, id, order } = withPartition();
      const [a, b, c] = order as [string, string, string];
      steps.inSync(id, [a, b]);
      steps.up(b, { replicas: verdict === undefined ? [] : [reportOf(id, verdict)] });
      const info = steps.partition(id);
      expect(info.inSync).to.deep.equal([a]);
      expect(info.eligible.includes(b)).to.equal(eligible);
      expect(info.lastKnownEligible.includes(b)).to.equal(lastKnown);
      expect(info.inSync.includes(c)).to.equal(false);
    });

  it('V15: a place that nobody claimed lost nothing', () => {
    const steps = new Steps(new MapStore('c'));
    for (const host of ['h1', 'h2']) steps.up(host);
    steps.do({
      kind: 'create-table',
      name: 't',
      options: { partitions: 1, replicas: 2, minInSync: 2 },
      ifMissing: false,
    });
    const [a, b] = steps.partition(1).replicas.map((replica) => replica.host) as [string, string];
    steps.claim(a);
    steps.up(b); // before it had started its replica
    steps.up(a, { replicas: [reportOf(1)] });
    expect(steps.partition(1).leader).to.equal(a);
  });

  it('R17: an actor that restarts gets a new replica epoch; a repeated or late report changes nothing', () => {
    const { steps, id, order } = withPartition();
    const b = order[1] as string;
    const report = (incarnation: number) => ({
      kind: 'register-replicas' as const,
      host: b,
      epoch: steps.epochOf(b),
      replicas: [reportOf(id, 'complete', { incarnation })],
      holds: [],
    });
    steps.do(report(3));
    const info = steps.partition(id);
    expect(info.replicas.find((replica) => replica.host === b)?.epoch).to.equal(steps.index);
    expect(info.inSync).to.not.include(b);
    expect(steps.do(report(3)).changed).to.equal(false);
    expect(steps.do(report(2)).changed).to.equal(false);
    expect(steps.do({ ...report(4), epoch: 999 }).outcome.kind, 'of another process').to.equal('overtaken');
  });

  it('L5: a leader whose actor restarted in the same process leaves no lease behind: its successor holds nothing', () => {
    const { steps, id, order } = withPartition();
    const a = order[0] as string;
    const replicas = [reportOf(id, 'complete', { incarnation: 2 })];
    steps.do({ kind: 'register-replicas', host: a, epoch: steps.epochOf(a), replicas, holds: [] });
    expect(steps.partition(id)).to.deep.include({ leader: order[1], holdMs: 0 });
  });
});

describe('cluster map: when everybody is gone', () => {
  function allLost(verdicts: readonly ('incomplete' | 'tail-uncertain')[], ends: readonly number[]): Steps {
    const { steps, id, order } = withPartition(2, 2);
    order.forEach((host, i) => {
      steps.up(host, { replicas: [reportOf(id, verdicts[i], { end: ends[i] ?? 0 })] });
    });
    return steps;
  }

  it('V7, R18: lost copies stay offline and say why', () => {
    const steps = allLost(['tail-uncertain', 'incomplete'], [5, 9]);
    const info = steps.partition(1);
    expect([info.leader, info.inSync, info.eligible, info.lineage]).to.deep.equal([undefined, [], [], 1]);
    expect(info.reason).to.include('lost or is damaged');
  });

  it('V7, D8: when all merely lost an unsynced tail the longest leads, in a new lineage, and it is said', () => {
    const steps = allLost(['tail-uncertain', 'tail-uncertain'], [5, 9]);
    const info = steps.partition(1);
    const longest = info.replicas[1]?.host;
    expect([info.leader, info.inSync, info.lineage]).to.deep.equal([longest, [longest], 2]);
  });

  for (const [first, again, leads] of [
    ['incomplete', 'tail-uncertain', false],
    ['incomplete', 'complete', false],
    [undefined, 'tail-uncertain', false],
    ['tail-uncertain', 'complete', true],
    ['tail-uncertain', 'incomplete', false],
  ] as const)
    it(`V18, R18: lost as ${first ?? 'not reported'} and started again as ${again}, ${leads ? 'only a tail is' : 'a copy is'} lost`, () => {
      const { steps, id, order } = withPartition(2, 2);
      const [a, b] = order as [string, string];
      steps.up(b, { replicas: first === undefined ? [] : [reportOf(id, first, { end: 9 })] });
      steps.up(b, { replicas: [reportOf(id, again, { end: 9, incarnation: 2 })] }); // had followed `a` meanwhile
      steps.up(a, { replicas: [reportOf(id, 'tail-uncertain', { end: 10 })] });
      expect(steps.partition(id)).to.deep.include(
        leads ? { leader: a, inSync: [a], lineage: 2 } : { leader: undefined, lineage: 1 },
      );
    });

  it('V18: who was in sync again is judged by what it reports then', () => {
    const { steps, id, order } = withPartition(3, 3);
    const [a, b, c] = order as [string, string, string];
    steps.up(b, { replicas: [reportOf(id, 'incomplete')] });
    steps.up(c, { replicas: [reportOf(id, 'tail-uncertain')] });
    steps.inSync(id, [a, b]); // below the minimum, so those who were lost are still remembered
    expect(steps.partition(id).lastKnownEligible).to.have.members([b, c]);
    for (const host of [b, a]) steps.up(host, { replicas: [reportOf(id, 'tail-uncertain')] });
    expect(steps.partition(id).lineage).to.equal(2);
  });

  it('D8: a single copy that lost its tail leads again', () => {
    const { steps, id, order } = withPartition(1, 1);
    const applied = steps.up(order[0] as string, { replicas: [reportOf(id, 'tail-uncertain')] });
    expect(steps.partition(id)).to.deep.include({ leader: order[0], lineage: 2 });
    expect(applied.events.map((event) => event.kind)).to.include('tail-truncated-all');
  });
});

describe('cluster map: holds', () => {
  it('L5: leaders deposed one after the other are all remembered, for controllers to come', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    steps.fence(a);
    steps.fence(b);
    expect(steps.store.partitions.get(id)?.deposed.map((each) => each.host)).to.deep.equal([a, b]);
    expect(steps.partition(id).leader).to.equal(c);
    steps.do({ kind: 'settle-deposed', through: steps.index });
    expect(steps.store.partitions.get(id)?.deposed).to.deep.equal([]);
  });

  it('L5: a process that is proven dead is not waited for, and a table that confirms its reads waits for nobody', () => {
    const { steps, id, order } = withPartition();
    steps.fence(order[0] as string, true);
    expect(steps.partition(id).holdMs).to.equal(0);
    const other = new Steps(new MapStore('c'));
    for (const host of ['h1', 'h2']) other.up(host);
    other.do({ kind: 'create-table', name: 't', options: { partitions: 1, reads: 'confirm' }, ifMissing: false });
    for (const host of ['h1', 'h2']) other.claim(host);
    other.fence(other.partition(1).leader as string);
    expect(other.partition(1)).to.deep.include({ holdMs: 0, leaderEpoch: 2 });
  });

  it('L5: a hold is what the command says, never more than the whole wait', () => {
    const { steps, id, order } = withPartition();
    const [a, b] = order as [string, string];
    steps.do({ kind: 'fence-host', host: a, epoch: steps.epochOf(a), dead: false, holds: [[id, 321]] });
    expect(steps.partition(id).holdMs).to.equal(321);
    steps.do({ kind: 'fence-host', host: b, epoch: steps.epochOf(b), dead: false, holds: [[id, 1e9]] });
    expect(steps.partition(id).holdMs).to.equal(leaseWaitMs);
  });

  it('L5: a hold that ends early is a newer record in the same leader epoch', () => {
    const { steps, id, order } = withPartition();
    steps.fence(order[0] as string);
    const before = steps.partition(id);
    const release = { partition: id, leaderEpoch: before.leaderEpoch };
    steps.do({ kind: 'release-hold', partitions: [{ ...release, leaderEpoch: 1 }] });
    expect(steps.partition(id), 'of another epoch').to.equal(before);
    steps.do({ kind: 'release-hold', partitions: [release] });
    const after = steps.partition(id);
    expect([after.holdMs, after.leaderEpoch, after.partitionEpoch]).to.deep.equal([
      0,
      before.leaderEpoch,
      before.partitionEpoch + 1,
    ]);
  });

  it('L5: more deposed leaders than are remembered are joined, not forgotten', () => {
    const { steps, id, order } = withPartition(2, 1);
    for (let i = 0; i < deposedCountMax + 3; i++) {
      const leader = steps.partition(id).leader as string;
      steps.fence(leader);
      steps.unfence(leader);
      steps.inSync(id, order);
    }
    const deposed = steps.store.partitions.get(id)?.deposed ?? [];
    expect(deposed).to.have.length(deposedCountMax);
    expect(deposed[0]).to.deep.include({ host: '', epoch: 0 });
  });
});

describe('cluster map: moves (R15)', () => {
  function withSpare(): {
    readonly steps: Steps;
    readonly id: number;
    readonly order: string[];
    readonly spare: string;
  } {
    const made = withPartition(3, 2);
    made.steps.up('h4');
    return { ...made, spare: 'h4' };
  }

  const at = (steps: Steps, id: number) => ({ partition: id, partitionEpoch: steps.partition(id).partitionEpoch });

  it('V17: grows, waits until the new replica is in sync, then shrinks; the replica set has a new leader epoch each time (R2)', () => {
    const { steps, id, order, spare } = withSpare();
    const [a, b, c] = order as [string, string, string];
    steps.do({ kind: 'start-move', ...at(steps, id), add: spare, remove: a });
    expect(steps.partition(id)).to.deep.include({ leader: a, leaderEpoch: 2, inSync: [a, b, c] });
    expect(steps.do({ kind: 'finish-move', ...at(steps, id), holds: [] }).outcome.kind, 'not in sync yet').to.equal(
      'overtaken',
    );
    steps.claim(spare);
    steps.inSync(id, [a, b, c, spare]);
    steps.do({ kind: 'finish-move', ...at(steps, id), holds: [] });
    const info = steps.partition(id);
    expect(info.replicas.map((replica) => replica.host)).to.deep.equal([b, c, spare]);
    expect([info.leader, info.leaderEpoch]).to.deep.equal([b, 3]);
  });

  it('V17: does not shrink below the minimum in sync', () => {
    const { steps, id, order, spare } = withSpare();
    const [a, , c] = order as [string, string, string];
    steps.do({ kind: 'start-move', ...at(steps, id), add: spare, remove: c });
    steps.claim(spare);
    steps.inSync(id, [a, c, spare]);
    steps.inSync(id, [a, spare]);
    steps.do({ kind: 'finish-move', ...at(steps, id), holds: [] });
    expect(steps.partition(id).replicas).to.have.length(3);
    const other = withSpare();
    other.steps.do({ kind: 'start-move', ...at(other.steps, other.id), add: other.spare, remove: other.order[2] });
    other.steps.claim(other.spare);
    const leader = other.order[0] as string;
    other.steps.inSync(other.id, [leader, other.order[2] as string, other.spare]);
    other.steps.inSync(other.id, [other.spare, leader].slice(0, 2));
    other.steps.fence(other.spare);
    expect(other.steps.do({ kind: 'finish-move', ...at(other.steps, other.id), holds: [] }).outcome.kind).to.equal(
      'overtaken',
    );
  });

  it('one step at a time, decided on the record as it is; a move that cannot end is taken back', () => {
    const { steps, id, order, spare } = withSpare();
    const stale = at(steps, id);
    steps.do({ kind: 'start-move', ...stale, add: spare, remove: order[2] });
    expect(steps.do({ kind: 'start-move', ...stale, add: spare, remove: undefined }).outcome.kind).to.equal(
      'overtaken',
    );
    expect(steps.do({ kind: 'start-move', ...at(steps, id), add: spare, remove: undefined }).outcome.kind).to.equal(
      'overtaken',
    );
    steps.do({ kind: 'cancel-move', ...at(steps, id) });
    expect(steps.partition(id).replicas.map((replica) => replica.host)).to.deep.equal(order);
    expect(steps.store.partitions.get(id)?.move).to.equal(undefined);
  });

  it('R15: a replica that comes back to a partition has a new epoch, and a place that somebody must claim', () => {
    const { steps, id, order, spare } = withSpare();
    const c = order[2] as string;
    const first = steps.partition(id).replicas[2]?.epoch ?? 0;
    steps.do({ kind: 'start-move', ...at(steps, id), add: spare, remove: c });
    steps.claim(spare);
    steps.inSync(id, [...order, spare]);
    steps.do({ kind: 'finish-move', ...at(steps, id), holds: [] });
    steps.do({ kind: 'start-move', ...at(steps, id), add: c, remove: undefined });
    const again = steps.partition(id).replicas.find((replica) => replica.host === c);
    expect(again?.incarnation).to.equal(0);
    expect(again?.epoch).to.be.greaterThan(first);
    expect(steps.partition(id).inSync).to.not.include(c);
  });
});

describe('cluster map: hosts', () => {
  it('a host in use is not removed, nor one with the only complete copy; a removed one does not come back on its disk', () => {
    const { steps, id, order } = withPartition();
    const [a, b, c] = order as [string, string, string];
    expect(steps.do({ kind: 'remove-host', host: a }).outcome).to.have.nested.property(
      'failure.code',
      'CONDITION_FAILED',
    );
    steps.inSync(id, [a]);
    steps.do({ kind: 'settle-deposed', through: 0 });
    steps.fence(b);
    expect(steps.do({ kind: 'remove-host', host: b }).outcome.kind).to.equal('done');
    steps.fence(a);
    steps.fence(c);
    const epoch = steps.epochOf(b);
    expect(steps.do(registration(b, 'again', epoch)).outcome).to.deep.include({
      kind: 'register-refused',
      reason: 'removed',
    });
    expect(steps.do(registration(b, 'anew', epoch, { diskId: 'another' })).outcome.kind).to.equal('registered');
    expect(steps.do({ kind: 'remove-host', host: 'nobody' }).outcome).to.have.nested.property(
      'failure.code',
      'NOT_FOUND',
    );
    const last = steps.partition(id);
    for (const host of [a, c])
      if (last.eligible.length === 1 && last.eligible[0] === host)
        expect(steps.do({ kind: 'remove-host', host }).outcome).to.have.nested.property(
          'failure.code',
          'CONDITION_FAILED',
        );
  });

  it('fencing and unfencing name a process: those of another one do nothing (L7)', () => {
    const { steps, order } = withPartition();
    const a = order[0] as string;
    expect(steps.do({ kind: 'fence-host', host: a, epoch: 99, dead: false, holds: [] }).outcome.kind).to.equal(
      'overtaken',
    );
    steps.fence(a);
    expect(steps.do({ kind: 'unfence-host', host: a, epoch: 99, holds: [] }).outcome.kind).to.equal('overtaken');
    expect(steps.fence(a).outcome.kind, 'twice').to.equal('overtaken');
  });

  it('draining for good survives a restart, stopping does not', () => {
    const { steps, order } = withPartition();
    const [a, b] = order as [string, string];
    steps.do({ kind: 'drain-host', host: a, epoch: 0, drain: true });
    steps.do({ kind: 'drain-host', host: b, epoch: steps.epochOf(b), drain: true });
    expect([steps.store.hosts.get(a)?.state, steps.store.hosts.get(b)?.state]).to.deep.equal(['draining', 'draining']);
    steps.up(a);
    steps.up(b);
    expect([steps.store.hosts.get(a)?.state, steps.store.hosts.get(b)?.state]).to.deep.equal(['draining', 'up']);
    expect(steps.do({ kind: 'drain-host', host: 'nobody', epoch: 0, drain: true }).outcome).to.have.nested.property(
      'failure.code',
      'NOT_FOUND',
    );
  });
});

describe('cluster map: tables and configuration', () => {
  const create = (steps: Steps, name: string, options = {}, ifMissing = false) =>
    steps.do({ kind: 'create-table', name, options, ifMissing }).outcome;

  for (const [name, options, hosts, code] of [
    ['bad option', { colour: 'red' }, 3, 'INVALID_ARGUMENT'],
    ['no partitions', { partitions: 0 }, 3, 'INVALID_ARGUMENT'],
    ['too many partitions', { partitions: 1025 }, 3, 'INVALID_ARGUMENT'],
    ['half a replica', { replicas: 1.5 }, 3, 'INVALID_ARGUMENT'],
    ['six replicas', { replicas: 6 }, 9, 'INVALID_ARGUMENT'],
    ['more replicas than hosts', { replicas: 3 }, 2, 'UNAVAILABLE'],
    ['no host', {}, 0, 'UNAVAILABLE'],
    ['more in sync than replicas', { replicas: 2, minInSync: 3 }, 3, 'INVALID_ARGUMENT'],
    ['versions beyond the limit', { versions: 101 }, 3, 'INVALID_ARGUMENT'],
    ['an unknown engine', { storage: 'tape' }, 3, 'INVALID_ARGUMENT'],
    ['an engine that is not there yet', { storage: 'lsm' }, 3, 'INVALID_ARGUMENT'],
    ['a partitioning that is not there yet', { partitioning: 'range' }, 3, 'INVALID_ARGUMENT'],
    ['text for a number', { partitions: '8' }, 3, 'INVALID_ARGUMENT'],
  ] as const)
    it(`refuses ${name}: ${code}`, () => {
      const choice = chooseTableOptions(options as never, hosts);
      expect(choice).to.have.nested.property('failure.code', code);
    });

  it('copies that nobody asked for are as many as there are hosts, up to three, and it is said', () => {
    for (const [hosts, replicas, minInSync, notes] of [
      [1, 1, 1, 1],
      [2, 2, 2, 2],
      [3, 3, 2, 0],
      [9, 3, 2, 0],
    ] as const) {
      const choice = chooseTableOptions({}, hosts);
      if (!('chosen' in choice)) throw new Error('refused');
      expect([choice.chosen.replicas, choice.chosen.minInSync, choice.chosen.notes.length]).to.deep.equal([
        replicas,
        minInSync,
        notes,
      ]);
    }
  });

  it('a table is made once; asked for again it is there, or it is an error; gone, its partitions are gone for ever', () => {
    const steps = new Steps(new MapStore('c'));
    steps.up('h1');
    expect(create(steps, 't', { partitions: 2 })).to.have.nested.property('result.created', true);
    expect(create(steps, 't')).to.have.nested.property('failure.code', 'CONDITION_FAILED');
    expect(create(steps, 't', {}, true)).to.have.nested.property('result.created', false);
    expect(create(steps, '../t')).to.have.nested.property('failure.code', 'INVALID_ARGUMENT');
    expect(steps.do({ kind: 'delete-table', name: 't' }).outcome.kind).to.equal('done');
    expect(steps.do({ kind: 'delete-table', name: 't' }).outcome).to.have.nested.property('failure.code', 'NOT_FOUND');
    create(steps, 't', { partitions: 2 });
    expect([...steps.store.partitions.keys()]).to.deep.equal([3, 4]);
  });

  it('growth never takes copies away, and a higher minimum waits until there are enough in sync and reaches the replicas (R14)', () => {
    const steps = new Steps(new MapStore('c'));
    steps.up('h1');
    create(steps, 't', { partitions: 1 });
    steps.claim('h1');
    steps.up('h2');
    const grow = (replicas: number, minInSync: number) =>
      steps.do({ kind: 'grow-table', name: 't', replicas, minInSync }).outcome.kind;
    expect(grow(2, 1)).to.equal('done');
    expect(grow(1, 1)).to.equal('overtaken');
    expect(grow(2, 2), 'one in sync').to.equal('overtaken');
    steps.do({
      kind: 'start-move',
      partition: 1,
      partitionEpoch: steps.partition(1).partitionEpoch,
      add: 'h2',
      remove: undefined,
    });
    steps.claim('h2');
    steps.inSync(1, ['h1', 'h2']);
    const before = steps.partition(1);
    expect(grow(2, 2)).to.equal('done');
    expect(steps.partition(1)).to.deep.include({
      partitionEpoch: before.partitionEpoch + 1,
      leaderEpoch: before.leaderEpoch,
    });
  });

  it('configuration entries are text within limits, and survive a snapshot (B1)', () => {
    const steps = new Steps(new MapStore('c'));
    const set = (key: unknown, value: unknown) => steps.do({ kind: 'set-config', key, value } as never).outcome;
    expect(set('a', '1')).to.have.nested.property('result.changed', true);
    expect(set('a', '1')).to.have.nested.property('result.changed', false);
    expect(set('__proto__', 'x').kind).to.equal('done');
    expect(set('', 'x')).to.have.nested.property('failure.code', 'INVALID_ARGUMENT');
    expect(set('b', 5)).to.have.nested.property('failure.code', 'INVALID_ARGUMENT');
    const other = new MapStore('c');
    other.restore(steps.store.snapshot());
    expect([...other.config]).to.deep.equal([
      ['__proto__', 'x'],
      ['a', '1'],
    ]);
    set('a', undefined);
    expect(steps.store.config.has('a')).to.equal(false);
  });
});

describe('cluster map: placement', () => {
  const hosts = (racks: readonly string[]): HostInfo[] =>
    racks.map((rack, i) => ({
      name: `h${i + 1}`,
      rack,
      state: 'up',
      revision: 1,
      epoch: 1,
      startId: '',
      diskId: '',
      workers: 1,
      pid: 1,
      version: '',
    }));
  const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

  it('V8: replicas of a partition are on distinct hosts, and on distinct racks while there are any', () => {
    const racks = ['a', 'a', 'b', 'b', 'c', 'c'];
    const all = hosts(racks);
    for (const placed of placePartitions(ids(60), all, 3, { replicas: new Map(), leaders: new Map() })) {
      expect(new Set(placed).size).to.equal(3);
      expect(new Set(placed.map((name) => all.find((host) => host.name === name)?.rack)).size).to.equal(3);
    }
    for (const placed of placePartitions(ids(60), hosts(['a', 'a', 'b']), 3, {
      replicas: new Map(),
      leaders: new Map(),
    }))
      expect(new Set(placed).size).to.equal(3);
  });

  it('V9: loads and preferred leaders are even', () => {
    for (const [hostCount, count, partitions] of [
      [3, 3, 8],
      [5, 3, 32],
      [4, 1, 8],
      [7, 2, 100],
    ] as const) {
      const loads = { replicas: new Map<string, number>(), leaders: new Map<string, number>() };
      placePartitions(ids(partitions), hosts(Array.from({ length: hostCount }, () => '')), count, loads);
      const mean = (partitions * count) / hostCount;
      for (const load of loads.replicas.values()) expect(load).to.be.within(Math.floor(mean) - 1, Math.ceil(mean) + 1);
      const leading = [...loads.leaders.values()];
      expect(Math.max(...leading) - Math.min(...leading)).to.be.lessThan(4);
    }
  });

  it('is the same for the same hosts, in whatever order', () => {
    const once = placePartitions(ids(10), hosts(['', '', '', '']), 2, { replicas: new Map(), leaders: new Map() });
    const again = placePartitions(ids(10), hosts(['', '', '', '']).reverse(), 2, {
      replicas: new Map(),
      leaders: new Map(),
    });
    expect(again).to.deep.equal(once);
  });
});

describe('cluster map: store', () => {
  it('V10: a snapshot restores the same state, and another cluster’s is refused (M16)', () => {
    const { steps } = withPartition();
    const other = new MapStore('c');
    other.restore(steps.store.snapshot());
    expect(other.stateHash()).to.equal(steps.store.stateHash());
    expect(() => new MapStore('d').restore(steps.store.snapshot())).to.throw('cluster');
  });

  it('V11: a copy that asked for everything and moved on before the answer came keeps nothing that was deleted since', () => {
    const steps = new Steps(new MapStore('c'));
    steps.up('h1');
    steps.do({ kind: 'create-table', name: 't', options: { partitions: 2, replicas: 1 }, ifMissing: false });
    const copy = new MapCopy('c');
    copy.apply(steps.store.deltaSince(0, groupOfOne)); // the answer of one member
    steps.do({ kind: 'delete-table', name: 't' });
    copy.apply(steps.store.deltaSince(0, groupOfOne)); // and of another, asked at the same time
    expect([copy.tables.size, copy.partitions.size]).to.deep.equal([0, 0]);
    steps.do({ kind: 'create-table', name: 't', options: { partitions: 1, replicas: 1 }, ifMissing: false });
    copy.apply(steps.store.deltaSince(copy.revision, groupOfOne));
    expect([...copy.partitions.keys()]).to.deep.equal(copy.tables.get('t')?.partitions);
  });

  it('V11: a copy from before forgotten deletions is told to begin anew', () => {
    const steps = new Steps(new MapStore('c'));
    steps.up('h1');
    const copy = new MapCopy('c');
    copy.apply(steps.store.deltaSince(0, groupOfOne));
    const options = { partitions: 1024, replicas: 1 };
    for (let i = 0; i * 1025 <= tombstoneCountMax; i++) {
      steps.do({ kind: 'create-table', name: 't', options, ifMissing: false });
      if (i === 0) copy.apply(steps.store.deltaSince(copy.revision, groupOfOne));
      steps.do({ kind: 'delete-table', name: 't' });
    }
    const delta = steps.store.deltaSince(copy.revision, groupOfOne);
    expect(delta.reset).to.equal(true);
    copy.apply(delta);
    expect(copy.partitions.size).to.equal(0);
    expect(steps.store.deltaSince(copy.revision, groupOfOne)).to.deep.include({ reset: false, deletedPartitions: [] });
  });

  it('a host may report every replica that a map can have, in one entry (M15)', () => {
    const replicas = Array.from({ length: partitionCountMax }, (_, i) =>
      reportOf(i, 'tail-uncertain', { lastEpoch: 1_000_000, end: 1e12, lineage: 3, incarnation: 1 << 21 }),
    );
    const command = registration('h1', 's', 0, { replicas });
    const bytes = encodeCommand(command);
    expect(bytes.length).to.be.lessThan(raftEntryBytesMax);
    expect(decodeCommand(bytes)).to.deep.equal(command);
  });

  it('a command of a later version is refused, not guessed', () => {
    expect(() => decodeCommand(encodeControl([2, {}]))).to.throw('version 2');
    expect(() => decodeCommand(encodeControl('x'))).to.throw('no metadata command');
    expect(decodeCommand(encodeCommand({ kind: 'delete-table', name: 't' }))).to.deep.equal({
      kind: 'delete-table',
      name: 't',
    });
  });
});

function membersOf(steps: Steps, id: number): { readonly host: string; readonly epoch: number }[] {
  return steps.partition(id).replicas.map(({ host, epoch }) => ({ host, epoch }));
}
