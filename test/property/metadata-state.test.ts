// The cluster-map state machine under random commands, faults and writes

import { expect } from 'chai';
import fc from 'fast-check';
import type { ReplicaVerdict } from '../../messaging/protocol/host-messages.js';
import { MetadataModel } from '../support/metadata-model.js';

const verdicts: readonly ReplicaVerdict[] = ['complete', 'complete', 'complete', 'tail-uncertain', 'incomplete'];

type Step = readonly [kind: number, a: number, b: number];

function take(model: MetadataModel, [kind, a, b]: Step): void {
  const host = model.hosts[a % model.hosts.length] as string;
  const all = model.partitions();
  const info = all[b % Math.max(1, all.length)];
  const replica = info?.replicas[a % info.replicas.length]?.host;
  const epoch = model.store.hosts.get(host)?.epoch ?? 0;
  switch (kind) {
    case 0:
      return model.register(host, () => 'complete');
    case 1:
      return model.register(host, (partition) => verdicts[(partition * 7 + b) % verdicts.length] as ReplicaVerdict);
    case 2:
      return model.register(host, () => 'complete', true);
    case 3:
      model.apply({ kind: 'fence-host', host, epoch: b % 5 === 0 ? epoch - 1 : epoch, dead: b % 2 === 0, holds: [] });
      return;
    case 4:
      model.apply({ kind: 'unfence-host', host, epoch, holds: [] });
      return;
    case 5:
      return model.crash(host);
    case 6:
      model.apply({
        kind: 'create-table',
        name: `t${b % 4}`,
        options: { partitions: 1 + (a % 3), ...(b % 3 === 0 ? {} : { replicas: 1 + (b % 4), minInSync: 1 + (a % 2) }) },
        ifMissing: a % 2 === 0,
      });
      return;
    case 7:
      if (b % 4 === 0) model.apply({ kind: 'delete-table', name: `t${a % 4}` });
      return;
    case 8:
    case 9:
      for (const name of model.hosts) model.claim(name);
      return;
    case 10:
    case 11:
    case 12:
      if (info !== undefined) model.write(info, (name) => (a + name.charCodeAt(1)) % 4 !== 0);
      return;
    case 13:
    case 14:
      if (info !== undefined && replica !== undefined) model.catchUp(info, replica);
      return;
    case 15:
      if (info !== undefined)
        model.propose(
          info,
          info.inSync.filter((name) => name === info.leader || (b + a) % 2 === 0),
          a % 2,
        );
      return;
    case 16:
      if (info === undefined) return;
      model.apply({
        kind: 'elect',
        cause: (['leaderless', 'preferred', 'stalled', 'drain'] as const)[b % 4] as 'preferred',
        partitions: all.map((each) => ({ partition: each.id, partitionEpoch: each.partitionEpoch, avoid: [host] })),
        holds: [],
      });
      return;
    case 17:
      if (info === undefined) return;
      model.apply({
        kind: 'start-move',
        partition: info.id,
        partitionEpoch: info.partitionEpoch,
        add: host,
        remove: b % 3 === 0 ? undefined : info.replicas[b % info.replicas.length]?.host,
      });
      return;
    case 18:
      for (const { id, partitionEpoch } of all)
        model.apply({ kind: a % 4 === 0 ? 'cancel-move' : 'finish-move', partition: id, partitionEpoch, holds: [] });
      return;
    case 19:
      model.apply({ kind: 'drain-host', host, epoch: b % 3 === 0 ? epoch : 0, drain: b % 2 === 0 });
      return;
    case 20:
      if (b % 5 === 0) model.apply({ kind: 'remove-host', host });
      return;
    case 21:
      if (info !== undefined && replica !== undefined)
        model.restartReplica(info, replica, verdicts[b % verdicts.length] as ReplicaVerdict);
      return;
    case 22:
      return model.restoreTwin();
    case 23:
      return model.follow();
    case 24:
      model.apply({ kind: 'settle-deposed', through: b % 50 });
      if (info !== undefined)
        model.apply({ kind: 'release-hold', partitions: [{ partition: info.id, leaderEpoch: info.leaderEpoch }] });
      return;
    default:
      model.apply({ kind: 'grow-table', name: `t${a % 4}`, replicas: 3, minInSync: 1 + (b % 2) });
  }
}

const steps = fc.array(fc.tuple(fc.nat(25), fc.nat(100), fc.nat(100)), { minLength: 20, maxLength: 150 });

describe('metadata state machine, random commands (property)', () => {
  it('V1 V2 V3 V4 V5 V12 hold at every step, whoever may be elected holds everything committed (R10), members agree (M5), copies follow (V11)', function () {
    this.timeout(60_000);
    const seen = { led: 0, leaderless: 0, unclean: 0 };
    fc.assert(
      fc.property(steps, (list) => {
        const model = new MetadataModel(4);
        for (const host of model.hosts.slice(0, 3)) model.register(host, () => 'complete');
        model.apply({ kind: 'create-table', name: 't0', options: { partitions: 2 }, ifMissing: false });
        for (const host of model.hosts) model.claim(host);
        for (const step of list) take(model, step);
        model.follow();
        for (const info of model.partitions()) {
          if (info.leader === undefined) seen.leaderless++;
          else seen.led++;
          if (info.lineage > 1) seen.unclean++;
        }
      }),
      { numRuns: 250 },
    );
    // The walk is of use only if it sees all three.
    expect(seen.led, 'led').to.be.greaterThan(0);
    expect(seen.leaderless, 'leaderless').to.be.greaterThan(0);
    expect(seen.unclean, 'unclean elections').to.be.greaterThan(0);
  });
});
