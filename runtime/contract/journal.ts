// The write-ahead log of a worker, as the loop sees it
// =============================================================================
//
// One journal serves all actors of a worker: each durable actor has a stream in it, named like the actor. Appends of
// a run of turns are written together and synced once (group commit). A stream also has a snapshot: state up to some
// point, so that only what came after need be replayed.
//
// Owns: order, durability, recovery, trimming. Knows nothing of what the records mean.

/** What a start found of a stream (CORRECTNESS R17, D7). */
export interface RecoveryReport {
  /**
   * `fresh`    the stream is new.
   * `clean`    everything that was ever reported durable is there.
   * `torn`     the journal's unsynced tail was damaged and cut; what had been reported durable *before* is there, but bit rot of
   *            the last synced batch would look the same (D8).
   * `corrupt`  something that had been durable is unreadable: the old files are quarantined and the stream starts empty (D9).
   */
  readonly end: 'fresh' | 'clean' | 'torn' | 'corrupt';
  /** The last process closed the journal in order. */
  readonly cleanShutdown: boolean;
  /** The machine has not been rebooted since the journal was last written. */
  readonly sameBoot: boolean;
  readonly recordCount: number;
}

export interface JournalRecord {
  /** Position in the journal, shared by all streams, rising by one a record. */
  readonly lsn: number;
  /** Meaning is the actor's, 0–127. */
  readonly type: number;
  /** Owned by the receiver. */
  readonly payload: Uint8Array;
}

/** A stream found on disk: who owned it, so that the world can bring that actor back. */
export interface RecoveredStream {
  readonly name: string;
  readonly kind: string;
  readonly args: Uint8Array;
  readonly report: RecoveryReport;
}

export interface StreamConsumer {
  /** Called once, first, when there is a snapshot. */
  snapshot(meta: Uint8Array): void;
  /** The snapshot's chunks, in the order written; each is owned by the receiver. */
  snapshotChunk(chunk: Uint8Array): void;
  /** Records with lsn ≥ the snapshot's `replayFromLsn`, in order. */
  record(record: JournalRecord): void;
}

export interface SnapshotWriter {
  /** Gives up `chunk`. `accepted` is called when the writer is ready for the next: one chunk in flight at a time. */
  append(chunk: Uint8Array, accepted: () => void): void;
  /** Switches snapshot and replay start together, durably (M11, D12). */
  commit(durable: () => void): void;
  abort(): void;
}

export interface Journal {
  /** The lsn that the next append gets. */
  readonly nextLsn: number;
  /** Everything below is on disk. */
  readonly durableLsn: number;
  /** Opens a stream durably with the next flush. REQUIRES that no stream of that name is open. */
  openStream(name: string, kind: string, args: Uint8Array): void;
  /** Forgets the stream and its snapshots. */
  closeStream(name: string): void;
  /** Buffers a record until `flush`; the bytes are copied. Gives its lsn. */
  append(stream: string, type: number, payload: Uint8Array): number;
  /** Starts writing and syncing what is buffered, unless a sync is under way: then it follows by itself. */
  flush(): void;
  /** Calls back when nothing is buffered or under way. */
  whenIdle(idle: () => void): void;
  /** Reads a stream back, blocking. REQUIRES an idle journal. */
  replay(stream: string, consumer: StreamConsumer): RecoveryReport;
  /**
   * @param replaces the state comes from elsewhere: what the stream held before does not lead to it, so with this snapshot everything older goes, and
   *   nothing is fallen back to when it cannot be read (D12).
   */
  beginSnapshot(stream: string, replayFromLsn: number, meta: Uint8Array, replaces?: boolean): SnapshotWriter;
  /** Flushes, writes the clean-shutdown marker and closes. */
  close(done: () => void): void;
}

/**
 * `enough`  the next segment is there.
 * `short`   the disk has no room for another segment: what can be refused should be, the rest still fits.
 * `full`    what is left of this segment is for what cannot be refused.
 */
export type SpaceLevel = 'enough' | 'short' | 'full';

export interface JournalListener {
  durable(lsnEnd: number): void;
  /** The journal is long and this stream holds its oldest records: a snapshot would let it be trimmed. */
  pressure(stream: string): void;
  /** Told when it changes; `enough` at first. (D14) */
  space?(level: SpaceLevel): void;
  /** A write or sync failed: nothing more will become durable (D11). The host must stop. */
  fatal(error: Error): void;
}
