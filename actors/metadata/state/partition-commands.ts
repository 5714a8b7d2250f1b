// Commands about partitions: in-sync sets, elections, moves
// =============================================================================
//
// Invariants
//   V16. An in-sync set is changed only by the leader that the record names, in the epochs that the record has, and takes in only
//        replicas whose epochs it names rightly and whose hosts are up (R13); others are left out.
//   V17. A move takes nothing away before what it brings is in sync, and never leaves fewer in sync than the minimum (R15).

import { planted } from '../../../runtime/probes/probes.js';
import { assert, present } from '../../../runtime/std/assert.js';
import type { Change } from './change.js';
import type { Elect, Holds, MetadataCommand } from './command.js';
import { candidateFor, holdFor } from './election.js';
import { type Outcome, overtaken } from './outcome.js';
import { PartitionDraft, type PartitionRecord } from './partition-record.js';

type Of<Kind extends MetadataCommand['kind']> = Extract<MetadataCommand, { readonly kind: Kind }>;

/** R13. The answer carries the record as it is afterwards, whether it was accepted or not (R14). */
export function changeInSync(change: Change, command: Of<'change-in-sync'>): Outcome {
  const record = change.store.partitions.get(command.partition);
  const refused: Outcome = { kind: 'in-sync-changed', accepted: false, info: record?.info };
  const taken = record === undefined ? undefined : takenInSync(change, record, command);
  if (record === undefined || taken === undefined) return refused;
  const table = present(change.store.tables.get(record.info.table), 'V2: a partition has a table');
  const draft = new PartitionDraft(record, table.info);
  draft.changeInSync(taken);
  const after = draft.finish(change.index);
  if (after !== undefined) change.putPartition(after);
  // Who was left out waits a while before it is proposed again.
  const accepted = taken.length === command.inSync.length;
  return { kind: 'in-sync-changed', accepted, info: after?.info ?? record.info };
}

/**
 * Who of those proposed is in sync from now on; undefined: it stays as it is. A newcomer that may not join is left out, or one that is unfit for
 * good would keep out all others that are proposed with it; whoever commits waits for all that were proposed (R5), so fewer are as safe.
 */
function takenInSync(
  change: Change,
  { info }: PartitionRecord,
  command: Of<'change-in-sync'>,
): readonly string[] | undefined {
  if (info.leader === undefined || info.leader !== command.leader) return undefined;
  if (info.leaderEpoch !== command.leaderEpoch) return undefined;
  if (info.partitionEpoch !== command.partitionEpoch && !planted('PB05')) return undefined;
  const members = new Map(command.inSync.map((member) => [member.host, member.epoch]));
  if (members.size !== command.inSync.length) return undefined;
  const leader = info.replicas.find((replica) => replica.host === command.leader);
  if (leader?.epoch !== command.leaderReplicaEpoch || members.get(command.leader) !== leader.epoch) return undefined;
  const taken: string[] = [];
  for (const [host, epoch] of members) {
    const replica = info.replicas.find((known) => known.host === host);
    const known = replica !== undefined && (replica.epoch === epoch || planted('PB05')); // R13(5)
    if (info.inSync.includes(host)) {
      if (!known) return undefined;
      taken.push(host);
    } else if (known && replica.incarnation !== 0 && change.store.hosts.get(host)?.state === 'up') taken.push(host); // R13(4)
  }
  const isNews = taken.length !== info.inSync.length || taken.some((host) => !info.inSync.includes(host));
  return isNews || taken.length === members.size ? taken : undefined;
}

export function elect(change: Change, command: Elect): Outcome {
  for (const { partition, partitionEpoch, avoid } of command.partitions) {
    const record = change.store.partitions.get(partition);
    if (record === undefined || record.info.partitionEpoch !== partitionEpoch) continue; // decided on another map
    const draft = change.draft(partition);
    assert(draft !== undefined, 'V1: the partition is there');
    if (draft.leader === undefined) change.elect(draft, command.holds);
    else if (command.cause === 'preferred') preferFirst(change, draft, command.holds, avoid);
    else if (command.cause !== 'leaderless') moveLeader(change, draft, command.holds, avoid);
  }
  return { kind: 'done', result: undefined };
}

/** Back to the first replica, if it is in sync and up. */
function preferFirst(change: Change, draft: PartitionDraft, holds: Holds, avoid: readonly string[]): void {
  const first = draft.replicas[0]?.host;
  if (first === undefined || first === draft.leader || !draft.inSync.includes(first)) return;
  if (avoid.includes(first) || change.store.hosts.get(first)?.state !== 'up') return;
  if (draft.replicaOn(first)?.incarnation === 0) return;
  change.depose(draft, false);
  draft.lead(first, holdFor(draft, holds));
}

