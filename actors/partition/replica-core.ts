// What a replica has in every role: its log, its state, and where it stands
// =============================================================================
//
// Shared by the roles (leading.ts, following.ts), owned by the replica actor. Holds no policy: it appends, truncates and applies, and
// keeps the order of the three numbers that everything else is about.
//
// Invariants
//   C1. applied = highWatermark ≤ log end; durableEnd ≤ log end. Only `becomeInstalled` replaces them all at once.
//   C2. The state is changed by applying committed records in log order and by nothing else (R8): truncation needs no undo.
//   C3. A disk completion of an older log generation changes nothing: a truncation or an installed snapshot began a new one.
//   C4. While every replica is in sync, so has acknowledged what is committed, memory keeps only `logBytesKept` of it (journal and snapshot have it all). Once
//       one falls behind, all that it may ask for is kept, up to the next snapshot (local-snapshot.ts, N2).
//
// Sources: CORRECTNESS R1, R8, R12.

import type { PartitionInfo, TableInfo } from '../../messaging/protocol/cluster-map.js';
import { replicaActor, workerOfPartition } from '../../messaging/protocol/cluster-map.js';
import { type Batch, type BatchBody, countOf, decodeBatch, encodeBatch } from '../../messaging/protocol/log-batch.js';
import type { Link } from '../../messaging/protocol/replication-messages.js';
import type { Address } from '../../runtime/contract/address.js';
import { planted } from '../../runtime/probes/probes.js';
import { assert, present } from '../../runtime/std/assert.js';
import type { PartitionContext } from './partition-message.js';
import { encodeBatchRecord, encodeTruncateRecord, recordBatch, recordTruncate, type SnapshotMeta } from './record.js';
import { type LogEntry, ReplicaLog } from './replication/log.js';
import type { Applied, PartitionState } from './state.js';

/** What the metadata group says of this partition, as of a partition epoch. */
export interface Placement {
  readonly partition: PartitionInfo;
  readonly table: TableInfo;
  /** Host name → its number of workers. */
  readonly workers: ReadonlyMap<string, number>;
  /** This replica's own epoch in `partition.replicas`. */
  readonly replicaEpoch: number;
}

/** Sizes that decide how often something rare happens. A simulated world makes them small. */
export interface ReplicaLimits {
  /** Log bytes since the last snapshot that make a new one due; at least as much as the state itself, so that writing stays proportionate. */
  readonly snapshotBytesMin: number;
  /** Committed log that is kept in memory although every replica has it (C4), for one whose tail turns out to be torn; spent on each partition of a host. */
  readonly logBytesKept: number;
  /** Log below a new snapshot that is kept for a replica that may still be served from it (local-snapshot.ts, N2); `logBytesKept` when absent. */
  readonly lagBytesKept?: number;
  /** Bytes of one chunk of a snapshot. */
  readonly chunkBytesMax: number;
  /** Records between two state checks (R19). */
  readonly checkEvery: number;
  /** ms that a follower may be behind before it leaves the in-sync set (R13); `leading.lagMaxMs` when absent. */
  readonly lagMaxMs?: number;
}

export const defaultReplicaLimits: ReplicaLimits = {
  snapshotBytesMin: 64 * 1024 * 1024,
  logBytesKept: 1024 * 1024,
  lagBytesKept: 8 * 1024 * 1024,
  chunkBytesMax: 256 * 1024,
  checkEvery: 4096,
};

/** Told of each batch as it is applied. */
export type OnApplied = (entry: LogEntry, batch: Batch, applied: Applied) => void;

export class ReplicaCore {
  readonly self: Address;
  readonly partition: number;
  readonly limits: ReplicaLimits;
  state: PartitionState;
  log = new ReplicaLog();
  lineage = 1;
  /** Newest leader epoch this replica acts in or has been told of. */
  epoch = 0;
  highWatermark = 0;
  durableEnd = 0;
  /** Rises with each truncation and installed snapshot. (C3) */
  generation = 0;
  /** End of what the newest durable snapshot covers. */
  snapshotEnd = 0;
  /** End of the snapshot that the state was loaded from. */
  loadedEnd = 0;
  /** Log bytes when that snapshot was begun. */
  snapshotBytesThrough = 0;
  timeMs = 0;
  placement: Placement | undefined;
  /** A snapshot of the leader that the disk is about to start from. */
  switching: { readonly snapshot: number; readonly meta: SnapshotMeta; readonly state: PartitionState } | undefined;

  constructor(self: Address, partition: number, state: PartitionState, limits: ReplicaLimits = defaultReplicaLimits) {
    this.self = self;
    this.partition = partition;
    this.state = state;
    this.limits = limits;
  }

  /** What counts as acknowledged by this replica (R4): its disk, or its memory for an `async` table. */
  get ackEnd(): number {
    return this.placement?.table.durability === 'async' || planted('PB09') ? this.log.end : this.durableEnd;
  }

  place(): Placement {
    return present(this.placement, 'R2: acts only on metadata that it was given');
  }

  replicaEpochOf(host: string): number | undefined {
    return this.placement?.partition.replicas.find((replica) => replica.host === host)?.epoch;
  }

  addressOf(host: string): Address {
    const workers = present(this.place().workers.get(host), 'a replica is on a known host');
    return { host, worker: workerOfPartition(this.partition, workers), actor: replicaActor(this.partition) };
  }

