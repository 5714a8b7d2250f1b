// What must hold of the metadata group at every moment
// =============================================================================
//
// Invariants
//   K7. At most one leader a term, for ever (M1).
//   K8. Members that have applied the log to the same index have the same state (M5). Not to the same revision: what nobody outside of the
//       group sees changes without one.
//   K9. A member's term, commit index and applied index never fall while it runs (M2, M6).

import { assert } from '../../runtime/std/assert.js';
import type { SimulatedWorker } from '../../runtime/simulation/simulated-worker.js';
import type { SimulatedMesh } from './simulated-mesh.js';

export class MetadataInvariants {
  readonly #mesh: SimulatedMesh;
  readonly #leaders = new Map<number, string>();
  readonly #hashes = new Map<number, { readonly hash: number; readonly host: string }>();
  readonly #before = new WeakMap<
    object,
    { term: number; commitIndex: number; appliedIndex: number; hashedIndex: number }
  >();

  constructor(mesh: SimulatedMesh) {
    this.#mesh = mesh;
  }

  /** How often the group changed its leader. */
  get leaderCount(): number {
    return this.#leaders.size;
  }

  check(worker: SimulatedWorker): void {
    if (worker.number !== 0 || worker.host.client) return;
    const host = worker.host.name;
    const actor = this.#mesh.metadataOn(host);
    const peer = actor?.raftPeer;
    if (actor === undefined || peer === undefined) return;
    const { term, commitIndex, appliedIndex } = peer;
    if (peer.role === 'leader') {
      const known = this.#leaders.get(term);
      assert(known === undefined || known === host, `K7: term ${term} is led by ${known} and by ${host}`);
      this.#leaders.set(term, host);
    }
    let before = this.#before.get(peer);
    if (before === undefined) this.#before.set(peer, (before = { term, commitIndex, appliedIndex, hashedIndex: -1 }));
    assert(term >= before.term, `K9: term of ${host}: ${before.term} → ${term}`);
    assert(commitIndex >= before.commitIndex, `K9: commit index of ${host}: ${before.commitIndex} → ${commitIndex}`);
    assert(
      appliedIndex >= before.appliedIndex,
      `K9: applied index of ${host}: ${before.appliedIndex} → ${appliedIndex}`,
    );
    this.#mesh.noteMap(actor.store);
    if (appliedIndex !== before.hashedIndex) this.#checkState(host, appliedIndex, actor.store.stateHash());
    Object.assign(before, { term, commitIndex, appliedIndex, hashedIndex: appliedIndex });
  }

  #checkState(host: string, index: number, hash: number): void {
    const known = this.#hashes.get(index);
    if (known === undefined) this.#hashes.set(index, { hash, host });
    else assert(known.hash === hash, `K8: the maps of ${known.host} and ${host} differ at index ${index}`);
  }
}
