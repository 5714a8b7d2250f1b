// Writing the state to disk, so that restart time does not grow with history
// =============================================================================
//
// A snapshot is begun when the log since the last one is long, or the journal asks. It is written chunk by chunk between other turns; when it
// is durable, recovery starts from it, the journal may drop what it covers, and the log keeps only a tail for followers.
//
// Invariants
//   N1. One snapshot at a time, of one offset.
//   N2. The log is trimmed only below a durable snapshot, and never below what an in-sync follower still needs while that is within
//       `lagBytesKept` (D13).

import type { PartitionContext } from './partition-message.js';
import { encodeMeta } from './record.js';
import type { ReplicaCore } from './replica-core.js';
import type { StateReader } from './state.js';
import { buggify } from '../../runtime/probes/probes.js';

export class LocalSnapshot {
  readonly #core: ReplicaCore;
  #reader: StateReader | undefined;
  /** The last chunk is written; the switch is on its way to the disk and cannot be called back. */
  #committing = false;
  #offset = 0;
  #bytesThrough = 0;

  constructor(core: ReplicaCore) {
    this.#core = core;
  }

  get isRunning(): boolean {
    return this.#reader !== undefined || this.#committing;
  }

  /** Begins one if it is due. */
  maybeBegin(context: PartitionContext): void {
    const { log, snapshotBytesThrough, state, limits } = this.#core;
    const grown = log.bytesThrough - snapshotBytesThrough;
    const isDue = grown > Math.max(limits.snapshotBytesMin, state.byteCount) * this.#patience();
    if (isDue || (grown > 0 && buggify('partition/snapshot-now'))) this.begin(context);
  }

  /** Replicas have one log: without this they would all write at the same moment, and their clients wait for all. The first is due first, the next after a quarter more. */
  #patience(): number {
    const { placement, self } = this.#core;
    const place = placement?.partition.replicas.findIndex(({ host }) => host === self.host) ?? 0;
    return 1 + Math.max(0, place) / 4;
  }

  begin(context: PartitionContext): void {
    const core = this.#core;
    if (this.isRunning || core.highWatermark <= core.snapshotEnd) return; // N1
    const meta = encodeMeta(core.state.meta(core.lineage, core.highWatermark, core.timeMs, core.log.epochs.entries()));
    this.#reader = core.state.beginRead();
    if (this.#reader === undefined) return;
    this.#offset = core.highWatermark;
    this.#bytesThrough = core.log.bytesThrough - core.log.bytesFrom(core.highWatermark);
    const firstKept = core.log.entryAt(core.highWatermark);
    context.snapshots.begin(firstKept?.lsn ?? context.journal.nextLsn, meta);
    this.onAccepted(context);
  }

  onAccepted(context: PartitionContext): void {
    if (this.#reader === undefined) return;
    const chunk = this.#reader.next(this.#core.limits.chunkBytesMax);
    if (chunk !== undefined) {
      context.snapshots.append(chunk, { kind: 'snapshot-accepted' });
      return;
    }
    this.#reader.release();
    this.#reader = undefined;
    this.#committing = true;
    context.snapshots.commit({ kind: 'snapshot-durable', offset: this.#offset });
  }

  onDurable(offset: number, context: PartitionContext): void {
    const core = this.#core;
    this.#committing = false;
    core.snapshotEnd = offset;
    core.snapshotBytesThrough = this.#bytesThrough;
    const { logBytesKept, lagBytesKept = logBytesKept } = core.limits;
    core.log.trim(offset, buggify('partition/keep-no-log') ? 0 : lagBytesKept); // N2
    context.emit({
      kind: 'snapshot-written',
      level: 'debug',
      partition: core.partition,
      offset,
      items: core.state.itemCount,
    });
  }

  /** A snapshot from the leader is about to take the place of what this one is of. @returns false when it is too late to stop. */
  abort(context: PartitionContext): boolean {
    if (this.#committing) return false;
    if (this.#reader === undefined) return true;
    this.#reader.release();
    this.#reader = undefined;
    context.snapshots.abort();
    return true;
  }
}
