// Snapshots under way: at most one being received and one being written
// =============================================================================
//
// Invariants
//   K1. Chunks of two transfers never mix: a transfer is (leader, term, snapshot), and its chunks are taken in order (M11).
//   K2. A snapshot is switched on only after every chunk was accepted and the rebase record at its replay start is durable.
//   K3. At most one snapshot is being written. A received one waits until our own is stored.

import { assert } from '../../../runtime/std/assert.js';
import type { LogPosition, MemberId, Membership } from '../../../messaging/protocol/raft-entry.js';
import type { RaftSnapshot } from '../../../messaging/protocol/raft-messages.js';

export interface IncomingSnapshot {
  readonly from: MemberId;
  readonly term: number;
  readonly snapshot: number;
  readonly last: LogPosition;
  readonly membership: Membership;
  readonly count: number;
  readonly chunks: Uint8Array[];
  bytes: number;
}

export interface SnapshotBeingWritten {
  readonly snapshot: number;
  readonly last: LogPosition;
  /** Present when it came from a leader: what the state machine and the log become. */
  readonly received: IncomingSnapshot | undefined;
  readonly rebaseToken: number;
  /** All chunks were accepted. */
  written: boolean;
  /** `commit-snapshot` was put out. */
  switching: boolean;
}

/** Whether the chunk is of that transfer. (K1) */
export function isOf(incoming: IncomingSnapshot, message: RaftSnapshot): boolean {
  return incoming.from === message.from && incoming.term === message.term && incoming.snapshot === message.snapshot;
}

export class SnapshotWork {
  #incoming: IncomingSnapshot | undefined;
  #writing: SnapshotBeingWritten | undefined;

  get incoming(): IncomingSnapshot | undefined {
    return this.#incoming;
  }

  get writing(): SnapshotBeingWritten | undefined {
    return this.#writing;
  }

  /** A received snapshot is being stored: the log is about to be replaced. */
  get isInstalling(): boolean {
    return this.#writing?.received !== undefined;
  }

  /** Takes a chunk when it is the next of its transfer, and gives the transfer it belongs to; undefined for one that is not ours to continue. */
  take(message: RaftSnapshot, bytesMax: number): IncomingSnapshot | undefined {
    let incoming = this.#incoming;
    if (incoming === undefined || !isOf(incoming, message)) {
      if (message.number !== 0) return undefined;
      const { from, term, snapshot, last, membership, count } = message;
      incoming = { from, term, snapshot, last, membership, count, chunks: [], bytes: 0 };
      this.#incoming = incoming;
    }
    if (message.number === incoming.chunks.length && incoming.bytes + message.bytes.length <= bytesMax) {
      incoming.chunks.push(message.bytes);
      incoming.bytes += message.bytes.length;
    }
    return incoming;
  }

  dropIncoming(): void {
    this.#incoming = undefined;
  }

  beginWriting(writing: SnapshotBeingWritten): void {
    assert(this.#writing === undefined, 'K3: one snapshot is written at a time');
    this.#writing = writing;
  }

  finishWriting(snapshot: number): SnapshotBeingWritten {
    const writing = this.#writing;
    assert(writing !== undefined && writing.snapshot === snapshot, 'K3: the snapshot stored is the one being written');
    assert(writing.switching, 'K2: nothing is switched on before its time');
    this.#writing = undefined;
    return writing;
  }
}
