// Sending the log to one member, and hearing how far it got
// =============================================================================
//
// Invariants
//   M3. An append names the entry before it, and is built from consecutive entries of our log.
//   M15. Nothing is sent past the window of a member; what was lost is found out by the next heartbeat's answer.
//
// Sources: Ongaro's dissertation 3.5, 10.2.1; etcd-io/raft `maybeSendAppend`, `stepLeader`.

import { buggify, sometimes } from '../../../runtime/probes/probes.js';
import { assert } from '../../../runtime/std/assert.js';
import { type MemberId, type RaftEntry, raftEntryCountMax } from '../../../messaging/protocol/raft-entry.js';
import type { RaftAccepted, RaftRefused, RaftSnapshotReply } from '../../../messaging/protocol/raft-messages.js';
import { entryCost } from './office.js';
import { type Flow, type OutgoingSnapshot, type Progress, Window } from './progress.js';
import type { RaftState } from './state.js';

/** Sends what `member` may be sent now. `snapshot` is what may be given to one that is too far behind. */
export function sendNext(
  state: RaftState,
  member: MemberId,
  progress: Progress,
  snapshot: OutgoingSnapshot | undefined,
): void {
  if (progress.flow.kind !== 'snapshot' && state.log.termAt(progress.next - 1) === undefined)
    progress.becomeSnapshot(undefined);
  const { flow } = progress;
  switch (flow.kind) {
    case 'probe':
      if (flow.waiting) return;
      sendAppend(state, member, progress);
      flow.waiting = true; // F3
      return;
    case 'replicate':
      while (progress.next <= state.log.lastIndex && !flow.window.isFull) {
        const entries = sendAppend(state, member, progress);
        flow.window.add(progress.next - 1, bytesOf(entries)); // M15
      }
      if (buggify('metadata/commit-news-later')) return; // with the next heartbeat
      if (progress.commitTold < state.commitIndex && !flow.window.isFull) sendAppend(state, member, progress);
      return;
    case 'snapshot':
      flow.snapshot ??= snapshot;
      sendChunk(state, member, flow);
      return;
  }
}

/** Sends the entries from `next` on, or none, and moves `next` behind them when they are pipelined. */
function sendAppend(state: RaftState, member: MemberId, progress: Progress): readonly RaftEntry[] {
  const index = progress.next - 1;
  const term = state.log.termAt(index);
  assert(term !== undefined, 'M3: the entry before an append is in the log');
  const countMax = buggify('metadata/append-one-entry') ? 1 : raftEntryCountMax;
  const entries = state.log.slice(index, index + countMax, state.options.appendBytesMax);
  progress.commitTold = state.commitIndex;
  state.send(member, { kind: 'raft-append', previous: { index, term }, commit: state.commitIndex, entries });
  if (progress.flow.kind === 'replicate') progress.sentThrough(index + entries.length);
  return entries;
}

function bytesOf(entries: readonly RaftEntry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryCost(entry.bytes);
  return bytes;
}

function sendChunk(state: RaftState, member: MemberId, flow: Extract<Flow, { kind: 'snapshot' }>): void {
  const { snapshot } = flow;
  if (snapshot === undefined || flow.waiting) return;
  const count = snapshot.chunks.length;
  // All are there and being stored. But the news that they are may have been lost: repeat the last one, as a question.
  if (flow.next >= count && !flow.mayGoBack) return;
  const number = Math.min(flow.next, count - 1);
  const bytes = snapshot.chunks[number];
  assert(bytes !== undefined, 'M11: the chunk wanted is of the snapshot');
  flow.waiting = true; // F3
  state.send(member, {
    kind: 'raft-snapshot',
    snapshot: snapshot.snapshot,
    last: snapshot.last,
    membership: snapshot.membership,
    number,
    count,
    bytes,
  });
}

export function accepted(state: RaftState, progress: Progress, message: RaftAccepted): void {
  assert(message.match <= state.log.lastIndex, 'M2: nobody holds more of this term than its leader');
  const news = message.match > progress.match;
  progress.advanceMatchTo(message.match);
  const { flow } = progress;
  if (flow.kind === 'snapshot') {
    if (!news) return;
    // Installed, or caught up otherwise; when our log does not reach it even so, it needs a newer snapshot.
    if (progress.match >= state.log.base.index) progress.becomeProbe(progress.match + 1);
    else if (progress.match >= (flow.snapshot?.last.index ?? Infinity)) progress.becomeSnapshot(undefined);
    return;
  }
  // The answer to a probe that carried nothing new still shows where the logs meet.
  if (flow.kind === 'probe' && (news || message.match === progress.match))
    progress.becomeReplicate(
      new Window(buggify('metadata/window-of-one') ? { ...state.options, inFlightCountMax: 1 } : state.options),
    );
}

export function refused(state: RaftState, progress: Progress, message: RaftRefused): void {
  const { flow } = progress;
  if (flow.kind === 'snapshot' || message.previous <= progress.match) return; // late
  if (flow.kind === 'probe' && message.previous !== progress.next - 1) return; // late
  sometimes('metadata/append-refused');
  const { index, term } = message.conflict;
  // Past our last entry of its term (or of an earlier one) the logs cannot agree; neither before its own first of that term, if we have none.
  const ours = state.log.lastIndexAtOrBelowTerm(term, message.previous);
  const next = term > 0 && state.log.termAt(ours) === term ? ours + 1 : index;
  progress.becomeProbe(Math.max(1, Math.min(next, message.previous)));
}

/** The member lives: what seemed to be on its way may have been lost, so ask again (F3). */
export function probeAgain(state: RaftState, member: MemberId, progress: Progress): void {
  const { flow } = progress;
  if (flow.kind === 'replicate') {
    // An empty append behind what was sent: refused when something before it is missing.
    if (progress.match < progress.next - 1) sendAppendMark(state, member, progress);
  } else {
    flow.waiting = false;
    if (flow.kind === 'snapshot') flow.mayGoBack = true;
  }
}

function sendAppendMark(state: RaftState, member: MemberId, progress: Progress): void {
  const index = progress.next - 1;
  const term = state.log.termAt(index);
  if (term === undefined) return;
  progress.commitTold = state.commitIndex;
  state.send(member, { kind: 'raft-append', previous: { index, term }, commit: state.commitIndex, entries: [] });
}

export function chunkAnswered(progress: Progress, message: RaftSnapshotReply): void {
  const { flow } = progress;
  if (flow.kind !== 'snapshot' || flow.snapshot?.snapshot !== message.snapshot) return; // M11: of another transfer
  // An answer that brings nothing new is a repeated one: to answer it with another chunk would double the traffic of a network that
  // repeats, at every step. A receiver that really lost what it had says so again after a heartbeat.
  if (message.next <= flow.next && !(flow.mayGoBack && message.next < flow.next)) return;
  flow.next = Math.min(message.next, flow.snapshot.chunks.length);
  flow.waiting = false;
  flow.mayGoBack = false;
}