  linkTo(host: string): Link {
    return {
      partition: this.partition,
      lineage: this.lineage,
      epoch: this.epoch,
      from: this.place().replicaEpoch,
      to: this.replicaEpochOf(host) ?? 0,
    };
  }

  /**
   * R3: `ahead` = the sender's epoch is newer than ours · `behind` = older: tell it · `equal` = act, replica epochs checked ·
   * `foreign` = another lineage or replica epoch: change nothing.
   */
  judge(link: Link, from: Address): 'equal' | 'ahead' | 'behind' | 'foreign' {
    if (this.placement === undefined || link.partition !== this.partition) return 'foreign';
    if (link.epoch < this.epoch) return 'behind';
    if (link.epoch > this.epoch) return 'ahead';
    if (link.lineage !== this.lineage || link.to !== this.placement.replicaEpoch) return 'foreign';
    return link.from === this.replicaEpochOf(from.host) ? 'equal' : 'foreign';
  }

  // --- log ------------------------------------------------------------------------------------------------------------

  /** A new batch of this leader: gives it its offsets, journals it and puts it into the log. */
  appendBody(body: BatchBody, partitionTimeMs: number, context: PartitionContext): LogEntry {
    this.timeMs = Math.max(this.timeMs, Math.floor(context.wallMs));
    const batch = {
      base: this.log.end,
      count: countOf(body),
      lineage: this.lineage,
      epoch: this.epoch,
      timeMs: this.timeMs,
      partitionTimeMs,
      body,
    };
    return this.appendBytes(encodeBatch(batch), context, true);
  }

  /** A batch made by the leader of this epoch. `last`: ask to be told when it is durable; completions come in order, so one is enough. */
  appendBytes(bytes: Uint8Array, context: PartitionContext, last: boolean): LogEntry {
    const payload = encodeBatchRecord(this.highWatermark, bytes);
    const lsn = context.journal.nextLsn;
    const entry = this.log.append(bytes, lsn);
    if (last)
      context.journal.append(recordBatch, payload, {
        kind: 'log-durable',
        generation: this.generation,
        end: entry.end,
      });
    else context.journal.append(recordBatch, payload);
    return entry;
  }

  /** @returns whether the durable end moved. */
  noteDurable(generation: number, end: number): boolean {
    if (generation !== this.generation || end <= this.durableEnd) return false; // C3
    assert(end <= this.log.end, 'C1: durable beyond the end of the log');
    this.durableEnd = end;
    return true;
  }

  /** Cuts the log at `end`, durably before anything else is said (R12). REQUIRES end ≥ highWatermark. */
  truncateTo(end: number, context: PartitionContext): void {
    assert(end >= this.highWatermark, 'R12: committed records are never truncated');
    this.log.truncateTo(end);
    this.generation++;
    this.durableEnd = Math.min(this.durableEnd, end);
    context.journal.append(recordTruncate, encodeTruncateRecord(end), {
      kind: 'log-truncated',
      generation: this.generation,
      end,
    });
  }

  // --- state ----------------------------------------------------------------------------------------------------------

  /** Everything below `target` is committed: applies what is new, in order. (C1, C2) */
  advanceTo(target: number, onApplied?: OnApplied): void {
    assert(target >= this.highWatermark, 'R5: the high watermark moved back');
    assert(target <= this.log.end, 'C1: committed beyond the end of the log');
    while (this.highWatermark < target) {
      const entry = present(this.log.entryAt(this.highWatermark), 'G1: what is committed is in the log');
      assert(entry.base === this.highWatermark && entry.end <= target, 'G2: batches are applied whole');
      const batch = decodeBatch(entry.bytes);
      this.timeMs = Math.max(this.timeMs, batch.timeMs);
      const applied = this.state.apply(batch);
      this.highWatermark = entry.end;
      onApplied?.(entry, batch, applied);
    }
  }

  /** C4: whether so much of it is beyond what is kept that dropping it is worth a turn. */
  get hasOldLog(): boolean {
    const partition = this.placement?.partition;
    if (partition === undefined || partition.inSync.length < partition.replicas.length) return false;
    const { logBytesKept } = this.limits;
    return this.log.byteCount - this.log.bytesFrom(this.highWatermark) > logBytesKept * 1.5;
  }

  /** C4. @param below committed already when it was decided */
  forgetOldLog(below: number): void {
    if (this.hasOldLog) this.log.trim(below, this.limits.logBytesKept);
  }

  /** The disk starts from that snapshot now. @returns whether it was the one that is waited for. */
  finishSwitch(snapshot: number): boolean {
    const { switching } = this;
    if (switching?.snapshot !== snapshot) return false;
    this.switching = undefined;
    const { meta, state } = switching;
    state.finishLoad(meta);
    this.becomeInstalled(
      state,
      new ReplicaLog(meta.offset, meta.epochs),
      Math.max(this.lineage, meta.lineage),
      meta.timeMs,
    );
    return true;
  }

  /** A snapshot from the leader took the place of log and state. */
  becomeInstalled(state: PartitionState, log: ReplicaLog, lineage: number, timeMs: number): void {
    this.state = state;
    this.log = log;
    this.lineage = lineage;
    this.generation++;
    this.highWatermark = log.end;
    this.durableEnd = log.end;
    this.snapshotEnd = log.end;
    this.loadedEnd = log.end;
    this.snapshotBytesThrough = log.bytesThrough;
    this.timeMs = Math.max(this.timeMs, timeMs);
  }
}
