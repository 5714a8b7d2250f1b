// From snapshot and records back to a peer
// =============================================================================
//
// Invariants
//   Y1. What is recovered is what the peer had made durable, or more; never an entry that a later durable record took back.
//   Y2. A rebase adds what is missing and takes nothing away: a crash between its parts, or before its snapshot was switched on, loses nothing.
//   Y3. A log record whose base is not there cannot be: it is a defect, not a state to go on from.

import { assert } from '../../../runtime/std/assert.js';
import type { LogPosition, MemberId, RaftEntry } from '../../../messaging/protocol/raft-entry.js';
import { RaftLog } from './log.js';
import { noMembership } from './membership.js';
import { decodeRecord, decodeSnapshotMeta, type LogRecord } from './record.js';

export interface RecoveredRaft {
  readonly term: number;
  readonly vote: MemberId | undefined;
  readonly log: RaftLog;
  /** The index of the snapshot that the state machine was restored from; 0 without one. */
  readonly snapshotIndex: number;
}

export class RaftRecovery {
  #term = 0;
  #vote: MemberId | undefined;
  #log: RaftLog | undefined;
  #snapshotIndex = 0;

  /** The meta bytes of the snapshot, first. @throws DecodeError */
  snapshot(meta: Uint8Array): void {
    assert(this.#log === undefined, 'M11: the snapshot comes before the records');
    const { last, membership } = decodeSnapshotMeta(meta);
    this.#log = new RaftLog(last, membership);
    this.#term = last.term;
    this.#snapshotIndex = last.index;
  }

  /** One journal record, in the order written. @throws DecodeError */
  record(payload: Uint8Array): void {
    const record = decodeRecord(payload);
    if (record.kind === 'bootstrap') {
      // Behind a snapshot's replay start there is none: the snapshot has the membership.
      assert(this.#log === undefined, 'M8: a group is founded once');
      this.#log = new RaftLog(foundation, record.membership);
      return;
    }
    this.#log ??= new RaftLog(foundation, noMembership);
    assert(record.term >= this.#term, 'M1: a durable term never falls');
    assert(
      record.term > this.#term || this.#vote === undefined || this.#vote === record.vote,
      'M1: one vote in a term, for ever',
    );
    this.#term = record.term;
    this.#vote = record.vote;
    if (record.kind === 'log') this.#replace(this.#log, record);
    else if (record.kind === 'rebase') this.#ensure(this.#log, record);
  }

  /** Undefined when nothing was there. */
  finish(): RecoveredRaft | undefined {
    const log = this.#log;
    if (log === undefined) return undefined;
    return { term: this.#term, vote: this.#vote, log, snapshotIndex: this.#snapshotIndex };
  }

  #replace(log: RaftLog, record: LogRecord): void {
    assert(log.has(record.base), 'Y3: a record continues the log before it');
    log.truncateAfter(record.base.index);
    for (const entry of record.entries) log.append(entry);
  }

  #ensure(log: RaftLog, record: LogRecord): void {
    if (!log.has(record.base)) return; // Y2: of a snapshot that was never switched on
    for (const entry of record.entries) ensureEntry(log, entry);
  }
}

const foundation: LogPosition = { index: 0, term: 0 };

function ensureEntry(log: RaftLog, entry: RaftEntry): void {
  const term = log.termAt(entry.index);
  if (term === undefined) log.append(entry);
  else assert(term === entry.term, 'Y2: a rebase repeats the log');
}
