// The controller: what the metadata group's leader decides
// =============================================================================
//
// Looks at the committed map, at what it heard of the hosts, and at the clock, and gives the next command worth proposing. What it
// proposes is decided when it is applied; if the map has changed by then, it does nothing (M14).
//
// Owns:     nothing that would have to survive it: a new controller begins anew and is only more careful (L1, L5).
// Does not: send, persist or apply anything.
//
// Invariants
//   L6. A host that is about to stop, or a worker that is stuck, loses its leaderships although its heartbeats go on.
//   L7. A fenced host is taken back only after it has applied the record that fenced it.
//   X1. At most one command that may elect is proposed at a time: its holds were computed from the map that it is applied to.
//   X2. A decision that could not change anything is not proposed: no command repeats for ever.
//
// Sources: CORRECTNESS §2.3, §2.4; Kafka's controller (preferred leaders, reassignment).

import { leaseWaitMs } from '../lease-timing.js';
import { type PartitionInfo, workerOfPartition } from '../../../messaging/protocol/cluster-map.js';
import type { ElectionCause, Elect, Holds, MetadataCommand } from '../state/command.js';
import { candidateFor } from '../state/election.js';
import type { MapStore, TableRecord } from '../state/map-store.js';
import type { Applied } from '../state/outcome.js';
import { PartitionDraft, type PartitionRecord } from '../state/partition-record.js';
import { defaultMinInSync, defaultReplicas } from '../state/table-options.js';
import { nextMove } from './balance.js';
import { CommitHolds } from './commit-holds.js';
import { type HeartbeatFacts, Liveness } from './liveness.js';
import { buggify, sometimes } from '../../../runtime/probes/probes.js';

export const controllerTiming = {
  /** A host that was not heard of for so long is fenced: never before its lease is over. */
  fenceAfterMs: leaseWaitMs,
  /** The replica that is to lead a new partition gets this long to start. */
  firstLeaderWaitMs: 500,
  /** Leaders go back to where they belong, and replicas are moved, only when nothing was deposed for this long. */
  quietMs: 3000,
  /** A host is given leaders for the sake of order only when it has been up for this long: one that crashes again and again would get them each time. */
  provenMs: 10_000,
  /** A move whose target is fenced for this long is given up. */
  moveGivenUpMs: 30_000,
  /** Old entries of deposed leaders are cleared this often. */
  settleIntervalMs: 5000,
  /** Between looks for what could be better. */
  improveIntervalMs: 200,
} as const;

/** Partitions in one election command. */
const electCountMax = 256;

export class Controller {
  readonly liveness = new Liveness();
  readonly holds = new CommitHolds(this.liveness);
  #lastDeposalMs = 0;
  #lastSettleMs = 0;
  #improvedMs = Number.NEGATIVE_INFINITY;
  /** When a partition was first seen without a leader, or a move's target fenced. */
  readonly #sinceMs = new Map<string, number>();
  /** Since when this controller knows each host up, in its present registration. */
  readonly #upSince = new Map<string, { readonly epoch: number; readonly sinceMs: number }>();

  /** This member won an election. */
  begin(nowMs: number): void {
    this.liveness.begin(nowMs);
    this.holds.begin();
    this.#lastDeposalMs = nowMs;
    this.#lastSettleMs = nowMs;
    this.#sinceMs.clear();
    this.#upSince.clear();
  }

  heard(facts: HeartbeatFacts, nowMs: number): void {
    this.liveness.heard(facts, nowMs);
  }

  /** After each command, while this member leads. */
  applied(applied: Applied, nowMs: number): void {
    this.holds.applied(applied, nowMs);
    if (applied.deposals.length > 0) this.#lastDeposalMs = nowMs;
  }

  /** Holds for a command that may depose `host` wherever it leads. */
  holdsOn(store: MapStore, host: string, nowMs: number): Holds {
    return this.holds.holdsFor(store, partitionsOn(store, host), nowMs);
  }

