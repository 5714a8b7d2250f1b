// Which partitions may be without a leader for ever within the fault budget

import { expect } from 'chai';
import { mayBeOffline } from '../../../actors/simulated/may-be-offline.js';
import { MapStore } from '../../../actors/metadata/state/map-store.js';
import type { ReplicaVerdict } from '../../../messaging/protocol/host-messages.js';
import { reportOf, Steps } from '../../support/metadata-builders.js';

/** Two replicas that both had to be in sync, and came back one after the other as they say; the second is on a host that may lose. */
function ended(first: ReplicaVerdict, second: ReplicaVerdict | undefined, durability: 'sync' | 'async' = 'sync') {
  const steps = new Steps(new MapStore('c'));
  const hosts = ['h1', 'h2'] as const;
  for (const host of hosts) steps.up(host);
  const options = { partitions: 1, replicas: 2, minInSync: 2, durability };
  steps.do({ kind: 'create-table', name: 't', options, ifMissing: false });
  for (const host of hosts) steps.claim(host);
  const partitions = [{ partition: 1, partitionEpoch: steps.partition(1).partitionEpoch, avoid: [] }];
  steps.do({ kind: 'elect', cause: 'leaderless', partitions, holds: [] });
  steps.up('h2', { replicas: second === undefined ? [] : [reportOf(1, second)] });
  steps.up('h1', { replicas: [reportOf(1, first)] });
  const record = steps.store.partitions.get(1);
  const table = steps.store.tables.get('t')?.info;
  if (record === undefined || table === undefined) throw new Error('there are a table and a partition');
  return {
    info: record.info,
    table,
    reports: record.reports,
    lossyHosts: ['h2'],
    hostCount: 2,
    holdsEverything: () => true,
  };
}

describe('partitions that may be offline', () => {
  for (const second of ['incomplete', undefined] as const)
    it(`D8, R18: a copy lost as ${second ?? 'not reported'}, and the tail of the other torn: rightly offline`, () => {
      const view = ended('tail-uncertain', second);
      expect(view.info.leader).to.equal(undefined);
      expect(mayBeOffline(view)).to.include('lost the copy of h2, and the tail of h1 is torn');
    });

  it('A2: a copy lost on a host that nothing lossy strikes is a failure', () => {
    expect(mayBeOffline({ ...ended('tail-uncertain', 'incomplete'), lossyHosts: [] })).to.equal(undefined);
    expect(mayBeOffline({ ...ended('tail-uncertain', 'incomplete'), lossyHosts: ['h1'] })).to.equal(undefined);
    expect(mayBeOffline(ended('incomplete', 'incomplete'))).to.equal(undefined);
  });

  it('R21: a torn tail that took something committed with it is a failure', () => {
    expect(mayBeOffline({ ...ended('tail-uncertain', 'incomplete'), holdsEverything: () => false })).to.equal(
      undefined,
    );
  });

  it('a report of an earlier replica epoch says nothing', () => {
    const view = ended('tail-uncertain', 'incomplete');
    const reports = view.reports.map((report) => ({ ...report, replicaEpoch: report.replicaEpoch - 1 }));
    expect(mayBeOffline({ ...view, reports })).to.equal(undefined);
  });

  it('D8: with all tails torn, or a complete copy, it is led; were it not, that would be a failure', () => {
    for (const [first, second] of [
      ['tail-uncertain', 'tail-uncertain'],
      ['complete', 'incomplete'],
    ] as const) {
      const view = ended(first, second);
      expect(view.info.leader, `${first}, ${second}`).to.not.equal(undefined);
      const stuck = { ...view, info: { ...view.info, leader: undefined } };
      expect(mayBeOffline(stuck), `${first}, ${second}`).to.equal(undefined);
      expect(mayBeOffline({ ...stuck, info: { ...stuck.info, inSync: [], lastKnownEligible: ['h1', 'h2'] } })).to.equal(
        undefined,
      );
    }
  });

  // Seed 1795895952306: one of three hosts was removed, and the table wants three in sync.
  it('R5: a table that wants more in sync than there are hosts commits nothing, led or not', () => {
    const view = ended('complete', 'complete');
    expect(view.info.leader).to.not.equal(undefined);
    expect(mayBeOffline(view)).to.equal(undefined);
    expect(mayBeOffline({ ...view, hostCount: 1 })).to.include('wants 2 in sync, and 1 hosts are left');
  });

  it('R17: an asynchronous table loses a complete copy with every crash', () => {
    expect(mayBeOffline(ended('incomplete', 'incomplete', 'async'))).to.include('asynchronous');
    expect(mayBeOffline(ended('complete', 'incomplete', 'async')), 'led').to.equal(undefined);
  });
});
