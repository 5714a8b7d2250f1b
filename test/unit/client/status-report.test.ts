// What a status says of the metadata group, and of who has not begun yet
// =============================================================================

import { expect } from 'chai';
import { statusReportOf } from '../../../messaging/client/status-report.js';
import type { MetadataStatus } from '../../../messaging/protocol/host-messages.js';

type View = Parameters<typeof statusReportOf>[1];
type Member = MetadataStatus['members'][number];

const member = (id: string, role: Member['role'] = 'follower', voter = true): Member => ({
  id,
  host: id.split('.')[0] as string,
  voter,
  role,
  matchIndex: 7,
});
const whole = [member('h1.a', 'leader'), member('h2.b'), member('h3.c')];

function reasonsWith(members: readonly Member[], fenced: readonly string[] = [], hasLeader = true): readonly string[] {
  const hosts = ['h1', 'h2', 'h3'].map((name) => ({ name, state: fenced.includes(name) ? 'fenced' : 'up' }));
  const map = { clusterId: '', hosts, tables: [], partitions: [], members: [], revision: 1 };
  const metadata = { leader: hasLeader ? 'h1' : undefined, term: 1, commitIndex: 7, members };
  return statusReportOf('test', { map, metadata, workers: [], silent: [] } as unknown as View).reasons;
}

describe('the status of the metadata group', () => {
  it('is healthy when every member is heard of', () => {
    expect(reasonsWith(whole)).to.deep.equal([]);
  });

  it('is not, while a voter is gone: one more and nothing could be decided', () => {
    const members = [member('h1.a', 'leader'), member('h2.b', 'unknown'), member('h3.c')];
    expect(reasonsWith(members)).to.deep.equal(['member h2.b of the metadata group is not heard of']);
  });

  it('says it once, when its whole host is not heard of', () => {
    const members = [member('h1.a', 'leader'), member('h2.b', 'unknown'), member('h3.c')];
    expect(reasonsWith(members, ['h2'])).to.deep.equal(['host h2 is not heard of']);
  });

  it('is not, while a newcomer learns', () => {
    expect(reasonsWith([...whole, member('h2.d', 'follower', false)])).to.deep.equal([
      'member h2.d is joining the metadata group',
    ]);
  });

  it('is not, between two memberships', () => {
    expect(reasonsWith([...whole, member('h2.d')])).to.deep.equal(['the metadata group is changing its members']);
  });

  it('is not, without a leader', () => {
    expect(reasonsWith(whole, [], false)).to.deep.equal(['the metadata group has no leader']);
  });
});

describe('the status of a mesh that was started anew', () => {
  interface Situation {
    readonly epoch?: number | undefined;
    readonly role?: 'leader' | 'follower' | 'idle';
    readonly active?: boolean | undefined;
    readonly others?: 'follower' | 'idle';
    readonly silent?: readonly string[];
  }

  /** The map has h1 and h2 up under epochs 11 and 12, and h1 leading partition 0; this is what they say themselves. */
  function reasonsOf({ role = 'leader', others = 'follower', silent = [], ...more }: Situation): readonly string[] {
    const hosts = [
      { name: 'h1', state: 'up', epoch: 11 },
      { name: 'h2', state: 'up', epoch: 12 },
    ];
    const tables = [{ name: 't', replicas: 2, minInSync: 2, durability: 'sync' }];
    const replicas = [{ host: 'h1' }, { host: 'h2' }];
    const partition = { id: 0, table: 't', leader: 'h1', leaderEpoch: 5, replicas, inSync: ['h1', 'h2'], reason: '' };
    const map = { clusterId: '', hosts, tables, partitions: [partition], members: [], revision: 1 };
    const epoch = 'epoch' in more ? more.epoch : 11;
    const active = 'active' in more ? more.active : true;
    const workers = [
      { host: 'h1', worker: { worker: 0, epoch }, replicas: [{ host: 'h1', partition: 0, role, active }] },
      { host: 'h2', worker: { worker: 0, epoch: 12 }, replicas: [{ host: 'h2', partition: 0, role: others }] },
    ].filter(({ host }) => !silent.includes(`${host}/0`));
    const metadata = { leader: 'h1', term: 1, commitIndex: 7, members: whole };
    return statusReportOf('test', { map, metadata, workers, silent } as unknown as View).reasons;
  }

  const leaderWaits = 'partition 0 of table t: its leader on host h1 is not active yet';

  for (const [name, situation, reasons] of [
    ['all have begun', {}, []],
    ['a host acts under no registration', { epoch: 0, role: 'idle' }, ['host h1 has not registered yet']],
    ['a host acts under the one before', { epoch: 7 }, ['host h1 has not registered yet']],
    ['the leader does not lead', { role: 'idle' }, [leaderWaits]],
    ['the leader follows', { role: 'follower' }, [leaderWaits]],
    ['the leader is not active', { active: false }, [leaderWaits]],
    [
      'a replica in sync does nothing',
      { others: 'idle' },
      ['partition 0 of table t: its replica on host h2 is not active yet'],
    ],
    ['a host of an older version says less', { epoch: undefined, active: undefined }, []],
    ['a host does not answer', { silent: ['h1/0'] }, ['worker 0 of host h1 does not answer']],
  ] as const satisfies readonly (readonly [string, Situation, readonly string[]])[])
    it(`${name} → ${reasons.length === 0 ? 'healthy' : 'not healthy'}`, () => {
      expect(reasonsOf(situation)).to.deep.equal(reasons);
    });
});