/** Away from hosts that are to be avoided; the leader stays when nobody else in sync can lead. */
function moveLeader(change: Change, draft: PartitionDraft, holds: Holds, avoid: readonly string[]): void {
  if (draft.leader === undefined || !avoid.includes(draft.leader)) return;
  const { hosts, drained } = change.store;
  const next = candidateFor(draft, { hosts, drained }, avoid);
  if (next === undefined || !draft.inSync.includes(next)) return;
  change.depose(draft, false);
  draft.lead(next, holdFor(draft, holds));
}

export function startMove(change: Change, command: Of<'start-move'>): Outcome {
  const draft = draftAt(change, command);
  if (draft === undefined || draft.move !== undefined || draft.leader === undefined) return overtaken;
  const { add, remove } = command;
  if (add === undefined) return overtaken;
  if (draft.replicaOn(add) !== undefined || change.store.hosts.get(add)?.state !== 'up') return overtaken;
  if (remove !== undefined && draft.replicaOn(remove) === undefined) return overtaken;
  draft.addReplica(add, change.index);
  draft.move = { add, remove };
  renewHold(draft, []);
  return { kind: 'done', result: undefined };
}

export function finishMove(change: Change, command: Of<'finish-move'>): Outcome {
  const draft = draftAt(change, command);
  if (draft?.move === undefined) return overtaken;
  const { add, remove } = draft.move;
  if (add !== undefined && !draft.inSync.includes(add)) return overtaken; // V17
  if (remove !== undefined && !mayRemove(draft, remove)) return overtaken;
  draft.move = undefined;
  if (remove !== undefined) takeAway(change, draft, remove, command.holds);
  return { kind: 'done', result: undefined };
}

/** Gives up a move whose target will not come in sync. */
export function cancelMove(change: Change, command: Of<'cancel-move'>): Outcome {
  const draft = draftAt(change, command);
  if (draft?.move === undefined) return overtaken;
  const { add } = draft.move;
  if (add !== undefined && (draft.inSync.includes(add) || draft.eligible.includes(add))) return overtaken; // it holds data that counts
  draft.move = undefined;
  if (add !== undefined && draft.replicaOn(add) !== undefined) takeAway(change, draft, add, []);
  return { kind: 'done', result: undefined };
}

function takeAway(change: Change, draft: PartitionDraft, host: string, holds: Holds): void {
  if (draft.leader === host) change.depose(draft, false);
  draft.removeReplica(host);
  if (draft.leader === undefined) change.elect(draft, holds);
  else renewHold(draft, holds);
}

/** V17: with it gone there are still enough. */
function mayRemove(draft: PartitionDraft, host: string): boolean {
  const rest = draft.inSync.filter((member) => member !== host);
  return rest.length >= draft.table.minInSync;
}

/** The leader keeps leading in a new epoch; whoever was deposed before it may still hold a lease (L5). */
function renewHold(draft: PartitionDraft, holds: Holds): void {
  draft.holdMs = holdFor(draft, holds);
}

function draftAt(
  change: Change,
  command: { readonly partition: number; readonly partitionEpoch: number },
): PartitionDraft | undefined {
  const record = change.store.partitions.get(command.partition);
  return record?.info.partitionEpoch === command.partitionEpoch ? change.draft(command.partition) : undefined;
}

/** L5. Nothing that anybody sees changes, so the map keeps its revision. */
export function settleDeposed(change: Change, through: number): Outcome {
  for (const [id, record] of change.store.partitions) {
    const deposed = record.deposed.filter((old) => old.revision > through);
    if (deposed.length < record.deposed.length) change.store.partitions.set(id, { ...record, deposed });
  }
  return { kind: 'done', result: undefined };
}

/** L5: the hold ends early. The leader takes it from the newer record of the same leader epoch. */
export function releaseHold(change: Change, command: Of<'release-hold'>): Outcome {
  for (const { partition, leaderEpoch } of command.partitions) {
    if (change.store.partitions.get(partition)?.info.leaderEpoch !== leaderEpoch) continue;
    const draft = change.draft(partition);
    if (draft === undefined) continue;
    draft.holdMs = 0;
    draft.deposed = [];
  }
  return { kind: 'done', result: undefined };
}
