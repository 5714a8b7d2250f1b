// How long a new leader must not commit
// =============================================================================
//
// A deposed leader may answer linearizable reads until its lease is over. So its successors commit nothing before that: not only
// the next one, but every one that follows while the lease may still run (N1 with 1.3 s left → N2, which dies → N3 waits for N1).
//
// Owns:     when the lease of each deposed leader is over, as far as this controller knows.
// Does not: remember who was deposed; that is in the partition's record, for the controllers to come.
//
// Invariants
//   L5. A hold lasts until the lease of *every* deposed leader of the partition is over, not only of the last. One drops out when its
//       process is proven dead, has given up its lease, or has applied the record that deposed it.

import { leaseWaitMs } from '../lease-timing.js';
import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import type { Holds } from '../state/command.js';
import type { MapStore } from '../state/map-store.js';
import type { Applied } from '../state/outcome.js';
import type { Deposed, PartitionRecord } from '../state/partition-record.js';
import type { Liveness } from './liveness.js';
import { buggify, planted, sometimes } from '../../../runtime/probes/probes.js';

interface Known {
  readonly leaseEndMs: number;
  readonly appliedMs: number;
}

export class CommitHolds {
  readonly #liveness: Liveness;
  /** By revision of the deposing record, then host: one record deposes a host from many partitions at one time. */
  readonly #known = new Map<number, Map<string, Known>>();
  /** Whatever was deposed up to this revision was deposed longer than W ago. */
  #overThrough = 0;

  constructor(liveness: Liveness) {
    this.#liveness = liveness;
  }

  begin(): void {
    this.#known.clear();
    this.#overThrough = 0;
  }

  /**
   * Notes whom a command deposed. REQUIRES that those hosts were granted nothing between its proposal and now: so what they were
   * last answered was before it, or will carry its revision.
   */
  applied(applied: Applied, nowMs: number): void {
    for (const { deposed } of applied.deposals) {
      let hosts = this.#known.get(deposed.revision);
      if (hosts === undefined) this.#known.set(deposed.revision, (hosts = new Map()));
      const leaseEndMs = this.#liveness.leaseEndMs(deposed.host, deposed.epoch);
      hosts.set(deposed.host, { leaseEndMs, appliedMs: nowMs });
    }
    for (const [revision, hosts] of this.#known) {
      let over = true;
      for (const known of hosts.values()) over &&= known.appliedMs + leaseWaitMs < nowMs;
      if (!over) break; // the map is in the order of revisions
      this.#known.delete(revision);
      this.#overThrough = Math.max(this.#overThrough, revision);
    }
  }

  /** Holds for the partitions, each as if its present leader were deposed now too. Those of the whole wait are left out: it is the default. */
  holdsFor(store: MapStore, partitions: Iterable<PartitionRecord>, nowMs: number): Holds {
    const holds: (readonly [number, number])[] = [];
    for (const record of partitions) {
      const holdMs = this.holdMs(store, record, nowMs);
      if (buggify('metadata/hold-the-whole-wait')) continue;
      if (holdMs < leaseWaitMs) holds.push([record.info.id, holdMs]);
    }
    return holds;
  }

  /** L5 for a successor elected now. */
  holdMs(store: MapStore, record: PartitionRecord, nowMs: number): number {
    let endMs = nowMs;
    const { leader } = record.info;
    const forgotten = planted('PB41') ? record.deposed.length - (leader === undefined ? 1 : 0) : 0;
    for (const deposed of record.deposed.slice(forgotten)) endMs = Math.max(endMs, this.#endMs(store, deposed));
    const host = leader === undefined ? undefined : store.hosts.get(leader);
    if (host !== undefined && !this.#liveness.isDead(host)) {
      const leaseEndMs = this.#liveness.leaseEndMs(host.name, host.epoch);
      if (endMs > nowMs && leaseEndMs > nowMs) sometimes('metadata/hold-covers-two-leaders');
      endMs = Math.max(endMs, leaseEndMs);
    }
    return Math.ceil(endMs - nowMs);
  }

  /** Whether nobody that was deposed from the partition can still hold a lease that it read it under. */
  isOver(store: MapStore, record: PartitionRecord, nowMs: number): boolean {
    const counted = planted('PB41') ? record.deposed.slice(-1) : record.deposed;
    return counted.every((deposed) => this.#endMs(store, deposed) <= nowMs);
  }

  #endMs(store: MapStore, deposed: Deposed): number {
    const { host, epoch, revision } = deposed;
    if (revision <= this.#overThrough) return Number.NEGATIVE_INFINITY;
    if (host === '') return this.#joinedEndMs(revision);
    if (this.#hasStoppedLeading(store.hosts.get(host), deposed) || this.#liveness.released(host, epoch))
      return Number.NEGATIVE_INFINITY;
    // Deposed before we won: as if granted when we did (L1).
    return this.#known.get(revision)?.get(host)?.leaseEndMs ?? this.#liveness.neverAnsweredMs + leaseWaitMs;
  }

  #hasStoppedLeading(host: HostInfo | undefined, deposed: Deposed): boolean {
    if (host === undefined || host.epoch !== deposed.epoch) return false;
    if (this.#liveness.isDead(host)) return true;
    return this.#liveness.appliedRevision(host.name, host.epoch) >= deposed.revision; // it has stepped down
  }

  /** Several of whom no more is known than that they were deposed by then. */
  #joinedEndMs(revision: number): number {
    let endMs = this.#liveness.neverAnsweredMs + leaseWaitMs;
    for (const known of this.#known.get(revision)?.values() ?? [])
      endMs = Math.max(endMs, known.appliedMs + leaseWaitMs);
    return endMs;
  }
}
