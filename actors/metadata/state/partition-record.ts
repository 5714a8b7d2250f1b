// One partition as the metadata group keeps it, and a draft of its next version
// =============================================================================
//
// A record is never changed in place: a command opens a draft, moves members in and out by the rules below, elects, and
// finishes it into the next record.
//
// Owns:     who is in which set, and the two epochs.
// Does not: know who is up (the caller asks `election.ts`), or time.
//
// Invariants
//   V1. The leader is in the in-sync set, and was claimed by a running process (R2, R11).
//   V2. In-sync, eligible and last known eligible replicas are replicas; no two replicas share a host.
//   V3. No replica is both in sync and eligible; with at least `minInSync` in sync nobody is eligible (KIP-966).
//   V4. The partition epoch rises by one with every change; the leader epoch rises with every change of leader or of the
//       replica set, and never falls (R2, R14).
//   V5. Lineage rises only when a leader is elected from replicas that may lack committed records (R18).
//   V18. What a replica was lost as it stays until it is in sync again: a later start from a log that is whole by itself mends
//       nothing (D8, R18).
//
// Sources: KIP-966 for eligible leader replicas; CORRECTNESS R11, R13, R15–R18.

import type { PartitionInfo, ReplicaInfo, TableInfo } from '../../../messaging/protocol/cluster-map.js';
import { type ReplicaReport, type ReplicaVerdict, replicaVerdicts } from '../../../messaging/protocol/host-messages.js';
import { planted, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';

/** A leader that was deposed, and may not know it while its lease runs (L5). `host` is empty for several, forgotten. */
export interface Deposed {
  readonly host: string;
  /** Epoch of the process. */
  readonly epoch: number;
  /** Of the record that deposed it. */
  readonly revision: number;
}

/** What a replica reported under its present epoch, kept while it matters for R18. */
export interface LastReport {
  readonly host: string;
  readonly replicaEpoch: number;
  /** The worst since it was in a set that counts (V18). */
  readonly verdict: ReplicaVerdict;
  readonly lastEpoch: number;
  readonly end: number;
}

/** A reassignment under way (R15). */
export interface Move {
  readonly add: string | undefined;
  readonly remove: string | undefined;
}

export interface PartitionRecord {
  readonly info: PartitionInfo;
  readonly move: Move | undefined;
  readonly deposed: readonly Deposed[];
  readonly reports: readonly LastReport[];
}

/** Deposed leaders remembered one by one; beyond it the oldest are joined into one nameless entry. */
export const deposedCountMax = 8;

export class PartitionDraft {
  readonly #before: PartitionRecord;
  readonly #minInSync: number;
  readonly table: TableInfo;
  replicas: ReplicaInfo[];
  inSync: string[];
  eligible: string[];
  lastKnownEligible: string[];
  leader: string | undefined;
  move: Move | undefined;
  reason: string;
  holdMs: number;
  deposed: Deposed[];
  reports: LastReport[];
  /** The leader's proposal was taken, whatever it was. */
  #confirmed = false;
  #leadershipChanged = false;
  #lineage: number;

  constructor(before: PartitionRecord, table: TableInfo) {
    const { info } = before;
    assert(info.table === table.name, 'V2: a partition belongs to its table');
    this.#before = before;
    this.#minInSync = table.minInSync;
    this.table = table;
    this.replicas = [...info.replicas];
    this.inSync = [...info.inSync];
    this.eligible = [...info.eligible];
    this.lastKnownEligible = [...info.lastKnownEligible];
    this.leader = info.leader;
    this.move = before.move;
    this.reason = info.reason;
    this.holdMs = info.holdMs;
    this.deposed = [...before.deposed];
    this.reports = [...before.reports];
    this.#lineage = info.lineage;
  }

  get id(): number {
    return this.#before.info.id;
  }

  /** Nobody ever led it, so there is nothing that any replica could lack. */
  get neverLed(): boolean {
    return this.#before.info.leaderEpoch === 0;
  }

  replicaOn(host: string): ReplicaInfo | undefined {
    return this.replicas.find((replica) => replica.host === host);
  }

  /** R11: out of the in-sync set; eligible if that leaves fewer than the minimum. What it had it keeps. */
  leaveInSync(host: string): void {
    if (!this.inSync.includes(host)) return;
    this.inSync = without(this.inSync, host);
    if (this.inSync.length < this.#minInSync) this.eligible.push(host);
    if (this.inSync.length === 0) sometimes('metadata/in-sync-set-empty');
  }

  /** R17: it may lack committed records, so it is no candidate any more. */
  lose(host: string): void {
    if (this.neverLed) return;
    if (!this.inSync.includes(host) && !this.eligible.includes(host)) return;
    this.inSync = without(this.inSync, host);
    this.eligible = without(this.eligible, host);
    if (!this.lastKnownEligible.includes(host)) this.lastKnownEligible.push(host);
  }

  /** R13: the leader's proposal. Those who leave are complete, since the old set still counted when it was made (R5). */
  changeInSync(members: readonly string[]): void {
    // Also the set as it is makes a new partition epoch: a leader whose earlier proposal was refused wants that one void (I2 there).
    this.#confirmed = true;
    const left = this.inSync.filter((host) => !members.includes(host));
    this.inSync = [...members];
    this.eligible = this.eligible.filter((host) => !members.includes(host));
    if (this.inSync.length < this.#minInSync) this.eligible.push(...left);
  }

  /** A new process, worker or actor of this replica: acks of the old one count no more. */
  register(host: string, epoch: number, incarnation: number, report: ReplicaReport | undefined): void {
    const before = this.#lostAs(host);
    this.replicas = this.replicas.map((replica) => (replica.host === host ? { host, epoch, incarnation } : replica));
    this.reports = this.reports.filter((known) => known.host !== host);
    if (report === undefined) return;
    const { lastEpoch, end } = report;
    const verdict = worse(before, report.verdict);
    if (verdict !== report.verdict) sometimes('metadata/lost-copy-started-whole');
    this.reports.push({ host, replicaEpoch: epoch, verdict, lastEpoch, end });
  }

  /** V18. Who was not reported at all is as good as empty (V15). */
  #lostAs(host: string): ReplicaVerdict {
    if (this.inSync.includes(host) || this.eligible.includes(host)) return 'complete';
    if (!this.lastKnownEligible.includes(host)) return 'complete';
    return this.reports.find((known) => known.host === host)?.verdict ?? 'incomplete';
  }

  addReplica(host: string, epoch: number): void {
    assert(this.replicaOn(host) === undefined, 'V2: two replicas of a partition never share a host');
    this.replicas.push({ host, epoch, incarnation: 0 });
    this.#leadershipChanged = true; // R2: a change of the replica set
  }

  removeReplica(host: string): void {
    this.replicas = this.replicas.filter((replica) => replica.host !== host);
    this.inSync = without(this.inSync, host);
    this.eligible = without(this.eligible, host);
    this.lastKnownEligible = without(this.lastKnownEligible, host);
    this.reports = this.reports.filter((known) => known.host !== host);
    this.#leadershipChanged = true; // R2
  }

  /** Takes the leadership away. `proof` undefined: its process is certainly gone, so that nothing needs to be waited for (L5). */
  depose(proof: { readonly epoch: number; readonly revision: number } | undefined): void {
    if (this.leader === undefined) return;
    if (proof !== undefined) {
      this.deposed.push({ host: this.leader, epoch: proof.epoch, revision: proof.revision });
      if (this.deposed.length > 1) sometimes('metadata/two-leaders-deposed-lately');
      if (this.deposed.length > deposedCountMax) this.#joinOldest();
    }
    this.leader = undefined;
    this.#leadershipChanged = true;
  }

  /** Makes `host`, which is in sync or eligible, the leader. */
  lead(host: string, holdMs: number): void {
    assert(this.leader === undefined, 'R11: the old leader is deposed first');
    assert(this.inSync.includes(host) || this.eligible.includes(host), 'R11: a leader holds everything committed');
    if (this.eligible.includes(host)) sometimes('metadata/elected-from-eligible');
    this.eligible = without(this.eligible, host);
    if (!this.inSync.includes(host)) this.inSync.push(host); // R11: moved into the in-sync set
    this.leader = host;
    this.holdMs = holdMs;
    this.reason = '';
    this.#leadershipChanged = true;
  }

  /** R18, D8: the longest of those that may have lost their tail. */
  leadUncleanly(host: string, holdMs: number): void {
    assert(this.inSync.length === 0 && this.eligible.length === 0, 'R18: nobody is left who holds everything');
    this.lastKnownEligible = without(this.lastKnownEligible, host);
    this.inSync = [host];
    this.#lineage++; // V5
    this.lead(host, holdMs);
  }

  get leadershipChanged(): boolean {
    return this.#leadershipChanged;
  }

  /** The next record, or undefined when nothing changed. */
  finish(index: number): PartitionRecord | undefined {
    if (this.inSync.length >= this.#minInSync && !planted('PB07')) {
      this.eligible = []; // V3: the high watermark moves again, so they fall behind it
      this.lastKnownEligible = [];
    }
    const before = this.#before.info;
    const info: PartitionInfo = {
      id: before.id,
      revision: index,
      table: before.table,
      index: before.index,
      lineage: this.#lineage,
      leader: this.leader,
      leaderEpoch: before.leaderEpoch + (this.#leadershipChanged ? 1 : 0),
      partitionEpoch: before.partitionEpoch + 1,
      replicas: this.replicas,
      inSync: this.inSync,
      eligible: this.eligible,
      lastKnownEligible: this.lastKnownEligible,
      holdMs: this.holdMs,
      reason: this.leader === undefined ? this.reason : '',
    };
    if (sameInfo(before, info) && !this.#confirmed) {
      if (sameMove(this.move, this.#before.move) && this.reports.length === this.#before.reports.length)
        return undefined;
      return { info: before, move: this.move, deposed: this.deposed, reports: this.reports };
    }
    checkPartition(info, this.#minInSync);
    checkStep(before, info);
    return { info, move: this.move, deposed: this.deposed, reports: this.reports };
  }

  #joinOldest(): void {
    const [, second, ...rest] = this.deposed;
    assert(second !== undefined, 'L5: there is more than one to join');
    this.deposed = [{ host: '', epoch: 0, revision: second.revision }, ...rest];
  }
}

/** V1–V3 for one record. */
export function checkPartition(info: PartitionInfo, minInSync: number): void {
  const hosts = info.replicas.map((replica) => replica.host);
  assert(new Set(hosts).size === hosts.length, 'V2: two replicas of a partition never share a host');
  assert(new Set(info.inSync).size === info.inSync.length, 'V2: a replica is in sync once');
  for (const host of [...info.inSync, ...info.eligible, ...info.lastKnownEligible])
    assert(hosts.includes(host), 'V2: members of a partition’s sets are its replicas');
  assert(!info.eligible.some((host) => info.inSync.includes(host)), 'V3: in sync or eligible, not both');
  assert(
    info.inSync.length < minInSync || info.eligible.length === 0,
    'V3: nobody is eligible beside a full in-sync set',
  );
  if (info.leader === undefined) return;
  assert(info.inSync.includes(info.leader), 'V1: the leader is in sync');
  assert(
    info.replicas.some((r) => r.host === info.leader && r.incarnation > 0),
    'V1: the leader was claimed',
  );
}

/** V4, V5 between a record and its successor. */
export function checkStep(before: PartitionInfo, after: PartitionInfo): void {
  assert(after.partitionEpoch === before.partitionEpoch + 1, 'V4: the partition epoch rises by one');
  const leadership = after.leader !== before.leader || !sameHosts(before.replicas, after.replicas);
  assert(after.leaderEpoch >= before.leaderEpoch, 'V4: the leader epoch never falls');
  assert(!leadership || after.leaderEpoch > before.leaderEpoch, 'V4: a new leader or replica set has a new epoch');
  assert(after.lineage >= before.lineage, 'V5: lineage never falls');
  assert(after.lineage === before.lineage || after.leader !== undefined, 'V5: lineage rises only at an election');
}

function worse(a: ReplicaVerdict, b: ReplicaVerdict): ReplicaVerdict {
  return replicaVerdicts.indexOf(a) > replicaVerdicts.indexOf(b) ? a : b;
}

function without(hosts: readonly string[], host: string): string[] {
  return hosts.filter((other) => other !== host);
}

function sameHosts(a: readonly ReplicaInfo[], b: readonly ReplicaInfo[]): boolean {
  return a.length === b.length && a.every((replica) => b.some((other) => other.host === replica.host));
}

function sameMove(a: Move | undefined, b: Move | undefined): boolean {
  return a?.add === b?.add && a?.remove === b?.remove;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Everything but the numbers that a change itself moves. */
function sameInfo(a: PartitionInfo, b: PartitionInfo): boolean {
  return (
    a.leaderEpoch === b.leaderEpoch &&
    a.lineage === b.lineage &&
    a.leader === b.leader &&
    a.holdMs === b.holdMs &&
    a.reason === b.reason &&
    sameList(a.inSync, b.inSync) &&
    sameList(a.eligible, b.eligible) &&
    sameList(a.lastKnownEligible, b.lastKnownEligible) &&
    a.replicas.length === b.replicas.length &&
    a.replicas.every((replica, i) => {
      const other = b.replicas[i];
      return (
        other !== undefined &&
        replica.host === other.host &&
        replica.epoch === other.epoch &&
        replica.incarnation === other.incarnation
      );
    })
  );
}
