// One command being applied: what it has touched so far
// =============================================================================
//
// Collects drafts of partitions and puts them into the store together at the end, so that a command is one step of the
// map: all of it carries the same revision (R11 "one record, atomically").

import type { HostInfo } from '../../../messaging/protocol/cluster-map.js';
import { present } from '../../../runtime/std/assert.js';
import type { SystemEvent } from '../../../runtime/contract/events.js';
import type { Holds } from './command.js';
import { electLeader } from './election.js';
import type { MapStore, TableRecord } from './map-store.js';
import type { Applied, Outcome } from './outcome.js';
import { type Deposed, PartitionDraft, type PartitionRecord } from './partition-record.js';

export class Change {
  readonly store: MapStore;
  /** Raft index = revision of everything that it changes. */
  readonly index: number;
  readonly #drafts = new Map<number, PartitionDraft>();
  readonly #deposals: { readonly partition: number; readonly deposed: Deposed }[] = [];
  readonly #events: SystemEvent[] = [];
  #changed = false;

  constructor(store: MapStore, index: number) {
    this.store = store;
    this.index = index;
  }

  /** The partition's draft, begun at first use; undefined for an unknown partition. */
  draft(partition: number): PartitionDraft | undefined {
    const begun = this.#drafts.get(partition);
    if (begun !== undefined) return begun;
    const record = this.store.partitions.get(partition);
    if (record === undefined) return undefined;
    const table = present(this.store.tables.get(record.info.table), 'V2: a partition has a table');
    const draft = new PartitionDraft(record, table.info);
    this.#drafts.set(partition, draft);
    return draft;
  }

  /** Drafts of all partitions that have a replica on the host, in order of id. */
  draftsOn(host: string): PartitionDraft[] {
    const ids: number[] = [];
    for (const record of this.store.partitions.values())
      if (record.info.replicas.some((replica) => replica.host === host)) ids.push(record.info.id);
    ids.sort((a, b) => a - b);
    return ids.map((id) => present(this.draft(id), 'a partition on the host is there'));
  }

  /** @param dead the leader's process is certainly gone (L5). */
  depose(draft: PartitionDraft, dead: boolean): void {
    const host = draft.leader;
    if (host === undefined) return;
    const epoch = this.store.hosts.get(host)?.epoch ?? 0;
    draft.depose(dead ? undefined : { epoch, revision: this.index });
    if (!dead) this.#deposals.push({ partition: draft.id, deposed: { host, epoch, revision: this.index } });
  }

  elect(draft: PartitionDraft, holds: Holds): void {
    const { hosts, drained } = this.store;
    const result = electLeader(draft, { hosts, drained }, holds);
    if (result === 'tail-truncated-all')
      this.note({ kind: 'tail-truncated-all', level: 'warn', partition: draft.id, leader: draft.leader });
  }

  putHost(host: HostInfo): void {
    this.store.hosts.set(host.name, host);
    this.#changed = true;
  }

  putTable(table: TableRecord): void {
    this.store.tables.set(table.info.name, table);
    this.#changed = true;
  }

  putPartition(record: PartitionRecord): void {
    this.store.partitions.set(record.info.id, record);
    this.#changed = true;
  }

  /** Something changed that is no host, table or partition. */
  touch(): void {
    this.#changed = true;
  }

  note(event: SystemEvent): void {
    this.#events.push(event);
  }

  finish(outcome: Outcome): Applied {
    for (const draft of this.#drafts.values()) {
      const before = present(this.store.partitions.get(draft.id), 'a drafted partition is there');
      const after = draft.finish(this.index);
      if (after === undefined) continue;
      this.store.partitions.set(draft.id, after);
      if (after.info === before.info) continue;
      this.#changed = true;
      if (after.info.leaderEpoch !== before.info.leaderEpoch) this.#noteLeader(after);
    }
    if (this.#changed) this.store.advanceRevisionTo(this.index);
    return { outcome, changed: this.#changed, deposals: this.#deposals, events: this.#events };
  }

  #noteLeader(after: PartitionRecord): void {
    const { id, table, leader, leaderEpoch, holdMs, reason, lineage, inSync } = after.info;
    if (leader === undefined)
      return this.note({
        kind: 'partition-leaderless',
        level: 'warn',
        partition: id,
        table,
        epoch: leaderEpoch,
        reason,
      });
    this.note({
      kind: 'leader-elected',
      level: 'info',
      partition: id,
      table,
      leader,
      epoch: leaderEpoch,
      lineage,
      holdMs,
      inSync,
    });
  }
}
