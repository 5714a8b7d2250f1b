// Following a leader
// =============================================================================
//
// Invariants
//   M3. An entry is appended only after the one that precedes it in the leader's log; equal (index, term) means equal logs up to there.
//   M5. Only what conflicts is truncated, and nothing committed ever is.
//
// Sources: Ongaro's dissertation 3.5 and 3.8 (a late append must not truncate what a later one brought).

import { buggify, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import type { LogPosition } from '../../../messaging/protocol/raft-entry.js';
import type { RaftAppend, RaftHeartbeat } from '../../../messaging/protocol/raft-messages.js';
import type { RaftState } from './state.js';

/** REQUIRES that the sender was recognized as the leader of our term. */
export function onAppend(state: RaftState, message: RaftAppend): void {
  if (state.snapshotWork.isInstalling) return sometimes('metadata/append-during-install'); // the log is about to be replaced; the leader asks again
  if (buggify('metadata/miss-append')) return;
  const { previous, entries } = message;
  if (previous.index < state.commitIndex) {
    // What is committed is the leader's too (M4): say how far we are rather than look for entries that may be compacted.
    state.sendWhenDurable(message.from, { kind: 'raft-accepted', match: state.commitIndex });
    return;
  }
  if (!state.log.has(previous)) {
    const conflict = conflictAt(state, previous);
    state.sendWhenDurable(message.from, { kind: 'raft-refused', previous: previous.index, conflict });
    return;
  }
  for (const entry of entries) {
    const term = state.log.termAt(entry.index);
    if (term === entry.term) continue;
    if (term !== undefined) {
      assert(entry.index > state.commitIndex, 'M4: a leader has every committed entry');
      state.truncateAfter(entry.index - 1); // M5
    }
    state.appendEntry(entry); // M3
  }
  const match = previous.index + entries.length;
  state.advanceCommitTo(Math.min(message.commit, match));
  state.sendWhenDurable(message.from, { kind: 'raft-accepted', match });
  if (buggify('metadata/accept-twice')) state.sendWhenDurable(message.from, { kind: 'raft-accepted', match });
}

/** Where our log may differ, in terms of terms: one refusal for each, not one for each entry. */
function conflictAt(state: RaftState, previous: LogPosition): LogPosition {
  const term = state.log.termAt(previous.index);
  if (term === undefined) return { index: state.log.lastIndex + 1, term: 0 };
  return { index: state.log.firstIndexOfTermAt(previous.index), term };
}

/** REQUIRES that the sender was recognized as the leader of our term. */
export function onHeartbeat(state: RaftState, message: RaftHeartbeat): void {
  if (!state.snapshotWork.isInstalling) {
    assert(message.commit <= state.log.lastIndex, 'M6: a leader counts only what is durable here');
    state.advanceCommitTo(message.commit);
  }
  state.sendWhenTermDurable(message.from, { kind: 'raft-heartbeat-reply', round: message.round });
}
