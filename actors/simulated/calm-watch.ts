// Do the leaders and replicas of partitions stay where they are?
// =============================================================================
//
// Looks at the cluster map again and again. A leader epoch alone is no sign of unrest: each step of a move begins one too (R2), while the same
// host leads throughout, and a mesh that got hosts or lost them has to move much. What must not happen is that it goes to and fro.
//
// Invariants
//   Y5. No partition changes its leader, or elects the same one again, more than `leaderChangesMax` times.
//   Y6. No replica that was in sync is moved off a host and back to it, unless the host was drained and taken back.
//
// Sources: CORRECTNESS R2, R15; balance.ts (J2).

import type { PartitionInfo } from '../../messaging/protocol/cluster-map.js';
import { assert } from '../../runtime/std/assert.js';

const leaderChangesMax = 3;

/**
 * How often the leader changed, or was elected anew, between two looks at one partition: the leader epochs that no change of the replica set
 * accounts for. Looks must be so near to each other that no host came and went between them.
 */
export function leaderChangesBetween(before: PartitionInfo, after: PartitionInfo): number {
  const epochs = after.leaderEpoch - before.leaderEpoch;
  const came = after.replicas.filter(({ host }) => !holds(before, host)).length;
  const left = before.replicas.filter(({ host }) => !holds(after, host)).length;
  // A leader that is itself moved away is deposed in the epoch in which it leaves.
  return Math.max(epochs - came - left, after.leader === before.leader ? 0 : 1);
}

export class CalmWatch {
  readonly #last = new Map<number, PartitionInfo>();
  readonly #changes = new Map<number, number>();
  /** By partition: hosts that a complete replica left. */
  readonly #left = new Map<number, Set<string>>();
  readonly #wasDrained: (host: string) => boolean;

  /** @param wasDrained whether somebody ever had the host drained: a move that this began may end after it was taken back */
  constructor(wasDrained: (host: string) => boolean = () => false) {
    this.#wasDrained = wasDrained;
  }

  /** @throws when there is no calm (Y5, Y6) */
  look(partitions: Iterable<PartitionInfo>): void {
    for (const info of partitions) {
      const before = this.#last.get(info.id);
      this.#last.set(info.id, info);
      if (before === undefined || before.revision === info.revision) continue;
      const changes = (this.#changes.get(info.id) ?? 0) + leaderChangesBetween(before, info);
      this.#changes.set(info.id, changes);
      assert(changes <= leaderChangesMax, `Y5: partition ${info.id} changed its leader ${changes} times`);
      this.#lookAtMoves(before, info);
    }
  }

  #lookAtMoves(before: PartitionInfo, info: PartitionInfo): void {
    let left = this.#left.get(info.id);
    if (left === undefined) this.#left.set(info.id, (left = new Set()));
    for (const { host } of info.replicas)
      if (!holds(before, host)) assert(!left.has(host), `Y6: partition ${info.id} is moved back to ${host}`);
    for (const host of before.inSync) if (!holds(info, host) && !this.#wasDrained(host)) left.add(host);
  }
}

function holds(info: PartitionInfo, host: string): boolean {
  return info.replicas.some((replica) => replica.host === host);
}
