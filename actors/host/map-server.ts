// Answering others from a copy of the map
// =============================================================================
//
// A manager has no history: of what was deleted it knows only when it last saw a deletion. Who has the map from before that gets all of
// it anew.
//
// Invariants
//   E3. A copy that applies an answer equals the manager's copy at that revision.

import type { MapDelta } from '../../messaging/protocol/cluster-map.js';
import type { MapChange, MapCopy } from '../../messaging/protocol/map-copy.js';

export class MapServer {
  readonly #copy: MapCopy;
  /** Copies older than this may hold what is gone. */
  #floor = 0;

  constructor(copy: MapCopy) {
    this.#copy = copy;
  }

  /** Call with every change that was applied, and the revision before it. */
  noteChange(change: MapChange, before: number): void {
    if (change.kind !== 'applied') return;
    const deleted = change.deletedTables.length > 0 || change.deletedPartitions.length > 0;
    if (before === 0 || deleted) this.#floor = this.#copy.revision;
  }

  deltaSince(after: number): MapDelta {
    const copy = this.#copy;
    const reset = after < this.#floor; // E3
    const since = reset ? 0 : after;
    const newer = (entity: { readonly revision: number }): boolean => entity.revision > since;
    return {
      clusterId: copy.clusterId ?? '',
      after: since,
      revision: copy.revision,
      reset,
      hosts: [...copy.hosts.values()].filter(newer),
      tables: [...copy.tables.values()].filter(newer),
      partitions: [...copy.partitions.values()].filter(newer),
      deletedTables: [],
      deletedPartitions: [],
      members: copy.members,
      metadataLeader: copy.metadataLeader,
      metadataTerm: copy.metadataTerm,
    };
  }
}
