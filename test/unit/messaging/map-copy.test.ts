import { expect } from 'chai';
import type { HostInfo, MapDelta, TableInfo } from '../../../messaging/protocol/cluster-map.js';
import { MapCopy } from '../../../messaging/protocol/map-copy.js';

const host = (name: string, revision: number): HostInfo => ({
  name,
  revision,
  state: 'up',
  epoch: 1,
  startId: '',
  diskId: '',
  workers: 1,
  rack: '',
  pid: 1,
  version: '',
});

const table = (name: string, revision: number): TableInfo => ({
  name,
  revision,
  partitions: [],
  replicas: 1,
  minInSync: 1,
  partitioning: 'hash',
  storage: 'memory',
  durability: 'sync',
  versions: 1,
  reads: 'lease',
});

function delta(revision: number, more: Partial<MapDelta> = {}): MapDelta {
  return {
    clusterId: 'c',
    after: 0,
    revision,
    reset: false,
    hosts: [],
    tables: [],
    partitions: [],
    deletedTables: [],
    deletedPartitions: [],
    members: [],
    metadataLeader: undefined,
    metadataTerm: 0,
    ...more,
  };
}

describe('map copy', () => {
  it('Y1: never goes back, and refuses what begins above it', () => {
    const copy = new MapCopy();
    copy.apply(delta(5, { tables: [table('t', 5)] }));
    expect(copy.apply(delta(4))).to.deep.equal({ kind: 'refused', reason: 'older' });
    expect(copy.apply(delta(9, { after: 7 }))).to.deep.equal({ kind: 'refused', reason: 'gap' });
    expect([copy.revision, copy.tables.size]).to.deep.equal([5, 1]);
    expect(copy.apply(delta(9, { after: 3 })).kind).to.equal('applied');
  });

  it('Y2: keeps to its cluster, named or first met (M16)', () => {
    const copy = new MapCopy('d');
    expect(copy.apply(delta(5))).to.deep.equal({ kind: 'refused', reason: 'other-cluster' });
    const other = new MapCopy();
    other.apply(delta(1));
    expect(other.apply(delta(2, { clusterId: 'd' })).kind).to.equal('refused');
  });

  it('Y3: newer entities stay, deleted ones go, and the change says which', () => {
    const copy = new MapCopy();
    copy.apply(delta(5, { tables: [table('t', 3), table('u', 5)], hosts: [host('h1', 2)] }));
    const change = copy.apply(
      delta(7, { after: 2, tables: [table('t', 7), table('u', 5)], deletedTables: ['u', 'v'] }),
    );
    // A name that was deleted and made again is there.
    expect([...copy.tables.keys()].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal(['t', 'u']);
    expect(change).to.deep.include({ kind: 'applied', tables: ['t', 'u'], deletedTables: ['u'], hosts: [] });
  });

  it('Y3: a reset leaves nothing that the map does not have', () => {
    const copy = new MapCopy();
    copy.apply(delta(5, { tables: [table('t', 3), table('u', 5)], hosts: [host('h1', 2), host('h2', 2)] }));
    const change = copy.apply(delta(9, { reset: true, tables: [table('u', 5)], hosts: [host('h2', 2)] }));
    expect([[...copy.tables.keys()], [...copy.hosts.keys()]]).to.deep.equal([['u'], ['h2']]);
    expect(change).to.deep.include({ deletedTables: ['t'] });
  });

  it('the hint of an older term does not replace that of a newer one', () => {
    const copy = new MapCopy();
    copy.apply(delta(1, { metadataLeader: 'h2', metadataTerm: 4 }));
    copy.apply(delta(2, { metadataLeader: 'h1', metadataTerm: 3 }));
    expect([copy.metadataLeader, copy.metadataTerm]).to.deep.equal(['h2', 4]);
  });
});
