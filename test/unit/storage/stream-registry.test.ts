import { expect } from 'chai';
import { switchType } from '../../../runtime/storage/record.js';
import { encodeSwitch, StreamRegistry } from '../../../runtime/storage/stream-registry.js';

const snapshot = { id: 1, replayFromLsn: 0, fileBytes: 200 };

function registryWith(damage: 'torn' | 'corrupt'): StreamRegistry {
  const registry = new StreamRegistry();
  registry.add({ number: 2, name: 'partition-2', kind: 'partition', args: new Uint8Array(0), damage, snapshots: [] });
  return registry;
}

describe('stream registry: damage', () => {
  // Simulator seed 1795910312176: a lost copy was given a snapshot, nothing was written to it, its host was killed; it began empty once more, beside that snapshot, and
  // at the start after that its new records were replayed on top of it.
  it('D8: a stream that lost everything and has a snapshot since is whole', () => {
    const registry = registryWith('corrupt');
    registry.apply(switchType, 0, encodeSwitch(2, snapshot, snapshot.id));
    expect(registry.get(2)).to.deep.include({ damage: 'none', snapshots: [snapshot] });
  });

  it('D8: a snapshot says nothing of a tail that may be torn: the verdict stays until something is appended', () => {
    const registry = registryWith('torn');
    registry.apply(switchType, 0, encodeSwitch(2, snapshot, snapshot.id));
    expect(registry.get(2)?.damage).to.equal('torn');
    registry.apply(1, 2, new Uint8Array(0));
    expect(registry.get(2)?.damage).to.equal('none');
  });
});
