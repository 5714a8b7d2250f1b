// Snapshots: taking our own, receiving the leader's
// =============================================================================
//
// Invariants
//   M11. A snapshot at or below commitIndex is ignored. When the log holds (index, term) of a received one its suffix stays, else all of the
//        log goes. Snapshot and log start are switched on together, by the world's commit; the log is trimmed only after.
//
// Sources: Ongaro's dissertation 5.1–5.3, figure 5.3; hashicorp/raft issue 697 (the entry at the snapshot's index may conflict).

import { planted, sometimes } from '../../../runtime/probes/probes.js';
import { assert, present } from '../../../runtime/std/assert.js';
import type { LogPosition } from '../../../messaging/protocol/raft-entry.js';
import type { RaftSnapshot } from '../../../messaging/protocol/raft-messages.js';
import { RaftLog } from './log.js';
import { encodeSnapshotMeta } from './record.js';
import { type IncomingSnapshot, isOf } from './snapshot-work.js';
import type { RaftState } from './state.js';

/** Begins a snapshot of the state machine as it is. False when one is under way, or nothing was applied since the last. */
export function takeSnapshot(state: RaftState): boolean {
  if (state.snapshotWork.writing !== undefined) return false;
  const index = state.appliedIndex;
  if (index <= state.snapshotIndex) return false;
  const term = present(state.log.termAt(index), 'M11: what was applied is in the log');
  const last = { index, term };
  state.save();
  const snapshot = state.nextSnapshot();
  const meta = encodeSnapshotMeta({ last, membership: state.log.membershipAt(index) });
  state.put({ kind: 'begin-snapshot', snapshot, meta, chunks: undefined });
  const rebaseToken = state.saveEntries('rebase', index);
  state.snapshotWork.beginWriting({
    snapshot,
    last,
    received: undefined,
    rebaseToken,
    written: false,
    switching: false,
  });
  return true;
}

/** REQUIRES that the sender was recognized as the leader of our term. */
export function onSnapshot(state: RaftState, message: RaftSnapshot): void {
  const { snapshotWork } = state;
  if (message.last.index <= state.commitIndex && !planted('PB25')) {
    sometimes('metadata/old-snapshot-ignored');
    state.sendWhenDurable(message.from, { kind: 'raft-accepted', match: state.commitIndex }); // M11: nothing new
    return;
  }
  const stored = snapshotWork.writing?.received;
  const incoming =
    stored !== undefined && isOf(stored, message) ? stored : snapshotWork.take(message, state.options.snapshotBytesMax);
  const next = incoming?.chunks.length ?? 0;
  state.sendWhenTermDurable(message.from, { kind: 'raft-snapshot-reply', snapshot: message.snapshot, next });
  maybeInstall(state);
}

/** Begins to store a received snapshot once it is whole, and our own writing is over. */
function maybeInstall(state: RaftState): void {
  const { snapshotWork } = state;
  const { incoming } = snapshotWork;
  if (incoming !== undefined && incoming.chunks.length === incoming.count && snapshotWork.writing !== undefined)
    sometimes('metadata/install-waited-for-own-snapshot');
  if (incoming === undefined || incoming.chunks.length < incoming.count || snapshotWork.writing !== undefined) return;
  snapshotWork.dropIncoming();
  if (state.role.kind !== 'follower') return; // whoever campaigned since goes on with its own log
  const { last, membership, chunks } = incoming;
  if (last.index <= state.commitIndex && !planted('PB25')) return; // M11: overtaken by appends
  state.save();
  const snapshot = state.nextSnapshot();
  state.put({ kind: 'begin-snapshot', snapshot, meta: encodeSnapshotMeta({ last, membership }), chunks });
  const rebaseToken = keepsSuffix(state, last) ? state.saveEntries('rebase', last.index) : state.saveRebaseOnto(last); // nothing of our log stays
  snapshotWork.beginWriting({
    snapshot,
    last,
    received: incoming,
    rebaseToken,
    written: false,
    switching: false,
  });
}

/** All chunks of `snapshot` were accepted. */
export function snapshotWritten(state: RaftState, snapshot: number): void {
  const { writing } = state.snapshotWork;
  assert(writing !== undefined && writing.snapshot === snapshot, 'K3: the snapshot written is the one begun');
  writing.written = true;
  maybeSwitch(state);
}

/** Switches a snapshot on once all it needs is durable (K2). */
export function maybeSwitch(state: RaftState): void {
  const { writing } = state.snapshotWork;
  if (writing === undefined || !writing.written || writing.switching) return;
  if (state.durability.persistedToken < writing.rebaseToken) return;
  writing.switching = true;
  state.put({ kind: 'commit-snapshot', snapshot: writing.snapshot });
}

/** `snapshot` is what a restart would begin from. `keepFrom`: entries from there on stay in memory for others. */
export function snapshotStored(state: RaftState, snapshot: number, keepFrom: number): void {
  const { last, received } = state.snapshotWork.finishWriting(snapshot);
  if (received === undefined) {
    state.compacted(last.index, keepFrom);
    maybeInstall(state);
  } else {
    install(state, received);
  }
}

/** What we have behind a received snapshot follows it, also in the leader's log. (M11) */
function keepsSuffix(state: RaftState, last: LogPosition): boolean {
  return planted('PB24') ? state.log.termAt(last.index) !== undefined : state.log.has(last);
}

function install(state: RaftState, received: IncomingSnapshot): void {
  const { last, membership, chunks } = received;
  sometimes('metadata/snapshot-installed');
  if (keepsSuffix(state, last)) {
    sometimes('metadata/snapshot-installed-under-own-suffix');
    state.log.compactTo(last.index); // the suffix stays
    state.restored(state.log, last.index);
  } else {
    state.restored(new RaftLog(last, membership), last.index); // an entry at last.index that conflicts goes with the rest
  }
  state.put({ kind: 'restore-state', index: last.index, term: last.term, chunks });
  const { leader } = state;
  if (leader !== undefined && leader !== state.id)
    state.sendWhenDurable(leader, { kind: 'raft-accepted', match: last.index });
}
