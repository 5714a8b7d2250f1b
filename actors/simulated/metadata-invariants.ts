// What must hold of the metadata group at every moment
// =============================================================================
//
// Invariants
//   K7. At most one leader a term, for ever (M1).
//   K8. Members that have applied the log to the same index have the same state (M5); every eighth index is looked at, since states that
//       differ stay so. Not to the same revision: what nobody outside of the group sees changes without one.
//   K9. A member's term, commit index and applied index never fall while it runs (M2, M6).

import { assert, AssertionError } from '../../runtime/std/assert.js';
import type { SimulatedWorker } from '../../runtime/simulation/simulated-worker.js';
import type { SimulatedMesh } from './simulated-mesh.js';

/** Hashing a map costs more than applying to it. */
const hashEvery = 8;

export class MetadataInvariants {
  readonly #mesh: SimulatedMesh;
  readonly #leaders = new Map<number, string>();
  readonly #hashes = new Map<number, { readonly hash: number; readonly host: string }>();
  readonly #before = new WeakMap<object, { term: number; commitIndex: number; appliedIndex: number }>();

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
    if (before === undefined) this.#before.set(peer, (before = { term, commitIndex, appliedIndex }));
    if (term < before.term || commitIndex < before.commitIndex || appliedIndex < before.appliedIndex)
      throw new AssertionError(
        `K9: ${host} went back: term ${before.term} → ${term}, commit index ${before.commitIndex} → ${commitIndex}, ` +
          `applied index ${before.appliedIndex} → ${appliedIndex}`,
      );
    this.#mesh.noteMap(actor.store);
    if (appliedIndex !== before.appliedIndex && appliedIndex % hashEvery === 0)
      this.#checkState(host, appliedIndex, actor.store.stateHash());
    before.term = term;
    before.commitIndex = commitIndex;
    before.appliedIndex = appliedIndex;
  }

  #checkState(host: string, index: number, hash: number): void {
    const known = this.#hashes.get(index);
    if (known === undefined) this.#hashes.set(index, { hash, host });
    else assert(known.hash === hash, `K8: the maps of ${known.host} and ${host} differ at index ${index}`);
  }
}
