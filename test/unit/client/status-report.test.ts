// What a status says of the metadata group
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