  /** The next command worth proposing, or undefined. REQUIRES that none that may elect is under way (X1). */
  next(store: MapStore, nowMs: number): MetadataCommand | undefined {
    return (
      this.#fence(store, nowMs) ??
      this.#unfence(store, nowMs) ??
      this.#drain(store) ??
      this.#moveLeaders(store, nowMs) ??
      this.#electLeaderless(store, nowMs) ??
      this.#releaseHolds(store, nowMs) ??
      this.#endMoves(store, nowMs) ??
      this.#improve(store, nowMs)
    );
  }

  /** What can wait, looked for less often: it goes over the whole map. */
  #improve(store: MapStore, nowMs: number): MetadataCommand | undefined {
    if (nowMs - this.#improvedMs < controllerTiming.improveIntervalMs) return undefined;
    this.#improvedMs = nowMs;
    return (
      this.#growTables(store) ??
      this.#preferFirst(store, nowMs) ??
      this.#startMove(store, nowMs) ??
      this.#settle(store, nowMs)
    );
  }

  // --- hosts ----------------------------------------------------------------------------------------------------------

  #fence(store: MapStore, nowMs: number): MetadataCommand | undefined {
    for (const host of store.hosts.values()) {
      if (host.state === 'fenced' || host.state === 'removed') continue;
      const dead = this.liveness.isDead(host);
      if (!dead && this.liveness.silentMs(host, nowMs) < controllerTiming.fenceAfterMs) continue;
      if (buggify('metadata/fence-later')) continue;
      sometimes(dead ? 'metadata/dead-host-fenced' : 'metadata/silent-host-fenced');
      const holds = this.holdsOn(store, host.name, nowMs);
      return { kind: 'fence-host', host: host.name, epoch: host.epoch, dead, holds };
    }
    return undefined;
  }

  #unfence(store: MapStore, nowMs: number): MetadataCommand | undefined {
    for (const host of store.hosts.values()) {
      if (host.state !== 'fenced' || this.liveness.isDead(host) || !this.liveness.wasHeard(host)) continue;
      if (this.liveness.released(host.name, host.epoch)) continue; // about to stop
      if (this.liveness.silentMs(host, nowMs) >= controllerTiming.fenceAfterMs) continue;
      if (this.liveness.appliedRevision(host.name, host.epoch) < host.revision) continue; // L7
      if (buggify('metadata/unfence-later')) continue;
      sometimes('metadata/fenced-host-taken-back');
      const holds = this.holdsOn(store, host.name, nowMs);
      return { kind: 'unfence-host', host: host.name, epoch: host.epoch, holds };
    }
    return undefined;
  }

  #drain(store: MapStore): MetadataCommand | undefined {
    for (const host of store.hosts.values())
      if (host.state === 'up' && this.liveness.released(host.name, host.epoch))
        return { kind: 'drain-host', host: host.name, epoch: host.epoch, drain: true };
    return undefined;
  }

  // --- leaders --------------------------------------------------------------------------------------------------------

  /** L6: away from hosts that drain and from workers that are stuck. */
  #moveLeaders(store: MapStore, nowMs: number): MetadataCommand | undefined {
    if (!this.#isAnyAvoided(store)) return undefined;
    const chosen: PartitionRecord[] = [];
    for (const record of store.partitions.values()) {
      const { leader } = record.info;
      if (leader === undefined) continue;
      const avoid = this.#avoided(store, record.info);
      if (!avoid.includes(leader)) continue;
      const next = candidate(store, record, avoid);
      if (next === undefined || !record.info.inSync.includes(next)) continue; // X2: it stays where it is
      chosen.push(record);
      if (chosen.length === electCountMax) break;
    }
    if (chosen.length > 0) sometimes('metadata/leader-moved-from-stalled-worker');
    return this.#elect(store, 'stalled', chosen, nowMs);
  }

  #electLeaderless(store: MapStore, nowMs: number): MetadataCommand | undefined {
    const chosen: PartitionRecord[] = [];
    for (const record of store.partitions.values()) {
      const { info } = record;
      if (info.leader !== undefined) {
        this.#forgetSince('leaderless', info.id);
        continue;
      }
      if (candidate(store, record, []) === undefined) continue; // X2
      const waitMs = info.leaderEpoch === 0 ? controllerTiming.firstLeaderWaitMs : 0;
      if (this.#since(`leaderless ${info.id}`, nowMs) + waitMs > nowMs) continue;
      chosen.push(record);
      if (chosen.length === electCountMax) break;
    }
    return this.#elect(store, 'leaderless', chosen, nowMs);
  }

  #preferFirst(store: MapStore, nowMs: number): MetadataCommand | undefined {
    this.#noteWhoIsUp(store, nowMs);
    if (nowMs - this.#lastDeposalMs < controllerTiming.quietMs) return undefined;
    if (buggify('metadata/leave-leaders-where-they-are')) return undefined;
    const chosen: PartitionRecord[] = [];
    for (const record of store.partitions.values()) {
      const { info } = record;
      const first = info.replicas[0];
      if (first === undefined || info.leader === undefined || info.leader === first.host) continue;
      if (!info.inSync.includes(first.host) || first.incarnation === 0) continue;
      if (nowMs - (this.#upSince.get(first.host)?.sinceMs ?? nowMs) < controllerTiming.provenMs) continue;
      if (info.inSync.length < info.replicas.length) continue; // first things first
      if (this.#avoided(store, info).includes(first.host)) continue;
      chosen.push(record);
      if (chosen.length === electCountMax) break;
    }
    if (chosen.length > 0) sometimes('metadata/leader-moved-to-first-replica');
    return this.#elect(store, 'preferred', chosen, nowMs);
  }

  #noteWhoIsUp(store: MapStore, nowMs: number): void {
    for (const { name, state, epoch } of store.hosts.values()) {
      if (state !== 'up') this.#upSince.delete(name);
      else if (this.#upSince.get(name)?.epoch !== epoch) this.#upSince.set(name, { epoch, sinceMs: nowMs });
    }
  }

  /** L5: a deposed leader was heard to have stepped down before its lease would have ended. */
  #releaseHolds(store: MapStore, nowMs: number): MetadataCommand | undefined {
    const partitions: { readonly partition: number; readonly leaderEpoch: number }[] = [];
    for (const record of store.partitions.values()) {
      const { id, holdMs, leader, leaderEpoch } = record.info;
      if (leader === undefined || holdMs === 0 || record.deposed.length === 0) continue;
      if (buggify('metadata/release-hold-later')) continue;
      if (this.holds.isOver(store, record, nowMs)) partitions.push({ partition: id, leaderEpoch });
      if (partitions.length === electCountMax) break;
    }
    if (partitions.length === 0) return undefined;
    sometimes('metadata/hold-released');
    return { kind: 'release-hold', partitions };
  }

  #elect(store: MapStore, cause: ElectionCause, chosen: readonly PartitionRecord[], nowMs: number): Elect | undefined {
    if (chosen.length === 0) return undefined;
    const partitions = chosen.map(({ info }) => ({
      partition: info.id,
      partitionEpoch: info.partitionEpoch,
      avoid: this.#avoided(store, info),
    }));
    return { kind: 'elect', cause, partitions, holds: this.holds.holdsFor(store, chosen, nowMs) };
  }

  /** Whether there is a host that `#avoided` could name: mostly there is none, and the partitions need not be gone over. */
  #isAnyAvoided(store: MapStore): boolean {
    for (const host of store.hosts.values()) {
      if (host.state === 'draining') return true;
      if (host.state === 'up' && this.liveness.stalledWorkers(host).length > 0) return true;
    }
    return false;
  }

  /** Replicas that are not to lead now if another can. */
  #avoided(store: MapStore, info: PartitionInfo): string[] {
    const avoided: string[] = [];
    for (const { host: name } of info.replicas) {
      const host = store.hosts.get(name);
      if (host === undefined || host.state !== 'up') {
        if (host?.state === 'draining') avoided.push(name);
        continue;
      }
      if (this.liveness.stalledWorkers(host).includes(workerOfPartition(info.id, host.workers))) avoided.push(name);
    }
    return avoided;
  }

  // --- tables and moves -----------------------------------------------------------------------------------------------

  #endMoves(store: MapStore, nowMs: number): MetadataCommand | undefined {
    for (const record of store.partitions.values()) {
      const { info, move } = record;
      if (move === undefined) {
        this.#forgetSince('move', info.id);
        continue;
      }
      const { id: partition, partitionEpoch } = info;
      if (isFinished(store, record)) {
        if (buggify('metadata/finish-move-later')) continue;
        sometimes('metadata/partition-moved');
        const holds = this.holds.holdsFor(store, [record], nowMs);
        return { kind: 'finish-move', partition, partitionEpoch, holds };
      }
      const target = move.add === undefined ? undefined : store.hosts.get(move.add);
      if (target?.state === 'up') {
        this.#forgetSince('move', info.id);
        continue;
      }
      const counts = move.add !== undefined && (info.inSync.includes(move.add) || info.eligible.includes(move.add));
      if (counts || this.#since(`move ${info.id}`, nowMs) + controllerTiming.moveGivenUpMs > nowMs) continue;
      sometimes('metadata/move-given-up');
      return { kind: 'cancel-move', partition, partitionEpoch };
    }
    return undefined;
  }

  #growTables(store: MapStore): MetadataCommand | undefined {
    let up = 0;
    for (const host of store.hosts.values()) if (host.state === 'up') up++;
    for (const table of store.tables.values()) {
      const { name, replicas, minInSync } = table.info;
      if (!table.auto) continue;
      const copies = Math.min(defaultReplicas, up);
      if (copies > replicas) return { kind: 'grow-table', name, replicas: copies, minInSync };
      const minimum = Math.min(defaultMinInSync, replicas);
      if (minimum > minInSync && allInSync(store, table, minimum))
        return { kind: 'grow-table', name, replicas, minInSync: minimum };
    }
    return undefined;
  }

  #startMove(store: MapStore, nowMs: number): MetadataCommand | undefined {
    if (nowMs - this.#lastDeposalMs < controllerTiming.quietMs) return undefined;
    const able = new Set<string>();
    for (const host of store.hosts.values())
      if (host.state === 'up' && this.liveness.wasHeard(host) && this.liveness.stalledWorkers(host).length === 0)
        able.add(host.name);
    const move = nextMove(store, able);
    return move === undefined ? undefined : { kind: 'start-move', ...move };
  }

  #settle(store: MapStore, nowMs: number): MetadataCommand | undefined {
    if (nowMs - this.#lastSettleMs < controllerTiming.settleIntervalMs && !buggify('metadata/settle-now'))
      return undefined;
    this.#lastSettleMs = nowMs;
    let through = Number.POSITIVE_INFINITY;
    let newest = 0;
    for (const record of store.partitions.values()) {
      const over = this.holds.isOver(store, record, nowMs);
      for (const { revision } of record.deposed) {
        if (over) newest = Math.max(newest, revision);
        else through = Math.min(through, revision - 1);
      }
    }
    if (newest === 0 || through < 1) return undefined;
    return { kind: 'settle-deposed', through: Math.min(newest, through) };
  }

  /** Of nearly all partitions there is nothing to forget, and no key to be made for it. */
  #forgetSince(what: 'leaderless' | 'move', partition: number): void {
    if (this.#sinceMs.size > 0) this.#sinceMs.delete(`${what} ${partition}`);
  }

  #since(key: string, nowMs: number): number {
    const since = this.#sinceMs.get(key);
    if (since !== undefined) return since;
    this.#sinceMs.set(key, nowMs);
    return nowMs;
  }
}

function partitionsOn(store: MapStore, host: string): PartitionRecord[] {
  return [...store.partitions.values()].filter(({ info }) => info.replicas.some((replica) => replica.host === host));
}

function candidate(store: MapStore, record: PartitionRecord, avoid: readonly string[]): string | undefined {
  const table = store.tables.get(record.info.table);
  if (table === undefined) return undefined;
  const { hosts, drained } = store;
  return candidateFor(new PartitionDraft(record, table.info), { hosts, drained }, avoid);
}

function isFinished(store: MapStore, { info, move }: PartitionRecord): boolean {
  if (move === undefined) return false;
  if (move.add !== undefined && !info.inSync.includes(move.add)) return false;
  const rest = info.inSync.filter((host) => host !== move.remove);
  return move.remove === undefined || rest.length >= (store.tables.get(info.table)?.info.minInSync ?? 1);
}

function allInSync(store: MapStore, table: TableRecord, minimum: number): boolean {
  return table.info.partitions.every((id) => (store.partitions.get(id)?.info.inSync.length ?? 0) >= minimum);
}
