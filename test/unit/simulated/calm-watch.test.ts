// Which changes of a cluster map are unrest

import { expect } from 'chai';
import { CalmWatch, leaderChangesBetween } from '../../../actors/simulated/calm-watch.js';
import { MapStore } from '../../../actors/metadata/state/map-store.js';
import type { PartitionInfo } from '../../../messaging/protocol/cluster-map.js';
import { Steps } from '../../support/metadata-builders.js';

/** One partition on three of five hosts, led by its first replica. */
function mesh(): Steps {
  const steps = new Steps(new MapStore('c'));
  for (const host of ['h1', 'h2', 'h3']) steps.up(host);
  const options = { partitions: 1, replicas: 3, minInSync: 1 };
  steps.do({ kind: 'create-table', name: 't', options, ifMissing: false });
  for (const host of ['h1', 'h2', 'h3']) steps.claim(host);
  const partitions = [{ partition: 1, partitionEpoch: steps.partition(1).partitionEpoch, avoid: [] }];
  steps.do({ kind: 'elect', cause: 'leaderless', partitions, holds: [] });
  for (const host of ['h4', 'h5']) steps.up(host);
  return steps;
}

function startMove(steps: Steps, add: string, remove: string): void {
  const { partitionEpoch } = steps.partition(1);
  steps.do({ kind: 'start-move', partition: 1, partitionEpoch, add, remove });
  steps.claim(add);
  steps.inSync(1, [...steps.partition(1).inSync, add]);
}

function finishMove(steps: Steps): void {
  steps.do({ kind: 'finish-move', partition: 1, partitionEpoch: steps.partition(1).partitionEpoch, holds: [] });
}

const followers = (info: PartitionInfo): string[] =>
  info.replicas.map(({ host }) => host).filter((host) => host !== info.leader);

describe('calm watch', () => {
  it('Y5: a step of a move begins a leader epoch, and is no change of leader', () => {
    const steps = mesh();
    const before = steps.partition(1);
    const [from = ''] = followers(before);
    startMove(steps, 'h4', from);
    const between = steps.partition(1);
    finishMove(steps);
    const after = steps.partition(1);
    expect(after.leaderEpoch - before.leaderEpoch).to.equal(2);
    expect(leaderChangesBetween(before, between)).to.equal(0);
    expect(leaderChangesBetween(between, after)).to.equal(0);
    expect(leaderChangesBetween(before, after), 'also seen at once').to.equal(0);
  });

  it('Y5: a leader that is moved away changes, though in the epoch in which it leaves', () => {
    const steps = mesh();
    const from = steps.partition(1).leader as string;
    startMove(steps, 'h4', from);
    const before = steps.partition(1);
    finishMove(steps);
    expect(steps.partition(1).leaderEpoch - before.leaderEpoch).to.equal(1);
    expect(leaderChangesBetween(before, steps.partition(1))).to.equal(1);
  });

  it('Y5: leaders that come and go are unrest', () => {
    const steps = mesh();
    const watch = new CalmWatch();
    const look = (): void => watch.look([steps.partition(1)]);
    look();
    const fall = (): void => {
      const { leader, replicas } = steps.partition(1);
      steps.fence(leader as string, true);
      look();
      steps.unfence(leader as string);
      steps.inSync(1, [...new Set([...steps.partition(1).inSync, ...replicas.map(({ host }) => host)])]);
      look();
    };
    for (let i = 0; i < 3; i++) fall();
    expect(fall).to.throw('Y5: partition 1 changed its leader 4 times');
  });

  it('Y6: two moves one after the other are fine, one back to where it was is not', () => {
    const steps = mesh();
    const watch = new CalmWatch();
    const look = (): void => watch.look([steps.partition(1)]);
    look();
    const [from = ''] = followers(steps.partition(1));
    for (const [add, remove] of [
      ['h4', from],
      ['h5', 'h4'],
    ] as const) {
      startMove(steps, add, remove);
      look();
      finishMove(steps);
      look();
    }
    startMove(steps, from, 'h5');
    expect(look).to.throw(`Y6: partition 1 is moved back to ${from}`);
  });

  it('Y6: a host that was drained and taken back may be given again what it gave away', () => {
    const steps = mesh();
    const [from = ''] = followers(steps.partition(1));
    const watch = new CalmWatch((host) => host === from);
    const look = (): void => watch.look([steps.partition(1)]);
    look();
    startMove(steps, 'h4', from);
    look();
    finishMove(steps);
    look();
    startMove(steps, from, 'h4');
    expect(look).not.to.throw();
  });
});
